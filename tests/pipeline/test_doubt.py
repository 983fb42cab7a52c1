"""A lost answer: looked up as the provider allows, never repeated blindly; and the callbacks that may resolve it."""

import asyncio
from collections import deque
from uuid import uuid4

import pytest
from sqlalchemy.exc import OperationalError

from tests.pipeline.harness import PRICE_EACH, Life, Status, Studio
from tests.pipeline.vendor import Vendor
from vermilion.kit import Conflict, Forbidden, NotFound
from vermilion.kit.sealed import Sealer
from vermilion.providers import (
    Ambiguity,
    Ambiguous,
    Broke,
    Call,
    Done,
    Drifted,
    Misconfigured,
    Rejected,
    Ticket,
    Unreachable,
)


def _offer(studio: Studio, ambiguity: Ambiguity) -> None:
    studio.vendor.ambiguity = ambiguity
    if ambiguity in (Ambiguity.FIND_BY_REFERENCE, Ambiguity.LIST_RECENT):
        studio.vendor.powers.add("find")


RESOLVABLE = [Ambiguity.IDEMPOTENCY_KEY, Ambiguity.FIND_BY_REFERENCE, Ambiguity.LIST_RECENT]


@pytest.mark.parametrize("ambiguity", RESOLVABLE)
async def test_a_job_whose_answer_was_lost_is_found(studio: Studio, ambiguity: Ambiguity) -> None:
    life = await studio.open()
    _offer(studio, ambiguity)
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.view(made).attempt) == (Status.SUCCEEDED, 1)
    assert (len(studio.vendor.jobs), studio.balance().spent) == (1, PRICE_EACH)
    assert len({call.reference for call in studio.vendor.sent}) == 1


@pytest.mark.parametrize("ambiguity", RESOLVABLE)
async def test_a_submit_that_never_arrived_is_made_once_more(studio: Studio, ambiguity: Ambiguity) -> None:
    life = await studio.open()
    _offer(studio, ambiguity)
    studio.vendor.submits = deque([Ambiguous("Lost on the way.")])
    made = await life.request()
    await studio.to_the_end(within_seconds=200)
    assert (studio.view(made).status, len(studio.vendor.jobs)) == (Status.SUCCEEDED, 1)


async def test_a_job_that_appears_only_after_it_was_looked_for_is_not_submitted_again(studio: Studio) -> None:
    life = await studio.open()
    _offer(studio, Ambiguity.FIND_BY_REFERENCE)
    studio.vendor.submits = deque([Ambiguous("The connection broke while it was still on its way.")])
    made = await life.request()
    await studio.pass_time(3)
    assert any(name == "find" for name, _ in studio.vendor.calls)
    studio.vendor.accept(studio.vendor.sent[0])
    await studio.to_the_end(within_seconds=200)
    assert (studio.view(made).status, len(studio.vendor.sent), len(studio.vendor.jobs)) == (Status.SUCCEEDED, 1, 1)


@pytest.mark.parametrize("ambiguity", RESOLVABLE)
async def test_the_look_up_survives_a_provider_that_is_away(studio: Studio, ambiguity: Ambiguity) -> None:
    life = await studio.open()
    _offer(studio, ambiguity)
    away = [Unreachable("Nobody home."), Misconfigured("The key is wrong."), Drifted("What?")]
    studio.vendor.submits = deque([studio.vendor.lose_answer(), *away])
    studio.vendor.finds = deque(away)
    made = await life.request()
    await studio.to_the_end(within_seconds=200)
    assert (studio.view(made).status, len(studio.vendor.jobs)) == (Status.SUCCEEDED, 1)


async def test_a_look_up_that_never_answers_ends_as_uncertain(studio: Studio) -> None:
    life = await studio.open()
    _offer(studio, Ambiguity.FIND_BY_REFERENCE)
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    studio.vendor.finds = deque([Unreachable("Nobody home.")] * 1000)
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=700)
    studio.check()
    assert studio.balance().held == PRICE_EACH


async def test_a_refusal_found_out_by_looking_costs_nothing(studio: Studio) -> None:
    life = await studio.open()
    _offer(studio, Ambiguity.IDEMPOTENCY_KEY)
    studio.vendor.submits = deque([Ambiguous("Lost."), Rejected("No.")])
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().available) == (Status.FAILED, 1000)


@pytest.mark.parametrize("trouble", [Ambiguous("Lost."), Drifted("What is this?")])
async def test_where_nothing_tells_it_is_uncertain_and_a_day_later_the_credits_are_back(
    studio: Studio, trouble: Exception
) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([trouble])
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    studio.check()
    await studio.pass_time(3600)
    assert (studio.row(made).status, studio.balance().held) == (Status.UNCERTAIN, PRICE_EACH)
    studio.clock.jump(23 * 3600)
    await studio.crash()
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().available) == (Status.FAILED, 1000)
    assert len(studio.vendor.sent) == 1


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(("away_seconds", "end"), [(90, Status.SUCCEEDED), (700, Status.UNCERTAIN)])
async def test_an_accepted_job_is_held_on_to_while_the_database_is_away(
    studio: Studio, away_seconds: int, end: Status, *, at_once: bool
) -> None:
    """Until the deadline: after that nobody would wait for the result."""
    life = await studio.open()
    back_at: list[float] = []

    async def away(_life: Life, point: str) -> None:
        if point == "submit answered":
            back_at.append(studio.clock.monotonic() + away_seconds)
        if back_at and point in {"commit begun", "read"} and studio.clock.monotonic() < back_at[0]:
            raise OperationalError("a statement", {}, ConnectionRefusedError("the server is away"))

    def answer(vendor: Vendor, call: Call) -> Ticket | Done:
        ticket = vendor.accept(call)
        return vendor.results(vendor.jobs[ticket.id]) if at_once else ticket

    studio.on_point = away
    studio.vendor.bytes_outputs = at_once
    studio.vendor.submits = deque([answer])
    made = await life.request()
    assert await studio.until_status(made, Status.SUCCEEDED, Status.UNCERTAIN, Status.FAILED) is end
    assert (len(studio.vendor.sent), len(studio.vendor.jobs)) == (1, 1)
    studio.check()


async def test_a_callback_brings_the_ticket_of_an_uncertain_one(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    (attempt,) = studio.attempts(made)
    for _ in range(100):
        await life.callback(attempt.id, "job-1")
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().spent, len(studio.vendor.jobs)) == (
        Status.SUCCEEDED,
        PRICE_EACH,
        1,
    )


@pytest.mark.parametrize("resolution", ["failed", "check_again"])
async def test_an_admin_resolves_an_uncertain_one(studio: Studio, resolution: str) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([Ambiguous("Lost.")])
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    await life.resolve(made, resolution)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        await life.resolve(made, resolution)  # type: ignore[arg-type]
    await studio.to_the_end(within_seconds=60)
    assert studio.view(made).status is (Status.FAILED if resolution == "failed" else Status.SUCCEEDED)
    assert studio.balance().available == (1000 if resolution == "failed" else 990)


async def test_word_of_one_given_up_brings_its_result_as_a_gift(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    await life.resolve(made, "failed")
    (attempt,) = studio.attempts(made)
    await life.callback(attempt.id, "job-1")
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert (view.status, view.settled_credits, studio.balance().available) == (Status.SUCCEEDED, 0, 1000)


async def test_a_callback_before_our_answer_is_as_good_as_the_answer(studio: Studio) -> None:
    life = await studio.open()
    called: list[str] = []

    async def call_back_at_once(point: str) -> None:
        if point == "submit answered" and not called:
            called.append(point)
            await life.callback(studio.attempts(made)[0].id, "job-1")

    studio.vendor.gate = call_back_at_once
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    assert called
    assert (studio.view(made).status, studio.balance().spent, len(studio.vendor.sent)) == (
        Status.SUCCEEDED,
        PRICE_EACH,
        1,
    )


@pytest.mark.parametrize("declared", [True, False])
async def test_word_of_one_of_several_jobs_before_our_answer_loses_none_of_them(
    studio: Studio, *, declared: bool
) -> None:
    life = await studio.open()
    studio.vendor.begins_several = declared
    studio.vendor.submits = deque([studio.vendor.answer_several()])
    called: list[str] = []

    async def call_back_at_once(point: str) -> None:
        if point == "submit answered" and not called:
            called.append(point)
            await life.callback(studio.attempts(made)[0].id, "job-1-0")

    studio.vendor.gate = call_back_at_once
    made = await life.request(pictures=4)
    await studio.to_the_end(within_seconds=60)
    (attempt,) = studio.attempts(made)
    ids = [f"job-1-{n}" for n in range(4)]
    assert called
    assert (attempt.ticket_id, (attempt.ticket or {})["ids"]) == (",".join(ids), ids)
    assert (studio.view(made).status, studio.balance().spent) == (Status.SUCCEEDED, 4 * PRICE_EACH)
    assert len(studio.vendor.sent) == 1


async def test_word_of_one_of_several_jobs_is_no_ticket_to_go_on_with(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.begins_several = True
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    (attempt,) = studio.attempts(made)
    await life.callback(attempt.id, "job-1")
    await studio.pass_time(30)
    assert studio.row(made).status == Status.UNCERTAIN
    await life.resolve(made, "failed")
    await life.callback(attempt.id, "job-1")
    await studio.to_the_end(within_seconds=60)
    assert (studio.row(made).status, studio.attempts(made)[0].ticket_id) == (Status.FAILED, None)


async def test_word_of_any_of_several_jobs_makes_us_ask(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.job_seconds = lambda: 500.0
    studio.vendor.submits = deque([studio.vendor.answer_several()])
    made = await life.request(pictures=4)
    await studio.until_status(made, Status.RUNNING)
    await studio.idle()
    (attempt,) = studio.attempts(made)
    for n in range(4):
        before = len(studio.vendor.calls)
        await life.callback(attempt.id, f"job-1-{n}")
        await studio.idle()
        assert len(studio.vendor.calls) > before, "nobody asked"
    before = len(studio.vendor.calls)
    await life.callback(attempt.id, "job-1-4")
    await studio.idle()
    assert len(studio.vendor.calls) == before


async def test_a_storm_of_callbacks_changes_nothing_but_when_we_ask(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    (attempt,) = studio.attempts(made)
    await asyncio.gather(*(life.callback(attempt.id, "job-1") for _ in range(100)))
    await studio.idle()
    assert len([call for call in studio.vendor.calls if call[0] == "check"]) < 30
    studio.clock.advance_to(5.0)
    await asyncio.gather(*(life.callback(attempt.id, "job-1") for _ in range(100)))
    await studio.idle()
    assert studio.view(made).status is Status.SUCCEEDED
    await asyncio.gather(*(life.callback(attempt.id, "job-1") for _ in range(100)))
    await studio.to_the_end(within_seconds=60)
    assert studio.balance().spent == PRICE_EACH


async def test_callbacks_that_are_not_ours_are_refused(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    (attempt,) = studio.attempts(made)
    headers, body = studio.vendor.sign("job-1")
    token = (life.addresses.url("atelier", attempt.id) or "").rpartition("/")[2]
    for forged in ("", "x", token[:-1], f"{uuid4().hex}.{token.partition('.')[2]}", f"{token}é"):
        with pytest.raises(NotFound):
            await life.desk.receive("atelier", forged, headers, body)
    with pytest.raises(NotFound):
        await life.desk.receive("another", token, headers, body)
    with pytest.raises(Forbidden):
        await life.callback(attempt.id, "job-1", forged=True)
    before = len(studio.vendor.calls)
    await life.callback(attempt.id, "job-of-somebody-else")
    await studio.idle()
    assert len(studio.vendor.calls) == before
    await studio.to_the_end(within_seconds=60)


async def test_callbacks_about_what_is_over_change_nothing(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Broke("No.", again=False)])
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    (first,) = studio.attempts(made)
    await life.retry(made)
    await studio.until_status(made, Status.RUNNING)
    version = studio.row(made).version
    await life.callback(first.id, "job-1")
    await studio.idle()
    assert studio.row(made).version == version
    await studio.to_the_end(within_seconds=60)
    await life.delete(made)
    second = studio.attempts(made)[1]
    await life.callback(second.id, "job-2")
    await studio.to_the_end(within_seconds=60)
    assert life.engine.driven == 0


async def test_a_key_file_that_opens_nothing_makes_a_lost_answer_uncertain_and_a_new_one_resolves_it(
    studio: Studio,
) -> None:
    life = await studio.open()
    _offer(studio, Ambiguity.FIND_BY_REFERENCE)
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    studio.vendor.finds = deque([Unreachable("Nobody home.")] * 3)
    made = await life.request()
    await studio.pass_time(1)
    sealer, studio.sealer = studio.sealer, Sealer({"u": b"1" * 32}, "u")
    life = await studio.crash()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    studio.sealer = sealer
    life = await studio.crash()
    await life.callback(studio.attempts(made)[0].id, "job-1")
    await studio.to_the_end(within_seconds=60)
    assert studio.view(made).status is Status.SUCCEEDED
