"""OpenAI's image API as the sandbox plays it, asked by a client that knows only the API reference."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import aiohttp
import pytest
from PIL import Image, ImageChops, ImageStat

from .conftest import Client, Reply, Start

KEY = {"Authorization": "Bearer sk-sandbox-not-secret"}


class Images:
    """A client of the image API."""

    def __init__(self, sandbox: Client, base: str = "/openai/v1") -> None:
        self._sandbox = sandbox
        self._base = base

    async def generate(self, prompt: str = "a red fox", **body: Any) -> Reply:
        return await self.post("/images/generations", json={"model": "gpt-image-2", "prompt": prompt, **body})

    async def edit(self, *files: tuple[str, bytes], prompt: str = "make it night", **fields: str) -> Reply:
        form = aiohttp.FormData()
        for name, value in {"model": "gpt-image-2", "prompt": prompt, **fields}.items():
            form.add_field(name, value)
        for name, content in files:
            form.add_field(name, content, filename=f"{name.strip('[]')}.png", content_type="image/png")
        return await self.post("/images/edits", data=form)

    async def post(self, path: str, **kwargs: Any) -> Reply:
        headers = {**KEY, **kwargs.pop("headers", {})}
        return await self._sandbox.ask("POST", self._base + path, key=False, headers=headers, **kwargs)

    async def get(self, path: str) -> Reply:
        return await self._sandbox.ask("GET", self._base + path, key=False, headers=KEY)


@pytest.fixture
def images(sandbox: Client) -> Images:
    return Images(sandbox)


def _png(size: tuple[int, int], colour: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def _pictures(reply: Reply) -> list[Image.Image]:
    assert reply.status == 200, reply.body[:300]
    return [Image.open(io.BytesIO(base64.b64decode(item["b64_json"]))) for item in reply.json["data"]]


async def test_pictures_come_in_base64_with_what_was_resolved_and_used(images: Images) -> None:
    reply = await images.generate(n=2, size="1536x1024", quality="low", output_format="webp")
    made = _pictures(reply)
    assert [(picture.size, picture.format) for picture in made] == [((1536, 1024), "WEBP")] * 2
    body = reply.json
    assert made[0].tobytes() != made[1].tobytes()
    assert (body["size"], body["quality"], body["output_format"], body["background"]) == (
        "1536x1024", "low", "webp", "opaque"
    )  # fmt: skip
    usage = body["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens_details"]["image_tokens"] == 0
    assert reply.headers["x-request-id"]


async def test_the_answer_comes_when_the_pictures_are_made(start: Start) -> None:
    sandbox = await start(speed=1.0)
    waiting = asyncio.ensure_future(Images(sandbox).generate("a fox [[slow:0.6]]"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    assert [job["state"] for job in await sandbox.jobs()] == ["running"]
    assert (await waiting).status == 200


async def test_whoever_leaves_has_still_had_it_made(start: Start) -> None:
    sandbox = await start(speed=1.0)
    job = await sandbox.leave(Images(sandbox).generate("a fox [[slow:0.5]]"))
    assert (job["state"], job["canceled"]) == ("finished", False)


async def test_a_transparent_background_is_transparent(images: Images) -> None:
    (picture,) = _pictures(await images.generate(background="transparent", size="1024x1024", quality="low"))
    assert picture.getpixel((2, 2))[3] == 0  # type: ignore[index]
    assert picture.getpixel((512, 512))[3] == 255  # type: ignore[index]


@pytest.mark.parametrize("names", [("image",), ("image[]",), ("image[]", "image[]"), ("image[0]", "image[1]")])
async def test_an_edit_takes_pictures_under_every_name_clients_use(images: Images, names: tuple[str, ...]) -> None:
    files = [(name, _png((96, 64), (200, 40 * index, 30))) for index, name in enumerate(names)]
    reply = await images.edit(*files, n="1", quality="low", size="auto")
    (picture,) = _pictures(reply)
    assert picture.size == (1536, 1024)
    assert reply.json["usage"]["input_tokens_details"]["image_tokens"] > 0


async def test_a_mask_protects_what_is_opaque(images: Images) -> None:
    before = Image.linear_gradient("L").resize((128, 128)).convert("RGB")
    file = io.BytesIO()
    before.save(file, "PNG")
    mask = Image.new("RGBA", (128, 128), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (64, 0, 128, 128))
    mask_file = io.BytesIO()
    mask.save(mask_file, "PNG")
    reply = await images.edit(("image", file.getvalue()), ("mask", mask_file.getvalue()), size="1024x1024")
    (after,) = _pictures(reply)
    moved = ImageChops.difference(after.convert("RGB").resize((128, 128)), before).convert("L")
    kept, changed = (ImageStat.Stat(moved.crop(box)).mean[0] for box in ((0, 0, 60, 128), (68, 0, 128, 128)))
    assert kept < 12 < changed


async def test_a_mask_must_fit_its_picture(images: Images) -> None:
    refused = await images.edit(("image", _png((64, 64), (1, 2, 3))), ("mask", _png((32, 32), (0, 0, 0, 0))))
    assert (refused.status, refused.json["error"]["param"]) == (400, "mask")


async def test_an_edit_in_json_takes_addresses_and_data_urls(images: Images) -> None:
    url = "data:image/png;base64," + base64.b64encode(_png((64, 64), (9, 99, 199))).decode()
    body = {"model": "gpt-image-2.5-flare", "prompt": "x", "images": [{"image_url": url}], "moderation": "low"}
    assert len(_pictures(await images.post("/images/edits", json=body))) == 1
    bare = {**body, "images": [{"image_url": url.partition(",")[2]}]}
    assert (await images.post("/images/edits", json=bare)).status == 400


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "dall-e-3"}, 404, "model"),
        ({"model": "no-such-model"}, 404, "model"),
        ({"response_format": "b64_json"}, 400, "response_format"),
        ({"style": "vivid"}, 400, "style"),
        ({"seed": 1}, 400, "seed"),
        ({"n": 0}, 400, "n"),
        ({"n": 11}, 400, "n"),
        ({"n": "two"}, 400, "n"),
        ({"size": "1000x1000"}, 400, "size"),
        ({"size": "3840x1024"}, 400, "size"),
        ({"size": "3840x3840"}, 400, "size"),
        ({"model": "gpt-image-1.5", "size": "1536x864"}, 400, "size"),
        ({"quality": "xhigh"}, 400, "quality"),
        ({"complexity": "low"}, 400, "complexity"),
        ({"background": "transparent", "output_format": "jpeg"}, 400, "background"),
        ({"output_compression": 50}, 400, "output_compression"),
        ({"partial_images": 2}, 400, "partial_images"),
        ({"input_fidelity": "high"}, 400, "input_fidelity"),
        ({"prompt": None}, 400, "prompt"),
        ({"prompt": "x" * 32_001}, 400, "prompt"),
    ],
)
async def test_what_the_api_does_not_take_is_refused_by_name(
    images: Images, sandbox: Client, body: dict[str, Any], status: int, param: str
) -> None:
    refused = await images.generate(**{"prompt": "x", **body})
    assert refused.status == status
    assert set(refused.json["error"]) == {"message", "type", "param", "code"}
    assert refused.json["error"]["param"] == param
    assert await sandbox.jobs() == []


@pytest.mark.parametrize(
    ("model", "body"),
    [("gpt-image-2.6-sunburst", {"quality": "max", "complexity": "high"}),
     ("gpt-image-2.5-flare", {"quality": "xhigh"}),
     ("gpt-image-2", {"size": "3840x2160"}), ("gpt-image-1-mini", {"size": "1024x1536"}),
     ("gpt-image-2", {"output_format": "jpeg", "output_compression": 60})],
)  # fmt: skip
async def test_each_model_takes_what_is_its_own(images: Images, model: str, body: dict[str, Any]) -> None:
    assert (await images.generate(model=model, **body)).status == 200


async def test_only_older_models_know_input_fidelity(images: Images) -> None:
    picture = ("image", _png((64, 64), (1, 2, 3)))
    assert (await images.edit(picture, model="gpt-image-1.5", input_fidelity="high")).status == 200
    assert (await images.edit(picture, input_fidelity="high")).json["error"]["param"] == "input_fidelity"


@pytest.mark.parametrize(
    ("marker", "status", "code"),
    [("fail:moderation_blocked", 400, "moderation_blocked"), ("nsfw", 400, "moderation_blocked"),
     ("fail:content_policy_violation", 400, "content_policy_violation"), ("throttle", 429, "rate_limit_exceeded"),
     ("fail:insufficient_quota", 429, "insufficient_quota"), ("fail", 500, "server_error"),
     ("fail:server_is_overloaded", 503, "server_is_overloaded"), ("unauthorized", 401, "invalid_api_key")],
)  # fmt: skip
async def test_failures_come_in_the_apis_own_words(images: Images, marker: str, status: int, code: str) -> None:
    refused = await images.generate(f"a fox [[{marker}]]")
    assert (refused.status, refused.json["error"]["code"]) == (status, code)
    if marker == "throttle":
        assert refused.headers["Retry-After"] == "1"


async def test_a_lost_answer_was_made_and_a_reset_was_not(images: Images, sandbox: Client) -> None:
    for marker, made in (("lost-answer", 1), ("reset", 1)):
        with pytest.raises(aiohttp.ClientError):
            await images.generate(f"a fox [[{marker}]]")
        assert len(await sandbox.jobs()) == made


async def test_a_stream_tells_partial_pictures_and_then_the_whole(images: Images) -> None:
    reply = await images.generate(stream=True, partial_images=2, size="1024x1024", quality="low")
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in reply.body.decode().strip().split("\n\n")]
    events = [json.loads(lines[1].removeprefix("data: ")) for lines in blocks]
    assert [lines[0].removeprefix("event: ") for lines in blocks] == [event["type"] for event in events]
    assert [event["type"] for event in events] == [
        "image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"
    ]  # fmt: skip
    assert [event.get("partial_image_index") for event in events] == [0, 1, None]
    assert Image.open(io.BytesIO(base64.b64decode(events[-1]["b64_json"]))).size == (1024, 1024)
    assert events[-1]["usage"]["output_tokens"] > 0


async def test_a_stream_that_fails_says_so_inside(images: Images) -> None:
    reply = await images.generate("x [[fail:moderation_blocked]]", stream=True)
    assert reply.status == 200
    assert b"event: error" in reply.body and b"moderation_blocked" in reply.body


async def test_a_gateway_answers_with_addresses_that_end(sandbox: Client) -> None:
    relay = Images(sandbox, "/openai/relay/v1")
    reply = await relay.generate(model="dall-e-3", size="512x512", seed=5, n=2)
    urls = [item["url"] for item in reply.json["data"]]
    for url in urls:
        picture = await sandbox.ask("GET", url, key=False)
        assert Image.open(io.BytesIO(picture.body)).size == (512, 512)
    gone = (await relay.generate("x [[expire:0]]", model="any-model")).json["data"][0]["url"]
    assert (await sandbox.ask("GET", gone, key=False)).status == 404
    inside = await relay.generate(model="any-model", response_format="b64_json")
    assert len(_pictures(inside)) == 1


async def test_a_deployment_is_reached_as_at_azure(sandbox: Client) -> None:
    body = {"prompt": "a fox"}
    address = "/openai/openai/deployments/gpt-image-2/images/generations"
    headers = {"api-key": "sk-sandbox-not-secret"}
    made = await sandbox.ask("POST", f"{address}?api-version=2026-01-01", key=False, headers=headers, json=body)
    assert made.status == 200
    assert (await sandbox.ask("POST", address, key=False, headers=headers, json=body)).status == 404


async def test_the_list_of_models_needs_the_key_and_makes_nothing(images: Images, sandbox: Client) -> None:
    listed = await images.get("/models")
    assert "gpt-image-2" in {model["id"] for model in listed.json["data"]}
    assert (await sandbox.ask("GET", "/openai/v1/models", key=False)).status == 401
    assert await sandbox.jobs() == []


async def test_variations_are_retired(images: Images) -> None:
    assert (await images.post("/images/variations", json={})).status == 404
