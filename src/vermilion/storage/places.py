"""All places files lie in, as one storage: the folder, and clouds. New files go where the operator chose.

Where each file lies is asked of the database, so a state half way between two places reads like any other.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID, uuid4

import structlog

from vermilion.db import Database, Tx
from vermilion.kit import Clock
from vermilion.kit.sealed import Sealer
from vermilion.storage import placing
from vermilion.storage.cloud import CloudStorage
from vermilion.storage.clouds import Clouds, Known
from vermilion.storage.errors import FileMissing, StorageFailed
from vermilion.storage.keys import hash_of, verified_size
from vermilion.storage.local import LocalStorage
from vermilion.storage.placing import Leaving
from vermilion.storage.port import is_there
from vermilion.storage.tables import FOLDER

T = TypeVar("T")
Place = LocalStorage | CloudStorage

log = structlog.get_logger("vermilion.storage")

DELETIONS_AT_ONCE: Final = 2000
_BEING_DELETED: Final = "The same content is being deleted there at this moment."


class Places:
    """The storage of the house; one per process. `spool_dir` is where files are written on their way."""

    def __init__(self, folder: LocalStorage, db: Database, sealer: Sealer, clock: Clock, spool_dir: Path) -> None:
        self.folder = folder
        self._db = db
        self._clock = clock
        self._spool_dir = spool_dir
        self._clouds = Clouds(db, sealer, spool_dir)

    def close(self) -> None:
        """Close the folder and the clouds."""
        self._clouds.close()
        self.folder.close()

    async def put(self, spool: Path, key: str) -> None:
        known = await self._places()
        if not known.clouds:
            # Nothing has ever lain elsewhere: the folder alone knows.
            await self.folder.put(spool, key)
            return
        lying = await self._db.read(placing.where_lies, key)
        if lying.place_id != FOLDER:
            await self._put_again(spool, key, lying.place_id)
            return
        there = FOLDER not in lying.leaving and await self.folder.exists(key)
        place_id = FOLDER if there else known.receiving
        if await self._is_leaving(lying, place_id):
            raise StorageFailed(_BEING_DELETED, again=True)
        size_bytes = await asyncio.to_thread(lambda: spool.stat().st_size)
        place = await self._at(place_id)
        await place.put(spool, key)
        if place_id != FOLDER:
            await self._note(key, place_id, size_bytes)

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        place_id, pieces = await self._at_its_place(key, lambda place: place.open(key, start, end))
        if not (await self._places()).clouds:
            return pieces
        return self._followed(pieces, place_id, key, start, end)

    async def size(self, key: str) -> int:
        _, size_bytes = await self._at_its_place(key, lambda place: place.size(key))
        return size_bytes

    async def exists(self, key: str) -> bool:
        return await is_there(self.size(key))

    async def delete(self, key: str, *, untouched_seconds: float = 0.0) -> bool:
        """Also where a cloud is away: then it is deleted later (`finish_deletions`), and the answer is False."""
        if await self._where(key) == FOLDER:
            return await self.folder.delete(key, untouched_seconds=untouched_seconds)
        now = self._clock.now()
        since = now - timedelta(seconds=untouched_seconds)
        leaving = await self._db.write(placing.begin_deletion, key, since, now)
        return leaving is not None and await self._finish(leaving)

    async def finish_deletions(self, is_wanted: Callable[[Tx, str], bool]) -> int:
        """Delete the copies that are to leave and that nobody is deleting; how many are gone now.

        `is_wanted` says whether anybody has the file (again): it is asked of each right before it is deleted. A place
        that fails is left alone until the next time.
        """
        due = await self._db.read(placing.due_deletions, self._clock.now(), DELETIONS_AT_ONCE)
        gone, away = 0, set[UUID]()
        for leaving in due:
            if leaving.place_id in away:
                continue
            in_folder = await self.folder.exists(leaving.key)

            def take_over(tx: Tx, leaving: Leaving = leaving, in_folder: bool = in_folder) -> bool:
                now = self._clock.now()
                return placing.take_over_deletion(tx, leaving, lies_in_folder=in_folder, is_wanted=is_wanted, now=now)

            if not await self._db.write(take_over):
                continue
            if await self._finish(leaving):
                gone += 1
            else:
                away.add(leaving.place_id)
        return gone

    async def move(self, key: str, target_id: UUID, is_wanted: Callable[[Tx, str], bool]) -> None:
        """Have a file lie in another place: copied, read back, switched, and only then deleted where it was.

        `is_wanted` says, in the transaction that switches, whether anybody still has the file. Whatever stops this
        half way, the file can be read, and moving it again ends it. Raises `StorageFailed`.
        """
        hash_of(key)
        lying = await self._db.read(placing.where_lies, key)
        source_id = lying.place_id
        if source_id == target_id:
            return
        if await self._is_leaving(lying, target_id):
            # What is put there now may go with what is being deleted.
            raise StorageFailed(_BEING_DELETED, again=True)
        source, target = await self._at(source_id), await self._at(target_id)
        if await self._clouds.are_same(source_id, target_id):
            # Two spellings of one bucket: there is one copy, and deleting it at the source would be deleting it.
            await target.size(key)
            await self._db.write(placing.rename_place, key, source_id, target_id)
            return
        spool = self._spool_dir / f"{uuid4().hex}.moving"
        try:
            size_bytes = await self._copied(source, key, spool)
            await target.put(spool, key)
        finally:
            await asyncio.to_thread(lambda: spool.unlink(missing_ok=True))
        if isinstance(target, CloudStorage) and await target.digest(key) != hash_of(key):
            raise StorageFailed(f"What was read back of {key} is not what was sent.", again=True, reason="damaged")
        now = self._clock.now()
        touched_at = await asyncio.to_thread(_last_kept, self.folder.local_path(key), now)
        leaving = await self._db.write(
            placing.switch_place, key, source_id, target_id, size_bytes, is_wanted, touched_at, now
        )
        if leaving is not None:
            await self._finish(leaving)

    async def seen_in(self, key: str) -> list[UUID]:
        """The places in clouds that have something under the key; those that cannot be asked are left out."""
        return await self._clouds.seen_in(key)

    async def try_receiving(self, ask: Callable[[Place], Awaitable[T]]) -> T:
        """Ask the place that new files go to. Raises `StorageFailed` where it cannot be opened."""
        return await ask(await self._at((await self._places()).receiving))

    async def _places(self) -> Known:
        return await self._clouds.known()

    async def _where(self, key: str) -> UUID:
        hash_of(key)
        if not (await self._places()).clouds:
            return FOLDER
        return (await self._db.read(placing.where_lies, key)).place_id

    async def _is_leaving(self, lying: placing.Lying, place_id: UUID) -> bool:
        """Whether a copy in this place is about to be deleted, by whichever of the place's names."""
        if place_id in lying.leaving:
            return True
        for other in sorted(lying.leaving):
            try:
                if await self._clouds.are_same(place_id, other):
                    return True
            except StorageFailed as error:
                # One that can never be asked as it is set up deletes nothing either.
                if error.again:
                    raise
        return False

    async def _at(self, place_id: UUID) -> Place:
        return self.folder if place_id == FOLDER else await self._cloud(place_id)

    async def _cloud(self, place_id: UUID) -> CloudStorage:
        return await self._clouds.at(place_id)

    async def _at_its_place(self, key: str, ask: Callable[[Place], Awaitable[T]]) -> tuple[UUID, T]:
        """Ask the place the file lies in, which it may leave at this very moment; which one answered, and what.

        Where it is not there, every other place is asked: the database may be a restored one, of before a move.
        """
        place_id = await self._where(key)
        try:
            return place_id, await ask(await self._at(place_id))
        except FileMissing:
            others = {await self._where(key), FOLDER, *(await self._places()).clouds} - {place_id}
            for other in sorted(others):
                with contextlib.suppress(StorageFailed):
                    return other, await ask(await self._at(other))
            raise

    async def _followed(
        self, pieces: AsyncIterator[bytes], place_id: UUID, key: str, start: int, end: int | None
    ) -> AsyncIterator[bytes]:
        """The pieces; from where the file was moved to, should that happen before or between them."""
        try:
            async for piece in pieces:
                yield piece
                start += len(piece)
            return
        except FileMissing:
            if await self._where(key) == place_id:
                raise
        _, pieces = await self._at_its_place(key, lambda place: place.open(key, start, end))
        async for piece in pieces:
            yield piece

    async def _put_again(self, spool: Path, key: str, place_id: UUID) -> None:
        """Keep what lies in a cloud already; sent again only where it is missing or damaged there."""
        cloud = await self._cloud(place_id)
        size_bytes = await asyncio.to_thread(verified_size, spool, key)
        with contextlib.suppress(FileMissing):
            if await cloud.size(key) == size_bytes:
                await self._note(key, place_id, size_bytes)
                await asyncio.to_thread(lambda: spool.unlink(missing_ok=True))
                return
        await cloud.put(spool, key)
        await self._note(key, place_id, size_bytes)

    async def _note(self, key: str, place_id: UUID, size_bytes: int) -> None:
        if not await self._db.write(placing.note_put, key, place_id, size_bytes, self._clock.now()):
            raise StorageFailed(_BEING_DELETED, again=True)

    async def _copied(self, source: Place, key: str, spool: Path) -> int:
        """Bring a copy of the file into the spool; its bytes."""
        if isinstance(source, LocalStorage):
            return await asyncio.to_thread(_linked, source.local_path(key), spool, key)
        size_bytes = 0
        with await asyncio.to_thread(spool.open, "wb") as file:
            async for piece in await source.open(key):
                await asyncio.to_thread(file.write, piece)
                size_bytes += len(piece)
        return size_bytes

    async def _finish(self, leaving: Leaving) -> bool:
        """Delete the bytes of a copy that is leaving, then its row; False when that has to wait."""
        try:
            place = await self._at(leaving.place_id)
            gone = await self._is_read_by_another_name(leaving) or await place.delete(leaving.key)
        except StorageFailed as error:
            log.warning("storage.deleted_later", key=leaving.key, place=str(leaving.place_id), reason=error.detail)
            return False
        if gone:
            await self._db.write(placing.note_deleted, leaving)
        return gone

    async def _is_read_by_another_name(self, leaving: Leaving) -> bool:
        """Whether the copy is the very one that is read, in a place that is known under two addresses."""
        lying = await self._db.read(placing.where_lies, leaving.key)
        return lying.place_id != leaving.place_id and await self._clouds.are_same(lying.place_id, leaving.place_id)


def _linked(path: Path, spool: Path, key: str) -> int:
    try:
        os.link(path, spool)
    except FileNotFoundError as error:
        raise FileMissing(key) from error
    except OSError:
        # Another file system, or one without links.
        shutil.copyfile(path, spool)
    return spool.stat().st_size


def _last_kept(path: Path, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return otherwise
