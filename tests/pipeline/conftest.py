"""Studios for the pipeline's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import DATABASE
from tests.pipeline.harness import Studio, register
from tests.pipeline.lanes import inline_lane
from vermilion.db import Database


@pytest.fixture
async def real_studio(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    """A studio on the real database, with its own threads."""
    made = Studio(db._lane, db.dialect, tmp_path)
    register(monkeypatch, made)
    yield made
    if hasattr(made, "life"):
        await made.life.end()


@pytest.fixture
async def studio(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    """A studio on the test's own thread: the same statements, thousands of times."""
    made = Studio(inline_lane(database_url), DATABASE, tmp_path)
    register(monkeypatch, made)
    yield made
    if hasattr(made, "life"):
        await made.close()
