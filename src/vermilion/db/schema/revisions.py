"""Migrations: which ones a database has, which are waiting, and applying them."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, inspect

import vermilion
from vermilion.db.schema.problems import SchemaProblem
from vermilion.db.schema.scratch import engine_for, migrating
from vermilion.db.schema.snapshots import Snapshot, take_snapshot
from vermilion.db.standing import MIGRATIONS, VERSION_TABLE
from vermilion.db.types import Base

NEWEST: Final = "head"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Where a database stands: `revision` is None for an empty one, `pending` lists what an upgrade would apply."""

    revision: str | None
    newest: str
    pending: Sequence[str]

    @property
    def is_current(self) -> bool:
        """Whether nothing is pending."""
        return not self.pending


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did; `snapshot` is None when there was nothing to lose."""

    before: str | None
    after: str
    applied: Sequence[str]
    snapshot: Snapshot | None


def load_tables() -> None:
    """Import every room's tables, so that `Base.metadata` knows them all."""
    root = Path(vermilion.__path__[0])
    for path in sorted(root.rglob("tables.py")):
        importlib.import_module(".".join(("vermilion", *path.relative_to(root).with_suffix("").parts)))


def tables() -> MetaData:
    """Every declared table."""
    load_tables()
    return Base.metadata


def status(url: str) -> SchemaStatus:
    """Where the database stands. Raises `SchemaProblem` for one that is newer than this code, or not ours."""
    with engine_for(url) as engine, engine.connect() as connection:
        return _status(connection)


def upgrade(url: str, data_dir: Path, *, snapshot_first: bool = True, to: str = NEWEST) -> Upgraded:
    """Apply what is pending, in one transaction; what is already there is snapshotted before.

    Raises `SchemaProblem` where no snapshot can be made, unless the caller says that there is one already
    (`snapshot_first=False`).
    """
    before = status(url)
    if before.is_current:
        return Upgraded(before.revision, before.newest, (), None)
    snapshot = None
    if snapshot_first and before.revision is not None:
        snapshot = take_snapshot(url, data_dir, label=before.revision)
    with migrating(url) as connection:
        started = _status(connection)
        migrate(connection, to)
        reached = _status(connection)
    applied = [revision for revision in started.pending if revision not in reached.pending]
    return Upgraded(started.revision, reached.revision or "", applied, snapshot)


def migrate(connection: Connection, revision: str) -> None:
    """Apply the migrations up to `revision` in the transaction that is open on `connection`."""
    command.upgrade(_config(connection), revision)


def revision_of(connection: Connection) -> str | None:
    """The last migration applied, None for an empty database; raises `SchemaProblem` for what is not ours."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        strangers = sorted(set(inspect(connection).get_table_names()) & set(tables().tables))
        if strangers:
            raise SchemaProblem(f"This database has tables ({', '.join(strangers[:3])} …) but no migration is noted.")
    return revision


def draft_migration(message: str) -> Path:
    """Write a migration from what the tables say beyond the newest one; a person reads and finishes it."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection, connection.begin():
        migrate(connection, NEWEST)
        scripts = _scripts()
        number = f"{len(list(scripts.walk_revisions())) + 1:04d}"
        tables()
        made = command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    engine.dispose()
    if made is None or isinstance(made, list):
        raise AssertionError("unreachable: one message makes one script")
    return Path(made.path)


def _status(connection: Connection) -> SchemaStatus:
    revision = revision_of(connection)
    scripts = _scripts()
    newest = scripts.get_current_head()
    if newest is None:
        raise SchemaProblem("No migrations were installed with this version.")
    order = [script.revision for script in scripts.walk_revisions()][::-1]
    if revision is not None and revision not in order:
        raise SchemaProblem(
            f"The database is at revision {revision}, which this version does not know: it was upgraded by a newer one."
        )
    pending = order if revision is None else order[order.index(revision) + 1 :]
    return SchemaStatus(revision, newest, pending)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("version_table", VERSION_TABLE)
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
