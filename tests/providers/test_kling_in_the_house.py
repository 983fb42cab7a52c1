"""Kling through the whole house: a video, what it offers, and what is made of it; a lost submit; a picture animated."""

from collections.abc import AsyncIterator

import pytest

from tests.api.studio import Studio, wanted
from tests.library.files import noise
from tests.providers.conftest import HouseWith


@pytest.fixture
async def studio(house_with: HouseWith) -> AsyncIterator[Studio]:
    async with house_with("kling") as opened:
        yield opened


async def test_a_video_and_all_that_follows_from_it(studio: Studio) -> None:
    someone = await studio.person()
    first = await someone.made(model="kling-v1-6")
    asset = first["assets"][0]
    assert asset["kind"] == "video" and asset["duration_seconds"] == pytest.approx(5, abs=0.5)
    actions = {action["id"]: action for action in asset["actions"]}
    assert set(actions) == {"extend", "lip_sync_text", "lip_sync_audio"}

    extend = actions["extend"]
    longer = await someone.made(prompt="", model=extend["model"], params=extend["params"], parent_id=first["id"])
    assert longer["assets"][0]["duration_seconds"] > 8

    speak = actions["lip_sync_text"]
    spoken = await someone.made(prompt="Good morning.", model=speak["model"], parent_id=first["id"])
    assert spoken["assets"][0]["kind"] == "video"
    await studio.is_sound()


@pytest.mark.parametrize(("model", "prompt"), [("kling-extend", ""), ("kling-lip-sync", "Good morning.")])
async def test_what_goes_on_from_nothing_is_refused_before_anything_is_held(
    studio: Studio, model: str, prompt: str
) -> None:
    someone = await studio.person()
    before = await someone.balance()
    refused = await someone.post("/generations", wanted(prompt=prompt, model=model), status=422)
    assert refused["errors"][0]["field"] == "parent_id"
    assert await someone.balance() == before


async def test_a_lost_submit_is_found_and_one_video_is_made(studio: Studio) -> None:
    someone = await studio.person()
    ended = await someone.made(prompt="a fox [[lost-answer]]", model="kling-v2-6")
    assert len(ended["assets"]) == 1
    assert len(await studio.jobs()) == 1


async def test_a_picture_is_animated(studio: Studio) -> None:
    someone = await studio.person()
    uploaded = await someone.upload(noise(480, 400))
    inputs = [{"role": "start_frame", "asset_id": uploaded["id"]}]
    ended = await someone.made(model="kling-v2-6-image", inputs=inputs)
    shape = ended["assets"][0]
    assert shape["width"] / shape["height"] == pytest.approx(1.2, abs=0.03)


async def test_a_video_somebody_has_is_fetched_by_kling_and_speaks(studio: Studio) -> None:
    someone = await studio.person()
    first = await someone.made(model="kling-v2-6")
    inputs = [{"role": "video", "asset_id": first["assets"][0]["id"]}]
    ended = await someone.made(prompt="Good evening.", model="kling-lip-sync", inputs=inputs)
    assert ended["assets"][0]["kind"] == "video"
