"""One studio with a login at every vendor the sandbox has, for all of these tests."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import update

from tests.api.studio import open_studio, running_sandbox
from tests.conftest import database_copy
from tests.dialects.scene import Scene, gateway_at, logins_at, sms_login_at
from vermilion.billing import ensure_sandbox_gateway
from vermilion.catalog import ensure_sandbox_credential
from vermilion.db import Tx
from vermilion.generation import Wanted, request_generation, steps
from vermilion.generation.pace import SAMPLES_NEEDED
from vermilion.generation.settling import settle
from vermilion.generation.tables import GenerationRow
from vermilion.generation.work import load_work
from vermilion.identity import Actor, ensure_sandbox_sms
from vermilion.kit import new_id
from vermilion.providers import Done, Ticket
from vermilion.wiring import House

HERE = Path(__file__).parent
NEVER_CALLS_BACK = ("jimeng-video-3.0-720p", "jimeng-video-3.0-720p-first-frame", "jimeng-video-3.0-720p-first-last")
"""Films whose vendor has to be asked. This sandbox is a hundred times as quick as the catalog says; a house that had
made some before would know, and not wait a quarter of a minute before it asks."""


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
            earlier = Actor(UUID((await studio.person(credits_given=10_000)).id), "user", frozenset(), None, None, None)
            for model in NEVER_CALLS_BACK:
                await studio.house.db.write(_made_some_before, studio.house, earlier, model, new_id())
            opened = Scene(
                studio,
                owner=await studio.person(credits_given=100_000),
                other=await studio.person(),
                admin=await studio.admin(),
                nobody=studio.client(),
            )
            yield opened
            await studio.is_sound()


def _made_some_before(tx: Tx, house: House, actor: Actor, model: str, credential_id: UUID) -> None:
    """So many jobs of this model, a second each, that the house knows how quick it is."""
    for number in range(SAMPLES_NEEDED):
        begun = house.clock.now() - timedelta(days=1) + timedelta(minutes=number)
        ended = begun + timedelta(seconds=1)
        wanted = Wanted(id=new_id(), model=NEVER_CALLS_BACK[0], prompt="an earlier study")
        request_generation(tx, house.shelf, actor, wanted, begun)
        # The other models want pictures, which nothing here looks at.
        tx.execute(update(GenerationRow).where(GenerationRow.id == wanted.id).values(model=model))
        work = load_work(tx, wanted.id)
        assert work is not None
        work = steps.intend(tx, work, attempt_id=new_id(), credential_id=credential_id, now=begun)
        work = steps.submitted(tx, work, Ticket(str(wanted.id)), now=begun)
        settle(tx, steps.results_named(tx, work, [], Done(()), now=ended), [], now=ended)
