"""Studios for the pipeline's tests."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.conftest import DATABASE
from tests.pipeline.harness import Studio, register
from tests.pipeline.lanes import InlineDatabase
from vermilion.db import Database
from vermilion.db.postgresql_lane import postgresql_engine

NewStudio = Callable[[], Studio]


@pytest.fixture(scope="session")
def inline_database(database_template: str) -> Iterator[InlineDatabase]:
    """A database on the test's own thread: the same statements, thousands of times."""
    if DATABASE == "sqlite":
        database = InlineDatabase(database_template)
        yield database
        database.close()
        return
    # The template itself must have no guests while others copy it.
    template = database_template.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
    name = f"inline_{uuid4().hex[:8]}"
    admin = postgresql_engine(database_template.replace(f"/{template}?", "/postgres?"))
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"create database {name} template {template}"))
    admin.dispose()
    database = InlineDatabase(database_template.replace(f"/{template}?", f"/{name}?"))
    yield database
    database.close()


@pytest.fixture
def new_studio(inline_database: InlineDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewStudio:
    """Makes studios one after another; each begins with an empty database."""

    def make() -> Studio:
        made = Studio(inline_database.fresh(), DATABASE, tmp_path)
        register(monkeypatch, made)
        return made

    return make


@pytest.fixture
async def studio(new_studio: NewStudio) -> AsyncIterator[Studio]:
    """A studio on the test's own thread."""
    made = new_studio()
    yield made
    await made.close()


@pytest.fixture
async def real_studio(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    """A studio on the database as the house opens it, with its own threads."""
    made = Studio(db._lane, db.dialect, tmp_path)
    register(monkeypatch, made)
    yield made
    await made.close()
