"""Files inside requests come in by the library's door: judged, bounded, never of private networks, never left over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.dialects.scene import Scene, data_url, png
from tests.serving import serving
from vermilion.dialects import INLINE_FILES_MAX_BYTES, addresses_with_files
from vermilion.kit.download import Downloaded, Downloader

AT = "/flux/image-to-image"


class OnOurMachine(Downloader):
    """The door, opened for the loopback server of a test."""

    async def fetch(self, url: str, spool_dir: Path, **limits: Any) -> Downloaded:
        assert not limits.get("allow_private_hosts"), "nobody else may ask for that"
        return await super().fetch(url, spool_dir, **limits, allow_private_hosts=True)


@pytest_asyncio.fixture(loop_scope="session")
async def pictures() -> AsyncIterator[str]:
    """A server with a picture, a page, and a picture that is gone."""

    async def give(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "gone.png":
            raise web.HTTPNotFound
        return web.Response(body=png(50) if name == "fox.png" else b"<html>" * 50, content_type="image/png")

    app = web.Application()
    app.router.add_get("/{name}", give)
    async with serving(app) as origin:
        yield origin


@contextmanager
def door(scene: Scene, downloader: Downloader) -> Iterator[None]:
    usual, scene.studio.house.downloader = scene.studio.house.downloader, downloader
    yield
    scene.studio.house.downloader = usual


async def uploads(scene: Scene) -> int:
    stats = await scene.owner.get("/storage/stats")
    return sum(row["files"] for row in stats["by_kind"] if row["source"] == "uploaded")


async def test_a_picture_is_fetched_from_its_address(scene: Scene, pictures: str) -> None:
    opened = OnOurMachine.open()
    with door(scene, opened):
        body = {"prompt": "a fox", "input_image_url": f"{pictures}/fox.png"}
        await scene.completed(scene.owner, AT, body)
        before = await uploads(scene)
        gone = await scene.owner.post(AT, {**body, "input_image_url": f"{pictures}/gone.png"}, status=422)
        assert (gone["code"], gone["field"]) == ("asset.not_fetched", "input_image_url")
        page = await scene.owner.post(AT, {**body, "input_image_url": f"{pictures}/page.png"}, status=415)
        assert page["code"] == "asset.type_refused"
    assert await uploads(scene) == before
    await opened.close()


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8080/x.png", "http://169.254.169.254/latest/meta-data", "http://[::1]/x", "http://localhost/x"],
)
async def test_the_house_fetches_nothing_from_private_networks(scene: Scene, address: str) -> None:
    refused = await scene.owner.post(AT, {"prompt": "a fox", "input_image_url": address}, status=422)
    assert refused["code"] == "asset.not_fetched"
    assert address not in refused["detail"]


async def test_what_is_no_file_is_refused(scene: Scene) -> None:
    for content, status, code in (
        ("neither this nor that", 422, "asset.not_base64"),
        ("data:image/png,plain", 422, "asset.not_base64"),
        (data_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 20, "image/svg+xml"), 415, "asset.type_refused"),
        (data_url(png()[:300]), 422, "asset.unreadable"),
    ):
        refused = await scene.owner.post(AT, {"prompt": "a fox", "input_image_url": content}, status=status)
        assert refused["code"] == code, content[:40]


async def test_nothing_stays_of_a_request_that_is_refused(scene: Scene) -> None:
    poor = await scene.studio.person(credits_given=1)
    body = {"model": "fal-ai/flux-pro/kontext", "prompt": "a fox", "input_image_url": data_url(png(51))}
    assert (await poor.post(AT, body, status=402))["code"] == "credits.insufficient"
    assert (await poor.get("/assets"))["items"] == []
    # Parameters are judged before files are received at all.
    wrong = await poor.post(AT, {**body, "guidance_scale": 1000}, status=422)
    assert wrong["code"] == "generation.invalid_params"
    # Of several files none stays when one of them is refused.
    several = {"prompt": "a fox", "image_urls": [data_url(png(52)), "no base64!"]}
    assert (await poor.post("/flux/multi-image-edit", several, status=422))["code"] == "asset.not_base64"
    assert (await poor.get("/assets"))["items"] == []
    assert await poor.balance() == (1, 0, 0)


async def test_what_a_request_gives_twice_is_one_upload(scene: Scene, pictures: str) -> None:
    before = await uploads(scene)
    opened = OnOurMachine.open()
    with door(scene, opened):
        inside = data_url(png(58))
        given = [inside, inside.partition(",")[2], f"{pictures}/fox.png", f"{pictures}/fox.png"]
        body = {"prompt": "a fox", "image_urls": given}
        created = await scene.owner.post("/flux/multi-image-edit", body)
        assert await uploads(scene) == before + 2
        view = await scene.owner.ended(created["id"])
        ids = [each["asset_id"] for each in view["inputs"]]
        assert len(ids) == 4 and ids[0] == ids[1] and ids[2] == ids[3] != ids[0]
        # Refused, it leaves nothing behind, and lets nothing go twice.
        refused = await scene.owner.post(
            "/flux/multi-image-edit", {**body, "image_urls": [*given[1:], "!"]}, status=422
        )
        assert refused["code"] == "asset.not_base64"
    assert await uploads(scene) == before + 2
    await opened.close()


async def test_another_persons_file_is_as_absent_as_none(scene: Scene) -> None:
    mine = await scene.owner.upload(png(53))
    for content in (mine["id"], f"/api/v1/assets/{mine['id']}/file"):
        refused = await scene.admin.post(AT, {"prompt": "a fox", "input_image_url": content}, status=422)
        assert refused["code"] == "generation.unknown_input"


async def test_bodies_with_files_may_be_larger_and_are_still_bounded(scene: Scene) -> None:
    large = data_url(png(54, 1400, 1400))
    assert len(large) > 2**20
    created = await scene.owner.post(AT, {"prompt": "a fox", "input_image_url": large})
    await scene.owner.client.delete(f"/flux/task/{created['id']}")
    elsewhere = await scene.owner.client.post("/flux/text-to-image", json={"prompt": "a fox", "image_url": large})
    assert elsewhere.status_code == 413
    huge = await scene.owner.client.post(AT, content=b'{"prompt": "' + b"x" * (25 * 2**20) + b'"}')
    assert huge.status_code == 413


@pytest.mark.parametrize("address", addresses_with_files())
async def test_nobodys_large_body_is_refused_before_it_is_looked_into(scene: Scene, address: str) -> None:
    at = address.removeprefix("/api/v1")
    for size in (2 * 2**20, INLINE_FILES_MAX_BYTES):
        refused = await scene.nobody.post(at, content=b"x" * size, headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")


async def test_two_clients_at_once_get_a_task_each(scene: Scene) -> None:
    body = {"prompt": "a fox", "model": "fal-ai/flux-1/schnell"}
    both = await asyncio.gather(*(scene.owner.post("/flux/text-to-image", body) for _ in range(2)))
    assert both[0]["id"] != both[1]["id"]
