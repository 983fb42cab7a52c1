"""ComfyUI through the whole house: seen while it is painted, canceled, lost with its server, shared among servers."""

import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.api.studio import ENDED, Person, Studio, wanted
from tests.providers.conftest import HouseWith
from vermilion.catalog import CredentialDraft, add_credential

QUICK = {"steps": 8, "seed": 7}


@pytest.fixture
async def studio(house_with: HouseWith) -> AsyncIterator[Studio]:
    async with house_with(speed=20) as opened:
        await add_server(opened, "guarded")
        yield opened


async def add_server(studio: Studio, server: str, **fields: str) -> None:
    """One more ComfyUI server, as an admin adds it, with what a new credential may run at once."""
    key = "sandbox-comfyui-key-not-secret"
    draft = CredentialDraft(
        name=f"Server {server}",
        fields={"base_url": f"{studio.sandbox}/comfyui/{server}", "api_key": key, **fields},
        allow_private_hosts=True,
    )
    house = studio.house
    await house.db.write(add_credential, house.sealer, None, "comfyui", draft, now=house.clock.now())
    house.dispatcher.credentials_changed()


async def requested(someone: Person, prompt: str = "a red fox", model: str = "sd-1.5", **more: Any) -> str:
    body = wanted(prompt=prompt, model=model, params=QUICK, **more)
    await someone.post("/generations", body, status=202)
    return str(body["id"])


async def watched(someone: Person, generation_id: str, until: Callable[[Any], bool]) -> list[Any]:
    """Every view of a generation until one is so."""
    seen: list[Any] = []
    async with asyncio.timeout(60):
        while not seen or not until(seen[-1]):
            view = await someone.get(f"/generations/{generation_id}")
            if not seen or view != seen[-1]:
                seen.append(view)
            await asyncio.sleep(0.03)
    return seen


async def test_it_is_seen_while_it_is_painted_by_its_person_alone(studio: Studio) -> None:
    someone, other = await studio.person(), await studio.person()
    made = await requested(someone, "a red fox [[slow:5]]")
    preview = f"/generations/{made}/preview"
    before = await someone.client.get(preview)
    assert (before.status_code, before.json()["code"]) == (404, "generation.no_preview")
    views = await watched(someone, made, lambda view: (view["preview_version"] or 0) > 0)
    first = await someone.client.get(preview)
    assert first.status_code == 200
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"
    Image.open(io.BytesIO(first.content)).verify()
    assert (await other.client.get(preview)).json()["code"] == "generation.not_found"
    version = views[-1]["preview_version"]
    views += await watched(someone, made, lambda view: (view["preview_version"] or 0) > version)
    assert (await someone.client.get(preview)).content != first.content
    views += await watched(someone, made, lambda view: view["status"] in ENDED)
    assert views[-1]["status"] == "succeeded", views[-1]["failure"]
    assert views[-1]["preview_version"] is None
    assert (await someone.client.get(preview)).json()["code"] == "generation.no_preview"
    percents = [view["progress"]["percent"] or 0.0 for view in views if view["status"] == "running"]
    assert percents == sorted(percents) and len(set(percents)) >= 4
    (asset,) = views[-1]["assets"]
    assert (asset["width"], asset["height"]) == (512, 512)
    assert views[-1]["facts"]["seed"] == 7
    await studio.is_sound()


async def test_what_waits_and_what_runs_is_canceled_and_paid_back(studio: Studio) -> None:
    someone = await studio.person()
    admin = await studio.admin()
    (credential,) = (await provider_view(admin))["credentials"]
    await admin.client.patch(f"/admin/credentials/{credential['id']}", json={"max_concurrent": 2})
    running = await requested(someone, "[[never]]")
    await someone.until(running, lambda view: view["status"] == "running" and (view["progress"]["percent"] or 0) > 0)
    waiting = await requested(someone)
    view = await someone.until(waiting, lambda view: view["progress"]["queue_position"] is not None)
    assert view["progress"]["queue_position"] == 1
    for job in (waiting, running):
        await someone.post(f"/generations/{job}/cancel")
        assert (await someone.ended(job))["status"] == "canceled"
    states = [(job["state"], job["canceled"]) for job in await studio.jobs()]
    assert states == [("finished", True)] * 2, "nothing goes on at the server"
    assert await someone.balance() == (1000, 0, 0)
    await studio.is_sound()


async def provider_view(admin: Person) -> Any:
    providers = (await admin.get("/admin/providers"))["items"]
    return next(provider for provider in providers if provider["provider"] == "comfyui")


async def test_a_server_that_starts_again_loses_the_job_and_not_the_picture(studio: Studio) -> None:
    someone = await studio.person()
    await studio.arm("restart", "comfyui")
    ended = await someone.ended(await requested(someone), seconds=90)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2), ended["failure"]
    assert [job["canceled"] for job in await studio.jobs()] == [True, False]
    assert await someone.balance() == (999, 0, 1)
    await studio.is_sound()


async def test_a_lost_answer_is_looked_up_and_one_picture_is_made(studio: Studio) -> None:
    someone = await studio.person()
    ended = await someone.ended(await requested(someone, "a fox [[lost-answer]]"), seconds=90)
    assert ended["status"] == "succeeded", ended["failure"]
    assert (ended["attempt"], len(await studio.jobs())) == (1, 1)


async def test_servers_share_the_load_each_with_one_job_at_a_time(studio: Studio) -> None:
    await add_server(studio, "2")
    someone = await studio.person()
    made = [await requested(someone, f"{n} foxes [[slow:1]]") for n in range(6)]
    for generation_id in made:
        assert (await someone.ended(generation_id, seconds=90))["status"] == "succeeded"
    jobs = await studio.jobs()
    by_server: dict[str, list[Any]] = {}
    for job in jobs:
        by_server.setdefault(job["owner"], []).append(job)
    assert sorted((owner, len(mine)) for owner, mine in by_server.items()) == [("comfyui:1", 3), ("comfyui:2", 3)]
    for mine in by_server.values():
        for job, following in itertools.pairwise(mine):
            assert following["created_at"] >= job["finished_at"], "nothing waits at a server while another is idle"
    await studio.is_sound()


async def test_a_server_without_the_file_says_so_to_the_admin_and_another_is_asked(studio: Studio) -> None:
    someone = await studio.person()
    await studio.arm("lacks-file", "comfyui")
    ended = await someone.ended(await requested(someone), seconds=90)
    assert (ended["status"], ended["attempt"]) == ("failed", 1)
    assert (ended["failure"]["code"], ended["failure"]["whose"]) == ("provider.not_installed", "admin")
    assert "there is no “v1-5-pruned-emaonly.safetensors” for ckpt_name" in ended["failure"]["detail"]
    (credential,) = (await provider_view(await studio.admin()))["credentials"]
    assert credential["health"]["state"] == "degraded"
    assert "there is no “v1-5-pruned-emaonly.safetensors”" in credential["health"]["last_error"]
    await add_server(studio, "2")
    await studio.arm("lacks-file", "comfyui")
    ended = await someone.ended(await requested(someone), seconds=90)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert await someone.balance() == (999, 0, 1)


async def test_the_key_of_a_server_is_written_down_nowhere(studio: Studio, tmp_path: Path) -> None:
    someone = await studio.person()
    ended = await someone.ended(await requested(someone), seconds=90)
    assert ended["status"] == "succeeded"
    receipt = await someone.get(f"/generations/{ended['id']}/receipt")
    assert "not-secret" not in str(ended) + str(receipt)
    for file in (tmp_path / "house").rglob("*"):
        if file.is_file():
            assert b"sandbox-comfyui-key" not in file.read_bytes(), file.name
