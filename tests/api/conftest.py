"""One studio for all of these tests (people are cheap, houses are not), and one sandbox process beside it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.studio import Person, Studio, open_studio, running_sandbox
from tests.conftest import database_copy

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on the loop the studio lives on."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A quick sandbox; yields its origin."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), "--speed", "40", "--max-concurrent", "64") as origin:
        yield origin


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def studio(
    database_template: str, sandbox: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """The studio."""
    data = tmp_path_factory.mktemp("house")
    with database_copy(database_template, data) as url:
        async with open_studio(data, url, sandbox) as opened:
            yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def guinea_house(
    database_template: str, sandbox: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Another studio, for tests that change what the operator chose or wear the place out."""
    data = tmp_path_factory.mktemp("guinea_house")
    with database_copy(database_template, data) as url:
        async with open_studio(data, url, sandbox) as opened:
            yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def someone(studio: Studio) -> AsyncIterator[Person]:
    """Somebody with 1,000 credits; afterwards the ledger must be sound."""
    yield await studio.person()
    await studio.is_sound()
