"""What nobody could take up is refused at once, and nothing is held for it; what only has to wait is accepted."""

import pytest
from sqlalchemy import func, select

from tests.pipeline.harness import Studio
from tests.pipeline.vendor import PROVIDER
from vermilion.catalog.tables import CredentialRow
from vermilion.db import Tx
from vermilion.generation import Status, Wanted
from vermilion.generation.tables import GenerationRow
from vermilion.kit import Conflict, new_id
from vermilion.providers import Unreachable


def generations(tx: Tx) -> int:
    return tx.scalar(select(func.count()).select_from(GenerationRow)) or 0


@pytest.mark.parametrize("credentials", [0, 2])
async def test_without_an_enabled_credential_a_request_is_refused_and_nothing_held(
    studio: Studio, credentials: int
) -> None:
    life = await studio.open(credentials=credentials)
    studio.change_credentials(enabled=False)
    with pytest.raises(Conflict) as refused:
        await life.request()
    assert (refused.value.code, refused.value.field) == ("catalog.no_credential", "model")
    assert "credential" in refused.value.detail
    assert (studio.balance().available, studio.balance().held) == (1000, 0)
    assert studio.ask(generations) == 0


async def test_with_the_first_credential_it_is_accepted(studio: Studio) -> None:
    life = await studio.open(credentials=0)
    with pytest.raises(Conflict):
        await life.request()
    studio.tell(studio.add_credential, "the first")
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    assert studio.view(made).status is Status.SUCCEEDED


async def test_what_was_accepted_is_answered_as_before_and_waits_when_the_credential_goes(studio: Studio) -> None:
    life = await studio.open()
    wanted = Wanted(new_id(), "study", "a heron", {"num_images": 1})
    made = await life.request_as(wanted)
    studio.change_credentials(enabled=False)
    assert await life.request_as(wanted) == made


async def test_credentials_that_rest_are_waited_for(studio: Studio) -> None:
    life = await studio.open()
    (credential,) = studio.ask(lambda tx: tx.scalars(select(CredentialRow.id)).all())
    life.dispatcher.cool_down(PROVIDER, credential, 300)
    studio.change_credentials(health_state="down", last_error="Too many requests.")
    made = await life.request()
    await studio.pass_time(200)
    assert (studio.view(made).status, studio.balance().held) == (Status.QUEUED, 10)
    await studio.pass_time(200)
    assert studio.view(made).status is Status.SUCCEEDED


async def test_trying_again_needs_a_credential_too(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits.extend([Unreachable("Away.")] * 99)
    made = await life.request()
    await life.cancel(made)
    await studio.to_the_end(within_seconds=60)
    studio.change_credentials(enabled=False)
    with pytest.raises(Conflict) as refused:
        await life.retry(made)
    assert refused.value.code == "catalog.no_credential"
    assert studio.balance().held == 0
