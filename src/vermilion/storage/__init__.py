"""Storage: bytes under keys, behind one small port: a local folder, and clouds through obstore.

`library` comes in to keep, serve and move files and to change where they lie, wiring to open it. Nobody else needs to
know where bytes lie.
"""

from vermilion.storage.checking import require_reachable_host
from vermilion.storage.cloud import CloudStorage, open_cloud
from vermilion.storage.clouds import secrets_of
from vermilion.storage.errors import FileMissing, Reason, StorageFailed
from vermilion.storage.keys import content_key
from vermilion.storage.kinds import KINDS, Address, KindName
from vermilion.storage.local import LocalStorage
from vermilion.storage.places import Places
from vermilion.storage.placing import PLACES_TOPIC, held_by_place, holds_files, leave_clouds, list_places, where_lie
from vermilion.storage.port import Storage
from vermilion.storage.tables import FOLDER, PlacedFileRow, PlaceRow

__all__ = [
    "FOLDER",
    "KINDS",
    "PLACES_TOPIC",
    "Address",
    "CloudStorage",
    "FileMissing",
    "KindName",
    "LocalStorage",
    "PlaceRow",
    "PlacedFileRow",
    "Places",
    "Reason",
    "Storage",
    "StorageFailed",
    "content_key",
    "held_by_place",
    "holds_files",
    "leave_clouds",
    "list_places",
    "open_cloud",
    "require_reachable_host",
    "secrets_of",
    "where_lie",
]
