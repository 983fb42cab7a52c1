"""Whether a database has the newest migration, told without Alembic.

Alembic takes longer to import than everything else a start does with the database, and only a database that is
behind, or not ours, needs it (`vermilion.db.schema`).
"""

from pathlib import Path

from sqlalchemy import inspect, text

from vermilion.db.opening import open_database
from vermilion.db.unit_of_work import Tx

VERSION_TABLE = "alembic_version"
MIGRATIONS = Path(__file__).parent / "migrations"


def is_at_newest(url: str) -> bool:
    """Whether the last migration noted in the database is the newest of this version; a house test keeps one head."""
    database = open_database(url)
    try:
        return database.read_now(_noted) == [newest_migration()]
    finally:
        database.close()


def newest_migration() -> str:
    """The newest migration's revision: the number its file begins with."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")).partition("_")[0]


def _noted(tx: Tx) -> list[str]:
    if not inspect(tx.connection()).has_table(VERSION_TABLE):
        return []
    return list(tx.scalars(text(f"select version_num from {VERSION_TABLE}")))  # noqa: S608 - a constant of ours
