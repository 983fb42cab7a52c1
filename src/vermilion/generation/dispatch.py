"""Who goes next: fair between people, by priority within one person's, within each credential's limits.

The line lives in memory, because it follows from the rows: after a restart every queued row lines up again, in
the order it was made. What must not be forgotten (that a row is queued) is in the row.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import structlog

from vermilion.catalog import OpenCredential
from vermilion.generation.line import Line, Place, Slot, Waiting
from vermilion.kit import Clock

log = structlog.get_logger(__name__)

Health = Literal["up", "degraded", "down"]

CREDENTIALS_FRESH_SECONDS = 2.0
"""How long a look at a provider's credentials is believed; the admin's changes take effect within this time."""

LOOK_AGAIN_SECONDS = 4.0
"""How often a line in which somebody waits is looked after when nothing else moves it."""

LACKING_SECONDS = 300.0
"""How long it is believed that a credential cannot serve a model; an admin's change of any credential ends it."""


@dataclass(slots=True)
class _Counter:
    """A provider's line, and how it is being looked after."""

    line: Line = field(default_factory=Line)
    credentials_read_at: float = float("-inf")
    serving: bool = False
    serve_again: bool = False
    looking_again: bool = False


class Dispatcher:
    """Hands out slots. `read_credentials(provider)` lists the usable ones, opened."""

    def __init__(
        self,
        read_credentials: Callable[[str], Awaitable[Sequence[OpenCredential]]],
        clock: Clock,
        on_moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._read_credentials = read_credentials
        self._clock = clock
        self._on_moved = on_moved
        self._counters: dict[str, _Counter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._typical: dict[str, float] = {}
        self._health: dict[UUID, Health] = {}
        self._stopping = False

    def join(
        self,
        provider: str,
        generation_id: UUID,
        user_id: UUID,
        *,
        model: str,
        priority: int,
        created_at: datetime,
        on_turn: Callable[[], None],
        only: UUID | None = None,
    ) -> Waiting:
        """Stand in line; `on_turn` is called when a slot was handed over. Whoever joins must `leave`.

        With `only`, no other credential will do; those behind are not held up by it.
        """
        waiting = Waiting((-priority, created_at, generation_id), generation_id, user_id, on_turn, model, only)
        self._line(provider).add(waiting)
        self._serve_soon(provider)
        return waiting

    def leave(self, provider: str, waiting: Waiting) -> None:
        """Stop waiting; a slot that was handed over and not taken goes to the next in line."""
        self._line(provider).remove(waiting)
        if waiting.slot is not None and not waiting.taken:
            waiting.slot.free()

    def occupy(self, provider: str, credential: OpenCredential, user_id: UUID) -> Slot:
        """Count a job that runs already (after a restart), even beyond the limit."""
        self._line(provider).begin(credential.id, user_id)
        return Slot(provider, credential, user_id, self._freed)

    def cool_down(self, provider: str, credential_id: UUID, seconds: float) -> None:
        """Give a credential nothing new for a while."""
        line = self._line(provider)
        until = self._clock.monotonic() + seconds
        line.cooling[credential_id] = max(line.cooling.get(credential_id, until), until)
        self._serve_soon(provider, after_seconds=seconds)

    def lacks(self, provider: str, credential_id: UUID, model: str) -> bool:
        """Note that a credential cannot serve a model; whether another one may."""
        line = self._line(provider)
        line.lacking[credential_id, model] = self._clock.monotonic() + LACKING_SECONDS
        return any((credential.id, model) not in line.lacking for credential in line.credentials)

    def credentials_changed(self) -> None:
        """Look at every provider's credentials again, now, and judge them anew."""
        self._health.clear()
        for provider, counter in self._counters.items():
            counter.credentials_read_at = float("-inf")
            counter.line.cooling.clear()
            counter.line.lacking.clear()
            self._serve_soon(provider)

    def is_news(self, credential_id: UUID, state: Health) -> bool:
        """Note how a credential is; whether that is worth writing down.

        A lesser trouble does not cover a greater one: only an answer that works ends `down`.
        """
        known = self._health.get(credential_id)
        if known == state or (known == "down" and state == "degraded"):
            return False
        self._health[credential_id] = state
        return True

    def learned(self, provider: str, seconds: float) -> None:
        """Tell how long a job of this provider took, for the estimates."""
        before = self._typical.get(provider, seconds)
        self._typical[provider] = before + (seconds - before) * 0.1

    def places(self, user_id: UUID) -> list[Place]:
        """Where this person's generations stand, next first; the nearest 100 at each provider."""
        found = [
            place
            for provider, counter in self._counters.items()
            for place in counter.line.places(user_id, self._typical.get(provider))
        ]
        return sorted(found, key=lambda place: place.place)

    @property
    def waiting(self) -> int:
        """How many generations wait in all lines."""
        return sum(counter.line.length for counter in self._counters.values())

    def in_flight(self, credential_id: UUID) -> int:
        """How many jobs run on a credential."""
        return sum(counter.line.running.get(credential_id, 0) for counter in self._counters.values())

    async def stop(self) -> None:
        """Hand out nothing any more."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _counter(self, provider: str) -> _Counter:
        return self._counters.setdefault(provider, _Counter())

    def _line(self, provider: str) -> Line:
        return self._counter(provider).line

    def _freed(self, slot: Slot) -> None:
        self._line(slot.provider).end(slot.credential.id, slot.user_id)
        self._serve_soon(slot.provider)

    def _serve_soon(self, provider: str, *, after_seconds: float = 0.0) -> None:
        counter = self._counter(provider)
        if after_seconds <= 0:
            if counter.serving:
                counter.serve_again = True
                return
            counter.serving = True
        self._begin(self._serve(provider, after_seconds))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, provider: str, after_seconds: float) -> None:
        counter = self._counter(provider)
        if after_seconds > 0:
            await self._clock.sleep(after_seconds)
            self._serve_soon(provider)
            return
        line = counter.line
        try:
            again = True
            while again:
                counter.serve_again = False
                await self._refresh(provider, counter)
                moved = False
                while line.waiting and (turn := line.next(self._clock.monotonic())) is not None:
                    waiting, credential = turn
                    waiting.slot = self.occupy(provider, credential, waiting.user_id)
                    waiting.on_turn()
                    moved = True
                if moved:
                    self._on_moved()
                again = counter.serve_again
        finally:
            counter.serving = False
            if line.waiting and not counter.looking_again and not self._stopping:
                # Whoever still waits is looked after again: an admin may have added a credential or widened one.
                counter.looking_again = True
                self._begin(self._look_again(provider, counter))

    async def _look_again(self, provider: str, counter: _Counter) -> None:
        await self._clock.sleep(LOOK_AGAIN_SECONDS)
        counter.looking_again = False
        if counter.line.waiting:
            self._serve_soon(provider)

    async def _refresh(self, provider: str, counter: _Counter) -> None:
        if self._clock.monotonic() - counter.credentials_read_at < CREDENTIALS_FRESH_SECONDS:
            return
        try:
            credentials = await self._read_credentials(provider)
        except Exception:
            # The rim of a background task: with the database away the line waits, and is looked after again.
            log.exception("dispatch.credentials_unread", provider=provider)
            return
        if credentials != counter.line.credentials:
            # The same ones are kept as they are: every running job holds on to its own.
            counter.line.credentials = credentials
        counter.credentials_read_at = self._clock.monotonic()
