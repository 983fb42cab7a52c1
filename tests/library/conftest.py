"""A keeper on a folder, with real worker processes."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from vermilion.library import Keeper
from vermilion.storage import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    local = LocalStorage(tmp_path / "files")
    yield local
    local.close()


@pytest.fixture
async def keeper(storage: LocalStorage) -> AsyncIterator[Keeper]:
    opened = Keeper(storage, storage.spool_dir, workers=1)
    yield opened
    await opened.close()
