"""How many bytes of bodies this process holds at once: altogether, and for each person or address."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from vermilion.kit import AppError

WAIT_SECONDS = 5
"""When a body that found no place may come again: others' are handed on by then."""


class HeldBytes:
    """A bounded place for bodies; nobody has more than a share of it, so that nobody can take it from everybody."""

    def __init__(self, *, most_bytes: int, share_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._share_bytes = share_bytes
        self._held: Counter[str] = Counter()

    @property
    def total_bytes(self) -> int:
        """What is held now."""
        return self._held.total()

    @contextmanager
    def hold(self, whose: str) -> "Iterator[Hold]":
        """A hold of nothing yet, given back at the end; what it is enlarged by counts as `whose`."""
        hold = Hold(self, whose)
        try:
            yield hold
        finally:
            self._held[whose] -= hold.size_bytes
            if self._held[whose] <= 0:
                del self._held[whose]

    def take(self, whose: str, size_bytes: int) -> None:
        """Count these too; raises 429 `request.no_room` when that is too much, and counts nothing then."""
        if self._held[whose] + size_bytes > self._share_bytes or self.total_bytes + size_bytes > self._most_bytes:
            raise AppError(
                "request.no_room",
                f"Too many large bodies at this moment. Try again in {WAIT_SECONDS} s.",
                status=429,
                extras={"retry_after_seconds": WAIT_SECONDS},
                headers={"Retry-After": str(WAIT_SECONDS)},
            )
        self._held[whose] += size_bytes


class Hold:
    """What one body takes of the place."""

    def __init__(self, place: HeldBytes, whose: str) -> None:
        self._place = place
        self._whose = whose
        self.size_bytes = 0

    def enlarge(self, by_bytes: int) -> None:
        """Hold so many more; raises as `HeldBytes.take`."""
        self._place.take(self._whose, by_bytes)
        self.size_bytes += by_bytes
