"""Several hands on one row: two engines on one database, a driver that slept, a thousand requests at once."""

import asyncio
from collections import deque
from uuid import UUID

import pytest

from tests.pipeline.harness import PRICE_EACH, Life, Status, Studio
from vermilion.generation import Wanted, request_generation
from vermilion.kit import Conflict, new_id
from vermilion.ledger import InsufficientCredits
from vermilion.providers import Ambiguity, Broke, Canceled, Rejected

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


async def test_a_thousand_requests_at_once_on_a_balance_for_ten(real_studio: Studio) -> None:
    studio = real_studio
    life = await studio.open(credits_each=10 * PRICE_EACH + 3)
    studio.change_credentials(enabled=False)
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
    studio.change_credentials(enabled=False)
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
