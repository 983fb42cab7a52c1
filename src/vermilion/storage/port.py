"""The port: what the house asks of a place that keeps bytes."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Protocol

from vermilion.storage.errors import FileMissing


class Storage(Protocol):
    """Bytes under content keys (`sha256/ab/cd/<hash>`). Every method may raise `StorageFailed`.

    A malformed key is a programming error: ValueError.
    """

    async def put(self, spool: Path, key: str) -> None:
        """Keep the spool file under its key, durably, after checking that its content is what the key says.

        When this returns the spool file is gone and the content survives a power cut. Putting what is already
        there is cheap and changes nothing, except that it counts as touched (see `delete`).
        """
        ...

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but without `end` (None: to the last), in large pieces.

        Raises `FileMissing` at once, before the first piece is asked for.
        """
        ...

    async def size(self, key: str) -> int:
        """Bytes under the key; raises `FileMissing`."""
        ...

    async def exists(self, key: str) -> bool:
        """Whether something lies under the key."""
        ...

    async def delete(self, key: str, *, untouched_seconds: float = 0.0) -> bool:
        """Remove the key; whether nothing lies there now.

        A file put (again) less than `untouched_seconds` ago stays: somebody is keeping the same content at this
        very moment, whose row is not written yet.
        """
        ...


async def is_there(size: Awaitable[int]) -> bool:
    """Whether the question for a size found something: `exists`, for places that are asked anyway."""
    try:
        await size
    except FileMissing:
        return False
    return True
