"""Streams: nothing lost or doubled over reconnects, rights asked again, slow readers bounded."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from vermilion.db import Database, Tx
from vermilion.events import EventHub, count_events, emit, forget_events, position, stream
from vermilion.events.log import REPLAY_MAX

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _always(_tx: Tx) -> bool:
    return True


def _nothing(_user_id: UUID) -> None:
    return None


class Client:
    """A browser's EventSource: it remembers the last number, and what it was told."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.things: dict[str, Any] = {}
        self.numbers: list[int] = []
        self.resets = 0
        self.beats = 0
        self.lines: list[Any] = []

    def hear(self, chunk: bytes) -> None:
        for block in chunk.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] != ":")
            self.beats += block.startswith(":")
            if "event" not in fields:
                continue
            data = json.loads(fields["data"])
            if fields["event"] == "line":
                self.lines.append(data["items"])
                continue
            self.last = int(fields["id"])
            if fields["event"] == "reset":
                self.resets += 1
                continue
            self.numbers.append(self.last)
            if fields["event"].endswith(".deleted"):
                self.things.pop(data["id"], None)
            else:
                self.things[data["id"]] = data["n"]


def _tell(tx: Tx, user_id: UUID, thing: str, n: int) -> None:
    emit(tx, user_id, "generation.changed", {"id": thing, "n": n}, NOW)


def _end(tx: Tx, user_id: UUID, thing: str, now: datetime = NOW) -> None:
    emit(tx, user_id, "generation.deleted", {"id": thing}, now)


def _open(
    db: Database,
    hub: EventHub,
    user_id: UUID,
    after: int | None,
    *,
    allowed: Callable[[Tx], bool] = _always,
    hint: Callable[[UUID], dict[str, Any] | None] = _nothing,
) -> AsyncIterator[bytes]:
    return stream(db, hub, user_id, after, still_allowed=allowed, hint=hint)


async def _listen(client: Client, messages: AsyncIterator[bytes], until: Callable[[], bool]) -> None:
    async with aclosing(messages), asyncio.timeout(20):  # type: ignore[type-var]
        async for chunk in messages:
            client.hear(chunk)
            if until():
                return


def _has_heard(client: Client, more_than: int, or_else: Callable[[], bool] = lambda: False) -> Callable[[], bool]:
    return lambda: len(client.numbers) > more_than or or_else()


async def _come_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event to wait on
            await asyncio.sleep(0.005)


@pytest.fixture
def hub(db: Database) -> EventHub:
    made = EventHub()
    db.listen(made.on_topic)
    return made


async def test_nothing_is_lost_or_doubled_over_a_hundred_reconnects(db: Database, hub: EventHub) -> None:
    user_id, client = uuid4(), Client()
    client.last = 0
    told: dict[str, int] = {}

    async def write() -> None:
        for n in range(300):
            thing = f"thing-{n % 7}"
            if n % 11 == 10:
                await db.write(_end, user_id, thing)
                told.pop(thing, None)
            else:
                await db.write(_tell, user_id, thing, n)
                told[thing] = n

    writing = asyncio.create_task(write())
    for turn in range(100):
        enough = len(client.numbers) + turn % 3
        await _listen(client, _open(db, hub, user_id, client.last), _has_heard(client, enough, writing.done))
    await writing
    last = await db.read(position, user_id)
    await _listen(client, _open(db, hub, user_id, client.last), lambda: True)
    if client.last != last:
        await _listen(client, _open(db, hub, user_id, client.last), lambda: client.last == last)
    assert client.things == told
    assert client.numbers == sorted(set(client.numbers)), "told twice, or out of order"
    assert client.resets == 0
    assert hub.streams == 0


async def test_whoever_knows_everything_hears_what_happens_from_now_on(db: Database, hub: EventHub) -> None:
    user_id, client = uuid4(), Client()
    await db.write(_tell, user_id, "before", 1)
    messages = _open(db, hub, user_id, None)
    client.hear(await anext(messages))
    following = asyncio.create_task(_listen(client, messages, lambda: bool(client.things)))
    await asyncio.sleep(0.05)
    await db.write(_tell, user_id, "after", 2)
    await following
    assert client.things == {"after": 2}


@pytest.mark.parametrize("claimed", [5, 2**62])
async def test_a_number_that_was_never_issued_is_answered_with_a_reset(
    db: Database, hub: EventHub, claimed: int
) -> None:
    user_id, client = uuid4(), Client()
    for n in range(3):
        await db.write(_tell, user_id, f"thing-{n}", n)
    await _listen(client, _open(db, hub, user_id, claimed), lambda: client.resets > 0)
    assert (client.resets, client.last, client.things) == (1, 3, {})


async def test_two_people_never_hear_of_each_other(db: Database, hub: EventHub) -> None:
    mine, theirs = uuid4(), uuid4()
    clients = {mine: Client(), theirs: Client()}
    listening = [
        asyncio.create_task(_listen(client, _open(db, hub, user_id, 0), _has_heard(client, 19)))
        for user_id, client in clients.items()
    ]
    for n in range(20):
        for user_id in clients:
            await db.write(_tell, user_id, f"{user_id}-{n}", n)
    await asyncio.gather(*listening)
    for user_id, client in clients.items():
        assert all(thing.startswith(str(user_id)) for thing in client.things)


async def test_a_right_that_ended_ends_the_stream_though_the_log_is_busy(
    db: Database, hub: EventHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stream.__globals__, "HEARTBEAT_SECONDS", 0.1)
    user_id, client, allowed = uuid4(), Client(), [True]

    async def write() -> None:
        n = 0
        while True:
            n += 1
            await db.write(_tell, user_id, "thing", n)
            hub.wake_everyone()
            await asyncio.sleep(0.005)

    writing = asyncio.create_task(write())
    listening = asyncio.create_task(
        _listen(client, _open(db, hub, user_id, 0, allowed=lambda _tx: allowed[0]), lambda: False)
    )
    await _come_true(lambda: client.beats > 0)
    allowed[0] = False
    await listening
    writing.cancel()
    assert hub.streams == 0


async def test_what_another_process_wrote_is_told_at_the_next_heartbeat(
    db: Database, hub: EventHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stream.__globals__, "HEARTBEAT_SECONDS", 0.05)
    user_id, client = uuid4(), Client()
    messages = _open(db, hub, user_id, 0)
    following = asyncio.create_task(_listen(client, messages, lambda: bool(client.things)))
    await asyncio.sleep(0.02)
    monkeypatch.setattr(hub, "on_topic", lambda _topic: None)
    db._listeners.clear()
    await db.write(_tell, user_id, "elsewhere", 1)
    await following
    assert client.things == {"elsewhere": 1}


async def test_a_reader_that_sleeps_holds_one_batch_and_then_hears_the_last_state(db: Database, hub: EventHub) -> None:
    user_id, client = uuid4(), Client()
    things = REPLAY_MAX * 2 + 10

    def many(tx: Tx, offset: int) -> None:
        for n in range(things):
            _tell(tx, user_id, f"thing-{n}", n + offset)

    await db.write(many, 0)
    messages = _open(db, hub, user_id, 0)
    client.hear(await anext(messages))
    client.hear(await anext(messages))
    assert len(client.numbers) == REPLAY_MAX
    for offset in (1, 2, 3):
        await db.write(many, offset)
    await _listen(client, messages, lambda: client.last == things * 4)
    assert client.things == {f"thing-{n}": n + 3 for n in range(things)}
    assert len(client.numbers) == REPLAY_MAX + things


async def test_a_line_that_moves_is_told_without_reading_the_log(
    db: Database, hub: EventHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, client = uuid4(), Client()
    places: list[dict[str, Any] | None] = [{"items": [1]}]
    reads = 0
    real = stream.__globals__["events_after"]

    def counted(*args: Any) -> Any:
        nonlocal reads
        reads += 1
        return real(*args)

    monkeypatch.setitem(stream.__globals__, "events_after", counted)
    following = asyncio.create_task(
        _listen(client, _open(db, hub, user_id, 0, hint=lambda _user: places[0]), lambda: client.lines[-1:] == [[]])
    )
    await _come_true(lambda: bool(client.lines))
    before = reads
    for n in range(2, 5):
        places[0] = {"items": [n]}
        hub.wake_everyone()
        await asyncio.sleep(0.02)
    places[0] = None
    hub.wake_everyone()
    await following
    assert client.lines == [[1], [2], [3], [4], []]
    assert reads == before


async def test_stopping_ends_every_stream(db: Database, hub: EventHub) -> None:
    clients = [Client() for _ in range(5)]
    listening = [asyncio.create_task(_listen(client, _open(db, hub, uuid4(), 0), lambda: False)) for client in clients]
    await _come_true(lambda: hub.streams == 5)
    hub.stop()
    async with asyncio.timeout(5):
        await asyncio.gather(*listening)
    assert hub.streams == 0


async def test_deletions_that_were_dropped_are_told_as_a_reset_to_whoever_was_away(db: Database, hub: EventHub) -> None:
    user_id = uuid4()
    for n in range(4):
        await db.write(_tell, user_id, f"thing-{n}", n)
    await db.write(_end, user_id, "thing-0", NOW - timedelta(days=9))
    await db.write(_end, user_id, "thing-1", NOW - timedelta(days=8))
    await db.write(_end, user_id, "thing-2", NOW)
    assert await db.write(forget_events, NOW - timedelta(days=7)) == 2
    assert await db.write(forget_events, NOW - timedelta(days=7)) == 0
    assert await db.read(count_events) == 3
    long_gone, up_to_date = Client(), Client()
    await _listen(long_gone, _open(db, hub, user_id, 4), lambda: long_gone.last == 7)
    assert long_gone.resets == 1
    await _listen(up_to_date, _open(db, hub, user_id, 6), lambda: up_to_date.last == 7)
    assert up_to_date.resets == 0
