"""SQLite: one writer thread that lets waiting callers share a commit, a few reader threads on WAL snapshots."""

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from vermilion.db.unit_of_work import Tx, run_joined

T = TypeVar("T")

READERS = 3
SHARED_COMMIT_MAX = 64
"""How many waiting writes may share one commit: many enough to hide the disk, few enough that a failure is cheap."""

BUSY_TIMEOUT_SECONDS = 15
"""How long to wait for another process (the terminal beside a running server)."""

BUSY_PAUSE_SECONDS = 0.02

_Job = tuple[Callable[[Tx], Any], "Future[tuple[Any, list[Callable[[], None]]]]"]


def sqlite_engine(path: Path, *, begin: str = "BEGIN IMMEDIATE") -> Engine:
    """An engine on the file: WAL, every commit on disk before it is reported, foreign keys enforced."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # Transactions are begun below, in words of our choosing, not by the driver's guess.
        connection.isolation_level = None
        _use_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin_transaction)
    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Alone among statements, this does not wait by itself for somebody who opens or closes the file."""
    until = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)
        else:
            return


class SqliteLane:
    """Runs writes one after another on one thread, reads beside them."""

    def __init__(self, path: Path) -> None:
        self._writer_engine = sqlite_engine(path)
        self._reader_engine = sqlite_engine(path, begin="BEGIN")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._run_writer, name="vermilion-db-writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="vermilion-db-reader")
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._closed = False
        # Opened here: a file that cannot be opened is the opener's trouble, and no thread dies of it unseen.
        self._writing = self._writer_engine.connect()
        self._writer.start()

    def write(self, work: Callable[[Tx], T]) -> "Future[tuple[T, list[Callable[[], None]]]]":
        if self._closed:
            raise RuntimeError("the database is closed")
        future: Future[tuple[T, list[Callable[[], None]]]] = Future()
        self._jobs.put((work, future))
        return future

    def read(self, work: Callable[[Tx], T]) -> "Future[T]":
        return self._readers.submit(self._read, work)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown(wait=True)
        for connection in self._connections:
            connection.close()
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    def _read(self, work: Callable[[Tx], T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._reader_engine.connect()
            self._local.connection = connection
            self._connections.append(connection)
        with Session(connection, autoflush=False, expire_on_commit=False) as tx:
            return work(tx)

    def _run_writer(self) -> None:
        with self._writing as connection:
            while (job := self._jobs.get()) is not None:
                batch = [job]
                stop = False
                while len(batch) < SHARED_COMMIT_MAX:
                    try:
                        following = self._jobs.get_nowait()
                    except queue.Empty:
                        break
                    if following is None:
                        stop = True
                        break
                    batch.append(following)
                # From here on a job can no longer be canceled: a result nobody waits for any more is still taken.
                batch = [job for job in batch if job[1].set_running_or_notify_cancel()]
                if batch:
                    self._run_batch(connection, batch)
                if stop:
                    return

    def _run_batch(self, connection: Connection, batch: list[_Job]) -> None:
        """Run the jobs in one transaction, each on its own savepoint; if the commit itself fails, run each alone."""
        if len(batch) == 1:
            self._run_alone(connection, *batch[0])
            return
        done: list[tuple[_Job, Any, list[Callable[[], None]]]] = []
        failed: list[tuple[_Job, BaseException]] = []
        try:
            with connection.begin():
                for job in batch:
                    # In SQLite's own words: SQLAlchemy's bookkeeping for a savepoint costs more than most jobs.
                    connection.exec_driver_sql("SAVEPOINT job")
                    try:
                        value, hooks = run_joined(connection, job[0])
                        connection.exec_driver_sql("RELEASE job")
                    except Exception as error:  # noqa: BLE001 - it is the caller's, and is handed over below
                        connection.exec_driver_sql("ROLLBACK TO job")
                        connection.exec_driver_sql("RELEASE job")
                        failed.append((job, error))
                    else:
                        done.append((job, value, hooks))
        except Exception:  # noqa: BLE001 - nothing of the batch is durable; each job now meets its own fate
            for job in batch:
                self._run_alone(connection, *job)
            return
        for (_, future), value, hooks in done:
            future.set_result((value, hooks))
        for (_, future), reason in failed:
            future.set_exception(reason)

    def _run_alone(
        self,
        connection: Connection,
        work: Callable[[Tx], Any],
        future: "Future[tuple[Any, list[Callable[[], None]]]]",
    ) -> None:
        try:
            with connection.begin():
                value, hooks = run_joined(connection, work)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            with contextlib.suppress(Exception):
                connection.rollback()
            future.set_exception(error)
        else:
            future.set_result((value, hooks))
