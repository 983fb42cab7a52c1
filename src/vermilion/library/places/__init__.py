"""Where files lie, as an admin sees and changes it: settings, the connection test, moving files.

`library` gives out what others need of it.
"""

from vermilion.library.places.api import StorageHouse, begin_move, choose, router, storage_of, try_out
from vermilion.library.places.drafts import PlaceKind, StorageDraft
from vermilion.library.places.mover import Mover
from vermilion.library.places.moves import is_wanted
from vermilion.library.places.views import FileMoveView, StoragePlaceView, StorageView

__all__ = [
    "FileMoveView",
    "Mover",
    "PlaceKind",
    "StorageDraft",
    "StorageHouse",
    "StoragePlaceView",
    "StorageView",
    "begin_move",
    "choose",
    "is_wanted",
    "router",
    "storage_of",
    "try_out",
]
