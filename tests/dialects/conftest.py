"""One studio with a login at every vendor the sandbox has, for all of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.studio import open_studio, running_sandbox
from tests.conftest import database_copy
from tests.dialects.scene import Scene, gateway_at, logins_at, sms_login_at
from vermilion.billing import ensure_sandbox_gateway
from vermilion.catalog import ensure_sandbox_credential
from vermilion.identity import ensure_sandbox_sms

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on the loop the studio lives on."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scene(database_template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The studio, somebody in it, and an admin."""
    data = tmp_path_factory.mktemp("described")
    with (
        running_sandbox(data / "sandbox", "--speed", "100", "--max-concurrent", "64") as sandbox,
        database_copy(database_template, data) as url,
    ):
        async with open_studio(data / "house", url, sandbox) as studio:
            now = studio.house.clock.now()
            for login in logins_at(sandbox):
                await studio.house.db.write(
                    ensure_sandbox_credential, studio.house.sealer, login["provider"], login["fields"], now
                )
            sms = sms_login_at(sandbox)
            await studio.house.db.write(ensure_sandbox_sms, studio.house.sealer, sms, now)
            await studio.house.db.write(ensure_sandbox_gateway, studio.house.sealer, gateway_at(sandbox), now)
            opened = Scene(
                studio,
                owner=await studio.person(credits_given=100_000),
                other=await studio.person(),
                admin=await studio.admin(),
                nobody=studio.client(),
            )
            yield opened
            await studio.is_sound()
