"""The line at one provider: who waits, who has how much running, and who goes next with what.

Nothing here waits or reads: `dispatch` does that, and tells a line what changed.
"""

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from vermilion.catalog import OpenCredential

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a generation stands in line: 1 is next. `estimate_seconds` until its turn, None when unknown."""

    generation_id: UUID
    place: int
    estimate_seconds: float | None


@dataclass(slots=True)
class Line:
    """The people waiting for one provider, and the jobs they have there."""

    waiting: dict[UUID, list[Waiting]] = field(default_factory=dict)
    """By person, each one's in the order they go."""
    credentials: Sequence[OpenCredential] = ()
    running: dict[UUID, int] = field(default_factory=dict)
    """Jobs by credential."""
    in_flight: dict[UUID, int] = field(default_factory=dict)
    """Jobs by person."""
    cooling: dict[UUID, float] = field(default_factory=dict)
    """Credentials that get nothing new until this monotonic instant."""
    lacking: dict[tuple[UUID, str], float] = field(default_factory=dict)
    """Credentials and the models they cannot serve, and until when that is believed."""
    _bound: int = 0
    """How many of those who wait can go with one credential only."""
    _served_at: dict[UUID, int] = field(default_factory=dict)
    _turns: int = 0

    @property
    def length(self) -> int:
        """How many generations wait."""
        return sum(len(theirs) for theirs in self.waiting.values())

    def add(self, waiting: Waiting) -> None:
        """Stand in line."""
        bisect.insort(self.waiting.setdefault(waiting.user_id, []), waiting)
        self._bound += waiting.only is not None

    def remove(self, waiting: Waiting) -> None:
        """Stop waiting; harmless for who was served or left already."""
        theirs = self.waiting.get(waiting.user_id, [])
        place = bisect.bisect_left(theirs, waiting)
        if place < len(theirs) and theirs[place] is waiting:
            del theirs[place]
            self._bound -= waiting.only is not None
            if not theirs:
                del self.waiting[waiting.user_id]

    def begin(self, credential_id: UUID, user_id: UUID) -> None:
        """Count a job that runs."""
        self.running[credential_id] = self.running.get(credential_id, 0) + 1
        self.in_flight[user_id] = self.in_flight.get(user_id, 0) + 1

    def end(self, credential_id: UUID, user_id: UUID) -> None:
        """Count one that does not run any more."""
        _count_down(self.running, credential_id)
        _count_down(self.in_flight, user_id)

    def next(self, now: float) -> tuple[Waiting, OpenCredential] | None:
        """Take out who goes now, and with what: of those for whom there is a slot, whoever has the fewest running,
        then whoever was served longest ago."""
        self.lacking = {pair: until for pair, until in self.lacking.items() if until > now}
        best = self._best_credential(self.credentials, now)
        turn = None
        if not self._bound and not self.lacking:
            if best is not None and self.waiting:
                turn = self.waiting[min(self.waiting, key=self._turn_of)][0], best
        else:
            turn = next(self._suited_turns(now), None)
        if turn is not None:
            self.remove(turn[0])
            self._turns += 1
            self._served_at[turn[0].user_id] = self._turns
        return turn

    def places(self, user_id: UUID, seconds: float | None) -> Iterator[Place]:
        """Where this person's generations stand, next first; a job takes about `seconds`."""
        mine = self.waiting.get(user_id, [])
        width = sum(max(0, known.max_concurrent) for known in self.credentials)
        others = [len(theirs) for other, theirs in self.waiting.items() if other != user_id]
        ahead = -1
        for index, waiting in enumerate(mine[:PLACES_MAX]):
            # Everybody else is served about as often as this person until it is this one's turn.
            ahead += 1 + sum(1 for waiting_there in others if waiting_there > index)
            estimate = None if seconds is None or width == 0 else round(seconds * (ahead + 1) / width, 1)
            yield Place(waiting.generation_id, ahead + 1, estimate)

    def _turn_of(self, user_id: UUID) -> tuple[int, int]:
        return self.in_flight.get(user_id, 0), self._served_at.get(user_id, -1)

    def _suited_turns(self, now: float) -> Iterator[tuple[Waiting, OpenCredential]]:
        for user_id in sorted(self.waiting, key=self._turn_of):
            for waiting in self.waiting[user_id]:
                credential = self._best_credential(self._suited(waiting), now)
                if credential is not None:
                    yield waiting, credential

    def _suited(self, waiting: Waiting) -> Sequence[OpenCredential]:
        """The credentials it may go with; where every one was found lacking it goes all the same, to be told so."""
        if waiting.only is not None:
            return [credential for credential in self.credentials if credential.id == waiting.only]
        suited = [credential for credential in self.credentials if (credential.id, waiting.model) not in self.lacking]
        return suited or self.credentials

    def _best_credential(self, among: Sequence[OpenCredential], now: float) -> OpenCredential | None:
        """The usable credential with the most room relative to its weight."""
        best: tuple[float, OpenCredential] | None = None
        for credential in among:
            running = self.running.get(credential.id, 0)
            if running >= credential.max_concurrent or self.cooling.get(credential.id, now) > now:
                continue
            load = (running + 1) / max(credential.weight, 1)
            if best is None or load < best[0]:
                best = (load, credential)
        return None if best is None else best[1]


def _count_down(counts: dict[UUID, int], key: UUID) -> None:
    left = counts.get(key, 0) - 1
    if left > 0:
        counts[key] = left
    else:
        counts.pop(key, None)
