"""The connection test: a small file is written, read back, compared, read in part, and deleted."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from vermilion.library.places.drafts import Prepared
from vermilion.storage import (
    CloudStorage,
    FileMissing,
    LocalStorage,
    Reason,
    StorageFailed,
    content_key,
    open_cloud,
    require_reachable_host,
)

Step = Literal["open", "write", "read", "delete"]


@dataclass(frozen=True, slots=True)
class Tried:
    """How a test went: at which step it failed and why, or that it did not. `latency_ms` is that of the writing."""

    latency_ms: int
    step: Step | None = None
    reason: Reason | None = None
    detail: str | None = None


async def _look_nowhere(_key: str) -> None: ...


async def try_cloud(
    prepared: Prepared, spool_dir: Path, look: Callable[[str], Awaitable[None]] = _look_nowhere
) -> Tried:
    """Test a cloud as it was typed in; `look` is called with the key of the file while it lies there."""
    try:
        storage = await asyncio.to_thread(_opened, prepared)
    except StorageFailed as error:
        return Tried(0, "open", error.reason, error.detail)
    try:
        return await try_storage(storage, spool_dir, look)
    finally:
        storage.close()


async def try_storage(
    storage: CloudStorage | LocalStorage, spool_dir: Path, look: Callable[[str], Awaitable[None]] = _look_nowhere
) -> Tried:
    """Test an open storage."""
    content = f"A file to try out the storage of a studio: {uuid4()}.".encode()
    key = content_key(hashlib.sha256(content).hexdigest())
    spool = spool_dir / f"{uuid4().hex}.trial"
    step: Step = "write"
    begun = time.monotonic()
    latency_ms = 0
    may_lie_there = False
    try:
        await asyncio.to_thread(spool.write_bytes, content)
        may_lie_there = True
        await storage.put(spool, key)
        latency_ms = round((time.monotonic() - begun) * 1000)
        step = "read"
        whole = b"".join([piece async for piece in await storage.open(key)])
        part = b"".join([piece async for piece in await storage.open(key, 2, 6)])
        if whole != content or part != content[2:6]:
            raise StorageFailed("What was read back is not what was written.", again=False, reason="damaged")
        await look(key)
        step = "delete"
        await storage.delete(key)
        may_lie_there = False
        if await storage.exists(key):
            raise StorageFailed("What was deleted can still be read.", again=False, reason="denied")
    except FileMissing:
        return Tried(latency_ms, step, "missing", "What was written cannot be found again.")
    except StorageFailed as error:
        return Tried(latency_ms, step, error.reason, error.detail)
    except OSError as error:
        return Tried(latency_ms, step, "failed", f"The spool cannot be written: {error.strerror}.")
    finally:
        await asyncio.to_thread(lambda: spool.unlink(missing_ok=True))
        if may_lie_there:
            # As far as it can be: nobody will look for it again.
            with contextlib.suppress(StorageFailed):
                await storage.delete(key)
    return Tried(latency_ms)


def _opened(prepared: Prepared) -> CloudStorage:
    require_reachable_host(prepared.address.host, allow_private=prepared.allow_private_hosts)
    return open_cloud(prepared.address, prepared.access_key, prepared.secret_key)
