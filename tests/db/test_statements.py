"""What statements built once promise on either database."""

from uuid import UUID, uuid4

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
