"""The library: what people made or uploaded. Files are inspected and kept here, and assets point to them.

`generation` comes in to keep results, to read inputs and to trash what it made; wiring opens the `Keeper`; `app`
mounts `router` and `storage_router`. The library knows nobody above it: a generation is only an id on an asset.
"""

from vermilion.library.api import router
from vermilion.library.commands import (
    add_asset,
    add_upload,
    change_asset,
    note_small_thumbnail,
    purge_deleted,
    trash_asset,
    trash_assets_of_generation,
)
from vermilion.library.inspection.media import Kind, Marks, Unreadable
from vermilion.library.keeper import Keeper, KeptFile
from vermilion.library.links import check_link, signed_link
from vermilion.library.places import (
    FileMoveView,
    Mover,
    PlaceKind,
    StorageDraft,
    StorageHouse,
    StoragePlaceView,
    StorageView,
    is_wanted,
)
from vermilion.library.places import begin_move as begin_moving_files
from vermilion.library.places import choose as choose_storage
from vermilion.library.places import router as storage_router
from vermilion.library.places import storage_of as storage_settings
from vermilion.library.places import try_out as try_storage
from vermilion.library.purging import purge_files
from vermilion.library.queries import (
    Wanted,
    assets_of,
    assets_of_generations,
    favourite_generations,
    list_assets,
    numbered_assets,
    require_asset,
    stored_by_kind,
    stored_bytes,
    usable_inputs,
)
from vermilion.library.receiving import ReceivingHouse, receive_from_address, receive_pieces, receive_text
from vermilion.library.tables import AssetRow
from vermilion.library.views import AssetPage, AssetView, asset_view

__all__ = [
    "AssetPage",
    "AssetRow",
    "AssetView",
    "FileMoveView",
    "Keeper",
    "KeptFile",
    "Kind",
    "Marks",
    "Mover",
    "PlaceKind",
    "ReceivingHouse",
    "StorageDraft",
    "StorageHouse",
    "StoragePlaceView",
    "StorageView",
    "Unreadable",
    "Wanted",
    "add_asset",
    "add_upload",
    "asset_view",
    "assets_of",
    "assets_of_generations",
    "begin_moving_files",
    "change_asset",
    "check_link",
    "choose_storage",
    "favourite_generations",
    "is_wanted",
    "list_assets",
    "note_small_thumbnail",
    "numbered_assets",
    "purge_deleted",
    "purge_files",
    "receive_from_address",
    "receive_pieces",
    "receive_text",
    "require_asset",
    "router",
    "signed_link",
    "storage_router",
    "storage_settings",
    "stored_by_kind",
    "stored_bytes",
    "trash_asset",
    "trash_assets_of_generation",
    "try_storage",
    "usable_inputs",
]
