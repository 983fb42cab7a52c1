"""PostgreSQL: a few threads, each with a connection; what a deadlock or a lost connection undid is run again.

While the server is being restarted it is waited for, once per outage and for some seconds.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from vermilion.db.unit_of_work import Tx, run_joined

T = TypeVar("T")

WRITERS = 6
READERS = 4
TRIES_MAX = 6
PATIENCE_SECONDS = 20.0
"""How long a server that was there before is waited for: a restart with its recovery. Counted from the first refusal
and for all threads together, so that a longer outage is told at once rather than after a wait for each transaction."""

_CONNECT_PAUSE_FIRST_SECONDS = 0.02
_CONNECT_PAUSE_MAX_SECONDS = 0.5
_RETRYABLE = {"40001", "40P01"}
"""Serialization failure and deadlock: PostgreSQL rolled the transaction back and says that another try may pass."""


def postgresql_engine(url: str, **options: Any) -> Engine:
    """An engine on psycopg 3, whatever spelling of the URL was given; raises `ValueError` for other databases."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            url = "postgresql+psycopg://" + url.removeprefix(prefix)
            break
    else:
        scheme = url.split(":", maxsplit=1)[0]
        raise ValueError(f"VERMILION_DATABASE_URL must begin with sqlite:/// or postgresql://, not {scheme!r}")
    return create_engine(url, poolclass=NullPool, **options)


class PostgresqlLane:
    """Runs writes and reads on separate small pools, so that a burst of one cannot starve the other.

    Each thread keeps its connection: fetching one from a pool, asking whether it lives and giving it back took as
    many turns to the server and back as a whole look-up.
    """

    def __init__(self, url: str) -> None:
        self._writer_engine = postgresql_engine(url)
        self._reader_engine = postgresql_engine(url, isolation_level="REPEATABLE READ")
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="vermilion-db-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="vermilion-db-reader")
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._met = False
        """Whether the server ever answered: an address that never did is a wrong one, and told at once."""
        self._away_since: float | None = None
        self._closing = threading.Event()

    def write(self, work: Callable[[Tx], T]) -> "Future[tuple[T, list[Callable[[], None]]]]":
        return self._writers.submit(lambda: self._run(self._writer_engine, work, keeps=True))

    def read(self, work: Callable[[Tx], T]) -> "Future[T]":
        return self._readers.submit(lambda: self._run(self._reader_engine, work, keeps=False)[0])

    def close(self) -> None:
        self._closing.set()
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        for connection in self._connections:
            connection.close()

    def _run(self, engine: Engine, work: Callable[[Tx], T], *, keeps: bool) -> tuple[T, list[Callable[[], None]]]:
        """Work in a transaction of its own; again where nothing of it can have been committed. A read keeps nothing."""
        for attempt in range(1, TRIES_MAX + 1):
            connection = self._connected(engine)
            committing = False
            try:
                with connection.begin() as transaction:
                    done = run_joined(connection, work)
                    committing = keeps
                    if not keeps:
                        transaction.rollback()
                return done
            except DBAPIError as error:
                # A connection that was lost (the server was restarted) took what was not committed with it.
                lost = error.connection_invalidated and not committing
                if attempt == TRIES_MAX or not (lost or getattr(error.orig, "sqlstate", None) in _RETRYABLE):
                    raise
            time.sleep(0.005 * 2**attempt)
        raise AssertionError("unreachable: the last try returns or raises")

    def _connected(self, engine: Engine) -> Connection:
        """This thread's connection, open. No transaction has begun here, so waiting for the server undoes nothing.

        Raises `DBAPIError` when it does not come back in time.
        """
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None and not connection.invalidated:
            return connection
        since, pause_seconds = self._away_since or time.monotonic(), _CONNECT_PAUSE_FIRST_SECONDS
        while True:
            try:
                connection = self._made_anew(engine, connection)
            except DBAPIError:
                self._away_since = self._away_since or since
                if not self._met or time.monotonic() - since >= PATIENCE_SECONDS or self._closing.wait(pause_seconds):
                    raise
                pause_seconds = min(pause_seconds * 2, _CONNECT_PAUSE_MAX_SECONDS)
            else:
                self._met, self._away_since = True, None
                return connection

    def _made_anew(self, engine: Engine, lost: Connection | None) -> Connection:
        if lost is not None:
            # To ask for the driver's connection is what makes a lost one anew.
            _ = lost.connection
            return lost
        connection = self._local.connection = engine.connect()
        self._connections.append(connection)
        return connection
