"""Ark's image API as the sandbox plays it, asked by a client that knows only Ark's pages."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import aiohttp
import pytest
from PIL import Image

from .conftest import Client, Reply, Start

KEY = {"Authorization": "Bearer sandbox-ark-key-not-secret"}
V3, EDIT, V4, V45, LITE, PRO = (
    "doubao-seedream-3-0-t2i-250415",
    "doubao-seededit-3-0-i2i-250628",
    "doubao-seedream-4-0-250828",
    "doubao-seedream-4-5-251128",
    "doubao-seedream-5-0-260128",
    "doubao-seedream-5-0-pro-260628",
)


def data_url(size: tuple[int, int] = (96, 64), colour: str = "teal") -> str:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


class Ark:
    """A client of the image API, at Ark or at a gateway."""

    def __init__(self, sandbox: Client, base: str = "/dreamwork/api/v3") -> None:
        self._sandbox = sandbox
        self._base = base

    async def make(self, prompt: str = "水墨山湖，红日", model: str = V4, **body: Any) -> Reply:
        body = {"model": model, "prompt": prompt, "size": "1024x1024", **body}
        sent = {name: value for name, value in body.items() if value is not None}
        return await self._sandbox.ask(
            "POST", f"{self._base}/images/generations", key=False, headers=KEY, json=sent
        )  # fmt: skip

    async def get(self, path: str) -> Reply:
        return await self._sandbox.ask("GET", self._base + path, key=False, headers=KEY)


@pytest.fixture
def ark(sandbox: Client) -> Ark:
    return Ark(sandbox)


async def test_a_picture_has_an_address_for_a_day_and_is_billed(ark: Ark, sandbox: Client) -> None:
    reply = await ark.make(size="1280x720")
    body = reply.json
    (item,) = body["data"]
    assert (body["model"], item["size"], body["usage"]["generated_images"]) == (V4, "1280x720", 1)
    assert body["usage"]["output_tokens"] == 1280 * 720 // 256
    picture = await sandbox.ask("GET", item["url"], key=False)
    opened = Image.open(io.BytesIO(picture.body))
    assert (opened.size, opened.format) == ((1280, 720), "JPEG")
    gone = (await ark.make("x [[expire:0]]")).json["data"][0]["url"]
    assert (await sandbox.ask("GET", gone, key=False)).status == 404


async def test_base64_holds_the_picture_and_the_watermark_is_on_unless_switched_off(ark: Ark) -> None:
    with_it, without = [
        (await ark.make(response_format="b64_json", watermark=mark, model=V3, seed=5)).json["data"][0]["b64_json"]
        for mark in (None, False)
    ]
    marked, plain = (Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB") for text in (with_it, without))
    corner = (700, 940, 1024, 1024)
    assert marked.crop(corner).tobytes() != plain.crop(corner).tobytes()


async def test_the_watermark_is_on_pictures_that_have_an_address_too(ark: Ark, sandbox: Client) -> None:
    shown = []
    for mark in (None, False):
        made = await ark.make(watermark=mark, model=V3, seed=5)
        file = await sandbox.ask("GET", made.json["data"][0]["url"], key=False)
        shown.append(Image.open(io.BytesIO(file.body)).convert("RGB"))
    corner, away = (700, 900, 1024, 1024), (0, 0, 512, 512)
    assert shown[0].crop(corner).tobytes() != shown[1].crop(corner).tobytes()
    assert shown[0].crop(away).tobytes() == shown[1].crop(away).tobytes()


@pytest.mark.parametrize("marker", ["empty-output", "null-output", "error-in-200", "drift", "fail"])
async def test_a_stream_goes_wrong_as_an_answer_does(ark: Ark, marker: str) -> None:
    reply = await ark.make(f"x [[{marker}]]", stream=True)
    lines = [line.removeprefix("data: ") for line in reply.body.decode().split("\n") if line]
    events = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == "[DONE]"
    assert not any("url" in event for event in events)


async def test_a_series_is_as_long_as_the_model_decides(ark: Ark) -> None:
    series = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 4}}
    whole = (await ark.make(**series)).json
    assert (len(whole["data"]), whole["usage"]["generated_images"]) == (4, 4)
    short = (await ark.make("x [[series:2]]", **series)).json
    assert (len(short["data"]), short["usage"]["generated_images"]) == (2, 2)
    broken = (await ark.make("x [[failed-pictures]]", **series)).json
    assert ["error" in item for item in broken["data"]] == [False, True, False, True]
    assert broken["usage"]["generated_images"] == 2


@pytest.mark.parametrize(
    ("model", "body"),
    [(EDIT, {"image": data_url(), "size": "adaptive"}), (V4, {"image": data_url()}),
     (V4, {"image": [data_url(), data_url(colour="tomato")]}), (V45, {"image": [data_url()], "size": "2K"}),
     (LITE, {"size": "2048x2048", "output_format": "png", "tools": [{"type": "web_search"}]}), (PRO, {"size": "1K"}),
     (V4, {"optimize_prompt_options": {"mode": "fast"}}), (V3, {"guidance_scale": 7.5, "seed": 3})],
)  # fmt: skip
async def test_each_model_takes_what_is_its_own(ark: Ark, model: str, body: dict[str, Any]) -> None:
    reply = await ark.make(model=model, **body)
    assert reply.status == 200, reply.body
    given = body.get("image", [])
    count = 1 if isinstance(given, str) else len(given)
    assert reply.json["usage"].get("input_images", 0) == count
    assert ("tool_usage" in reply.json["usage"]) == ("tools" in body)


@pytest.mark.parametrize(
    ("model", "body", "code", "param"),
    [
        (V3, {"image": data_url()}, "InvalidParameter", "image"),
        (EDIT, {"size": "adaptive"}, "MissingParameter", "image"),
        (EDIT, {"image": [data_url()], "size": "adaptive"}, "InvalidParameter", "image"),
        (V4, {"image": [data_url()] * 15}, "InvalidParameter", "image"),
        (V4, {"image": data_url().partition(",")[2]}, "InvalidParameter", "image"),
        (V4, {"image": data_url().replace("image/png", "image/PNG")}, "InvalidParameter", "image"),
        (V4, {"n": 2}, "InvalidParameter", "n"),
        (V4, {"negative_prompt": "x"}, "InvalidParameter", "negative_prompt"),
        (V4, {"seed": 1}, "InvalidParameter", "seed"),
        (V3, {"sequential_image_generation": "auto"}, "InvalidParameter", "sequential_image_generation"),
        (V4, {"size": "900x900"}, "InvalidParameter", "size"),
        (V4, {"size": "3K"}, "InvalidParameter", "size"),
        (V45, {"size": "1024x1024"}, "InvalidParameter", "size"),
        (V3, {"size": "400x400"}, "InvalidParameter", "size"),
        (PRO, {"size": "1025x1024"}, "InvalidParameter", "size"),
        (V45, {"size": "2K", "optimize_prompt_options": {"mode": "fast"}}, "InvalidParameter",
         "optimize_prompt_options.mode"),
        (V3, {"guidance_scale": 11}, "InvalidParameter", "guidance_scale"),
        (V4, {"prompt": None}, "MissingParameter", "prompt"),
        (V4, {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 15},
              "image": data_url()}, "InvalidParameter", "sequential_image_generation_options.max_images"),
    ],
)  # fmt: skip
async def test_what_ark_does_not_take_is_refused_by_name(
    ark: Ark, sandbox: Client, model: str, body: dict[str, Any], code: str, param: str
) -> None:
    refused = await ark.make(**{"prompt": "x", "model": model, **body})
    assert refused.status == 400, refused.body
    error = refused.json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert "Request id" in error["message"]
    assert await sandbox.jobs() == []


async def test_an_unknown_model_is_not_found(ark: Ark) -> None:
    refused = await ark.make(model="ep-nobody")
    assert (refused.status, refused.json["error"]["code"]) == (404, "InvalidEndpointOrModel.NotFound")


@pytest.mark.parametrize(
    ("marker", "status", "code"),
    [("fail:InputTextSensitiveContentDetected", 400, "InputTextSensitiveContentDetected"),
     ("nsfw", 400, "OutputImageSensitiveContentDetected"), ("fail:ModelNotOpen", 404, "ModelNotOpen"),
     ("fail:AccountOverdueError", 403, "AccountOverdueError"), ("fail:QuotaExceeded", 429, "QuotaExceeded"),
     ("throttle", 429, "ModelAccountIpmRateLimitExceeded"), ("fail", 500, "InternalServiceError"),
     ("unauthorized", 401, "AuthenticationError"), ("error-503", 503, "ServiceUnavailable")],
)  # fmt: skip
async def test_failures_come_in_arks_own_words(ark: Ark, marker: str, status: int, code: str) -> None:
    refused = await ark.make(f"x [[{marker}]]")
    assert (refused.status, refused.json["error"]["code"]) == (status, code)


async def test_an_error_may_come_under_200(ark: Ark) -> None:
    reply = await ark.make("x [[error-in-200]]")
    assert reply.status == 200
    assert reply.json["error"]["code"] == "InternalServiceError"
    assert "data" not in reply.json


async def test_a_gateway_takes_the_same_body_and_more(sandbox: Client) -> None:
    gateway = Ark(sandbox, "/dreamwork/v1")
    made = await gateway.make(n=1, style="vivid", image=data_url())
    assert made.json["data"][0]["url"].startswith(sandbox.origin)
    bare = await gateway.make(image=data_url().partition(",")[2])
    assert (bare.status, bare.json["code"]) == (400, 0)
    assert V4 in {model["id"] for model in (await gateway.get("/models")).json["data"]}


async def test_whoever_gives_up_has_still_had_it_made(start: Start) -> None:
    sandbox = await start(speed=1.0)
    job = await sandbox.leave(Ark(sandbox).make("x [[slow:0.4]]"))
    assert (job["state"], job["canceled"]) == ("finished", False)
    with pytest.raises(aiohttp.ClientError):
        await Ark(sandbox).make("x [[lost-answer]] [[slow:0]]")
    assert len(await sandbox.jobs()) == 2


async def test_a_stream_tells_each_picture_and_ends(ark: Ark) -> None:
    series = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 2}}
    reply = await ark.make("x [[failed-pictures]]", stream=True, **series)
    lines = [line.removeprefix("data: ") for line in reply.body.decode().split("\n") if line]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    assert [event["type"].rpartition(".")[2] for event in events] == [
        "partial_succeeded", "partial_failed", "completed"
    ]  # fmt: skip
    assert events[-1]["usage"]["generated_images"] == 1


async def test_a_free_question_tells_whether_the_key_is_good(ark: Ark, sandbox: Client) -> None:
    path = "/contents/generations/tasks?page_num=1&page_size=1"
    assert (await ark.get(path)).json == {"items": [], "total": 0}
    assert (await sandbox.ask("GET", f"/dreamwork/api/v3{path}", key=False)).status == 401
    assert await sandbox.jobs() == []
