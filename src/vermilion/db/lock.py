"""One server per house: whoever serves holds a lock that the system itself lets go when the process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vermilion.db.opening import sqlite_path


class HouseIsRunning(Exception):
    """Another process serves this data."""


@contextmanager
def hold_house_lock(data_dir: Path, url: str) -> Iterator[None]:
    """Hold `<data>/vermilion.lock` and, where the SQLite file lives elsewhere, a lock beside it too.

    Raises `HouseIsRunning` at once when another process has one of them.
    """
    paths = [data_dir.resolve() / "vermilion.lock"]
    database = sqlite_path(url)
    if database is not None and database.resolve().parent != data_dir.resolve():
        paths.append(database.resolve().with_suffix(".lock"))
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_hold(path))
        yield


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            raise HouseIsRunning(
                f"{path.parent} is in use by another server (process {holder}). Stop it, or choose another --data."
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # Closing lets the lock go; the file stays, because removing it would race with the next holder.
        os.close(handle)
