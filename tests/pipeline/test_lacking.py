"""A credential that cannot serve one model serves the others; another one gets what it cannot."""

from collections import deque
from uuid import uuid4

import pytest

from tests.pipeline.fake_clock import until_idle
from tests.pipeline.harness import Studio
from tests.pipeline.test_dispatch import PROVIDER, Line, _credential
from vermilion.catalog import Shelf
from vermilion.generation import Wanted
from vermilion.generation.dispatch import CREDENTIALS_FRESH_SECONDS, LACKING_SECONDS
from vermilion.generation.status import Status
from vermilion.generation.submit import LOOK_AGAIN_SECONDS
from vermilion.kit import new_id
from vermilion.providers import NotInstalled


async def test_a_model_goes_past_the_credential_that_lacks_it_and_other_models_do_not() -> None:
    bare, full = _credential(9), _credential(1)
    line = Line(bare, full)
    first = line.join(uuid4(), model="rare")
    await until_idle()
    assert line.dispatcher.lacks(PROVIDER, bare.id, "rare")
    line.dispatcher.leave(PROVIDER, first)
    rare = [line.join(uuid4(), model="rare") for _ in range(2)]
    plain = line.join(uuid4(), model="plain")
    await until_idle()
    assert [waiting.slot and waiting.slot.credential.id for waiting in rare] == [full.id, None]
    assert plain.slot is not None and plain.slot.credential.id == bare.id


async def test_where_nobody_has_it_somebody_is_asked_all_the_same() -> None:
    line = Line(bare := _credential(1))
    gone = line.join(uuid4(), model="rare")
    await until_idle()
    line.dispatcher.leave(PROVIDER, gone)
    assert not line.dispatcher.lacks(PROVIDER, bare.id, "rare")
    again = line.join(uuid4(), model="rare")
    await until_idle()
    assert again.slot is not None


async def test_what_lacked_is_asked_again_after_some_time_or_when_an_admin_changed_something() -> None:
    bare, small = _credential(9), _credential(1)
    line = Line(bare, small)
    first = line.join(uuid4(), model="rare")
    await until_idle()
    line.dispatcher.lacks(PROVIDER, bare.id, "rare")
    line.dispatcher.leave(PROVIDER, first)
    rare = [line.join(uuid4(), model="rare") for _ in range(2)]
    await until_idle()
    assert rare[1].slot is None
    line.dispatcher.credentials_changed()
    await until_idle()
    assert rare[1].slot is not None
    line.dispatcher.lacks(PROVIDER, bare.id, "rare")
    waiting = line.join(uuid4(), model="rare")
    await until_idle()
    assert waiting.slot is None
    await line.pass_time(LACKING_SECONDS + 5)
    assert waiting.slot is not None and waiting.slot.credential.id == bare.id


async def test_a_generation_goes_on_with_the_credential_that_can(studio: Studio) -> None:
    life = await studio.open(credentials=3)
    studio.vendor.submits = deque([NotInstalled("A file is missing."), NotInstalled("A file is missing.")])
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert (view.status, view.attempt, studio.jobs_of(made)) == (Status.SUCCEEDED, 3, 1)
    used = [attempt.credential_id for attempt in studio.attempts(made)]
    assert len(set(used)) == 3


async def test_a_generation_ends_at_once_where_no_credential_can(studio: Studio) -> None:
    life = await studio.open(credentials=2)
    studio.vendor.submits = deque([NotInstalled("A file is missing.")] * 2)
    made = await life.request()
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert (view.status, view.attempt, view.failure and view.failure.code) == (
        Status.FAILED,
        2,
        "provider.not_installed",
    )
    assert studio.balance().available == 1000


@pytest.mark.parametrize("when", ["before", "in line"])
async def test_what_goes_on_ends_at_once_where_its_account_is_switched_off(studio: Studio, when: str) -> None:
    life = await studio.open()
    study = studio.shelf.entry("study")
    studio.shelf = Shelf([study, study.model_copy(update={"id": "sequel", "continues": "always"})])
    parent = await life.request()
    await studio.to_the_end()
    if when == "in line":
        studio.change_credentials(max_concurrent=1)
        await studio.pass_time(CREDENTIALS_FRESH_SECONDS)
        studio.vendor.job_seconds = lambda: 100.0
        await studio.until_status(await life.request(), Status.RUNNING)
    else:
        studio.change_credentials(enabled=False)
        studio.tell(studio.add_credential, "another account")
    sequel = Wanted(new_id(), "sequel", "a heron, larger", {"num_images": 1}, (), parent_id=parent)
    made = await life.request_as(sequel)
    await studio.pass_time(5)
    if when == "in line":
        assert studio.view(made).status is Status.QUEUED
        studio.change_credentials(enabled=False)
    await studio.pass_time(1.5 * LOOK_AGAIN_SECONDS)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code, view.failure.whose) == (Status.FAILED, "provider.credential_gone", "admin")
    await studio.to_the_end()
