"""Storage in a local folder: spool, verify, sync, rename. Blocking calls run on threads of its own."""

import asyncio
import contextlib
import errno
import os
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from vermilion.storage.errors import FileMissing, StorageFailed
from vermilion.storage.keys import hash_of, verified_size

T = TypeVar("T")

THREADS = 8
"""Enough that waiting puts share one journal commit of the file system."""

PIECE_BYTES = 256 * 1024
"""One read: large enough to be few, small enough to be fair between readers."""

_FOR_NOW = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.ESTALE}
"""Conditions an operator can end without touching our data: the same call may pass later."""


class LocalStorage:
    """Keeps files below `root`; `spool_dir` lies on the same file system, so that a put is a rename."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.spool_dir = root / "spool"
        """Where incoming files are written before they are put."""
        self._sweeping = threading.Lock()
        """Between looking at a file's age and removing it, no put may find it and rely on it."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vermilion-storage")
        try:
            self.spool_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(f"The storage folder {root} cannot be made", error) from error

    def close(self) -> None:
        """Finish what was begun, then end the threads."""
        self._threads.shutdown(wait=True)

    async def put(self, spool: Path, key: str) -> None:
        await self._run(lambda: self._put(spool, key))

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._path(key)
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"not a range: {start}–{end}")
        await self._run(lambda: _stat(path, key))
        return self._pieces(path, key, start, None if end is None else end - start)

    async def size(self, key: str) -> int:
        path = self._path(key)
        return await self._run(lambda: _stat(path, key).st_size)

    async def exists(self, key: str) -> bool:
        path = self._path(key)
        return await self._run(path.is_file)

    async def delete(self, key: str, *, untouched_seconds: float = 0.0) -> bool:
        path = self._path(key)
        return await self._run(lambda: self._delete(path, untouched_seconds))

    def local_path(self, key: str) -> Path:
        """Where the file lies on this machine, if it does."""
        return self._path(key)

    def _path(self, key: str) -> Path:
        hash_of(key)
        return self._root / key

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            raise _failed("The storage folder could not be used", error) from error

    async def _pieces(self, path: Path, key: str, start: int, left: int | None) -> AsyncIterator[bytes]:
        # Opened by the first piece: an iterator nobody begins holds nothing open.
        file = await self._run(lambda: _open_at(path, key, start))
        try:
            while left is None or left > 0:
                wanted = PIECE_BYTES if left is None else min(PIECE_BYTES, left)
                piece = await self._run(partial(file.read, wanted))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece
        finally:
            file.close()

    def _put(self, spool: Path, key: str) -> None:
        path = self._path(key)
        size_bytes = verified_size(spool, key)
        with self._sweeping:
            there = _touch_if_intact(path, size_bytes)
        if there:
            spool.unlink(missing_ok=True)
            return
        _make_folders(path.parent, self._root)
        try:
            _move(spool, path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy(spool, path)

    def _delete(self, path: Path, untouched_seconds: float) -> bool:
        with self._sweeping, contextlib.suppress(FileNotFoundError):
            # The file's own time is of the machine's clock, like the one it was touched with.
            if untouched_seconds > 0 and time.time() - path.stat().st_mtime < untouched_seconds:
                return False
            path.unlink()
        return True

    def _copy(self, spool: Path, path: Path) -> None:
        """Keep a spool file of another file system, where nothing can be renamed to us."""
        near = self.spool_dir / f"{uuid4().hex}.copy"
        try:
            shutil.copyfile(spool, near)
            _move(near, path)
        finally:
            near.unlink(missing_ok=True)
        spool.unlink()


def _move(spool: Path, path: Path) -> None:
    """Rename durably. Replacing is only ever replacing a damaged copy by the content its name promises."""
    _sync(spool)
    spool.replace(path)
    _sync(path.parent)


def _open_at(path: Path, key: str, start: int) -> FileIO:
    try:
        file = FileIO(path)
    except FileNotFoundError as error:
        raise FileMissing(key) from error
    file.seek(start)
    return file


def _stat(path: Path, key: str) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise FileMissing(key) from error


def _touch_if_intact(path: Path, size_bytes: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size == size_bytes:
            os.utime(path)
            return True
    return False


def _make_folders(folder: Path, root: Path) -> None:
    """Make the folders down to `folder` so that they survive a power cut too."""
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _sync(new.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(what: str, error: OSError) -> StorageFailed:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return StorageFailed(f"{what}: {reason}.", again=error.errno in _FOR_NOW)
