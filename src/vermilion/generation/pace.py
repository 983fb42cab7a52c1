"""When to ask a provider again: politely, and without being late.

The first question comes shortly before the model's jobs are known to finish at the earliest; from there on the
interval grows with the time already spent, so that lateness stays a constant share of the wait. The share is smaller
where a model's jobs take much the same time: as many questions fall closer together then.
"""

import math
import random
import statistics
from collections import deque
from collections.abc import Sequence

ELAPSED_SHARE_MAX = 0.045
ELAPSED_SHARE_MIN = 0.025
QUESTIONS_BEFORE_HALF = 14
"""How many questions there are from the first one until half of a model's jobs are done, where the share allows it."""
INTERVAL_MIN_SECONDS = 0.25
INTERVAL_MAX_SECONDS = 15.0
FIRST_SHARE_OF_TYPICAL = 0.4
"""The first look at a model nobody has measured here yet, as a share of what its catalog entry calls typical."""

SAMPLES_KEPT = 50
SAMPLES_NEEDED = 5
FAST_PERCENTILE = 0.1
SAFETY = 0.9
"""How much before the fast percentile to begin looking."""


class Pace:
    """Learns, per model, how quickly jobs finish, and says how long to wait before the next question."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {}

    def knows(self, model: str) -> bool:
        """Whether this model's durations were loaded or learned already."""
        return model in self._samples

    def load(self, model: str, durations_seconds: Sequence[float]) -> None:
        """Begin with durations measured before this process started, oldest first."""
        self._samples.setdefault(model, deque(durations_seconds, maxlen=SAMPLES_KEPT))

    def learn(self, model: str, duration_seconds: float) -> None:
        """Remember how long a job took from its acceptance to its result."""
        self._samples.setdefault(model, deque(maxlen=SAMPLES_KEPT)).append(duration_seconds)

    def earliest_seconds(self, model: str, typical_seconds: float) -> float:
        """When the first question is worth asking, in seconds after acceptance."""
        samples = self._samples.get(model, ())
        if len(samples) < SAMPLES_NEEDED:
            return typical_seconds * FIRST_SHARE_OF_TYPICAL
        return sorted(samples)[int(len(samples) * FAST_PERCENTILE)] * SAFETY

    def elapsed_share(self, model: str, typical_seconds: float, elapsed_seconds: float) -> float:
        """The interval between two questions, as a share of the time already spent."""
        samples = self._samples.get(model, ())
        earliest = self.earliest_seconds(model, typical_seconds)
        if len(samples) < SAMPLES_NEEDED or earliest <= 0 or elapsed_seconds > max(samples):
            # Nothing is known of it, or it takes longer than all that were.
            return ELAPSED_SHARE_MAX
        # Steps that each add a share s to the time spent: their number is the logarithm of how much it grows, over s.
        growth = math.log(statistics.median(samples) / earliest)
        return min(max(growth / QUESTIONS_BEFORE_HALF, ELAPSED_SHARE_MIN), ELAPSED_SHARE_MAX)

    def wait_seconds(
        self, model: str, typical_seconds: float, elapsed_seconds: float, *, asked_seconds: float | None = None
    ) -> float:
        """How long to wait before asking again, `elapsed_seconds` after acceptance.

        `asked_seconds` is what the provider told (`Retry-After`); it is never undercut.
        """
        share = self.elapsed_share(model, typical_seconds, elapsed_seconds)
        interval = min(max(elapsed_seconds * share, INTERVAL_MIN_SECONDS), INTERVAL_MAX_SECONDS)
        until_earliest = self.earliest_seconds(model, typical_seconds) - elapsed_seconds
        # Never further ahead than the longest interval: a job may be much quicker than all before it.
        wait = max(interval, min(until_earliest, INTERVAL_MAX_SECONDS))
        return max(wait, asked_seconds or 0.0)


def after_restart(wait_seconds: float) -> float:
    """The same wait, spread out, so that a thousand resumed rows do not ask in the same instant."""
    return random.uniform(0.0, max(wait_seconds, 1.0))  # noqa: S311 - spreading load, not a secret
