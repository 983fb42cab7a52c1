"""Several hands on one row: two engines on one database, a driver that slept, a thousand requests at once."""

import asyncio
from collections import deque
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from tests.pipeline.harness import DEADLINE_SECONDS, PRICE_EACH, Life, Status, Studio
from tests.pipeline.vendor import Job
from vermilion.catalog.tables import CredentialRow
from vermilion.generation import Wanted, request_generation
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.kit import Conflict, new_id
from vermilion.ledger import InsufficientCredits
from vermilion.providers import Ambiguity, Broke, Canceled, ProviderError, Rejected, Ticket

CREDENTIALS = 2


async def _second_life(studio: Studio) -> tuple[Life, Life]:
    """Another engine on the same database, as a second node would be."""
    first = studio.life
    second = await studio.start()
    return first, second


class Pause:
    """Holds the first life at one of its points until it is let go."""

    def __init__(self, life: Life, point: str) -> None:
        self.life = life
        self.point = point
        self.held = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, life: Life, point: str) -> None:
        if life is self.life and point == self.point and not self.held.is_set():
            self.held.set()
            await self.let_go.wait()


POINTS = [
    "commit begun",
    "committed",
    "submit sent",
    "submit answered",
    "check answered",
    "download ended",
    "keep ended",
]


@pytest.mark.parametrize("ambiguity", [Ambiguity.NONE, Ambiguity.FIND_BY_REFERENCE, Ambiguity.IDEMPOTENCY_KEY], ids=str)
@pytest.mark.parametrize("point", POINTS)
async def test_a_driver_that_slept_for_a_minute_does_no_harm_when_it_wakes(
    studio: Studio, point: str, ambiguity: Ambiguity
) -> None:
    life = await studio.open(credentials=CREDENTIALS)
    studio.vendor.ambiguity = ambiguity
    if ambiguity is Ambiguity.FIND_BY_REFERENCE:
        studio.vendor.powers.add("find")
    made = await life.request(pictures=2)
    pause = Pause(life, point)
    studio.on_point = pause
    await studio.until(pause.held.is_set)
    first, second = await _second_life(studio)
    await studio.pass_time(60)
    pause.let_go.set()
    await studio.idle()
    await studio.until(lambda: studio.row(made).status == Status.SUCCEEDED)
    await studio.pass_time(40)
    studio.check()
    assert studio.balance().spent == 2 * PRICE_EACH
    assert len(studio.vendor.jobs) == 1, "the second driver ordered again what the first had ordered"
    assert (first.slots_in_use(), second.slots_in_use()) == (0, 0)
    await first.end()


async def test_two_engines_drive_the_same_rows_to_one_end(studio: Studio) -> None:
    life = await studio.open(credentials=CREDENTIALS)
    first, second = await _second_life(studio)
    made = [await (first if n % 2 else second).request() for n in range(12)]
    for n, each in enumerate(made):
        (second if n % 2 else first).engine.start(each)
    await studio.until(lambda: all(studio.row(each).status == Status.SUCCEEDED for each in made), within_seconds=200)
    await studio.pass_time(40)
    studio.check()
    assert len(studio.vendor.jobs) == 12
    assert studio.balance().spent == 12 * PRICE_EACH
    assert (first.slots_in_use(), second.slots_in_use()) == (0, 0)
    await first.end()
    del life


async def test_a_refusal_seen_by_one_driver_while_the_other_doubts_is_believed(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([Rejected("No.")])
    pause = Pause(life, "submit answered")
    studio.on_point = pause
    made = await life.request()
    await studio.until(pause.held.is_set)
    first, second = await _second_life(studio)
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=10)
    pause.let_go.set()
    await studio.until_status(made, Status.FAILED, within_seconds=10)
    assert studio.balance().available == 1000
    studio.check()
    await first.end()
    del second


async def test_the_job_is_looked_up_with_the_credential_it_was_ordered_with(studio: Studio) -> None:
    life = await studio.open(credentials=2)
    studio.vendor.ambiguity = Ambiguity.FIND_BY_REFERENCE
    studio.vendor.powers.add("find")
    pause = Pause(life, "submit answered")
    studio.on_point = pause
    made = await life.request()
    await studio.until(pause.held.is_set)
    ordered_with = studio.attempts(made)[0].credential_id
    opened: list[str] = []
    adapter = studio.vendor.adapter

    def noted() -> type:
        class Noted(adapter()):  # type: ignore[misc]
            async def find(self, lost: object) -> object:
                opened.append(self.login.credential_id)
                return await super().find(lost)

        return Noted

    studio.vendor.adapter = noted  # type: ignore[method-assign]
    second = (await _second_life(studio))[1]
    await studio.pass_time(1)
    assert set(opened) == {str(ordered_with)}
    pause.let_go.set()
    await studio.until_status(made, Status.SUCCEEDED)
    await studio.pass_time(40)
    assert second.slots_in_use() == 0


async def _asking_about_a_job_that_was_replaced(studio: Studio) -> tuple[UUID, Pause, Job]:
    """A first driver waits for an answer about a job; a second one heard that it broke, and follows the next."""
    studio.vendor.job_seconds = lambda: DEADLINE_SECONDS - 20.0
    life = await studio.open(credentials=CREDENTIALS)
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    # By then the questions are far apart, and a driver holds no row while it asks one.
    await studio.pass_time(60)
    pause = Pause(life, "check sent")
    studio.on_point = pause
    await studio.until(pause.held.is_set)
    ordered_with = studio.attempts(made)[0].credential_id
    studio.tell(
        lambda tx: (
            tx.execute(update(CredentialRow).where(CredentialRow.id == ordered_with).values(enabled=False)) and None
        )
    )
    (job,) = studio.vendor.jobs.values()
    job.done_at, job.failure = studio.clock.monotonic(), Broke("It fell over.")
    await _second_life(studio)
    await studio.until(lambda: len(studio.vendor.jobs) == 2, within_seconds=100)
    await studio.until_status(made, Status.RUNNING)
    job.done_at, job.failure = 1e9, None
    return made, pause, job


@pytest.mark.parametrize("failure", [Broke("It fell over."), Rejected("No."), None], ids=["broke", "rejected", "done"])
async def test_what_became_of_a_job_is_not_told_of_the_one_that_took_its_place(
    studio: Studio, failure: ProviderError | None
) -> None:
    made, pause, job = await _asking_about_a_job_that_was_replaced(studio)
    job.done_at, job.failure = studio.clock.monotonic(), failure
    pause.let_go.set()
    await studio.pass_time(60)
    assert studio.row(made).status == Status.RUNNING
    second = studio.attempts(made)[1]
    assert (second.ticket_id, second.outputs, second.outcome) == ("job-2", None, None)
    await studio.until_status(made, Status.SUCCEEDED)
    await studio.pass_time(40)
    first, second = studio.attempts(made)
    assert first.outputs is None
    assert "job-2" in str(second.outputs)
    assert len(studio.vendor.jobs) == 2
    assert (pause.life.slots_in_use(), studio.life.slots_in_use()) == (0, 0)
    studio.check()
    await pause.life.end()


async def test_how_far_a_job_was_is_not_told_of_the_one_that_took_its_place(studio: Studio) -> None:
    made, pause, job = await _asking_about_a_job_that_was_replaced(studio)
    job.done_at = studio.clock.monotonic() + 50
    pause.let_go.set()
    await studio.pass_time(1)
    assert (studio.row(made).percent or 0.0) < 10
    await studio.until_status(made, Status.SUCCEEDED)
    await pause.life.end()


async def test_the_time_of_a_job_that_was_replaced_is_not_the_time_of_the_next(studio: Studio) -> None:
    made, pause, _ = await _asking_about_a_job_that_was_replaced(studio)
    await studio.pass_time((studio.row(made).deadline_at - studio.clock.now()).total_seconds() - 30)
    assert (studio.clock.now() - studio.attempts(made)[0].intended_at).total_seconds() > DEADLINE_SECONDS
    pause.let_go.set()
    await studio.idle()
    assert studio.row(made).status == Status.RUNNING
    await studio.until_status(made, Status.SUCCEEDED)
    studio.check()
    await pause.life.end()


async def test_the_next_job_is_canceled_with_the_credential_it_was_ordered_with(studio: Studio) -> None:
    made, pause, _ = await _asking_about_a_job_that_was_replaced(studio)
    first, second = studio.attempts(made)
    assert first.credential_id != second.credential_id
    canceled_with: list[tuple[str, str]] = []
    adapter = studio.vendor.adapter

    def noted() -> type:
        class Noted(adapter()):  # type: ignore[misc]
            async def cancel(self, ticket: Ticket) -> object:
                canceled_with.append((ticket.id, self.login.credential_id))
                return await super().cancel(ticket)

        return Noted

    studio.vendor.adapter = noted  # type: ignore[method-assign]
    # Nothing new: it lies down again, and still thinks of the first.
    pause.let_go.set()
    await studio.idle()
    await pause.life.cancel(made)
    await studio.until_status(made, Status.CANCELED)
    assert canceled_with == [("job-2", str(second.credential_id))]
    studio.check()
    await pause.life.end()


async def test_a_receipt_replaced_by_a_fuller_one_is_followed_to_its_own_end(studio: Studio) -> None:
    studio.vendor.job_seconds = lambda: 100.0
    life = await studio.open()
    made = await life.request(pictures=2)
    await studio.until_status(made, Status.RUNNING)
    await studio.pass_time(60)
    pause = Pause(life, "check sent")
    studio.on_point = pause
    await studio.until(pause.held.is_set)
    vendor = studio.vendor
    part = vendor.jobs["job-1"]
    whole = Ticket("job-1,job-2", {"endpoint": "study"})
    vendor.jobs[whole.id] = Job(whole, part.reference, 2, part.done_at + 100)
    part.outputs, part.done_at = 1, studio.clock.monotonic()
    studio.tell(lambda tx: tx.execute(update(AttemptRow).values(ticket_id=whole.id)) and None)
    pause.let_go.set()
    await studio.pass_time(30)
    assert studio.row(made).status == Status.RUNNING, "one of two is not all there is"
    await studio.until_status(made, Status.SUCCEEDED)
    assert len(studio.view(made).assets) == 2


async def test_a_job_that_was_given_more_time_meanwhile_has_it(studio: Studio) -> None:
    studio.vendor.job_seconds = lambda: DEADLINE_SECONDS + 300.0
    life = await studio.open()
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    await studio.pass_time(60)
    later = studio.row(made).deadline_at + timedelta(hours=1)
    more_time = update(GenerationRow).values(deadline_at=later, version=GenerationRow.version + 1)
    studio.tell(lambda tx: tx.execute(more_time) and None)
    await studio.until(lambda: studio.row(made).status != Status.RUNNING)
    await studio.until_status(made, Status.SUCCEEDED)
    studio.check()


async def test_a_thousand_requests_at_once_on_a_balance_for_ten(real_studio: Studio) -> None:
    studio = real_studio
    life = await studio.open(credits_each=10 * PRICE_EACH + 3)
    now = studio.clock.now()
    answers = await asyncio.gather(
        *(
            life.db.write(request_generation, studio.shelf, studio.actor(), Wanted(new_id(), "study", "a heron"), now)
            for _ in range(1000)
        ),
        return_exceptions=True,
    )
    accepted = [answer for answer in answers if isinstance(answer, tuple)]
    refused = [answer for answer in answers if isinstance(answer, InsufficientCredits)]
    assert (len(accepted), len(refused)) == (10, 990)
    assert (studio.balance().available, studio.balance().held) == (3, 100)
    assert len(studio.statuses()) == 10
    studio.check()


async def test_a_double_click_is_one_request_and_another_body_is_refused(real_studio: Studio) -> None:
    studio = real_studio
    life = await studio.open(users=2)
    wanted, now = Wanted(new_id(), "study", "a heron"), studio.clock.now()
    other = Wanted(wanted.id, "study", "a crane")
    answers = await asyncio.gather(
        *(life.db.write(request_generation, studio.shelf, studio.actor(0), wanted, now) for _ in range(20)),
        *(life.db.write(request_generation, studio.shelf, studio.actor(0), other, now) for _ in range(5)),
        *(life.db.write(request_generation, studio.shelf, studio.actor(1), wanted, now) for _ in range(5)),
        return_exceptions=True,
    )
    same = [answer for answer in answers if isinstance(answer, tuple)]
    assert sum(new for _, new in same) == 1
    assert all(isinstance(answer, Conflict) for answer in answers if not isinstance(answer, tuple))
    assert studio.balance(0).held + studio.balance(1).held == PRICE_EACH
    studio.check()


async def test_people_and_drivers_at_once_on_the_real_database(real_studio: Studio) -> None:
    """Cancels and retries from many sides while the rows are driven: refused or done, never an error of ours."""
    studio = real_studio
    life = await studio.open(users=3, credits_each=500)
    studio.vendor.job_seconds = lambda: 0.2
    studio.vendor.cancels = deque([Canceled.REQUESTED, Canceled.TOO_LATE] * 20)
    studio.vendor.submits = deque([Broke("It fell over.")] * 4)
    made = [(user, await life.request(user=user)) for _ in range(8) for user in range(3)]
    outcomes: list[object] = []

    async def meddle(user: int, each: UUID) -> None:
        for verb in (life.cancel, life.retry, life.cancel, life.retry):
            try:
                await verb(each, user=user)
            except Conflict as refusal:
                outcomes.append(refusal.code)

    meddling = [asyncio.create_task(meddle(user, each)) for user, each in made]
    for _ in range(400):
        await studio.idle()
        at = studio.clock.next_at()
        if at is not None and at < 100:
            studio.clock.advance_to(at)
        if all(task.done() for task in meddling):
            break
    await asyncio.gather(*meddling)
    await studio.to_the_end(within_seconds=300)
    assert {"generation.not_cancelable", "generation.not_retryable"} & {str(each) for each in outcomes}
