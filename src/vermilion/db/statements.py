"""Statements whose spelling belongs to a dialect though their meaning does not."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from vermilion.db.types import Base
from vermilion.db.unit_of_work import Tx


def insert_into(tx: Tx, row: type[Base]) -> Any:
    """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update` on either database.

    Typed `Any`: the two dialects' statements share these methods but no base class that declares them.
    """
    if tx.connection().dialect.name == "sqlite":
        return sqlite.insert(row)
    return postgresql.insert(row)
