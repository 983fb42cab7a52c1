"""Hearing of progress where a provider announces it, beside asking: it shortens the wait and decides nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from vermilion.generation.failure import pause_seconds
from vermilion.generation.journey import Journey, log
from vermilion.generation.previews import PREVIEWS
from vermilion.providers import Pending, Provider, ProviderError, Ticket, power

PROGRESS_STEP_PERCENT = 2.0
"""Progress is written when it moved by this much: people see it move, the disk does not feel it."""

PREVIEW_STEP_SECONDS = 1.0
"""New previews are told at most this often: each telling is a transaction and an event."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest progress, and whether there is a preview the person was not told of."""

    pending: Pending
    new_preview: bool = False


class Hearing:
    """What was heard since it was last looked at. A job's percent never falls, whatever is heard after a pause."""

    def __init__(self, percent: float | None = None) -> None:
        self._highest = percent
        self._heard: Pending | None = None
        self._new_preview = False
        self._worth_a_look = False
        self._preview_looked_at: float | None = None
        self._looked: Pending | None = None
        self.is_live = False
        """Whether the connection that told last still stands: it will tell the end, and asking is for safety."""

    def take(self, now: float = 0.0) -> Heard | None:
        """The newest progress if it is worth a look; None when it is not, or the job has ended.

        `now` is monotonic seconds.
        """
        if self._heard is None or not self._worth_a_look:
            return None
        heard = Heard(self._heard, self._new_preview)
        self._looked = self._heard
        if self._new_preview:
            self._preview_looked_at = now
        self._heard, self._new_preview, self._worth_a_look = None, False, False
        return heard

    def put(self, pending: Pending, *, new_preview: bool, now: float) -> bool:
        """Note the newest progress; whether it is worth a look now. `now` is monotonic seconds."""
        if pending.percent is not None:
            self._highest = max(pending.percent, self._highest or 0.0)
        self._heard = replace(pending, percent=self._highest, preview=None)
        self._new_preview = self._new_preview or new_preview
        self._worth_a_look = self._worth_a_look or self._moved(pending, now)
        return self._worth_a_look

    def _moved(self, pending: Pending, now: float) -> bool:
        before = self._looked
        if before is None or before.started != pending.started:
            return True
        # By the last preview, not by the last look: a step tells how far it is, and a moment later what it looks like.
        last = self._preview_looked_at
        if self._new_preview and (last is None or now - last >= PREVIEW_STEP_SECONDS):
            return True
        return (self._highest or 0.0) - (before.percent or 0.0) >= PROGRESS_STEP_PERCENT

    def end(self) -> None:
        """The job has ended: asking is better than anything heard before."""
        self._heard, self.is_live = None, False


@asynccontextmanager
async def listening(
    adapter: Provider, ticket: Ticket, percent: float | None, journey: Journey
) -> AsyncIterator[Hearing]:
    """Listen while the block runs, ringing the bell at what is worth a look; without the power it hears nothing.

    `percent` is how far the job is known to be. A connection that breaks is made again after a pause: the job goes
    on without it.
    """
    hearing = Hearing(percent)
    listen = power(adapter, "listen")
    if listen is None:
        yield hearing
        return
    clock, tries = journey.tools.clock, 0

    def tell(pending: Pending) -> None:
        nonlocal tries
        tries, hearing.is_live = 0, True
        shown = pending.preview is not None and PREVIEWS.put(journey.generation_id, pending.preview)
        if hearing.put(pending, new_preview=shown, now=clock.monotonic()):
            journey.bell.ring()

    async def hear() -> None:
        nonlocal tries
        while True:
            try:
                await listen(ticket, tell)
            except ProviderError as error:
                hearing.is_live = False
                await clock.sleep(pause_seconds(tries, error.retry_after_seconds))
                tries += 1
                continue
            except Exception:  # noqa: BLE001 - the rim of a task that only helps: its mistakes end no following
                hearing.is_live = False
                log.exception("generation.listening_failed", generation_id=str(journey.generation_id))
                return
            hearing.end()
            journey.bell.ring()
            return

    task = asyncio.get_running_loop().create_task(hear())
    try:
        yield hearing
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
