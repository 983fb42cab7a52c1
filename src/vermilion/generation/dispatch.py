"""Who goes next: fair between people, by priority within one person's, within each credential's limits.

The line lives in memory, because it follows from the rows: after a restart every queued row lines up again, in
the order it was made. What must not be forgotten (that a row is queued) is in the row.
"""

import asyncio
import bisect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import structlog

from vermilion.catalog import OpenCredential
from vermilion.kit import Clock

log = structlog.get_logger(__name__)

Health = Literal["up", "degraded", "down"]

CREDENTIALS_FRESH_SECONDS = 2.0
"""How long a look at a provider's credentials is believed; the admin's changes take effect within this time."""

LOOK_AGAIN_SECONDS = 4.0
"""How often a line in which somebody waits is looked after when nothing else moves it."""

LACKING_SECONDS = 300.0
"""How long it is believed that a credential cannot serve a model; an admin's change of any credential ends it."""

PLACES_MAX = 100
"""How many places in line a person is told: the nearest ones."""


@dataclass(slots=True)
class Slot:
    """The right to have one job running on a credential, until `free` is called (twice is harmless)."""

    provider: str
    credential: OpenCredential
    user_id: UUID
    on_free: Callable[["Slot"], None]
    freed: bool = False

    def free(self) -> None:
        """Give the place to the next in line."""
        if not self.freed:
            self.freed = True
            self.on_free(self)


@dataclass(order=True, slots=True)
class Waiting:
    """One generation standing in line, ordered by priority, then by age."""

    key: tuple[int, datetime, UUID]
    generation_id: UUID = field(compare=False)
    user_id: UUID = field(compare=False)
    on_turn: Callable[[], None] = field(compare=False)
    model: str = field(compare=False)
    only: UUID | None = field(default=None, compare=False)
    """The one credential it can go with, where it goes on from what was made with that."""
    slot: Slot | None = field(default=None, compare=False)
    taken: bool = field(default=False, compare=False)

    def take(self) -> Slot | None:
        """The slot, once it was handed over; from then on freeing it is the taker's duty."""
        if self.slot is not None:
            self.taken = True
        return self.slot


@dataclass(slots=True)
class _Line:
    """The people waiting for one provider."""

    waiting: dict[UUID, list[Waiting]] = field(default_factory=dict)
    bound: int = 0
    """How many of them can go with one credential only."""
    in_flight: dict[UUID, int] = field(default_factory=dict)
    served_at: dict[UUID, int] = field(default_factory=dict)
    credentials: Sequence[OpenCredential] = ()
    credentials_read_at: float = float("-inf")
    running: dict[UUID, int] = field(default_factory=dict)
    cooling: dict[UUID, float] = field(default_factory=dict)
    lacking: dict[tuple[UUID, str], float] = field(default_factory=dict)
    """Credentials and the models they cannot serve, and until when that is believed."""
    serving: bool = False
    serve_again: bool = False
    looking_again: bool = False
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a generation stands in line: 1 is next. `estimate_seconds` until its turn, None when unknown."""

    generation_id: UUID
    place: int
    estimate_seconds: float | None


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
        self._lines: dict[str, _Line] = {}
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
        line = self._line(provider)
        waiting = Waiting((-priority, created_at, generation_id), generation_id, user_id, on_turn, model, only)
        bisect.insort(line.waiting.setdefault(user_id, []), waiting)
        line.bound += only is not None
        self._serve_soon(provider)
        return waiting

    def leave(self, provider: str, waiting: Waiting) -> None:
        """Stop waiting; a slot that was handed over and not taken goes to the next in line."""
        line = self._line(provider)
        theirs = line.waiting.get(waiting.user_id, [])
        place = bisect.bisect_left(theirs, waiting)
        if place < len(theirs) and theirs[place] is waiting:
            del theirs[place]
            line.bound -= waiting.only is not None
            if not theirs:
                del line.waiting[waiting.user_id]
        if waiting.slot is not None and not waiting.taken:
            waiting.slot.free()

    def occupy(self, provider: str, credential: OpenCredential, user_id: UUID) -> Slot:
        """Count a job that runs already (after a restart), even beyond the limit."""
        line = self._line(provider)
        line.running[credential.id] = line.running.get(credential.id, 0) + 1
        line.in_flight[user_id] = line.in_flight.get(user_id, 0) + 1
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
        for provider, line in self._lines.items():
            line.credentials_read_at = float("-inf")
            line.cooling.clear()
            line.lacking.clear()
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
        found = []
        for provider, line in self._lines.items():
            mine = line.waiting.get(user_id, [])
            width = sum(max(0, known.max_concurrent) for known in line.credentials)
            if not mine:
                continue
            others = [len(theirs) for other, theirs in line.waiting.items() if other != user_id]
            ahead = -1
            for index, waiting in enumerate(mine[:PLACES_MAX]):
                # Everybody else is served about as often as this person until it is this one's turn.
                ahead += 1 + sum(1 for waiting_there in others if waiting_there > index)
                seconds = self._typical.get(provider)
                estimate = None if seconds is None or width == 0 else round(seconds * (ahead + 1) / width, 1)
                found.append(Place(waiting.generation_id, ahead + 1, estimate))
        return sorted(found, key=lambda place: place.place)

    @property
    def waiting(self) -> int:
        """How many generations wait in all lines."""
        return sum(len(theirs) for line in self._lines.values() for theirs in line.waiting.values())

    def in_flight(self, credential_id: UUID) -> int:
        """How many jobs run on a credential."""
        return sum(line.running.get(credential_id, 0) for line in self._lines.values())

    async def stop(self) -> None:
        """Hand out nothing any more."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _line(self, provider: str) -> _Line:
        return self._lines.setdefault(provider, _Line())

    def _freed(self, slot: Slot) -> None:
        line = self._line(slot.provider)
        _count_down(line.running, slot.credential.id)
        _count_down(line.in_flight, slot.user_id)
        self._serve_soon(slot.provider)

    def _serve_soon(self, provider: str, *, after_seconds: float = 0.0) -> None:
        line = self._line(provider)
        if after_seconds <= 0:
            if line.serving:
                line.serve_again = True
                return
            line.serving = True
        task = asyncio.get_running_loop().create_task(self._serve(provider, after_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, provider: str, after_seconds: float) -> None:
        line = self._line(provider)
        if after_seconds > 0:
            await self._clock.sleep(after_seconds)
            self._serve_soon(provider)
            return
        try:
            again = True
            while again:
                line.serve_again = False
                await self._refresh(provider, line)
                moved = False
                while line.waiting and (turn := self._next(line)) is not None:
                    self._serve_one(provider, line, *turn)
                    moved = True
                if moved:
                    self._on_moved()
                again = line.serve_again
        finally:
            line.serving = False
            if line.waiting:
                # Whoever still waits is looked after again: an admin may have added a credential or widened one.
                self._look_again(provider, line)

    def _look_again(self, provider: str, line: _Line) -> None:
        if line.looking_again or self._stopping:
            return
        line.looking_again = True
        task = asyncio.get_running_loop().create_task(self._serve_later(provider, line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_later(self, provider: str, line: _Line) -> None:
        await self._clock.sleep(LOOK_AGAIN_SECONDS)
        line.looking_again = False
        if line.waiting:
            self._serve_soon(provider)

    async def _refresh(self, provider: str, line: _Line) -> None:
        if self._clock.monotonic() - line.credentials_read_at < CREDENTIALS_FRESH_SECONDS:
            return
        try:
            line.credentials = await self._read_credentials(provider)
        except Exception:
            # The rim of a background task: with the database away the line waits, and is looked after again.
            log.exception("dispatch.credentials_unread", provider=provider)
            return
        line.credentials_read_at = self._clock.monotonic()

    def _next(self, line: _Line) -> tuple[Waiting, OpenCredential] | None:
        """Who goes now, and with what: of those for whom there is a slot, whoever has the fewest running, then
        whoever was served longest ago."""
        now = self._clock.monotonic()
        line.lacking = {pair: until for pair, until in line.lacking.items() if until > now}
        best = self._best_credential(line.credentials, line)

        def turn_of(user_id: UUID) -> tuple[int, int]:
            return line.in_flight.get(user_id, 0), line.served_at.get(user_id, -1)

        if not line.bound and not line.lacking:
            return None if best is None else (line.waiting[min(line.waiting, key=turn_of)][0], best)
        for user_id in sorted(line.waiting, key=turn_of):
            for waiting in line.waiting[user_id]:
                credential = self._best_credential(_suited(line, waiting), line)
                if credential is not None:
                    return waiting, credential
        return None

    def _best_credential(self, among: Sequence[OpenCredential], line: _Line) -> OpenCredential | None:
        """The usable credential with the most room relative to its weight."""
        now = self._clock.monotonic()
        best: tuple[float, OpenCredential] | None = None
        for credential in among:
            running = line.running.get(credential.id, 0)
            if running >= credential.max_concurrent or line.cooling.get(credential.id, now) > now:
                continue
            load = (running + 1) / max(credential.weight, 1)
            if best is None or load < best[0]:
                best = (load, credential)
        return None if best is None else best[1]

    def _serve_one(self, provider: str, line: _Line, waiting: Waiting, credential: OpenCredential) -> None:
        """Hand a slot over."""
        user_id = waiting.user_id
        theirs = line.waiting[user_id]
        theirs.remove(waiting)
        line.bound -= waiting.only is not None
        if not theirs:
            del line.waiting[user_id]
        line.turns += 1
        line.served_at[user_id] = line.turns
        waiting.slot = self.occupy(provider, credential, user_id)
        waiting.on_turn()


def _suited(line: _Line, waiting: Waiting) -> Sequence[OpenCredential]:
    """The credentials it may go with. Where every one was found lacking it goes all the same, to be told what lacks."""
    if waiting.only is not None:
        return [credential for credential in line.credentials if credential.id == waiting.only]
    suited = [credential for credential in line.credentials if (credential.id, waiting.model) not in line.lacking]
    return suited or line.credentials


def _count_down(counts: dict[Any, int], key: UUID) -> None:
    left = counts.get(key, 0) - 1
    if left > 0:
        counts[key] = left
    else:
        counts.pop(key, None)
