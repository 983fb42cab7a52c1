"""Whether two addresses are one bucket: what is written through one is looked for through the other.

Addresses cannot tell: a bucket has names of several kinds, of the region and of an internal network, and they all may
be in use at once. A copy that is deleted as another one's leftover would be that other one.
"""

import asyncio
import contextlib
import hashlib
from pathlib import Path
from uuid import uuid4

from vermilion.storage.cloud import CloudStorage
from vermilion.storage.errors import StorageFailed
from vermilion.storage.keys import content_key


async def keep_the_same(one: CloudStorage, other: CloudStorage, spool_dir: Path) -> bool:
    """Whether both keep the same objects. Raises `StorageFailed` where one cannot be asked, and `OSError`."""
    content = f"A file to tell two places of a studio apart: {uuid4()}.".encode()
    key = content_key(hashlib.sha256(content).hexdigest())
    spool = spool_dir / f"{uuid4().hex}.trial"
    try:
        await asyncio.to_thread(spool.write_bytes, content)
        await one.put(spool, key)
        return await other.exists(key)
    finally:
        await asyncio.to_thread(lambda: spool.unlink(missing_ok=True))
        with contextlib.suppress(StorageFailed):
            await one.delete(key)
