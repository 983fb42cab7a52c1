"""Asking together: one question for many, and none that waits for company when there is word of a job already."""

from uuid import UUID

import pytest

from tests.pipeline.harness import Status, Studio
from vermilion.generation.asking import GATHER_SECONDS


async def running(studio: Studio, made: UUID) -> None:
    await studio.until_status(made, Status.RUNNING)


async def test_questions_of_one_moment_go_together(studio: Studio) -> None:
    studio.vendor.powers.add("check_many")
    life = await studio.open()
    for _ in range(3):
        await life.request()
    await studio.to_the_end()
    together = [int(count) for verb, count in studio.vendor.calls if verb == "check_many"]
    assert max(together) == 3
    assert not [verb for verb, _ in studio.vendor.calls if verb == "check"]


@pytest.mark.parametrize("powers", [{"read_callback"}, {"read_callback", "check_many"}])
async def test_what_was_called_back_is_asked_about_without_waiting_for_others(studio: Studio, powers: set[str]) -> None:
    studio.vendor.powers = powers  # type: ignore[assignment]
    studio.vendor.job_seconds = lambda: GATHER_SECONDS / 4
    life = await studio.open()
    made = await life.request()
    await running(studio, made)
    (attempt,) = studio.attempts(made)
    assert attempt.ticket_id is not None
    await studio.pass_time(GATHER_SECONDS / 2)
    assert studio.row(made).status == Status.RUNNING
    await life.callback(attempt.id, attempt.ticket_id)
    await studio.idle()
    assert studio.row(made).status == Status.SUCCEEDED, "no time passed, and it was noticed"
