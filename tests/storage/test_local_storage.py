"""What a local folder promises as a storage."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vermilion.storage import FileMissing, LocalStorage, StorageFailed, content_key


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    local = LocalStorage(tmp_path / "files")
    yield local
    local.close()


def _spooled(storage: LocalStorage, content: bytes, name: str = "incoming") -> tuple[Path, str]:
    path = storage.spool_dir / name
    path.write_bytes(content)
    return path, content_key(hashlib.sha256(content).hexdigest())


async def _read(storage: LocalStorage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in await storage.open(key, start, end)])


async def test_what_was_put_is_read_back_whole_and_in_ranges(storage: LocalStorage) -> None:
    content = os.urandom(700_000)
    spool, key = _spooled(storage, content)
    await storage.put(spool, key)
    assert not spool.exists()
    assert await storage.size(key) == len(content)
    assert await _read(storage, key) == content
    assert await _read(storage, key, 300_000, 300_001) == content[300_000:300_001]
    assert await _read(storage, key, 699_990) == content[-10:]
    assert await _read(storage, key, 5, 5) == b""
    path = storage.local_path(key)
    assert path is not None
    assert path.read_bytes() == content


async def test_a_file_whose_content_is_not_what_its_key_says_is_not_kept(storage: LocalStorage) -> None:
    spool, key = _spooled(storage, b"true content")
    spool.write_bytes(b"something else")
    with pytest.raises(StorageFailed) as failure:
        await storage.put(spool, key)
    assert failure.value.again is False
    assert not await storage.exists(key)


async def test_putting_the_same_content_again_leaves_the_kept_file_in_place(storage: LocalStorage) -> None:
    first, key = _spooled(storage, b"same", "first")
    await storage.put(first, key)
    path = storage.local_path(key)
    assert path is not None
    inode = path.stat().st_ino
    second, _ = _spooled(storage, b"same", "second")
    await storage.put(second, key)
    assert path.stat().st_ino == inode
    assert not second.exists()


async def test_many_puts_of_one_content_at_once_end_with_one_intact_file(storage: LocalStorage) -> None:
    content = os.urandom(100_000)
    spools = [_spooled(storage, content, f"incoming-{n}") for n in range(16)]
    await asyncio.gather(*(storage.put(spool, key) for spool, key in spools))
    assert await _read(storage, spools[0][1]) == content
    assert list(storage.spool_dir.iterdir()) == []


async def test_a_damaged_copy_is_replaced_by_what_its_key_promises(storage: LocalStorage) -> None:
    spool, key = _spooled(storage, b"a whole picture")
    path = storage.local_path(key)
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a who")
    await storage.put(spool, key)
    assert await _read(storage, key) == b"a whole picture"


async def test_a_file_of_another_file_system_is_copied_in(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "elsewhere"
    outside.write_bytes(b"from afar")
    key = content_key(hashlib.sha256(b"from afar").hexdigest())
    rename = Path.replace

    def refuse_across(self: Path, target: Path) -> Path:
        if self.parent == tmp_path:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", refuse_across)
    await storage.put(outside, key)
    assert await _read(storage, key) == b"from afar"
    assert not outside.exists()
    assert list(storage.spool_dir.iterdir()) == []


async def test_a_full_disk_is_said_clearly_keeps_the_spool_and_leaves_no_half_file(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, key = _spooled(storage, b"no room")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left") as failure:
        await storage.put(spool, key)
    assert failure.value.again is True
    assert spool.exists()
    assert not await storage.exists(key)
    monkeypatch.undo()
    await storage.put(spool, key)
    assert await _read(storage, key) == b"no room"


async def test_content_and_every_new_folder_are_synced_before_a_put_returns(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def record(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", record)
    spool, key = _spooled(storage, b"durable")
    await storage.put(spool, key)
    root = storage.spool_dir.parent
    path = root / key
    assert synced.index(str(spool)) < synced.index(str(path.parent))
    assert {str(root), str(root / "sha256"), str(path.parent.parent), str(path.parent)} <= set(synced)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sha256/../../etc/passwd",
        "/etc/passwd",
        "sha256/aa/bb/" + "c" * 64,
        "sha256/cc/cc/" + "C" * 64,
        "sha256/cc/cc/" + "c" * 63,
        "sha256/cc/cc/" + "c" * 64 + "\n",
        "sha256/cc/cc/" + "c" * 64 + "/..",
        "sha256/cc/../cc/cc/" + "c" * 64,
    ],
)
async def test_no_key_but_a_content_key_is_ever_turned_into_a_path(storage: LocalStorage, key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        storage.local_path(key)
    with pytest.raises(ValueError, match="not a storage key"):
        await storage.delete(key)


async def test_a_missing_file_is_said_before_the_first_byte(storage: LocalStorage) -> None:
    key = content_key("ab" * 32)
    with pytest.raises(FileMissing):
        await storage.open(key)
    with pytest.raises(FileMissing):
        await storage.size(key)
    assert await storage.exists(key) is False
    assert await storage.delete(key) is True


async def test_a_file_put_again_just_now_survives_a_sweep(storage: LocalStorage) -> None:
    spool, key = _spooled(storage, b"old", "one")
    await storage.put(spool, key)
    path = storage.local_path(key)
    assert path is not None
    os.utime(path, (1, 1))
    spool, _ = _spooled(storage, b"old", "two")
    await storage.put(spool, key)
    assert await storage.delete(key, untouched_seconds=3600) is False
    assert await storage.exists(key)
    os.utime(path, (1, 1))
    assert await storage.delete(key, untouched_seconds=3600) is True
    assert not await storage.exists(key)
