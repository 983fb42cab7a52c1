"""Storage in a cloud, through Apache OpenDAL: a spooled file is verified, sent, and looked at before it counts.

Only OpenDAL's blocking operator is used, on threads of our own: its asynchronous one can end a process with SIGABRT
(PyO3/pyo3-async-runtimes, issue 40). Nothing is ever streamed into it from elsewhere: its file object commits what
it has when it is closed, also where that happens because the source broke.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from vermilion.storage.errors import FileMissing, StorageFailed
from vermilion.storage.keys import hash_of, verified_size
from vermilion.storage.kinds import KINDS, Address
from vermilion.storage.said import said

if TYPE_CHECKING:
    from opendal import Operator

T = TypeVar("T")

THREADS: Final = 16
PIECE_BYTES: Final = 2 * 2**20
"""One read is one request: large enough to be few, small enough to be held for each reader."""

WHOLE_MAX_BYTES: Final = 8 * 2**20
"""Up to here a file is one request; above, so large parts, which every kind of cloud takes (100 KiB to 5 GiB)."""

ANSWER_SECONDS: Final = 15.0
"""How long one question, or one piece on its way, may take before it is tried again."""

TRIES_AGAIN: Final = 2
_NEEDED: Final = ("read", "write", "write_can_multi", "stat", "delete")


def open_cloud(address: Address, access_key: str, secret_key: str) -> "CloudStorage":
    """The storage at an address. Nothing is asked of it yet.

    Raises `StorageFailed` for settings OpenDAL does not take, and for a kind that lacks something we need.
    """
    # OpenDAL is 37 MiB and is wanted only where a cloud is used.
    from opendal import Operator
    from opendal.exceptions import ConfigInvalid, Unsupported
    from opendal.layers import RetryLayer, TimeoutLayer

    try:
        operator = Operator(address.kind, **address.options(access_key, secret_key))
    except (ConfigInvalid, Unsupported) as error:
        raise said(error, address.host) from error
    can = operator.capability()
    if lacking := [name for name in _NEEDED if not getattr(can, name)]:
        raise StorageFailed(
            f"{KINDS[address.kind].title} cannot {', '.join(lacking)} here.", again=False, reason="misconfigured"
        )
    layered = operator.layer(TimeoutLayer(timeout=ANSWER_SECONDS, io_timeout=ANSWER_SECONDS)).layer(
        RetryLayer(max_times=TRIES_AGAIN, min_delay=0.2, max_delay=2.0, jitter=True)
    )
    return CloudStorage(layered, address.host)


class CloudStorage:
    """Keeps files in one bucket, below one prefix."""

    def __init__(self, operator: "Operator", host: str) -> None:
        self._operator = operator
        self._host = host
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vermilion-cloud")

    def close(self) -> None:
        """Let what was begun end by itself, bounded by its time limits; begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def put(self, spool: Path, key: str) -> None:
        await self._run(key, lambda: self._put(spool, key))

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        hash_of(key)
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"not a range: {start}–{end}")
        if end is None or end == start:
            # Only what lies there knows how long it is, and an empty piece would not tell whether it lies there.
            size_bytes = await self.size(key)
            end = size_bytes if end is None else end
        first = await self._piece(key, start, end) if start < end else b""
        return self._pieces(key, first, start, end)

    async def size(self, key: str) -> int:
        hash_of(key)
        return await self._run(key, lambda: self._operator.stat(key).content_length)

    async def exists(self, key: str) -> bool:
        try:
            await self.size(key)
        except FileMissing:
            return False
        return True

    async def delete(self, key: str, *, untouched_seconds: float = 0.0) -> bool:
        hash_of(key)
        return await self._run(key, lambda: self._delete(key, untouched_seconds))

    async def digest(self, key: str) -> str:
        """The SHA-256 of what lies there, read back whole."""
        found = hashlib.sha256()
        async for piece in await self.open(key):
            found.update(piece)
        return found.hexdigest()

    async def _run(self, key: str, work: Callable[[], T]) -> T:
        from opendal import exceptions

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except exceptions.NotFound as error:
            failed = said(error, self._host)
            # A bucket that is not there is no missing file.
            raise failed if failed.reason == "no_bucket" else FileMissing(key) from error
        except (
            exceptions.Unexpected,
            exceptions.PermissionDenied,
            exceptions.RateLimited,
            exceptions.ConfigInvalid,
            exceptions.ConditionNotMatch,
            exceptions.RangeNotSatisfied,
            exceptions.Unsupported,
            exceptions.Error,
        ) as error:
            raise said(error, self._host) from error
        except OSError as error:
            raise StorageFailed(f"The spool could not be read: {error.strerror}.", again=True) from error

    async def _piece(self, key: str, start: int, end: int) -> bytes:
        wanted = min(PIECE_BYTES, end - start)
        return await self._run(key, lambda: bytes(self._operator.read(key, offset=start, size=wanted)))

    async def _pieces(self, key: str, piece: bytes, start: int, end: int) -> AsyncIterator[bytes]:
        while piece:
            yield piece
            start += len(piece)
            piece = await self._piece(key, start, end) if start < end else b""

    def _put(self, spool: Path, key: str) -> None:
        size_bytes = verified_size(spool, key)
        with spool.open("rb") as file:
            if size_bytes <= WHOLE_MAX_BYTES:
                self._operator.write(key, file.read())
            else:
                # Not in a `with` block: one that fails would make an object of what was sent so far.
                parts = self._operator.open(key, "wb", chunk=WHOLE_MAX_BYTES)
                while piece := file.read(WHOLE_MAX_BYTES):
                    parts.write(piece)
                parts.close()
        kept_bytes = self._operator.stat(key).content_length
        if kept_bytes != size_bytes:
            raise StorageFailed(f"{self._host} kept {kept_bytes} of {size_bytes} bytes of {key}.", again=True)
        spool.unlink(missing_ok=True)

    def _delete(self, key: str, untouched_seconds: float) -> bool:
        from opendal.exceptions import NotFound

        if untouched_seconds > 0:
            try:
                modified = self._operator.stat(key).last_modified
            except NotFound:
                return True
            if modified is not None and time.time() - modified.timestamp() < untouched_seconds:
                return False
        self._operator.delete(key)
        return True
