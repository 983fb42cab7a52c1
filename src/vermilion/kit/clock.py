"""Time as something that can be replaced: the pipeline's tests run on a clock they move themselves."""

import asyncio
import contextvars
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the house may ask about time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less."""
        ...

    async def wait(self, happening: "asyncio.Future[None]", seconds: float) -> None:
        """Wait until the future is done, at most `seconds`; it is of no more use then."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, happening: "asyncio.Future[None]", seconds: float) -> None:
        # A timer and a future, and no more: thousands of rows sleep here at once.
        timer = happening.get_loop().call_later(seconds, _end, happening, context=_NO_CONTEXT)
        try:
            await happening
        finally:
            timer.cancel()


_NO_CONTEXT = contextvars.Context()
"""For timers: without it each would get a copy of its caller's."""


def _end(happening: "asyncio.Future[None]") -> None:
    if not happening.done():
        happening.set_result(None)
