"""Databases for thousands of runs: the real schema and statements, on the test's own thread."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from vermilion.db import Tx
from vermilion.db.postgresql_lane import postgresql_engine
from vermilion.db.unit_of_work import pending_hooks

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
            with (
                self._connection.begin(),
                Session(
                    self._connection, autoflush=False, expire_on_commit=False, join_transaction_mode="rollback_only"
                ) as tx,
            ):
                value = work(tx)
                tx.flush()
                hooks = pending_hooks(tx)
                tx.expunge_all()
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
            return future
        self.read(self.on_commit).result()
        future.set_result((value, hooks))
        return future

    def read(self, work: Callable[[Tx], T]) -> "Future[T]":
        future: Future[T] = Future()
        try:
            with self._connection.begin() as transaction:
                with Session(
                    self._connection, autoflush=False, expire_on_commit=False, join_transaction_mode="rollback_only"
                ) as tx:
                    value = work(tx)
                    tx.expunge_all()
                transaction.rollback()
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        else:
            future.set_result(value)
        return future

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


def inline_lane(url: str) -> InlineLane:
    """A lane on a copy in memory of the SQLite database at `url`, or on the PostgreSQL database itself."""
    if not url.startswith("sqlite:///"):
        return InlineLane(postgresql_engine(url))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as source:
        content = source.serialize()
    source.close()
    return lane_in_memory(content)


def without_wal(content: bytes) -> bytes:
    """The database as if it had never heard of write-ahead logging, which memory has no files for.

    Bytes 18 and 19 of the header are the file format's versions: 2 means WAL, 1 a rollback journal.
    """
    return content[:18] + b"\x01\x01" + content[20:]


def lane_in_memory(content: bytes) -> InlineLane:
    """A lane on an SQLite database in memory that begins with this content."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.deserialize(without_wal(content))
        connection.execute("PRAGMA foreign_keys=ON").close()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return InlineLane(engine)
