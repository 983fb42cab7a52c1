"""Who moves the files: one task of the house, which goes on where the last one was stopped."""

import asyncio
import contextlib
from typing import Final
from uuid import UUID

import structlog

from vermilion.db import Database
from vermilion.kit import Clock
from vermilion.library.places import moves
from vermilion.library.places.moves import Failed
from vermilion.library.places.tables import FileMoveRow
from vermilion.storage import FOLDER, Places, StorageFailed, where_lie

log = structlog.get_logger("vermilion.storage")

BATCH_FILES: Final = 40
AT_ONCE: Final = 4
PAUSE_SECONDS: Final = 15.0
"""How long everything waits where nothing can be moved at the moment."""


def _is_away(error: StorageFailed) -> bool:
    """Whether it is the place that fails, and not this one file."""
    return error.reason not in {"failed", "missing", "damaged"}


class Mover:
    """Moves files between places while a move is running; one per process, and two do no harm."""

    def __init__(self, db: Database, places: Places, clock: Clock) -> None:
        self.problem: str | None = None
        """Why nothing moves at the moment, while it waits to try again."""
        self._db = db
        self._places = places
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._again = asyncio.Event()

    def start(self) -> None:
        """Begin, or go on with, what is to be moved; called at the house's start and for each new move."""
        self._again.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drive())

    async def stop(self) -> None:
        """End at the next file; the row knows how far it came."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _drive(self) -> None:
        try:
            while True:
                # Before the look, so that a move that begins just after it is not overlooked.
                self._again.clear()
                if await self._go_on():
                    return
        finally:
            self.problem = None

    async def _go_on(self) -> bool:
        """One round; whether nothing is left to do."""
        try:
            move = await self._db.read(moves.running_move)
            if move is None:
                return not self._again.is_set()
            if await self._take(move):
                return False
        except Exception:
            # The outermost rim of a background task: it must outlive a database that is away, for the row says running.
            self.problem = "Something unexpected went wrong; the server's log says what."
            log.exception("storage.move_broke_off")
        await self._pause()
        return False

    async def _take(self, move: FileMoveRow) -> bool:
        """Look at the next files; False where none of them can be moved at the moment."""
        keys = await self._db.read(moves.keys_after, move.last_key, BATCH_FILES)
        if not keys:
            await self._db.write(moves.end_move, move.id, self._clock.now())
            return True
        lie = await self._db.read(where_lie, keys)
        elsewhere = [key for key in keys if lie.get(key, FOLDER) != move.target_id]
        room = asyncio.Semaphore(AT_ONCE)
        results = await asyncio.gather(*(self._move(key, move.target_id, room) for key in elsewhere))
        failures = [result for result in results if result is not None]
        if failures and len(failures) == len(elsewhere) and all(_is_away(failed.error) for failed in failures):
            self.problem = failures[0].error.detail
            log.warning("storage.moving_waits", reason=self.problem)
            return False
        self.problem = None
        done = len(keys) - len(failures)
        await self._db.write(moves.note_progress, move, keys[-1], done, failures, self._clock.now())
        return True

    async def _move(self, key: str, target_id: UUID, room: asyncio.Semaphore) -> Failed | None:
        async with room:
            try:
                await self._places.move(key, target_id, moves.is_wanted)
            except StorageFailed as error:
                return Failed(key, error)
            except OSError as error:
                reason = f"The spool could not be used: {error.strerror}."
                return Failed(key, StorageFailed(reason, again=True))
        return None

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), PAUSE_SECONDS)
