"""A file being received: hashed while it is written, never larger than allowed, gone unless it is finished."""

import asyncio
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

T = TypeVar("T")

_BUFFER_BYTES = 1024 * 1024
"""Pieces are collected up to this size, so that a picture costs one visit to a thread, not hundreds."""


class TooLarge(Exception):
    """More bytes came than allowed."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"more than {max_bytes} bytes")
        self.max_bytes = max_bytes


@dataclass(frozen=True, slots=True)
class Spooled:
    """A received file; whoever gets it moves or removes it."""

    path: Path
    size_bytes: int
    sha256: str


class Spool:
    """Receives one file into `folder` under a name of ours.

    Write pieces, then `finish`; `discard` in a `finally` removes what was not finished. `max_bytes` may be
    lowered on the way, once the kind of file is known. `OSError` passes through (disk full).
    """

    def __init__(self, folder: Path, *, max_bytes: int, executor: Executor | None = None) -> None:
        self._path = folder / f"{uuid4().hex}.part"
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self._executor = executor
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self._handed_over = False
        self._lock = threading.Lock()
        self._dropped = False
        """Set under the lock: a thread still writing for a canceled caller must not revive the file."""

    async def write(self, piece: bytes) -> None:
        """Take the next piece; raises `TooLarge` before the disk sees a byte too many."""
        self.size_bytes += len(piece)
        if self.size_bytes > self.max_bytes:
            raise TooLarge(self.max_bytes)
        self._buffer += piece
        if len(self._buffer) >= _BUFFER_BYTES:
            await self._run(self._flush)

    async def finish(self) -> Spooled:
        """The whole file is there; from now on it belongs to the caller."""
        await self._run(self._end)
        self._handed_over = True
        return Spooled(self._path, self.size_bytes, self._hash.hexdigest())

    async def discard(self) -> None:
        """Remove the file unless it was finished; harmless to repeat."""
        if not self._handed_over:
            # Shielded: a canceled caller must not leave the file behind.
            await asyncio.shield(self._run(self._drop))

    def _run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _flush(self) -> None:
        with self._lock:
            if not self._dropped:
                self._append()

    def _append(self) -> BinaryIO:
        if self._file is None:
            self._file = self._path.open("xb", buffering=0)
        pieces, self._buffer = self._buffer, bytearray()
        self._hash.update(pieces)
        view = memoryview(pieces)
        while view:
            view = view[self._file.write(view) :]
        return self._file

    def _end(self) -> None:
        with self._lock:
            if not self._dropped:
                self._append().close()

    def _drop(self) -> None:
        with self._lock:
            self._dropped = True
            if self._file is not None:
                self._file.close()
            self._path.unlink(missing_ok=True)
