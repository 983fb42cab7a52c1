"""Snapshots: a whole database as one file in `<data>/snapshots`, taken while the house runs.

The files of assets are not in it: they are named by their content and never change, so a copy of the folder
`files` made at any later time serves every snapshot.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vermilion.db.opening import sqlite_path
from vermilion.db.schema.problems import SchemaProblem


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A finished snapshot."""

    path: Path
    size_bytes: int


def take_snapshot(url: str, data_dir: Path, *, label: str = "snapshot") -> Snapshot:
    """Copy the database into `<data>/snapshots/<time>-<label>.db` (`.dump` for PostgreSQL, by `pg_dump`).

    Whoever reads it sees one instant. Raises `SchemaProblem` when there is nothing to copy or no tool to do it.
    """
    folder = data_dir / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    source = sqlite_path(url)
    # Microseconds, so that two snapshots never share a name.
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{label}{'.dump' if source is None else '.db'}"
    spool = folder / f".{name}.part"
    try:
        if source is None:
            dump_postgresql(url, spool)
        else:
            if not source.exists():
                raise SchemaProblem(f"There is no database at {source}.")
            copy_sqlite(source, spool)
        _onto_disk(spool)
        path = spool.rename(folder / name)
    finally:
        spool.unlink(missing_ok=True)
    return Snapshot(path, path.stat().st_size)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy one SQLite database over another by the online backup interface: atomic, and others may go on reading."""
    with closing(sqlite3.connect(source, timeout=30)) as reading, closing(sqlite3.connect(target, timeout=30)) as out:
        reading.backup(out)
        # A copy says WAL in its header; as a file of its own it should need no companions.
        out.execute("PRAGMA journal_mode=DELETE").close()
        if (told := out.execute("PRAGMA integrity_check").fetchone()) != ("ok",):
            raise SchemaProblem(f"The copy of {source} is damaged: {told}")


def dump_postgresql(url: str, target: Path) -> None:
    """`pg_dump` in its custom format."""
    run_tool("pg_dump", ["--format=custom", f"--file={target}", "--no-password", plain_url(url)])


def run_tool(name: str, arguments: list[str], *, given: bytes = b"") -> bytes:
    """Run one of PostgreSQL's own tools and return what it printed; raises `SchemaProblem` with its complaint."""
    found = shutil.which(name)
    if found is None:
        raise SchemaProblem(
            f"{name} was not found. Install PostgreSQL's client programs of the server's version or newer,"
            " or make a backup yourself and run `vermilion db upgrade --without-snapshot`."
        )
    done = subprocess.run([found, *arguments], input=given, capture_output=True, check=False)  # noqa: S603 - fixed tools, no shell
    if done.returncode != 0:
        complaint = " ".join(done.stderr.decode(errors="replace").split()) or f"exit status {done.returncode}"
        raise SchemaProblem(f"{name} failed: {complaint[:500]}")
    return done.stdout


def plain_url(url: str) -> str:
    """The URL as PostgreSQL's own tools spell it."""
    return "postgresql://" + url.split("://", 1)[1]


def _onto_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
