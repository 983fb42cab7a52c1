"""Storage in a cloud, through obstore: a spooled file is verified, sent, and looked at before it counts.

Only obstore's blocking functions are used, on threads of our own (they let go of the interpreter while they wait): its
asynchronous ones can end a process with SIGABRT (PyO3/pyo3-async-runtimes, issue 40). What is sent is a whole file of
the spool, whose hash is part of the signature; an upload in parts that fails is aborted, so nothing half is ever left.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from vermilion.storage.errors import FileMissing, StorageFailed
from vermilion.storage.keys import hash_of, verified_size
from vermilion.storage.kinds import Address
from vermilion.storage.port import is_there
from vermilion.storage.said import said

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

T = TypeVar("T")

THREADS: Final = 16
PIECE_BYTES: Final = 2 * 2**20
"""One read is one request: large enough to be few, small enough to be held for each reader."""

PART_BYTES: Final = 8 * 2**20
"""Larger files go in parts of this size, two at a time; every kind of cloud takes it (100 KiB to 5 GiB)."""

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 60
"""How long one request may take with its body: a part over a line of 1 Mbit/s."""

TRIES_AGAIN: Final = 2
TRYING_SECONDS: Final = 90


def open_cloud(address: Address, access_key: str, secret_key: str) -> "CloudStorage":
    """The storage at an address. Nothing is asked of it yet; raises `StorageFailed` for settings that cannot be."""
    # Wanted only where a cloud is used: 15 MiB on the disk, three in memory.
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    def login() -> "S3Credential":
        return {"access_key_id": access_key, "secret_access_key": secret_key, "token": None, "expires_at": None}

    try:
        store = S3Store(
            address.bucket,
            prefix=address.root.strip("/") or None,
            # The more particular of two names for it: what is not told here is looked for in the environment, and
            # neither a login nor an address of whatever else this machine is for may get into our requests.
            aws_endpoint_url_s3=address.url,
            region=address.signed_region,
            credential_provider=login,
            virtual_hosted_style_request=not address.bucket_in_path,
            skip_signature=False,
            unsigned_payload=False,
            s3_express=False,
            request_payer=False,
            # Several at once need a checksum that not everybody takes; one by one everybody deletes alike.
            disable_bulk_delete=True,
            client_options={
                "allow_http": address.url.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=ANSWER_SECONDS),
            },
            retry_config={
                "max_retries": TRIES_AGAIN,
                "retry_timeout": timedelta(seconds=TRYING_SECONDS),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=200),
                    "max_backoff": timedelta(seconds=2),
                    "base": 2,
                },
            },
        )
    except (BaseError, ValueError) as error:
        raise said(error, address.host) from error
    return CloudStorage(store, address.host)


class CloudStorage:
    """Keeps files in one bucket, below one prefix."""

    def __init__(self, store: "S3Store", host: str) -> None:
        self._store = store
        self._host = host
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vermilion-cloud")

    def close(self) -> None:
        """Let what was begun end by itself, bounded by its time limits; begin nothing more."""
        self._threads.shutdown(wait=False)

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
        return await self._run(key, lambda: self._size(key))

    async def exists(self, key: str) -> bool:
        return await is_there(self.size(key))

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
        from obstore.exceptions import BaseError

        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._threads, work)
        except RuntimeError as error:
            raise StorageFailed(f"The connection to {self._host} was closed.", again=True) from error
        try:
            return await running
        except FileNotFoundError as error:
            failed = said(error, self._host)
            # A bucket that is not there is no missing file, and neither is a spool that is gone.
            raise failed if failed.reason == "no_bucket" or error.errno is not None else FileMissing(key) from error
        except BaseError as error:
            raise said(error, self._host) from error
        except OSError as error:
            raise StorageFailed(f"The spool could not be read: {error.strerror}.", again=True) from error

    async def _piece(self, key: str, start: int, end: int) -> bytes:
        from obstore import get_range

        until = min(start + PIECE_BYTES, end)
        piece = await self._run(key, lambda: bytes(get_range(self._store, key, start=start, end=until)))
        if not piece:
            raise StorageFailed(f"{self._host} has less of {key} than it should.", again=False, reason="damaged")
        return piece

    async def _pieces(self, key: str, piece: bytes, start: int, end: int) -> AsyncIterator[bytes]:
        while piece:
            yield piece
            start += len(piece)
            piece = await self._piece(key, start, end) if start < end else b""

    def _size(self, key: str) -> int:
        from obstore import head

        return head(self._store, key)["size"]

    def _put(self, spool: Path, key: str) -> None:
        from obstore import put

        size_bytes = verified_size(spool, key)
        put(self._store, key, spool, chunk_size=PART_BYTES, max_concurrency=2)
        kept_bytes = self._size(key)
        if kept_bytes != size_bytes:
            raise StorageFailed(
                f"{self._host} kept {kept_bytes} of {size_bytes} bytes of {key}.", again=True, reason="damaged"
            )
        spool.unlink(missing_ok=True)

    def _delete(self, key: str, untouched_seconds: float) -> bool:
        from obstore import delete, head

        if untouched_seconds > 0:
            try:
                modified = head(self._store, key)["last_modified"]
            except FileNotFoundError:
                return True
            if time.time() - modified.timestamp() < untouched_seconds:
                return False
        try:
            delete(self._store, key)
        except FileNotFoundError:
            return True
        return True
