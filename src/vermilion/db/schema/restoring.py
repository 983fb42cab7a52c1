"""Putting a snapshot back. Nobody may serve the house meanwhile; what was there is snapshotted first."""

import sqlite3
from contextlib import closing
from pathlib import Path

from vermilion.db.lock import hold_house_lock
from vermilion.db.opening import sqlite_path
from vermilion.db.schema.problems import SchemaProblem
from vermilion.db.schema.revisions import status, tables
from vermilion.db.schema.snapshots import Snapshot, copy_sqlite, plain_url, run_tool, take_snapshot
from vermilion.db.standing import VERSION_TABLE


def restore(url: str, data_dir: Path, snapshot: Path) -> Snapshot | None:
    """Make the database what it was when `snapshot` was taken, in one step; returns the snapshot of what it was before.

    Raises `HouseIsRunning`, or `SchemaProblem` for a file that is not one of ours, of a newer version, or damaged.
    """
    target = sqlite_path(url)
    if not snapshot.is_file():
        raise SchemaProblem(f"There is no snapshot at {snapshot}.")
    with hold_house_lock(data_dir, url):
        if target is None:
            contents = run_tool("pg_restore", ["--clean", "--if-exists", "--no-owner", "--file=-", str(snapshot)])
            dumped = take_snapshot(url, data_dir, label="before-restore")
            _restore_postgresql(url, contents)
            return dumped
        _refuse_foreign(snapshot)
        before = take_snapshot(url, data_dir, label="before-restore") if target.exists() else None
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_sqlite(snapshot, target)
        return before


def _refuse_foreign(snapshot: Path) -> None:
    """Raise unless the file is a sound SQLite database of a revision this version knows."""
    try:
        with closing(sqlite3.connect(f"{snapshot.resolve().as_uri()}?mode=ro", uri=True)) as reading:
            sound = reading.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            ours = reading.execute("select name from sqlite_master where name = ?", (VERSION_TABLE,)).fetchone()
    except sqlite3.DatabaseError as error:
        raise SchemaProblem(f"{snapshot} is not a snapshot: {error}.") from error
    if not sound:
        raise SchemaProblem(f"{snapshot} is damaged.")
    if ours is None:
        raise SchemaProblem(f"{snapshot} is not a database of Vermilion.")
    status(f"sqlite:///{snapshot.resolve()}")


def _restore_postgresql(url: str, contents: bytes) -> None:
    # What a newer migration added is in no old snapshot, so every table of ours goes first.
    names = ", ".join(f'"{name}"' for name in (*tables().tables, VERSION_TABLE))
    script = f"drop table if exists {names} cascade;\n".encode() + contents
    arguments = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-", "--no-password"]
    run_tool("psql", [*arguments, plain_url(url)], given=script)
