"""A clock that stands still until the test moves it, and a loop that says when nobody has anything left to do."""

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)


class FakeClock:
    """`kit.Clock` in the hands of a test. `jump` moves the wall clock alone, as an administrator or NTP does."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._jumped = timedelta()
        self._timers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self._elapsed) + self._jumped

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._timer(seconds)

    async def wait(self, happening: "asyncio.Future[None]", seconds: float) -> None:
        timer = self._timer(seconds)
        either: set[asyncio.Future[Any]] = {timer, happening}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()

    def next_at(self) -> float | None:
        """When the next sleeper wakes, in seconds since the beginning; None when nobody sleeps."""
        while self._timers and self._timers[0][2].done():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def advance_to(self, at: float) -> None:
        """Let time pass, waking whoever waited for it, in order."""
        while (following := self.next_at()) is not None and following <= at:
            self._elapsed = max(self._elapsed, following)
            heapq.heappop(self._timers)[2].set_result(None)
        self._elapsed = max(self._elapsed, at)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back; sleepers do not notice."""
        self._jumped += timedelta(seconds=seconds)

    def _timer(self, seconds: float) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._timers, (self._elapsed + seconds, self._count, future))
        return future


class InlineExecutor(ThreadPoolExecutor):
    """Runs what is meant for a thread at once, so that a run depends on nothing but its seed."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        return future


async def until_idle(outstanding: Callable[[], int] = lambda: 0) -> None:
    """Return when every task waits for something that only the test can bring about.

    `outstanding` counts operations on real threads that are still under way.
    """
    # The loop's queue of ready callbacks has no public name; without it nobody can tell rest from work.
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    while True:
        await asyncio.sleep(0)
        if ready:
            continue
        if not outstanding():
            return
        await asyncio.sleep(0.0002)
