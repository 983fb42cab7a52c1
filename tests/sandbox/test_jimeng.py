"""Jimeng on the wire: signatures recomputed, states in time, every documented error, and files that really expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import av
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from PIL import Image

from vermilion.sandbox import SandboxConfig
from vermilion.sandbox.jimeng import Vendor
from vermilion.sandbox.jimeng_login import NotSigned, signer_of
from vermilion.sandbox.jimeng_replies import ERRORS, GATEWAY_WORDS
from vermilion.sandbox.stage import Stage

from .conftest import Reply

ACCESS, SECRET = Vendor.default_secrets["access_key"], Vendor.default_secrets["secret_key"]
BEARER = {"Authorization": f"Bearer {Vendor.default_secrets['api_key']}"}
FILM, PICTURE = "jimeng_t2v_v30", "jimeng_t2i_v31"
RETURN_URL = json.dumps({"return_url": True})


def signed(url: str, raw: bytes, at: float, *, access: str = ACCESS, secret: str = SECRET) -> dict[str, str]:
    """Headers of a POST, from the vendor's page on signing; for queries whose names are in order already."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    parts = urlsplit(url)
    digest = hashlib.sha256(raw).hexdigest()
    block = f"content-type:application/json\nhost:{parts.netloc}\nx-content-sha256:{digest}\nx-date:{moment}\n"
    names = "content-type;host;x-content-sha256;x-date"
    request = f"POST\n{parts.path}\n{parts.query}\n{block}\n{names}\n{digest}"
    scope = f"{moment[:8]}/cn-north-1/cv/request"
    text = f"HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = secret.encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    authorization = f"HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    own = {"Content-Type": "application/json", "X-Content-Sha256": digest, "X-Date": moment}
    return own | {"Authorization": authorization}


@dataclass
class Jimeng:
    """One vendor alone, with a clock in the test's hands."""

    stage: Stage
    session: aiohttp.ClientSession
    origin: str = ""
    later: float = 0.0
    shown: bytes = b""

    def now(self) -> float:
        return time.time() + self.later

    async def ask(self, method: str, path: str, **content: Any) -> Reply:
        url = path if path.startswith("http") else f"{self.origin}/jimeng{path}"
        async with self.session.request(method, url, allow_redirects=False, **content) as response:
            return Reply(response.status, response.headers, await response.read())

    async def post(self, action: str, body: dict[str, Any], **login: str) -> Reply:
        path, raw = f"/?Action=CVSync2Async{action}&Version=2022-08-31", json.dumps(body).encode()
        headers = signed(f"{self.origin}/jimeng{path}", raw, self.now(), **login)
        return await self.ask("POST", path, data=raw, headers=headers)

    async def submit(self, prompt: str = "a red fox", req_key: str = FILM, **more: Any) -> str:
        reply = await self.post("SubmitTask", {"req_key": req_key, "prompt": prompt, **more})
        assert reply.status == 200, reply.body
        return str(reply.json["data"]["task_id"])

    async def result(self, task_id: str, req_key: str = FILM, **more: Any) -> Reply:
        return await self.post("GetResult", {"req_key": req_key, "task_id": task_id, **more})

    async def made(self, prompt: str = "a red fox", req_key: str = FILM, **more: Any) -> Reply:
        task_id = await self.submit(prompt, req_key, **more)
        self.finish(task_id)
        return await self.result(task_id, req_key, req_json=RETURN_URL)

    def show(self, picture: bytes) -> str:
        """An address at which a picture lies."""
        self.shown = picture
        return f"{self.origin}/shown/picture.png"

    def finish(self, task_id: str) -> None:
        job = self.stage.jobs.get(task_id)
        assert job is not None
        self.stage.jobs.finish(job)

    async def gateway(self, prompt: str = "a red fox", **more: Any) -> Reply:
        body = {"prompt": prompt, **more}
        return await self.ask("POST", "/jimeng/submit/videos", json=body, headers=BEARER)

    async def fetched(self, task_id: str) -> Any:
        return (await self.ask("GET", f"/jimeng/fetch/{task_id}", headers=BEARER)).json["data"]

    async def relay(self, action: str, body: dict[str, Any]) -> Reply:
        path = f"/jimeng/?Action=CVSync2Async{action}&Version=2022-08-31"
        return await self.ask("POST", path, json=body, headers=BEARER)


@pytest.fixture
async def jimeng() -> AsyncIterator[Jimeng]:
    stage = Stage(SandboxConfig(port=0, max_concurrent=2))
    vendor = Vendor(stage)
    app = web.Application(client_max_size=64 * 2**20)

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=found.shown, content_type="image/png")

    app.router.add_get("/shown/picture.png", show)
    app.router.add_route("*", "/{tail:.*}", vendor.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    session = aiohttp.ClientSession()
    found = Jimeng(stage, session, f"http://127.0.0.1:{runner.addresses[0][1]}")
    stage.jobs.clock = found.now
    yield found
    await session.close()
    await runner.cleanup()
    await stage.close()


def png(width: int, height: int, colour: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# The vendor's own example: keys, moment, body and the signature of its SDK.
VECTOR_BODY = b'{"req_key":"jimeng_t2v_v30","prompt":"hello","seed":-1,"frames":121,"aspect_ratio":"16:9"}'
VECTOR = {
    "Host": "visual.volcengineapi.com",
    "Content-Type": "application/json",
    "X-Date": "20250101T000000Z",
    "X-Content-Sha256": "c831750fb660375d731a70dfb77b72692edc5da4d02cc3f9a5db24ba79e8298f",
    "Authorization": (
        "HMAC-SHA256 Credential=AKLTEXAMPLE0000/20250101/cn-north-1/cv/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, "
        "Signature=4cb4df528550a5db61f97f04f159cfd6a9474f873e4830492c76ad71c723d7f4"
    ),
}
VECTOR_AT = 1_735_689_600.0
VECTOR_PATH = "/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31"
VECTOR_LOGINS = [{"access_key": "AKLTEXAMPLE0000", "secret_key": "U0tFWEFNUExFMDAwMA=="}]


def test_the_sdks_signature_is_believed() -> None:
    request = make_mocked_request("POST", VECTOR_PATH, headers=VECTOR)
    assert signer_of(request, VECTOR_BODY, VECTOR_LOGINS, VECTOR_AT) == 0


@pytest.mark.parametrize(
    ("path", "headers", "body", "later", "word"),
    [
        (VECTOR_PATH, {}, VECTOR_BODY + b" ", 0, "SignatureDoesNotMatch"),
        (VECTOR_PATH + "&Extra=1", {}, VECTOR_BODY, 0, "SignatureDoesNotMatch"),
        ("/other" + VECTOR_PATH, {}, VECTOR_BODY, 0, "SignatureDoesNotMatch"),
        (VECTOR_PATH, {"Host": "elsewhere.example"}, VECTOR_BODY, 0, "SignatureDoesNotMatch"),
        (VECTOR_PATH, {"Content-Type": "application/json; charset=utf-8"}, VECTOR_BODY, 0, "SignatureDoesNotMatch"),
        (VECTOR_PATH, {"X-Security-Token": "not-signed"}, VECTOR_BODY, 0, "SignatureDoesNotMatch"),
        (VECTOR_PATH, {"X-Date": "20250101T000001Z"}, VECTOR_BODY, 0, "SignatureDoesNotMatch"),
        (VECTOR_PATH, {"X-Date": "yesterday"}, VECTOR_BODY, 0, "InvalidTimestamp"),
        (VECTOR_PATH, {}, VECTOR_BODY, 901, "InvalidTimestamp"),
        (VECTOR_PATH, {"Authorization": ""}, VECTOR_BODY, 0, "MissingAuthenticationToken"),
        (VECTOR_PATH, {"Authorization": "Bearer x"}, VECTOR_BODY, 0, "MissingSignature"),
    ],
)
def test_anything_else_under_that_signature_is_not(
    path: str, headers: dict[str, str], body: bytes, later: float, word: str
) -> None:
    request = make_mocked_request("POST", path, headers={**VECTOR, **headers})
    with pytest.raises(NotSigned) as raised:
        signer_of(request, body, VECTOR_LOGINS, VECTOR_AT + later)
    assert raised.value.word == word


async def test_wrong_keys_are_stopped_at_the_door(jimeng: Jimeng) -> None:
    for login, word in (({"secret": "x"}, "SignatureDoesNotMatch"), ({"access": "x"}, "InvalidAccessKey")):
        refused = await jimeng.post("SubmitTask", {"req_key": FILM, "prompt": "x"}, **login)
        assert refused.status == 401
        assert refused.json["ResponseMetadata"]["Error"]["Code"] == word
    unknown = await jimeng.post("Nothing", {})
    assert unknown.json["ResponseMetadata"]["Error"]["Code"] == "InvalidActionOrVersion"
    assert (await jimeng.ask("GET", "/jimeng/fetch/0")).status == 401


async def test_a_film_waits_runs_and_can_be_played(jimeng: Jimeng) -> None:
    task_id = await jimeng.submit("a lake [[queue:5]] [[slow:5]]", frames=121, aspect_ratio="1:1", seed=4)
    assert int(task_id) > 2**53
    seen = []
    for _ in range(3):
        seen.append((await jimeng.result(task_id)).json["data"]["status"])
        jimeng.later += 5
    assert seen == ["in_queue", "generating", "done"]
    done = (await jimeng.result(task_id)).json
    assert (done["code"], done["status"]) == (10000, 10000)
    file = await jimeng.ask("GET", done["data"]["video_url"])
    assert file.headers["Content-Type"] == "video/mp4"
    with av.open(io.BytesIO(file.body), mode="r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (960, 960)
        assert float(container.duration or 0) / 1_000_000 == pytest.approx(5.0, abs=0.2)


async def test_a_film_expires_after_an_hour_and_its_record_after_twelve(jimeng: Jimeng) -> None:
    task_id = await jimeng.submit()
    jimeng.finish(task_id)
    url = (await jimeng.result(task_id)).json["data"]["video_url"]
    jimeng.later = 3590
    assert (await jimeng.ask("GET", url)).status == 200
    jimeng.later = 3610
    assert (await jimeng.ask("GET", url)).status == 403
    again = (await jimeng.result(task_id)).json["data"]["video_url"]
    assert (await jimeng.ask("GET", again)).status == 403
    jimeng.later = 12 * 3600 + 10
    assert (await jimeng.result(task_id)).json["data"] == {"status": "not_found"}


async def test_a_picture_expires_after_a_day_and_no_address_can_be_made_up(jimeng: Jimeng) -> None:
    url = (await jimeng.made(req_key=PICTURE)).json["data"]["image_urls"][0]
    assert (await jimeng.ask("GET", url.replace("x-expires=1", "x-expires=2"))).status == 403
    jimeng.later = 23 * 3600
    assert Image.open(io.BytesIO((await jimeng.ask("GET", url)).body)).size == (1328, 1328)
    jimeng.later = 24 * 3600 + 10
    assert (await jimeng.ask("GET", url)).status == 403


async def test_pictures_come_inside_unless_addresses_are_asked_for_in_the_query(jimeng: Jimeng) -> None:
    task_id = await jimeng.submit("x", PICTURE, width=512, height=768, req_json=RETURN_URL)
    jimeng.finish(task_id)
    told = (await jimeng.result(task_id, PICTURE)).json["data"]
    assert told["image_urls"] is None
    picture = Image.open(io.BytesIO(base64.b64decode(told["binary_data_base64"][0])))
    assert (picture.format, picture.size) == ("JPEG", (512, 768))
    told = (await jimeng.result(task_id, PICTURE, req_json=RETURN_URL)).json["data"]
    assert told["binary_data_base64"] is None


async def test_pictures_are_checked_by_address_as_they_are_inline(jimeng: Jimeng) -> None:
    film = {"req_key": "jimeng_i2v_first_v30", "prompt": "x"}
    for sides, code in (((640, 640), 10000), ((512, 1536), 10000), ((300, 300), 50215)):
        address = jimeng.show(png(*sides))
        assert (await jimeng.post("SubmitTask", {**film, "image_urls": [address]})).json["code"] == code
        inside = {**film, "binary_data_base64": [b64(png(*sides))]}
        jimeng.stage.jobs.clear()
        assert (await jimeng.post("SubmitTask", inside)).json["code"] == code
        jimeng.stage.jobs.clear()


async def test_what_is_asked_for_by_area_or_between_steps_is_made_as_documented(jimeng: Jimeng) -> None:
    large = await jimeng.made("x", "jimeng_t2i_v40", size=3000 * 3000)
    assert await size_of(jimeng, large) == (3000, 3000)
    given = b64(png(640, 360))
    stepped = await jimeng.made("x", "jimeng_i2i_v30", width=1000, height=2000, binary_data_base64=[given])
    assert await size_of(jimeng, stepped) == (992, 1536)
    refused = await jimeng.post("SubmitTask", {"req_key": "jimeng_t2i_v40", "prompt": "x", "size": 1000})
    assert refused.json["code"] == 50215


async def size_of(jimeng: Jimeng, made: Reply) -> tuple[int, int]:
    file = await jimeng.ask("GET", made.json["data"]["image_urls"][0])
    return Image.open(io.BytesIO(file.body)).size


async def test_first_and_last_frame_are_the_pictures_given(jimeng: Jimeng) -> None:
    frames = [b64(png(640, 360, "red")), b64(png(640, 360, "blue"))]
    made = await jimeng.made("x", "jimeng_i2v_first_tail_v30", binary_data_base64=frames)
    file = await jimeng.ask("GET", made.json["data"]["video_url"])
    with av.open(io.BytesIO(file.body), mode="r") as container:
        shown = [frame.to_image() for frame in container.decode(video=0)]
    assert shown[0].width > shown[0].height
    middles = [picture.getpixel((picture.width // 2, picture.height // 2)) for picture in (shown[0], shown[-1])]
    assert [max(range(3), key=lambda channel, pixel=pixel: pixel[channel]) for pixel in middles] == [0, 2]


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_every_documented_error_can_be_had_at_once_and_at_the_end(jimeng: Jimeng, code: int) -> None:
    refused = await jimeng.post("SubmitTask", {"req_key": FILM, "prompt": f"x [[refuse:{code}]]"})
    ended = await jimeng.made(f"x [[fail:{code}]]")
    for reply in (refused, ended):
        assert reply.status == ERRORS[code][0]
        assert (reply.json["code"], reply.json["data"]) == (code, None)
        assert reply.json["message"].startswith(ERRORS[code][1])


@pytest.mark.parametrize(
    "body",
    [
        {"req_key": FILM},
        {"req_key": FILM, "prompt": "x" * 801},
        {"req_key": FILM, "prompt": "x", "frames": 120},
        {"req_key": FILM, "prompt": "x", "frames": [121]},
        {"req_key": FILM, "prompt": "x", "aspect_ratio": "2:1"},
        {"req_key": FILM, "prompt": "x", "seed": -2},
        {"req_key": FILM, "prompt": "x", "binary_data_base64": [b64(png(400, 400))]},
        {"req_key": "jimeng_i2v_first_v30", "prompt": "x"},
        {"req_key": "jimeng_i2v_first_v30", "prompt": "x", "binary_data_base64": ["not base64"]},
        {"req_key": "jimeng_i2v_first_v30", "prompt": "x", "binary_data_base64": [b64(b"no picture")]},
        {"req_key": "jimeng_i2v_first_v30", "prompt": "x", "binary_data_base64": [b64(png(300, 400))]},
        {"req_key": "jimeng_i2v_first_v30", "prompt": "x", "image_urls": ["https://p.example/not-on-this-machine"]},
        {"req_key": "jimeng_i2v_recamera_v30", "prompt": "x", "binary_data_base64": [b64(png(400, 400))]},
        {"req_key": PICTURE, "prompt": "x", "width": 1024},
        {"req_key": PICTURE, "prompt": "x", "width": 512, "height": 2048},
        {"req_key": PICTURE, "prompt": "x", "width": 3000, "height": 3000},
    ],
)
async def test_what_is_not_documented_is_not_taken(jimeng: Jimeng, body: dict[str, Any]) -> None:
    refused = await jimeng.post("SubmitTask", body)
    assert (refused.status, refused.json["code"]) == (400, 50215)
    assert not len(jimeng.stage.jobs)


async def test_every_submit_is_a_job_and_too_many_are_refused(jimeng: Jimeng) -> None:
    ids = {await jimeng.submit("x [[slow:60]]", seed=1) for _ in range(2)}
    assert len(ids) == 2
    refused = await jimeng.post("SubmitTask", {"req_key": FILM, "prompt": "x"})
    assert (refused.status, refused.json["code"]) == (429, 50430)


async def test_a_job_is_its_owners_and_an_unknown_one_is_not_found(jimeng: Jimeng) -> None:
    assert (await jimeng.result("123")).json["data"] == {"status": "not_found"}
    assert (await jimeng.post("GetResult", {"req_key": FILM})).json["code"] == 50215


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("nsfw", (50516, None)),
        ("expired", (10000, {"status": "expired"})),
        ("forget", (10000, {"status": "not_found"})),
        ("empty-output", (10000, {"status": "done", "video_url": "", "aigc_meta_tagged": False})),
        ("null-output", (10000, {"status": "done", "video_url": None, "aigc_meta_tagged": False})),
    ],
)
async def test_jobs_end_as_their_markers_say(jimeng: Jimeng, marker: str, told: Any) -> None:
    ended = (await jimeng.made(f"x [[{marker}]]")).json
    assert (ended["code"], ended["data"]) == told


async def test_an_aggregator_tells_progress_and_then_the_film(jimeng: Jimeng) -> None:
    reply = await jimeng.gateway("x [[queue:5]] [[slow:10]]", duration=10, aspect_ratio="9:16")
    assert (reply.status, reply.json["code"]) == (200, "success")
    task_id = reply.json["data"]
    seen = []
    for step in (1, 9, 6):
        jimeng.later += step
        told = await jimeng.fetched(task_id)
        seen.append((told["status"], told["progress"]))
    assert [status for status, _ in seen] == ["QUEUED", "IN_PROGRESS", "SUCCESS"]
    assert seen[1][1] in {"49%", "50%", "51%"}
    assert told["data"]["video"].startswith(f"{jimeng.origin}/jimeng/files/")


@pytest.mark.parametrize("place", range(6))
async def test_an_aggregator_names_the_film_at_every_place_seen(jimeng: Jimeng, place: int) -> None:
    task_id = (await jimeng.gateway(f"x [[address-at:{place}]]")).json["data"]
    jimeng.finish(task_id)
    assert f"/jimeng/files/{task_id}_0.mp4" in json.dumps(await jimeng.fetched(task_id))


@pytest.mark.parametrize("word", sorted(GATEWAY_WORDS))
async def test_an_aggregators_errors_are_json_inside_the_message(jimeng: Jimeng, word: str) -> None:
    for marker, status in ((f"refuse:{word}", GATEWAY_WORDS[word]), (f"error-in-200:{word}", 200)):
        refused = await jimeng.gateway(f"x [[{marker}]]")
        assert refused.status == status
        assert json.loads(refused.json["message"])["error"]["code"] == word


async def test_an_aggregators_other_reply_and_its_failed_jobs(jimeng: Jimeng) -> None:
    reply = (await jimeng.gateway("x [[kling-reply]] [[fail:50516]]")).json
    assert reply["code"] == 0
    task_id = reply["data"]["task_id"]
    jimeng.finish(task_id)
    told = await jimeng.fetched(task_id)
    assert told["status"] == "FAILURE"
    assert "Post Video Risk Not Pass" in told["fail_reason"]


async def test_a_relay_wraps_what_it_was_told(jimeng: Jimeng) -> None:
    reply = (await jimeng.relay("SubmitTask", {"req_key": FILM, "prompt": "x"})).json
    assert reply["object"] == "video"
    question = {"req_key": FILM, "task_id": reply["task_id"]}
    assert (await jimeng.relay("GetResult", question)).json["data"]["status"] == "SUBMITTED"
    jimeng.later = 16
    assert (await jimeng.relay("GetResult", question)).json["data"]["status"] == "QUEUED"
    jimeng.finish(reply["task_id"])
    assert (await jimeng.relay("GetResult", question)).json["data"]["status"] == "QUEUED", "it has not asked again"
    jimeng.later = 31
    told = (await jimeng.relay("GetResult", question)).json["data"]
    assert told["status"] == "SUCCESS"
    assert told["data"]["data"]["video_url"] == told["fail_reason"]
    refused = await jimeng.relay("SubmitTask", {"req_key": FILM, "prompt": "x [[refuse:50413]]"})
    assert (refused.status, refused.json["code"]) == (500, "50413")
    assert (await jimeng.ask("POST", "/jimeng/", json={}, headers=BEARER)).status == 400
