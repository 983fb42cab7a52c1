"""Keeping a file: judge it by its content, decode it, make its thumbnail, store both. No database in here."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from vermilion.library.inspection.crew import Crew, WorkerMissing
from vermilion.library.inspection.media import Kind, Marks, Media
from vermilion.storage import Storage, StorageFailed, content_key

T = TypeVar("T")

SMALL_THUMBNAIL_PIXELS = 320


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is durably stored, and what it was found to be. Sizes in pixels are as it is shown."""

    kind: Kind
    content_type: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    size_bytes: int
    sha256: str
    storage_key: str
    thumbnail_key: str | None
    thumbhash: bytes | None


class Keeper:
    """Keeps files; one per process. `spool_dir` must lie on the storage's file system where there is one."""

    def __init__(self, storage: Storage, spool_dir: Path, *, workers: int | None = None) -> None:
        self.storage = storage
        self.spool_dir = spool_dir
        self._crew = Crew(workers)

    async def close(self) -> None:
        """End the worker processes."""
        await self._crew.close()

    @property
    def is_busy(self) -> bool:
        """Whether every worker is looking into a file at the moment."""
        return self._crew.is_busy

    async def keep(self, spool: Path, *, expect: Kind | None = None, sha256: str | None = None) -> KeptFile:
        """Inspect and store the spool file, with its thumbnail.

        `expect` refuses other kinds; `sha256` is the content's hash where the caller has it from receiving the
        file. Raises `Unreadable` when the file is refused and `StorageFailed` when it could not be kept. However
        it ends, the spool file is gone afterwards: trying again on a full disk must not fill it further.
        """
        thumbnail = self._scratch()
        try:
            media = await self._inspect(spool, thumbnail, expect)
            has_thumbnail = media.thumbnail is not None
            size_bytes, content_hash, thumbnail_key = await _in_thread(
                lambda: (*_measure(spool, sha256), _key_of(thumbnail) if has_thumbnail else None)
            )
            key = content_key(content_hash)
            if thumbnail_key is not None:
                await self.storage.put(thumbnail, thumbnail_key)
            await self.storage.put(spool, key)
        finally:
            await asyncio.shield(_in_thread(lambda: _remove(spool, thumbnail)))
        return KeptFile(
            kind=media.kind,
            content_type=media.content_type,
            width=media.width,
            height=media.height,
            duration_seconds=media.duration_seconds,
            size_bytes=size_bytes,
            sha256=content_hash,
            storage_key=key,
            thumbnail_key=thumbnail_key,
            thumbhash=media.thumbhash,
        )

    async def keep_cells(self, spool: Path, *, columns: int, rows: int) -> tuple[KeptFile, ...]:
        """Cut a picture that is several side by side, and keep each cell, row by row; the whole is not kept.

        Cutting it again gives the same files. Raises like `keep`, and like there the spool file is gone afterwards.
        """
        cells = [self._scratch() for _ in range(columns * rows)]
        try:
            try:
                await self._crew.cut(spool, cells, columns, rows)
            except WorkerMissing as error:
                raise StorageFailed(str(error), again=True) from error
            return tuple([await self.keep(cell, expect="image") for cell in cells])
        finally:
            await asyncio.shield(_in_thread(lambda: _remove(spool, *cells)))

    async def keep_small_thumbnail(self, thumbnail_key: str) -> str:
        """Make and store the 320-pixel copy of a stored thumbnail; its key. Raises like `keep`."""
        source, target = self._scratch(), self._scratch()
        try:
            await self._fetch(thumbnail_key, source)
            try:
                await self._crew.shrink(source, target, SMALL_THUMBNAIL_PIXELS)
            except WorkerMissing as error:
                raise StorageFailed(str(error), again=True) from error
            key = await _in_thread(lambda: _key_of(target))
            await self.storage.put(target, key)
        finally:
            await asyncio.shield(_in_thread(lambda: _remove(source, target)))
        return key

    async def marks(self, storage_key: str) -> Marks:
        """What is painted in a stored picture that is meant as a mask. Raises like `keep`."""
        source = self._scratch()
        try:
            await self._fetch(storage_key, source)
            return await self._crew.marks(source)
        except WorkerMissing as error:
            raise StorageFailed(str(error), again=True) from error
        finally:
            await asyncio.shield(_in_thread(lambda: _remove(source)))

    async def _fetch(self, storage_key: str, target: Path) -> None:
        content = b"".join([piece async for piece in await self.storage.open(storage_key)])
        await _in_thread(lambda: target.write_bytes(content))

    async def _inspect(self, spool: Path, thumbnail: Path, expect: Kind | None) -> Media:
        try:
            return await self._crew.inspect(spool, thumbnail, expect=expect)
        except WorkerMissing as error:
            raise StorageFailed(str(error), again=True) from error

    def _scratch(self) -> Path:
        return self.spool_dir / f"{uuid4().hex}.webp.part"


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StorageFailed(f"The spool could not be used: {error.strerror}.", again=True) from error


def _measure(path: Path, sha256: str | None) -> tuple[int, str]:
    with path.open("rb") as file:
        content_hash = sha256 or hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, content_hash


def _key_of(path: Path) -> str:
    return content_key(hashlib.sha256(path.read_bytes()).hexdigest())


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
