"""Midjourney through the whole house: four pictures and what is made of them, by callbacks, by each kind of proxy."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.studio import Person, Studio
from tests.library.files import plain
from tests.providers.conftest import HouseWith
from vermilion.providers.midjourney import Adapter


@pytest.fixture
async def studio(house_with: HouseWith) -> AsyncIterator[Studio]:
    async with house_with("midjourney") as opened:
        yield opened


def actions_of(asset: Any) -> dict[str, Any]:
    return {action["id"]: action for action in asset["actions"]}


async def follow(someone: Person, generation: Any, action: Any, **more: Any) -> Any:
    body = {"model": action["model"], "params": action["params"], "parent_id": generation["id"], "prompt": "", **more}
    return await someone.made(**body)


async def test_from_a_prompt_to_four_pictures_to_one_with_another_hat(studio: Studio) -> None:
    someone = await studio.person()
    grid = await someone.made(prompt="a red fox --ar 3:2 --turbo --no snow", model="midjourney-v7")
    assert (grid["prompt"], grid["params"]["aspect_ratio"], grid["params"]["speed"]) == ("a red fox", "3:2", "turbo")
    assert (grid["price_credits"], grid["settled_credits"]) == (10, 10)
    assert len(grid["assets"]) == 4
    for asset in grid["assets"]:
        assert asset["width"] / asset["height"] == pytest.approx(1.5, abs=0.05)
    upscale = actions_of(grid["assets"][2])["upscale"]
    up = await follow(someone, grid, upscale)
    assert up["parent_id"] == grid["id"]
    assert up["assets"][0]["width"] == 2 * grid["assets"][2]["width"]
    region = actions_of(up["assets"][0])["vary_region"]
    assert region["needs"] == ["prompt", "mask"]
    mask = await someone.upload(plain(64, 64, "white"), "mask.png")
    hats = await follow(
        someone, up, region, prompt="a blue hat --v 7", inputs=[{"role": "mask", "asset_id": mask["id"]}]
    )
    assert len(hats["assets"]) == 4
    zoom = actions_of(up["assets"][0])["zoom_custom"]
    assert zoom["prompt"].startswith("a red fox")
    assert len((await follow(someone, up, zoom, prompt=zoom["prompt"]))["assets"]) == 4
    await studio.is_sound()


async def test_pictures_are_blended_and_described_and_the_description_is_painted(studio: Studio) -> None:
    someone = await studio.person()
    two = [await someone.upload(plain(colour=colour), f"{colour}.png") for colour in ("teal", "gold")]
    inputs = [{"role": "image", "asset_id": asset["id"]} for asset in two]
    blend = await someone.made(prompt="", model="midjourney-blend", inputs=inputs)
    assert len(blend["assets"]) == 4
    described = await someone.made(prompt="", model="midjourney-describe", inputs=inputs[:1])
    assert (len(described["facts"]["texts"]), described["assets"]) == (4, [])
    pick = next(action for action in described["facts"]["actions"] if action["id"] == "pick_3")
    painted = await follow(someone, described, pick, prompt=pick["prompt"])
    assert len(painted["assets"]) == 4
    await studio.is_sound()


async def test_a_lost_submit_is_found_and_four_pictures_are_made_once(studio: Studio) -> None:
    someone = await studio.person()
    ended = await someone.made(prompt="a fox [[lost-answer]]", model="midjourney-v7")
    assert len(ended["assets"]) == 4
    assert [job["vendor"] for job in await studio.jobs()] == ["midjourney"]


async def test_the_originals_grid_is_cut_too_and_its_pictures_are_upscaled_by_word(house_with: HouseWith) -> None:
    async with house_with("midjourney") as studio:
        await studio.connect("midjourney", base_url=f"{studio.sandbox}/midjourney/java")
        someone = await studio.person()
        grid = await someone.made(prompt="a red fox --relax", model="midjourney-v7")
        assert (len(grid["assets"]), grid["settled_credits"]) == (4, 2)
        upscale = actions_of(grid["assets"][1])["upscale"]
        assert upscale["params"] == {"button": "U2"}
        up = await follow(someone, grid, upscale)
        assert up["assets"][0]["width"] == 2 * grid["assets"][1]["width"]
        await studio.is_sound()


async def test_callbacks_wake_the_house_and_are_not_believed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    all_heard = asyncio.Event()
    read = Adapter.read_callback

    async def listening(self: Adapter, headers: Any, body: bytes) -> Any:
        heard.append(json.loads(body)["status"])
        if heard.count("SUCCESS") == 4:
            all_heard.set()
        return await read(self, headers, body)

    monkeypatch.setattr(Adapter, "read_callback", listening)
    someone = await studio.person()
    words = "a red fox [[webhook-forged]] [[webhook-duplicate:3]]"
    ended = await someone.made(prompt=words, model="midjourney-v7")
    assert len(ended["assets"]) == 4
    await asyncio.wait_for(all_heard.wait(), 20)
    assert "IN_PROGRESS" in heard
    assert (await someone.get(f"/generations/{ended['id']}"))["assets"] == ended["assets"]
    await studio.is_sound()


async def test_a_callback_of_one_of_several_tasks_loses_none_of_the_others(studio: Studio) -> None:
    someone = await studio.person()
    picture = await someone.upload(plain(), "teal.png")
    inputs = [{"role": "image", "asset_id": picture["id"]}]
    described = await someone.made(prompt="", model="midjourney-describe", inputs=inputs)
    all_of_them = next(action for action in described["facts"]["actions"] if action["id"] == "pick_all")
    await studio.arm("webhook-early", "midjourney")
    painted = await follow(someone, described, all_of_them)
    assert len(painted["assets"]) == 16
    assert len([job for job in await studio.jobs() if job["vendor"] == "midjourney"]) == 5
    await studio.is_sound()
