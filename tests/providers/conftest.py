"""What every test of an adapter may ask for: a wire, and a whole house beside the sandbox."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.api.studio import Studio, open_studio, running_sandbox
from tests.conftest import database_copy
from vermilion.providers import Wire

HouseWith = Callable[..., AbstractAsyncContextManager[Studio]]
"""Opens a house: `async with house_with("kling", base_url=…) as studio`."""


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """What adapters speak HTTP by."""
    opened = Wire.open()
    yield opened
    await opened.close()


@pytest.fixture
def house_with(database_template: str, tmp_path: Path) -> HouseWith:
    """A whole house with the sandbox's login at each of these providers, changed where told."""

    @asynccontextmanager
    async def opened(*providers: str, speed: float = 60, **fields: str) -> AsyncIterator[Studio]:
        with (
            running_sandbox(tmp_path / "sandbox", "--speed", str(speed)) as sandbox,
            database_copy(database_template, tmp_path) as url,
        ):
            async with open_studio(tmp_path / "house", url, sandbox) as studio:
                for provider in providers:
                    await studio.connect(provider, **fields)
                yield studio

    return opened
