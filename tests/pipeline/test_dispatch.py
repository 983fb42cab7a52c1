"""Who goes next: fair, bounded, by weight, and never stuck."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.pipeline.fake_clock import BEGINNING, FakeClock, until_idle
from vermilion.catalog import OpenCredential
from vermilion.generation import Dispatcher
from vermilion.generation.line import PLACES_MAX, Slot, Waiting
from vermilion.kit import new_id
from vermilion.providers import Login

PROVIDER = "atelier"


def _credential(max_concurrent: int, *, weight: int = 1, name: str = "key") -> OpenCredential:
    credential_id = new_id()
    return OpenCredential(credential_id, PROVIDER, name, Login(str(credential_id), {}), weight, max_concurrent, None)


class Line:
    """A dispatcher with people in its line; each job takes its slot for some seconds."""

    def __init__(self, *credentials: OpenCredential) -> None:
        self.clock = FakeClock()
        self.credentials = list(credentials)
        self.away = False
        self.reads = 0
        self.dispatcher = Dispatcher(self._read, self.clock)
        self.waits: dict[UUID, list[float]] = {}
        self.slots: list[Slot] = []
        self.order: list[UUID] = []
        self.joined = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def _read(self, _provider: str) -> list[OpenCredential]:
        self.reads += 1
        if self.away:
            raise ConnectionError("the database is away")
        return list(self.credentials)

    def join(
        self, user_id: UUID, *, model: str = "plain", priority: int = 0, on_turn: Callable[[], None] = lambda: None
    ) -> Waiting:
        self.joined += 1
        return self.dispatcher.join(
            PROVIDER,
            new_id(),
            user_id,
            model=model,
            priority=priority,
            created_at=BEGINNING + timedelta(milliseconds=self.joined),
            on_turn=on_turn,
        )

    def work(self, user_id: UUID, seconds: float, *, priority: int = 0) -> None:
        """Somebody waits for a turn, works, and leaves."""

        async def life() -> None:
            turn = asyncio.Event()
            began = self.clock.monotonic()
            waiting = self.join(user_id, priority=priority, on_turn=turn.set)
            try:
                await turn.wait()
                slot = waiting.take()
            finally:
                self.dispatcher.leave(PROVIDER, waiting)
            assert slot is not None
            self.order.append(waiting.generation_id)
            self.waits.setdefault(user_id, []).append(self.clock.monotonic() - began)
            self.slots.append(slot)
            await self.clock.sleep(seconds)
            slot.free()
            self.slots.remove(slot)

        self.tasks.append(asyncio.create_task(life()))

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        await until_idle()
        while (at := self.clock.next_at()) is not None and at <= end:
            self.clock.advance_to(at)
            await until_idle()
        self.clock.advance_to(end)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.dispatcher.stop()


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)]


async def _light_waits(*, heavy: int) -> list[float]:
    dice = random.Random(7)
    line = Line(_credential(8))
    for _ in range(heavy):
        line.work(UUID(int=1), dice.lognormvariate(1.4, 0.5))
    light = [uuid4() for _ in range(50)]
    for _ in range(4):
        for user in dice.sample(light, 25):
            line.work(user, dice.lognormvariate(1.4, 0.5))
            await line.pass_time(1.0)
    await line.pass_time(120)
    waits = [wait for user in light for wait in line.waits.get(user, [])]
    assert len(waits) == 100
    await line.close()
    return waits


async def test_light_users_hardly_notice_one_with_five_thousand_in_line() -> None:
    alone, beside = await _light_waits(heavy=0), await _light_waits(heavy=5000)
    assert _p95(beside) <= max(2 * _p95(alone), 6.0), "a slot that is taken is waited for, a whole line is not"


async def test_two_heavy_users_are_served_alike() -> None:
    line = Line(_credential(4))
    first, second = uuid4(), uuid4()
    for _ in range(60):
        line.work(first, 5.0)
    await line.pass_time(12)
    for _ in range(60):
        line.work(second, 5.0)
    await line.pass_time(60)
    served = len(line.waits[first]) - 12, len(line.waits[second])
    assert abs(served[0] - served[1]) <= 4
    await line.close()


async def test_priority_orders_one_persons_own_line_and_nobody_elses() -> None:
    line = Line(_credential(1))
    user, other = uuid4(), uuid4()
    line.work(user, 1.0)
    await line.pass_time(0.1)
    waiting = [line.join(user, priority=priority) for priority in (0, 0, 2)]
    line.work(other, 1.0)
    await until_idle()
    assert [place.generation_id for place in line.dispatcher.places(user)] == [
        waiting[index].generation_id for index in (2, 0, 1)
    ]
    assert [place.place for place in line.dispatcher.places(other)] == [2]
    await line.pass_time(1.5)
    assert other in line.waits, "another person's priority came first"
    await line.close()


async def test_limits_hold_and_weights_share_the_rest() -> None:
    small, large = _credential(50, weight=1), _credential(50, weight=3)
    line = Line(small, large)
    for _ in range(40):
        line.work(uuid4(), 100.0)
    await line.pass_time(1)
    assert (line.dispatcher.in_flight(small.id), line.dispatcher.in_flight(large.id)) == (10, 30)
    for _ in range(200):
        line.work(uuid4(), 100.0)
    await line.pass_time(1)
    assert (line.dispatcher.in_flight(small.id), line.dispatcher.in_flight(large.id)) == (50, 50)
    await line.close()


async def test_a_credential_that_cools_down_gets_nothing_until_it_is_over() -> None:
    line = Line(_credential(2))
    line.dispatcher.cool_down(PROVIDER, line.credentials[0].id, 30)
    line.work(uuid4(), 1.0)
    await line.pass_time(29)
    assert line.slots == []
    assert line.order == []
    await line.pass_time(2)
    assert len(line.order) == 1
    await line.close()


@pytest.mark.parametrize("trouble", ["away", "none", "full"])
async def test_a_line_nobody_serves_is_looked_after_again(trouble: str) -> None:
    line = Line(_credential(1))
    if trouble == "away":
        line.away = True
    elif trouble == "none":
        known, line.credentials = line.credentials, []
    else:
        line.work(uuid4(), 10_000.0)
        await line.pass_time(1)
    for _ in range(50):
        line.work(uuid4(), 1.0)
    await line.pass_time(60)
    assert len(line.order) == (1 if trouble == "full" else 0)
    assert line.reads < 60, "every one of them asks by itself"
    if trouble == "away":
        line.away = False
    elif trouble == "none":
        line.credentials = known
    else:
        line.credentials = [*line.credentials, _credential(1)]
    await line.pass_time(60)
    assert len(line.order) == (51 if trouble == "full" else 50)
    await line.close()


async def test_slots_come_back_whoever_leaves_when() -> None:
    dice = random.Random(11)
    line = Line(_credential(3), _credential(2))
    for _ in range(300):
        line.work(uuid4() if dice.random() < 0.5 else UUID(int=2), dice.random() * 3)
        if dice.random() < 0.5:
            await line.pass_time(dice.random())
        if dice.random() < 0.4:
            dice.choice(line.tasks).cancel()
        assert sum(line.dispatcher.in_flight(each.id) for each in line.credentials) <= 5
    for task in line.tasks:
        task.cancel()
    await asyncio.gather(*line.tasks, return_exceptions=True)
    for slot in line.slots:
        slot.free()
        slot.free()
    await until_idle()
    assert sum(line.dispatcher.in_flight(each.id) for each in line.credentials) == 0
    assert line.dispatcher.waiting == 0
    await line.close()


async def test_a_turn_that_is_not_taken_goes_to_the_next() -> None:
    line = Line(_credential(1))
    leaving = line.join(uuid4())
    await until_idle()
    assert leaving.slot is not None
    line.work(uuid4(), 1.0)
    await line.pass_time(0.5)
    assert line.order == []
    line.dispatcher.leave(PROVIDER, leaving)
    await line.pass_time(0.5)
    assert len(line.order) == 1
    await line.close()


async def test_places_count_everybody_served_in_turn_and_are_bounded() -> None:
    line = Line(_credential(1))
    line.work(uuid4(), 50.0)
    await line.pass_time(0.1)
    mine, other, third = uuid4(), uuid4(), uuid4()
    for user, many in ((mine, 3), (other, 1), (third, 500)):
        for _ in range(many):
            line.join(user)
    assert [place.place for place in line.dispatcher.places(mine)] == [3, 5, 7]
    assert len(line.dispatcher.places(third)) == PLACES_MAX
    line.dispatcher.learned(PROVIDER, 10.0)
    assert [place.estimate_seconds for place in line.dispatcher.places(mine)] == [30.0, 50.0, 70.0]
    await line.close()
