"""Storage: bytes under keys, behind one small port. Today a local folder; clouds come in by the same port.

`library` comes in to keep and serve files, wiring to open it. Nobody else needs to know where bytes lie.
"""

from vermilion.storage.errors import FileMissing, StorageFailed
from vermilion.storage.keys import content_key
from vermilion.storage.local import LocalStorage
from vermilion.storage.port import Storage

__all__ = ["FileMissing", "LocalStorage", "Storage", "StorageFailed", "content_key"]
