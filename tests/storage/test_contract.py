"""What every storage promises: a folder, a cloud by either signature, and the house's places over both."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.clouds import cloud_here
from tests.storage.housed import Housed, housed
from vermilion.db import Database
from vermilion.storage import FileMissing, LocalStorage, Storage, StorageFailed, content_key

KINDS = ("folder", "cos", "s3", "places over the folder", "places over a cloud")


@pytest.fixture(params=KINDS)
async def storage(request: pytest.FixtureRequest, tmp_path: Path, db: Database) -> AsyncIterator[Storage]:
    async with AsyncExitStack() as stack:
        kind = request.param
        if kind == "folder":
            folder = LocalStorage(tmp_path / "files")
            stack.callback(folder.close)
            yield folder
            return
        cloud = await stack.enter_async_context(cloud_here())
        if kind in ("cos", "s3"):
            opened = cloud.open(kind)
            stack.callback(opened.close)
            yield opened
            return
        house: Housed = await stack.enter_async_context(housed(db, tmp_path))
        await house.add_place(cloud, receiving=kind == "places over a cloud")
        yield house.places


def spooled(folder: Path, content: bytes, name: str = "incoming") -> tuple[Path, str]:
    path = folder / name
    path.write_bytes(content)
    return path, content_key(hashlib.sha256(content).hexdigest())


async def read(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in await storage.open(key, start, end)])


async def test_what_was_put_is_read_back_whole_and_in_ranges(storage: Storage, tmp_path: Path) -> None:
    content = os.urandom(700_000)
    spool, key = spooled(tmp_path, content)
    await storage.put(spool, key)
    assert not spool.exists()
    assert await storage.size(key) == len(content)
    assert await storage.exists(key)
    assert await read(storage, key) == content
    assert await read(storage, key, 300_000, 300_001) == content[300_000:300_001]
    assert await read(storage, key, 699_990) == content[-10:]
    assert await read(storage, key, 0, len(content)) == content
    assert await read(storage, key, 5, 5) == b""


async def test_a_large_file_goes_in_parts_and_comes_back_in_pieces(storage: Storage, tmp_path: Path) -> None:
    content = os.urandom(1000) * 19_000
    spool, key = spooled(tmp_path, content)
    await storage.put(spool, key)
    assert await storage.size(key) == len(content)
    assert hashlib.sha256(await read(storage, key)).digest() == hashlib.sha256(content).digest()
    assert await read(storage, key, 2**21 - 5, 2**21 + 5) == content[2**21 - 5 : 2**21 + 5]


async def test_a_file_whose_content_is_not_what_its_key_says_is_not_kept(storage: Storage, tmp_path: Path) -> None:
    spool, key = spooled(tmp_path, b"true content")
    spool.write_bytes(b"something else")
    with pytest.raises(StorageFailed) as failure:
        await storage.put(spool, key)
    assert failure.value.again is False
    assert not await storage.exists(key)
    spool, key = spooled(tmp_path, b"true content")
    await storage.put(spool, key)
    spool.write_bytes(b"something else")
    with pytest.raises(StorageFailed):
        await storage.put(spool, key)
    assert await read(storage, key) == b"true content"


async def test_putting_the_same_content_again_is_harmless(storage: Storage, tmp_path: Path) -> None:
    content = os.urandom(100_000)
    spools = [spooled(tmp_path, content, f"incoming-{n}") for n in range(8)]
    await asyncio.gather(*(storage.put(spool, key) for spool, key in spools))
    assert await read(storage, spools[0][1]) == content
    assert not any(spool.exists() for spool, _ in spools)


async def test_a_missing_file_is_said_before_the_first_byte(storage: Storage) -> None:
    key = content_key("ab" * 32)
    for start, end in ((0, None), (0, 10), (5, 5)):
        with pytest.raises(FileMissing):
            await storage.open(key, start, end)
    with pytest.raises(FileMissing):
        await storage.size(key)
    assert await storage.exists(key) is False
    assert await storage.delete(key) is True


async def test_a_file_put_just_now_survives_a_sweep_and_is_deleted_otherwise(storage: Storage, tmp_path: Path) -> None:
    spool, key = spooled(tmp_path, b"kept again")
    await storage.put(spool, key)
    assert await storage.delete(key, untouched_seconds=3600) is False
    assert await read(storage, key) == b"kept again"
    assert await storage.delete(key) is True
    assert not await storage.exists(key)
    spool, key = spooled(tmp_path, b"kept again")
    await storage.put(spool, key)
    assert await read(storage, key) == b"kept again"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "sha256/../../x", "sha256/aa/bb/" + "c" * 64])
async def test_no_key_but_a_content_key_is_ever_asked_for(storage: Storage, tmp_path: Path, key: str) -> None:
    spool, _ = spooled(tmp_path, b"x")
    for attempt in (storage.open(key), storage.size(key), storage.delete(key), storage.put(spool, key)):
        with pytest.raises(ValueError, match="not a storage key"):
            await attempt
