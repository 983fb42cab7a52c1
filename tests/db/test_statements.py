"""What statements built once promise on either database."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from vermilion.db import Database, Tx
from vermilion.db.statements import PerDialect
from vermilion.events.tables import EventPositionRow

_ADD = PerDialect(lambda insert: insert(EventPositionRow.__table__).on_conflict_do_nothing(index_elements=["user_id"]))


def _rows_added(tx: Tx, user_id: UUID) -> int:
    return _ADD.run(tx, {"user_id": user_id, "seq": 1}).rowcount


async def test_an_insert_says_whether_it_added_its_row_or_met_another(db: Database) -> None:
    first, second = uuid4(), uuid4()
    assert await db.write(_rows_added, first) == 1
    assert await db.write(_rows_added, first) == 0
    assert await db.write(_rows_added, second) == 1


_ADD_AGAIN = PerDialect(lambda insert: insert(EventPositionRow.__table__))


async def test_what_the_driver_refuses_is_told_in_sqlalchemys_words_and_spoils_nothing_else(db: Database) -> None:
    somebody = uuid4()

    def add(tx: Tx) -> None:
        _ADD_AGAIN.run(tx, {"user_id": somebody, "seq": 1})

    await db.write(add)
    with pytest.raises(IntegrityError):
        await db.write(add)
    assert await db.write(_rows_added, uuid4()) == 1
