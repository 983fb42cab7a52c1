"""Canceling, trying again and deleting, in every status and against every race."""

from collections import deque

import pytest

from tests.pipeline.harness import PRICE_EACH, Status, Studio
from vermilion.kit import Conflict, NotFound
from vermilion.ledger import InsufficientCredits
from vermilion.providers import Ambiguity, Ambiguous, Broke, Canceled, Done, Output, Throttled, Unreachable


async def test_one_in_line_is_canceled_at_once(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    studio.change_credentials(enabled=False)
    view = await life.cancel(made)
    assert (view.status, studio.balance().available) == (Status.CANCELED, 1000)
    assert (await life.cancel(made)).status is Status.CANCELED
    await studio.to_the_end(within_seconds=60)
    assert studio.vendor.sent == []


async def test_one_being_submitted_is_canceled_once_its_ticket_is_there(studio: Studio) -> None:
    life = await studio.open()
    asked: list[str] = []

    async def cancel_meanwhile(point: str) -> None:
        if point == "submit answered" and not asked:
            asked.append(point)
            view = await life.cancel(made)
            assert (view.status, view.cancel_requested, view.can_cancel) == (Status.SUBMITTING, True, False)

    studio.vendor.gate = cancel_meanwhile
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    assert asked
    assert (studio.view(made).status, studio.balance().available) == (Status.CANCELED, 1000)
    assert [job.canceled for job in studio.vendor.jobs.values()] == [True]


@pytest.mark.parametrize(
    "trouble", [Throttled("Slow down."), Unreachable("Nobody home."), Broke("It fell over."), Ambiguous("Lost.")]
)
async def test_a_cancel_that_races_a_refused_submit_starts_nothing_new(studio: Studio, trouble: Exception) -> None:
    life = await studio.open()
    studio.vendor.ambiguity, studio.vendor.powers = Ambiguity.FIND_BY_REFERENCE, {"cancel", "find"}
    studio.vendor.submits = deque([trouble])

    async def cancel_meanwhile(point: str) -> None:
        if point == "submit answered" and not studio.row(made).cancel_requested_at:
            await life.cancel(made)

    studio.vendor.gate = cancel_meanwhile
    made = await life.request()
    await studio.to_the_end(within_seconds=600)
    assert (studio.view(made).status, studio.balance().available) == (Status.CANCELED, 1000)
    assert len(studio.vendor.sent) == 1


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (Canceled.STOPPED, Status.CANCELED),
        (Canceled.REQUESTED, Status.SUCCEEDED),
        (Canceled.TOO_LATE, Status.SUCCEEDED),
        (Canceled.UNKNOWN, Status.SUCCEEDED),
    ],
)
async def test_a_running_one_ends_as_the_provider_says(studio: Studio, answer: Canceled, end: Status) -> None:
    life = await studio.open()
    studio.vendor.cancels = deque([answer])
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    view = await life.cancel(made)
    assert (view.status, view.cancel_requested) == (Status.RUNNING, True)
    await studio.to_the_end(within_seconds=60)
    assert studio.view(made).status is end
    assert studio.balance().spent == (0 if end is Status.CANCELED else PRICE_EACH)
    assert [call for call in studio.vendor.calls if call[0] == "cancel"] == [("cancel", "job-1")]


async def test_a_job_that_breaks_after_a_cancel_is_not_begun_anew(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.cancels = deque([Canceled.REQUESTED])
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    studio.vendor.checks = deque([Broke("It was stopped.")])
    await life.cancel(made)
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().available) == (Status.CANCELED, 1000)
    assert len(studio.vendor.sent) == 1


async def test_a_cancel_that_was_not_heard_is_said_again(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.cancels = deque([Unreachable("Nobody home.")])
    studio.vendor.job_seconds = lambda: 100.0
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    await life.cancel(made)
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().available) == (Status.CANCELED, 1000)


async def test_a_cancel_outlives_a_crash(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.cancels = deque([Unreachable("Nobody home.")])
    studio.vendor.job_seconds = lambda: 100.0
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    await life.cancel(made)
    await studio.crash()
    await studio.to_the_end(within_seconds=60)
    assert studio.view(made).status is Status.CANCELED


async def test_a_provider_that_cannot_cancel_is_not_asked_to(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.powers = set()
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    assert not studio.view(made).can_cancel
    with pytest.raises(Conflict):
        await life.cancel(made)
    await studio.to_the_end(within_seconds=60)


async def test_results_that_came_before_the_cancel_are_given(studio: Studio) -> None:
    """The cancel races the end: the provider finished, and the results are on their way home."""
    life = await studio.open()
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)

    async def cancel_meanwhile(point: str) -> None:
        if point == "check answered" and not studio.row(made).cancel_requested_at and studio.clock.monotonic() >= 5:
            await life.cancel(made)

    studio.vendor.gate = cancel_meanwhile
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().spent) == (Status.SUCCEEDED, PRICE_EACH)


@pytest.mark.parametrize("outputs", [(), (Output("image", url="https://files.example/nothing"),)])
async def test_a_cancel_noted_before_results_that_cannot_be_kept_comes_to_an_end(
    studio: Studio, outputs: tuple[Output, ...]
) -> None:
    life = await studio.open()
    studio.vendor.cancels = deque([Canceled.TOO_LATE])
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    studio.vendor.checks = deque([Done(outputs)] * 3)
    await life.cancel(made)
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().available) == (Status.CANCELED, 1000)


async def test_one_being_stored_is_not_canceled(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    refused: list[Conflict] = []

    async def cancel_meanwhile(point: str) -> None:
        if point == "keep begun":
            with pytest.raises(Conflict) as refusal:
                await life.cancel(made)
            refused.append(refusal.value)

    studio.vendor.gate = cancel_meanwhile
    await studio.to_the_end(within_seconds=60)
    assert [refusal.extras for refusal in refused] == [{"status": Status.STORING}]
    assert studio.view(made).status is Status.SUCCEEDED


async def test_a_cancel_between_turn_and_intention_wins(studio: Studio) -> None:
    life = await studio.open()
    made_ids: list[str] = []

    async def cancel_at_intention(where: object, point: str) -> None:
        del where
        if point == "commit begun" and life.slots_in_use() and not made_ids:
            made_ids.append(point)
            await life.cancel(made)

    made = await life.request()
    studio.on_point = cancel_at_intention
    await studio.to_the_end(within_seconds=60)
    assert made_ids
    assert (studio.view(made).status, studio.vendor.sent, studio.balance().available) == (Status.CANCELED, [], 1000)


async def test_another_try_is_a_new_attempt_on_a_new_hold(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Broke("No.", again=False)])
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    first = studio.row(made)
    assert first.status == Status.FAILED
    view = await life.retry(made)
    assert (view.status, view.failure, studio.balance().held) == (Status.QUEUED, None, PRICE_EACH)
    with pytest.raises(Conflict):
        await life.retry(made)
    await studio.to_the_end(within_seconds=60)
    again = studio.row(made)
    assert (again.status, again.attempt, studio.balance().spent) == (Status.SUCCEEDED, 2, PRICE_EACH)
    assert again.hold_id != first.hold_id


async def test_another_try_without_the_credits_changes_nothing(studio: Studio) -> None:
    life = await studio.open(credits_each=PRICE_EACH)
    studio.vendor.checks = deque([Broke("No.", again=False)])
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    other = await life.request()
    with pytest.raises(InsufficientCredits):
        await life.retry(made)
    assert studio.view(made).status is Status.FAILED
    studio.check()
    await life.cancel(other)
    await life.retry(made)
    await studio.to_the_end(within_seconds=60)
    assert studio.view(made).status is Status.SUCCEEDED


async def test_tries_are_counted_anew_after_a_retry_and_a_cancel_is_forgotten(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.cancels = deque([Canceled.STOPPED])
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    await life.cancel(made)
    await studio.to_the_end(within_seconds=60)
    studio.vendor.submits = deque([Broke("It fell over.")] * 2)
    assert not (await life.retry(made)).cancel_requested
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.view(made).attempt) == (Status.SUCCEEDED, 4)


async def test_only_what_is_over_can_be_deleted_and_it_is_gone_with_its_pictures(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    with pytest.raises(Conflict):
        await life.delete(made)
    await studio.until_status(made, Status.RUNNING)
    with pytest.raises(Conflict):
        await life.delete(made)
    await studio.to_the_end(within_seconds=60)
    await life.delete(made)
    with pytest.raises(NotFound):
        studio.view(made)
    with pytest.raises(NotFound):
        await life.delete(made)
    studio.check()


async def test_deleting_one_that_is_watched_ends_the_watch(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.powers, studio.vendor.job_seconds = set(), lambda: 700.0
    made = await life.request()
    await studio.until_status(made, Status.FAILED, within_seconds=650)
    await life.delete(made)
    await studio.pass_time(1000)
    assert studio.row(made).status == Status.FAILED
    studio.check()
    assert life.engine.driven == 0


async def test_a_late_result_of_a_try_given_up_does_not_end_the_next(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.powers, studio.vendor.job_seconds = set(), lambda: 700.0
    made = await life.request()
    await studio.until_status(made, Status.FAILED, within_seconds=650)
    studio.vendor.job_seconds = lambda: 300.0
    await life.retry(made)
    await studio.to_the_end(within_seconds=1000)
    assert (studio.view(made).status, studio.balance().spent) == (Status.SUCCEEDED, PRICE_EACH)
    assert studio.row(made).attempt == 2
