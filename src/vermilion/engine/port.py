"""What an engine is: something that keeps driving rows until they are terminal, whoever crashes meanwhile.

The engine knows ids and nothing about what they mean. Driving is safe to do twice, because every step of the
driven row is a compare-and-set; an engine therefore promises "at least once", and needs no lock of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from vermilion.kit import Clock


class Bell:
    """Where a driver sleeps: until a time has passed, or something happened to its row."""

    __slots__ = ("_clock", "_rung", "_sleep")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = False
        self._sleep: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the driver, now or as soon as it next goes to sleep."""
        self._rung = True
        if self._sleep is not None and not self._sleep.done():
            self._sleep.set_result(None)

    @property
    def rung(self) -> bool:
        """Whether it was rung and nobody has heard it yet."""
        return self._rung

    async def wait(self, seconds: float) -> bool:
        """Sleep at most `seconds`; True when rung, and the ring is used up."""
        if not self._rung and seconds > 0:
            self._sleep = asyncio.get_running_loop().create_future()
            try:
                await self._clock.wait(self._sleep, seconds)
            finally:
                self._sleep = None
        rung, self._rung = self._rung, False
        return rung


Drive = Callable[[UUID, Bell], Awaitable[None]]
"""Takes a row as far as it can go; returning means that nothing is left to do for it."""


class Engine(Protocol):
    """The five words."""

    def start(self, row_id: UUID) -> None:
        """Drive this row from now on; does nothing when it is being driven."""
        ...

    def wake(self, row_id: UUID) -> None:
        """Something happened to this row: whoever drives it looks again now, and somebody drives it."""
        ...

    def cancel(self, row_id: UUID) -> None:
        """The person asked to cancel: wake it ahead of everything else."""
        ...

    async def run(self) -> None:
        """Pick up every unfinished row, and begin."""
        ...

    async def stop(self) -> None:
        """Let go of every row where it stands; another engine, or the next start, goes on."""
        ...
