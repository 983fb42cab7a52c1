"""Connections for schema work, and an empty place beside the data where a schema can be built to look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import StaticPool

from vermilion.db.opening import sqlite_path
from vermilion.db.postgresql_lane import postgresql_engine
from vermilion.db.schema.problems import SchemaProblem
from vermilion.db.sqlite_lane import sqlite_engine


@contextmanager
def engine_for(url: str) -> Iterator[Engine]:
    """An engine of its own, closed afterwards; a missing SQLite folder is created."""
    path = sqlite_path(url)
    if path is None:
        engine = postgresql_engine(url)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sqlite_engine(path)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def migrating(url: str) -> Iterator[Connection]:
    """One transaction that may change the schema: alone on either database, all or nothing."""
    with engine_for(url) as engine, engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Rebuilding a table drops the old one, which must not drag its dependants along. SQLite obeys this
            # only outside a transaction, so the driver is told; the keys are checked before the commit instead.
            driver = connection.connection.driver_connection
            if driver is None:
                raise AssertionError("unreachable: the connection is open")
            driver.execute("PRAGMA foreign_keys=OFF").close()
        with connection.begin():
            if connection.dialect.name == "postgresql":
                # Two nodes that start together: the second one waits here, and finds nothing left to do.
                connection.execute(text("select pg_advisory_xact_lock(hashtext('vermilion.schema'))"))
            yield connection
            if connection.dialect.name == "sqlite":
                orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if orphans:
                    raise SchemaProblem(f"{len(orphans)} rows point at nothing after the change; nothing was changed.")


@contextmanager
def scratch_beside(connection: Connection) -> Iterator[Connection]:
    """An empty schema on the same kind of database, gone afterwards.

    SQLite's is in memory. PostgreSQL's is a schema inside a transaction that is rolled back, on a connection of
    its own; raises `SchemaProblem` where the user may not create one.
    """
    if connection.dialect.name == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool)
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN"))
        with engine.connect() as scratch, scratch.begin():
            yield scratch
        engine.dispose()
        return
    with connection.engine.connect() as scratch, scratch.begin() as transaction:
        name = f"vermilion_scratch_{uuid4().hex[:12]}"
        try:
            scratch.execute(text(f"create schema {name}"))
        except ProgrammingError as error:
            raise SchemaProblem("Comparing schemas needs the right to create one in this database.") from error
        scratch.execute(text(f"set local search_path to {name}"))
        yield scratch
        transaction.rollback()
