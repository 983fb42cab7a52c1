"""Examining a database, and mending what can be proven: indexes and triggers, which hold nothing themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from vermilion.db.opening import sqlite_path
from vermilion.db.schema.drift import Drift, compare, drift_of_migrations, shape_at
from vermilion.db.schema.revisions import revision_of
from vermilion.db.schema.scratch import engine_for, migrating
from vermilion.db.schema.shape import shape_of
from vermilion.db.schema.snapshots import Snapshot, take_snapshot


@dataclass(slots=True)
class Examination:
    """What was looked at, what is wrong, and what was mended; `snapshot` was taken before mending."""

    looked_at: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    snapshot: Snapshot | None = None


def examine(url: str, data_dir: Path, *, mend: bool = False) -> Examination:
    """Look at the files of the database, its keys and its shape; with `mend` make missing or changed indexes and
    triggers again, each with its own line in the answer. Data is never changed."""
    found = Examination()
    with engine_for(url) as engine, engine.connect() as connection:
        _ask_database(connection, found)
        revision = revision_of(connection)
        if revision is None:
            found.problems.append("The database is empty; `vermilion db upgrade` makes its tables.")
            return found
        found.looked_at.append(f"shape at revision {revision}")
        drifts = compare(shape_at(connection, revision), shape_of(connection))
    found.looked_at.append("migrations against tables")
    found.problems += [f"this version's migrations: {drift}" for drift in drift_of_migrations(url)]
    if mend and any(_can_mend(drift) for drift in drifts):
        found.snapshot = take_snapshot(url, data_dir, label="before-mending")
        drifts = _mend(url, drifts, found)
    found.problems += [str(drift) for drift in drifts]
    return found


def _ask_database(connection: Connection, found: Examination) -> None:
    if connection.dialect.name == "sqlite":
        found.looked_at += ["integrity of the file", "foreign keys", "journal"]
        told = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
        found.problems += [f"integrity: {line}" for line in told if line != "ok"]
        for table, rowid, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            found.problems.append(f"foreign key: row {rowid} of {table} points at nothing in {parent}")
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if journal != "wal":
            found.problems.append(f"journal: the mode is {journal}, not wal")
        return
    found.looked_at += ["validity of indexes", "validity of constraints"]
    broken = connection.execute(
        text(
            "select c.relname from pg_index x join pg_class c on c.oid = x.indexrelid"
            " where not (x.indisvalid and x.indisready) and c.relnamespace = current_schema()::regnamespace"
        )
    ).scalars()
    found.problems += [f"index {name} is not valid" for name in broken]
    unproven = connection.execute(
        text(
            "select conname from pg_constraint where not convalidated and connamespace = current_schema()::regnamespace"
        )
    ).scalars()
    found.problems += [f"constraint {name} was never proven on the old rows" for name in unproven]


def _can_mend(drift: Drift) -> bool:
    return drift.expected is not None and drift.expected.create is not None


def _mend(url: str, drifts: Sequence[Drift], found: Examination) -> list[Drift]:
    """Each in a transaction of its own: one that cannot be mended must not keep the others from it."""
    left = []
    for drift in drifts:
        part = drift.expected
        if part is None or part.create is None:
            left.append(drift)
            continue
        try:
            with migrating(url) as connection:
                if part.drop is not None:
                    connection.exec_driver_sql(part.drop)
                connection.exec_driver_sql(part.create.replace("%", "%%") if sqlite_path(url) is None else part.create)
        except SQLAlchemyError as error:
            found.problems.append(f"{part.kind} {part.name} could not be made again: {error.__cause__ or error}")
            left.append(drift)
        else:
            found.mended.append(f"{part.kind} {part.name} was {drift.how} and was made again")
    return left
