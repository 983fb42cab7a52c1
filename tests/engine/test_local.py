"""The engine of one process: each row is driven, by one driver, until there is nothing left to do."""

import asyncio
from uuid import UUID, uuid4

from tests.pipeline.fake_clock import FakeClock, until_idle
from vermilion.engine import Bell, LocalEngine


class Rows:
    """Rows that are driven: each has what is left to do, and remembers who drove it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.left: dict[UUID, int] = {}
        self.driving: dict[UUID, int] = {}
        self.most = 0
        self.drives = 0
        self.failures = 0
        self.bells: dict[UUID, Bell] = {}
        self.unreadable = False
        self.engine = LocalEngine(self.drive, self.unfinished, self.clock)

    async def unfinished(self) -> list[UUID]:
        if self.unreadable:
            raise ConnectionError("the database is away")
        return [row_id for row_id, left in self.left.items() if left]

    async def drive(self, row_id: UUID, bell: Bell) -> None:
        self.drives += 1
        self.driving[row_id] = self.driving.get(row_id, 0) + 1
        self.most = max(self.most, self.driving[row_id])
        self.bells[row_id] = bell
        try:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("the database is away")
            while self.left[row_id]:
                await bell.wait(1.0)
                self.left[row_id] -= 1
        finally:
            self.driving[row_id] -= 1

    def add(self, left: int = 1) -> UUID:
        row_id = uuid4()
        self.left[row_id] = left
        return row_id

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        await until_idle()
        while (at := self.clock.next_at()) is not None and at <= end:
            self.clock.advance_to(at)
            await until_idle()


async def test_every_unfinished_row_is_picked_up_at_the_start() -> None:
    rows = Rows()
    made = [rows.add(n) for n in range(4)]
    await rows.engine.run()
    assert rows.engine.driven == 3
    await rows.pass_time(5)
    assert [rows.left[each] for each in made] == [0, 0, 0, 0]
    assert rows.engine.driven == 0
    await rows.engine.stop()


async def test_one_row_has_one_driver_however_often_it_is_named() -> None:
    rows = Rows()
    made = rows.add(50)
    for _ in range(30):
        rows.engine.start(made)
        rows.engine.wake(made)
        await until_idle()
    assert (rows.most, rows.drives) == (1, 1)
    await rows.engine.stop()


async def test_a_ring_while_the_driver_leaves_is_not_lost() -> None:
    rows = Rows()
    made = rows.add(1)
    drive = rows.drive

    async def leaving(row_id: UUID, bell: Bell) -> None:
        await drive(row_id, bell)
        if rows.drives == 1:
            # Its last look is behind it when somebody adds work and rings.
            rows.left[row_id] = 1
            rows.engine.wake(row_id)

    rows.engine = LocalEngine(leaving, rows.unfinished, rows.clock)
    rows.engine.start(made)
    await rows.pass_time(3)
    assert rows.left[made] == 0
    assert rows.engine.driven == 0


async def test_a_driver_that_fails_is_started_again_with_growing_pauses() -> None:
    rows = Rows()
    made = rows.add(1)
    rows.failures = 6
    rows.engine.start(made)
    await rows.pass_time(20)
    assert 3 <= rows.drives <= 6
    await rows.pass_time(200)
    assert rows.left[made] == 0


async def test_a_row_nobody_drives_is_found_by_the_sweep() -> None:
    rows = Rows()
    await rows.engine.run()
    forgotten = rows.add(1)
    rows.unreadable = True
    await rows.pass_time(31)
    assert rows.left[forgotten] == 1
    rows.unreadable = False
    await rows.pass_time(32)
    assert rows.left[forgotten] == 0
    await rows.engine.stop()


async def test_stopping_lets_go_of_every_row_and_starts_nothing_more() -> None:
    rows = Rows()
    made = [rows.add(5) for _ in range(3)]
    await rows.engine.run()
    await rows.pass_time(2)
    async with asyncio.timeout(5):
        await rows.engine.stop()
    rows.engine.start(rows.add(1))
    rows.engine.wake(made[0])
    drives = rows.drives
    await rows.pass_time(60)
    assert rows.drives == drives
    assert all(left == 3 for left in list(rows.left.values())[:3])
