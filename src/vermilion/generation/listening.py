"""Hearing of progress where a provider announces it, beside asking: it shortens the wait and decides nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vermilion.engine import Bell
from vermilion.generation.work import Work
from vermilion.providers import Pending, Provider, ProviderError, power


class Hearing:
    """What was heard since it was last looked at."""

    def __init__(self) -> None:
        self._heard: Pending | None = None

    def take(self) -> Pending | None:
        """The newest progress nobody looked at yet; None when there is none, or the job has ended."""
        heard, self._heard = self._heard, None
        return heard

    def put(self, pending: Pending | None) -> None:
        """Note the newest progress; None when asking is better."""
        self._heard = pending


@asynccontextmanager
async def listening(adapter: Provider, work: Work, bell: Bell) -> AsyncIterator[Hearing]:
    """Listen while the block runs, ringing the bell at every news; without the power it hears nothing."""
    hearing = Hearing()
    listen = power(adapter, "listen")
    if listen is None:
        yield hearing
        return

    def tell(pending: Pending) -> None:
        hearing.put(pending)
        bell.ring()

    async def hear() -> None:
        with contextlib.suppress(ProviderError):
            await listen(work.ticket, tell)
            hearing.put(None)
            bell.ring()

    task = asyncio.get_running_loop().create_task(hear())
    try:
        yield hearing
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
