"""PostgreSQL went away in the middle and came back: nobody is told who need not be, and nothing happens twice."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import DATABASE
from vermilion.db import Database, PerDialect, Tx
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
