"""The database: engine, unit of work, column types, migrations. The only room that commits.

Every room above may come in to declare tables on `Base` and to run plain functions on a transaction. `schema` and
`lock` are imported by name: only the faces need them, and they pull in more.
"""

from vermilion.db.opening import open_database, sqlite_path
from vermilion.db.standing import is_at_newest
from vermilion.db.statements import GuardedUpdate, PerDialect, RowByKey, altered, as_read, insert_into
from vermilion.db.types import Base, Instant, Json, JsonOrNull, RowNumber
from vermilion.db.unit_of_work import Database, Tx, after_commit, announce

__all__ = [
    "Base",
    "Database",
    "GuardedUpdate",
    "Instant",
    "Json",
    "JsonOrNull",
    "PerDialect",
    "RowByKey",
    "RowNumber",
    "Tx",
    "after_commit",
    "altered",
    "announce",
    "as_read",
    "insert_into",
    "is_at_newest",
    "open_database",
    "sqlite_path",
]
