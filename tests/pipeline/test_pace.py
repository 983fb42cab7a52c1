"""How late a finished job is noticed, and how many questions that took: the figures of bench B3 as a limit."""

import random
import statistics

import pytest

from vermilion.generation import Pace
from vermilion.generation.pace import INTERVAL_MAX_SECONDS, after_restart


def _follow(pace: Pace, typical: float, duration: float) -> tuple[float, int]:
    """Lateness in seconds and the number of questions of one job; the vendor answers in no time."""
    elapsed, polls = 0.0, 0
    while True:
        elapsed += pace.wait_seconds("m", typical, elapsed)
        polls += 1
        if elapsed >= duration:
            pace.learn("m", elapsed)
            return elapsed - duration, polls


def _measure(median: float, spread: float, *, jobs: int = 2000) -> tuple[float, float]:
    """Median lateness and median questions over log-normal durations, the learning included."""
    dice, pace = random.Random(5), Pace()
    measured = [_follow(pace, median * 1.3, median * dice.lognormvariate(0, spread)) for _ in range(jobs)]
    return statistics.median(late for late, _ in measured), statistics.median(polls for _, polls in measured)


@pytest.mark.parametrize("spread", [0.3, 0.5, 0.7])
def test_an_image_is_noticed_quickly(spread: float) -> None:
    late, polls = _measure(4.0, spread)
    assert late <= 0.35
    assert polls <= 16


@pytest.mark.parametrize(("spread", "late_max"), [(0.2, 1.3), (0.35, 1.8), (0.5, 2.2)])
def test_a_video_of_ninety_seconds_is_noticed_in_time_and_sooner_where_jobs_are_alike(
    spread: float, late_max: float
) -> None:
    late, polls = _measure(90.0, spread)
    assert late <= late_max
    assert polls <= 19


def test_a_provider_that_asks_to_wait_is_never_undercut() -> None:
    pace = Pace()
    assert pace.wait_seconds("m", 4.0, 1.0, asked_seconds=50.0) == 50.0
    assert pace.wait_seconds("m", 4.0, 1.0, asked_seconds=0.01) >= 0.25


def test_a_job_much_quicker_than_all_before_is_noticed_within_the_longest_interval() -> None:
    pace = Pace()
    pace.load("m", [600.0] * 50)
    assert _follow(pace, 600.0, 3.0)[0] <= INTERVAL_MAX_SECONDS


def test_resumed_rows_do_not_all_ask_at_once() -> None:
    waits = sorted(after_restart(5.0) for _ in range(1000))
    assert waits[100] > 0.2
    assert waits[900] > 4.0
    assert waits[-1] <= 5.0
