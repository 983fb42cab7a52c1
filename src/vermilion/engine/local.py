"""The engine of one process: an asyncio task per unfinished row."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from vermilion.engine.port import Bell, Drive
from vermilion.kit import Clock

log = structlog.get_logger(__name__)

CRASH_PAUSE_FIRST_SECONDS = 1.0
CRASH_PAUSE_MAX_SECONDS = 60.0
SWEEP_SECONDS = 30.0
"""How often rows that nobody drives are looked for: the net under every forgotten wake-up."""


class LocalEngine:
    """Drives rows inside this process.

    `unfinished` lists the ids of all rows that still have something to do. A driver that crashes (a bug, or the
    database away) is started again with growing pauses; the row keeps its state, so nothing is lost meanwhile.
    """

    def __init__(self, drive: Drive, unfinished: Callable[[], Awaitable[Sequence[UUID]]], clock: Clock) -> None:
        self._drive = drive
        self._unfinished = unfinished
        self._clock = clock
        self._driven: dict[UUID, tuple[asyncio.Task[None], Bell]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def driven(self) -> int:
        """How many rows are being driven."""
        return len(self._driven)

    def start(self, row_id: UUID) -> None:
        if self._stopping or row_id in self._driven:
            return
        bell = Bell(self._clock)
        task = asyncio.get_running_loop().create_task(self._keep_driving(row_id, bell))
        self._driven[row_id] = (task, bell)

    def wake(self, row_id: UUID) -> None:
        driven = self._driven.get(row_id)
        if driven is None:
            self.start(row_id)
        else:
            driven[1].ring()

    def cancel(self, row_id: UUID) -> None:
        self.wake(row_id)

    async def run(self) -> None:
        await self._pick_up()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def stop(self) -> None:
        self._stopping = True
        tasks = [task for task, _ in self._driven.values()]
        if self._sweeper is not None:
            tasks.append(self._sweeper)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pick_up(self) -> None:
        for row_id in await self._unfinished():
            self.start(row_id)

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            try:
                await self._pick_up()
            except Exception:
                # The outermost rim of a background loop: it must outlive a database that is away.
                log.exception("engine.sweep_failed")

    async def _keep_driving(self, row_id: UUID, bell: Bell) -> None:
        pause = CRASH_PAUSE_FIRST_SECONDS
        try:
            while True:
                try:
                    await self._drive(row_id, bell)
                    if not bell.rung:
                        return
                    # Something happened while the driver was leaving: it looks once more.
                    await bell.wait(0)
                    continue
                except Exception:
                    # The outermost rim of a driver: whatever went wrong, the row is driven again.
                    log.exception("engine.driver_failed", row_id=str(row_id), pause_seconds=pause)
                await bell.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreading load, not a secret
                pause = min(pause * 2, CRASH_PAUSE_MAX_SECONDS)
        finally:
            if not self._stopping:
                self._driven.pop(row_id, None)
