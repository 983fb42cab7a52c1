"""kill -9, for real and in small; `make kill` is the same for longer, and prints what it counted."""

from pathlib import Path

import pytest

from tests.kill.campaign import Campaign, Plan

SHORT = Plan(kills=6, sandbox_kills=1, people=3, in_flight=40, longest_life_seconds=1.5, drain_seconds=240, seed=11)


@pytest.mark.timeout(600)  # About two minutes: a lost submit is looked for until no call can be under way.
async def test_nothing_is_lost_doubled_or_charged_twice_however_often_the_house_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    report = await Campaign(SHORT, tmp_path, database_url).run()
    assert report.faults() == [], "\n".join(f"{name}: {value}" for name, value in report.lines())
    # It tried what it meant to try.
    assert report.kills == SHORT.kills
    assert report.sandbox_kills == SHORT.sandbox_kills
    assert min(report.in_flight_at_kills) >= SHORT.in_flight // 2
    assert report.found_at_kills["running"] > 0
    assert report.ended["succeeded"] > 0
    assert report.files_checked >= report.ended["succeeded"]
    assert report.accepted == report.requested == sum(report.ended.values())
