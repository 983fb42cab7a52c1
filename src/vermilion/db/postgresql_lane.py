"""PostgreSQL: a small pool of threads, each with a connection; deadlocks are run again."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from vermilion.db.unit_of_work import Tx, pending_hooks

T = TypeVar("T")

WRITERS = 6
READERS = 4
TRIES_MAX = 6
_RETRYABLE = {"40001", "40P01"}
"""Serialization failure and deadlock: PostgreSQL rolled the transaction back and says that another try may pass."""


def postgresql_engine(url: str) -> Engine:
    """An engine on psycopg 3, whatever spelling of the URL was given; raises `ValueError` for other databases."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            url = "postgresql+psycopg://" + url.removeprefix(prefix)
            break
    else:
        scheme = url.split(":", maxsplit=1)[0]
        raise ValueError(f"VERMILION_DATABASE_URL must begin with sqlite:/// or postgresql://, not {scheme!r}")
    return create_engine(url, pool_size=WRITERS + READERS, max_overflow=0, pool_pre_ping=True)


class PostgresqlLane:
    """Runs writes and reads on separate small pools, so that a burst of one cannot starve the other."""

    def __init__(self, url: str) -> None:
        self._engine = postgresql_engine(url)
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="vermilion-db-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="vermilion-db-reader")

    def write(self, work: Callable[[Tx], T]) -> "Future[tuple[T, list[Callable[[], None]]]]":
        return self._writers.submit(self._write, work)

    def read(self, work: Callable[[Tx], T]) -> "Future[T]":
        return self._readers.submit(self._read, work)

    def close(self) -> None:
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    def _write(self, work: Callable[[Tx], T]) -> tuple[T, list[Callable[[], None]]]:
        for attempt in range(1, TRIES_MAX + 1):
            try:
                with Session(self._engine, autoflush=False, expire_on_commit=False) as tx, tx.begin():
                    value = work(tx)
                    tx.flush()
                    hooks = pending_hooks(tx)
                    tx.expunge_all()
                return value, hooks
            except DBAPIError as error:
                if attempt == TRIES_MAX or getattr(error.orig, "sqlstate", None) not in _RETRYABLE:
                    raise
            time.sleep(0.005 * 2**attempt)
        raise AssertionError("unreachable: the last try returns or raises")

    def _read(self, work: Callable[[Tx], T]) -> T:
        with Session(
            self._engine.execution_options(isolation_level="REPEATABLE READ"),
            autoflush=False,
            expire_on_commit=False,
        ) as tx:
            return work(tx)
