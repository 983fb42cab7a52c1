"""Databases for thousands of runs: the real schema and statements, on the test's own thread."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

from vermilion.db import Base, Tx
from vermilion.db.postgresql_lane import postgresql_engine
from vermilion.db.unit_of_work import run_joined

T = TypeVar("T")


class InlineLane:
    """Runs each transaction at once where it is asked for; commits and rolls back like the real lanes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection = engine.connect()
        self.on_commit: Callable[[Tx], None] = lambda _: None
        """Looks at the data right after every commit."""

    def write(self, work: Callable[[Tx], T]) -> "Future[tuple[T, list[Callable[[], None]]]]":
        future: Future[tuple[T, list[Callable[[], None]]]] = Future()
        try:
            with self._connection.begin():
                done = run_joined(self._connection, work)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
            return future
        self.read(self.on_commit).result()
        future.set_result(done)
        return future

    def read(self, work: Callable[[Tx], T]) -> "Future[T]":
        future: Future[T] = Future()
        try:
            with self._connection.begin() as transaction:
                value, _ = run_joined(self._connection, work)
                transaction.rollback()
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        else:
            future.set_result(value)
        return future

    @property
    def driver_connection(self) -> Any:
        """The driver's own connection."""
        return self._connection.connection.driver_connection

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


class InlineDatabase:
    """One engine for a whole test session, and with it its compiled statements; `fresh` empties its database."""

    def __init__(self, url: str) -> None:
        """`url` is the template's; on PostgreSQL the database itself is used, SQLite's is copied into memory."""
        self._sqlite: bytes | None = None
        if not url.startswith("sqlite:///"):
            self._lane = InlineLane(postgresql_engine(url))
            return
        source = sqlite3.connect(url.removeprefix("sqlite:///"))
        self._sqlite = _without_wal(source.serialize())
        source.close()
        self._lane = InlineLane(_memory_engine())

    def fresh(self) -> InlineLane:
        """The lane on a database that holds the schema and nothing else."""
        self._lane.on_commit = lambda _: None
        if self._sqlite is None:
            self._lane.write(_truncate).result()
        else:
            self._lane.driver_connection.deserialize(self._sqlite)
            self._lane.driver_connection.execute("PRAGMA foreign_keys=ON").close()
        return self._lane

    def close(self) -> None:
        """End the engine."""
        self._lane.close()


def _truncate(tx: Tx) -> None:
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    # As a replica would: what guards the append-only tables must not guard them against the next test.
    tx.execute(text("set local session_replication_role = replica"))
    tx.execute(text(f"truncate {tables}"))


def _memory_engine() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _without_wal(content: bytes) -> bytes:
    """The database as if it had never heard of write-ahead logging, which memory has no files for.

    Bytes 18 and 19 of the header are the file format's versions: 2 means WAL, 1 a rollback journal.
    """
    return content[:18] + b"\x01\x01" + content[20:]
