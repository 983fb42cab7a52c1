"""Opening a database from its URL."""

from pathlib import Path

from vermilion.db.postgresql_lane import PostgresqlLane
from vermilion.db.sqlite_lane import SqliteLane
from vermilion.db.unit_of_work import Database

_SQLITE = "sqlite:///"


def sqlite_path(url: str) -> Path | None:
    """The file of a `sqlite:///…` URL; None for any other database."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def open_database(url: str) -> Database:
    """Open `sqlite:///path` or `postgresql://…`; the schema is not touched (see `vermilion.db.schema`)."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Database(SqliteLane(path), "sqlite", url)
    return Database(PostgresqlLane(url), "postgresql", url)
