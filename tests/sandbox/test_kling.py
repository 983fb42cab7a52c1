"""Kling as the sandbox plays it, asked by a client that knows only Kling's pages; its tokens are another library's."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
import warnings
from typing import Any

import av
import jwt
import pytest
from aiohttp import web
from jwt.warnings import InsecureKeyLengthWarning
from PIL import Image, ImageChops, ImageStat

from .conftest import Client, Reply, Start

ACCESS, SECRET = "sandbox-kling-access", "sandbox-kling-secret-not-secret"
KEY = {"Authorization": "Bearer sandbox-kling-key-not-secret"}
HOOK_KEY = b"sandbox-not-secret-at-all"
TEXT = "/v1/videos/text2video"


def token(secret: str = SECRET, *, alg: str = "HS256", typ: str = "JWT", **claims: Any) -> dict[str, str]:
    now = int(time.time())
    told = {"iss": ACCESS, "exp": now + 1800, "nbf": now - 5, **claims}
    with warnings.catch_warnings():
        # The keys are as long as Kling's; the algorithm it does not take wants longer ones.
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return {"Authorization": "Bearer " + jwt.encode(told, secret, alg, {"typ": typ})}


class Kling:
    """A client of Kling's API, in its first generation unless a path says otherwise."""

    def __init__(self, sandbox: Client) -> None:
        self.sandbox = sandbox

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Reply:
        signed = token() if headers is None else headers
        return await self.sandbox.ask(method, f"/kling{path}", key=False, headers=signed, **more)

    async def create(self, path: str = TEXT, headers: dict[str, str] | None = None, **body: Any) -> Reply:
        return await self.ask("POST", path, headers, json={"prompt": "a red fox", **body})

    async def made(self, path: str = TEXT, **body: Any) -> dict[str, Any]:
        created = await self.create(path, **body)
        assert created.status == 200, created.body
        return await self.end(f"{path}/{created.json['data']['task_id']}")

    async def end(self, address: str) -> dict[str, Any]:
        for _ in range(400):
            task = (await self.ask("GET", address)).json["data"]
            if task["task_status"] in {"succeed", "failed"}:
                return dict(task)
            await asyncio.sleep(0.02)
        raise AssertionError("it never ended")


@pytest.fixture
def kling(sandbox: Client) -> Kling:
    return Kling(sandbox)


def picture(width: int = 320, height: int = 320, format_: str = "PNG") -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 60, 40)).save(file, format_)
    return base64.b64encode(file.getvalue()).decode()


# Signing in.


async def test_a_token_of_another_library_is_believed(kling: Kling) -> None:
    assert (await kling.create()).json["code"] == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 1001),
        ({"Authorization": "Basic abc"}, 1002),
        ({"Authorization": "Bearer nonsense"}, 1002),
        ({"Authorization": "Bearer a.b.c"}, 1002),
        (token("another-secret-that-is-long-enough-to-sign"), 1002),
        (token(iss="somebody"), 1002),
        (token(alg="HS512"), 1002),
        (token(typ="other"), 1002),
        (token(nbf=int(time.time()) + 86_400), 1003),
        (token(exp=int(time.time()) - 1), 1004),
    ],
)
async def test_what_is_wrong_with_a_header_is_told_by_number(kling: Kling, headers: dict[str, str], code: int) -> None:
    for method, path in (("POST", TEXT), ("GET", f"{TEXT}/1"), ("GET", "/account/costs")):
        reply = await kling.ask(method, path, headers, **({"json": {}} if method == "POST" else {}))
        assert (reply.status, reply.json["code"]) == (401, code)
        assert "data" not in reply.json


async def test_a_changed_claim_breaks_a_token(kling: Kling) -> None:
    head, claims, signature = token()["Authorization"].removeprefix("Bearer ").split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**told, "exp": told["exp"] + 9}).encode()).decode().rstrip("=")
    reply = await kling.create(headers={"Authorization": f"Bearer {head}.{changed}.{signature}"})
    assert reply.json["code"] == 1002


async def test_keys_open_both_generations_and_tokens_the_first(kling: Kling) -> None:
    assert (await kling.create(headers=KEY)).status == 200
    assert (await kling.create("/text-to-video/kling-3.0", KEY)).status == 200
    assert (await kling.create("/text-to-video/kling-3.0")).json["code"] == 1002


async def test_jobs_are_their_accounts_own(start: Start) -> None:
    other = {"access_key": "other", "secret_key": "other-secret-not-secret-at-all", "api_key": "other-not-secret"}
    kling = Kling(await start(secrets={"kling": [{}, other]}))
    job = (await kling.create(external_task_id="mine")).json["data"]["task_id"]
    theirs = {"Authorization": "Bearer other-not-secret"}
    for name in (job, "mine"):
        assert (await kling.ask("GET", f"{TEXT}/{name}", theirs)).json["code"] == 1203
    assert (await kling.ask("GET", TEXT, theirs)).json["data"] == []


# The life of a job.


async def test_a_job_goes_from_submitted_to_succeed(start: Start) -> None:
    kling = Kling(await start(speed=1.0))
    job = (await kling.create(prompt="a fox [[queue:0.2]] [[slow:0.4]]", external_task_id="mine")).json["data"]
    assert job["task_status"] == "submitted" and job["task_info"] == {"external_task_id": "mine"}
    seen: list[str] = []
    while not seen or seen[-1] not in {"succeed", "failed"}:
        seen.append((await kling.ask("GET", f"{TEXT}/{job['task_id']}")).json["data"]["task_status"])
        await asyncio.sleep(0.03)
    assert list(dict.fromkeys(seen)) == ["submitted", "processing", "succeed"]
    task = (await kling.ask("GET", f"{TEXT}/mine")).json["data"]
    assert task["task_id"] == job["task_id"]
    assert task["created_at"] > 1e12 and isinstance(task["created_at"], int)
    assert isinstance(task["task_result"]["videos"][0]["duration"], str)


async def test_the_second_generation_spells_success_otherwise(kling: Kling) -> None:
    job = (await kling.create("/text-to-video/kling-2.6", KEY, options={"external_task_id": "mine"})).json["data"]
    assert job["status"] == "submitted"
    for query in ({"task_ids": job["id"]}, {"external_task_ids": "mine,other"}):
        for _ in range(200):
            tasks = (await kling.ask("GET", "/tasks", KEY, params=query)).json["data"]
            if tasks[0]["status"] == "succeeded":
                break
            await asyncio.sleep(0.02)
        assert [task["status"] for task in tasks] == ["succeeded"]
        assert tasks[0]["outputs"][0]["type"] == "video" and tasks[0]["external_id"] == "mine"
    for query in ({}, {"task_ids": "1", "external_task_ids": "2"}):
        assert (await kling.ask("GET", "/tasks", KEY, params=query)).json["code"] == 1201
    assert (await kling.ask("GET", "/tasks", KEY, params={"task_ids": "nobody"})).json["data"] == []


async def test_lists_are_paged_newest_first(kling: Kling) -> None:
    for name in "abc":
        await kling.create(external_task_id=name)
        await kling.create("/text-to-video/kling-3.0", KEY, options={"external_task_id": name + name})
    names = []
    for page in ("1", "2"):
        tasks = (await kling.ask("GET", TEXT, params={"pageNum": page, "pageSize": "2"})).json["data"]
        names.append([task["task_info"]["external_task_id"] for task in tasks])
    assert names == [["c", "b"], ["a"]]
    first = (await kling.ask("POST", "/tasks", KEY, json={"limit": 2})).json["data"]
    assert first["has_more"] and [task["external_id"] for task in first["result"]] == ["cc", "bb"]
    rest = (await kling.ask("POST", "/tasks", KEY, json={"limit": 2, "cursor": first["next_cursor"]})).json["data"]
    assert not rest["has_more"] and [task["external_id"] for task in rest["result"]] == ["aa"]
    late = {"start_time": str(int(time.time() * 1000) + 60_000), "limit": 10}
    assert (await kling.ask("POST", "/tasks", KEY, json=late)).json["data"]["result"] == []


@pytest.mark.parametrize(
    ("marker", "outcome"), [("", "refused"), ("[[same-reference-first]]", "first"), ("[[same-reference-new]]", "new")]
)
async def test_what_a_reference_used_again_does_can_be_chosen(kling: Kling, marker: str, outcome: str) -> None:
    first = (await kling.create(external_task_id="x")).json["data"]["task_id"]
    again = await kling.create(prompt=f"a fox {marker}", external_task_id="x")
    got = "refused" if again.status == 400 else "first" if again.json["data"]["task_id"] == first else "new"
    assert got == outcome


async def test_a_full_account_is_refused_without_data_and_other_models_are_not(start: Start) -> None:
    kling = Kling(await start(max_concurrent=2, speed=1.0))
    for _ in range(2):
        await kling.create(prompt="[[never]] a fox")
    full = await kling.create()
    assert (full.status, full.json["code"]) == (429, 1303) and "data" not in full.json
    assert (await kling.create(model_name="kling-v2-6")).status == 200


async def test_result_addresses_are_signed_and_expire(kling: Kling) -> None:
    url = (await kling.made())["task_result"]["videos"][0]["url"]
    video = await kling.sandbox.ask("GET", url, key=False)
    assert video.status == 200 and video.body[4:8] == b"ftyp"
    assert (await kling.sandbox.ask("GET", url.partition("?")[0], key=False)).status == 403
    gone = (await kling.made(prompt="a fox [[expire:0]]"))["task_result"]["videos"][0]["url"]
    assert (await kling.sandbox.ask("GET", gone, key=False)).status == 404


# What is refused.


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ""},
        {"prompt": "x" * 2501},
        {"duration": 5},
        {"duration": "7"},
        {"mode": "4k"},
        {"aspect_ratio": "4:3"},
        {"cfg_scale": 2},
        {"model_name": "kling-v2-6", "cfg_scale": 0.5},
        {"sound": "on"},
        {"camera_control": {"type": "simple", "config": {"zoom": 5, "pan": 1}}},
        {"camera_control": {"type": "simple", "config": {"zoom": 11}}},
        {"camera_control": {"type": "sideways"}},
        {"model_name": "kling-v2-6", "camera_control": {"type": "down_back"}},
        {"multi_shot": True, "shot_type": "intelligence"},
    ],
)
async def test_what_a_model_does_not_take_is_refused(kling: Kling, body: dict[str, Any]) -> None:
    reply = await kling.create(**body)
    assert (reply.status, reply.json["code"]) == (400, 1201)


async def test_an_unknown_model_or_path_does_not_exist(kling: Kling) -> None:
    assert (await kling.create(model_name="kling-v9")).json["code"] == 1203
    assert (await kling.create("/v1/videos/nothing")).json["code"] == 1203
    assert (await kling.ask("DELETE", TEXT)).json["code"] == 1202


@pytest.mark.parametrize(
    "image",
    [
        "data:image/png;base64," + picture(),
        "not base64",
        picture(299, 400),
        picture(320, 900),
        picture(format_="GIF"),
        "https://elsewhere.example/picture.png",
    ],
)
async def test_pictures_are_checked(kling: Kling, image: str) -> None:
    reply = await kling.create("/v1/videos/image2video", image=image)
    assert (reply.status, reply.json["code"]) == (400, 1201)


async def test_a_picture_may_be_an_address(kling: Kling) -> None:
    made = (await kling.made("/v1/images/generations"))["task_result"]["images"][0]["url"]
    assert (await kling.made("/v1/videos/image2video", image=made))["task_status"] == "succeed"


# Lip-sync.


async def test_words_are_spoken_and_lips_follow(kling: Kling) -> None:
    video = (await kling.made())["task_result"]["videos"][0]["id"]
    session = (await kling.ask("POST", "/v1/videos/identify-face", json={"video_id": video})).json["data"]
    speech = {"text": "Good morning, everybody.", "voice_id": "genshin_vindi2", "voice_language": "zh"}
    audio = (await kling.ask("POST", "/v1/audio/tts", json=speech)).json["data"]["task_result"]["audios"][0]
    sound = await kling.sandbox.ask("GET", audio["url"], key=False)
    assert sound.body[:4] == b"RIFF"
    times = {"sound_start_time": 0, "sound_end_time": 2500, "sound_insert_time": 500}
    face = {"face_id": session["face_data"][0]["face_id"], "audio_id": audio["id"], **times}
    path = "/v1/videos/advanced-lip-sync"
    whole = {"session_id": session["session_id"], "face_choose": [face]}
    assert (await kling.made(path, **whole))["task_status"] == "succeed"
    for broken in (
        {**face, "sound_file": "AAAA"},
        {**face, "sound_end_time": 1000},
        {**face, "sound_end_time": 60_000},
        {**face, "sound_insert_time": 4500},
        {**face, "face_id": "9"},
        {**face, "sound_volume": 3},
    ):
        assert (await kling.create(path, **{**whole, "face_choose": [broken]})).json["code"] == 1201
    assert (await kling.create(path, **{**whole, "session_id": "no"})).json["code"] == 1201


async def test_a_sound_may_be_an_address_that_can_be_read(kling: Kling) -> None:
    video = (await kling.made())["task_result"]["videos"][0]["id"]
    speech = {"text": "Good morning, everybody.", "voice_id": "genshin_vindi2", "voice_language": "zh"}
    spoken = (await kling.ask("POST", "/v1/audio/tts", json=speech)).json["data"]["task_result"]["audios"][0]
    session = (await kling.ask("POST", "/v1/videos/identify-face", json={"video_id": video})).json["data"]
    times = {"sound_start_time": 0, "sound_end_time": 2500, "sound_insert_time": 500}
    path, codes = "/v1/videos/advanced-lip-sync", []
    for address in (spoken["url"], spoken["url"].replace("speech/", "speech/0"), "https://elsewhere.example/a.wav"):
        faces = [{"face_id": "0", "sound_file": address, **times}]
        codes.append((await kling.create(path, session_id=session["session_id"], face_choose=faces)).json["code"])
    assert codes == [0, 1201, 1201]


async def test_the_older_form_still_serves(kling: Kling) -> None:
    video = (await kling.made())["task_result"]["videos"][0]["id"]
    words = {"mode": "text2video", "text": "Hello.", "voice_id": "AOT", "voice_language": "en", "video_id": video}
    assert (await kling.made("/v1/videos/lip-sync", input=words))["task_status"] == "succeed"
    assert (await kling.create("/v1/videos/lip-sync", input={**words, "text": "x" * 121})).status == 400


async def frames_of(kling: Kling, task: dict[str, Any]) -> list[Image.Image]:
    """The upper parts of a film's pictures, which lips and labels do not reach."""
    file = await kling.sandbox.ask("GET", task["task_result"]["videos"][0]["url"], key=False)
    with av.open(io.BytesIO(file.body), mode="r") as film:
        frames = [frame.to_image() for frame in film.decode(video=0)]
    return [frame.crop((0, 0, frame.width, frame.height // 3)) for frame in frames]


def differ(before: Image.Image, after: Image.Image) -> float:
    return ImageStat.Stat(ImageChops.difference(before, after).convert("L")).mean[0]


@pytest.mark.parametrize("named_by", ["video_id", "video_url"])
async def test_lips_move_in_the_pictures_of_the_film_that_was_shown(kling: Kling, named_by: str) -> None:
    first = await kling.made("/v1/videos/image2video", image=picture(400, 320), prompt="a portrait")
    shown = first["task_result"]["videos"][0]
    named = {named_by: shown["id"] if named_by == "video_id" else shown["url"]}
    words = {"mode": "text2video", "text": "Hello.", "voice_id": "AOT", "voice_language": "en"}
    spoken = await kling.made("/v1/videos/lip-sync", prompt="", input={**words, **named})
    before, after = await frames_of(kling, first), await frames_of(kling, spoken)
    assert (len(after), after[0].size) == (pytest.approx(len(before), abs=2), before[0].size)
    assert all(differ(before[at], after[at]) < 4 for at in (0, 20, 40))
    parent = spoken["task_info"].get("parent_video")
    assert parent == (shown_again(first) if named_by == "video_id" else None)


def shown_again(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task["task_result"]["videos"][0][name] for name in ("id", "url", "duration")}


async def test_an_extended_film_goes_on_in_the_same_pictures(kling: Kling) -> None:
    first = await kling.made("/v1/videos/image2video", image=picture(400, 320), prompt="a portrait")
    longer = await kling.made("/v1/videos/video-extend", video_id=first["task_result"]["videos"][0]["id"])
    before, after = await frames_of(kling, first), await frames_of(kling, longer)
    assert len(after) > len(before) + 40
    assert differ(before[0], after[0]) < 2


# Callbacks.


async def test_callbacks_come_at_each_change_and_the_second_generation_signs_them(kling: Kling) -> None:
    called: list[tuple[Any, bytes]] = []
    complete = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        called.append((request.headers.copy(), await request.read()))
        if len(called) == 4:
            complete.set()
        return web.Response()

    door = web.Application()
    door.router.add_post("/hook", receive)
    runner = web.AppRunner(door, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        await kling.create(callback_url=hook)
        await kling.create("/text-to-video/kling-3.0", KEY, options={"callback_url": hook})
        async with asyncio.timeout(20):
            await complete.wait()
    finally:
        await runner.cleanup()
    first = [json.loads(body) for headers, body in called if "webhook-id" not in headers]
    assert [told["task_status"] for told in first] == ["processing", "succeed"]
    newer = [(headers, body) for headers, body in called if "webhook-id" in headers]
    assert [json.loads(body)["status"] for _, body in newer] == ["processing", "succeeded"]
    for headers, body in newer:
        message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signature = base64.b64encode(hmac.new(HOOK_KEY, message, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{signature}"


# Relays and the account.


async def test_a_relay_knows_only_what_it_last_heard(start: Start) -> None:
    kling = Kling(await start(speed=30.0))
    path = "/relay/kling/v1/videos/text2video"
    created = (await kling.create(path, KEY)).json
    assert created["object"] == "video" and created["status"] == "" and "code" not in created
    seen: list[tuple[str, str]] = []
    while not seen or seen[-1][0] != "SUCCESS":
        wrapper = (await kling.ask("GET", f"{path}/{created['task_id']}", KEY)).json
        assert wrapper["code"] == "success"
        seen.append((wrapper["data"]["status"], wrapper["data"]["progress"]))
        await asyncio.sleep(0.05)
    assert seen[0] == ("SUBMITTED", "10%") and seen[-1] == ("SUCCESS", "100%")
    told = wrapper["data"]
    assert told["fail_reason"] == told["data"]["data"]["task_result"]["videos"][0]["url"]


async def test_a_relays_refusals_are_its_own(kling: Kling) -> None:
    path = "/relay/kling/v1/videos/text2video"
    unknown = await kling.ask("GET", f"{path}/1", KEY)
    assert (unknown.status, unknown.json["code"]) == (400, "task_not_exist")
    assert "error" in (await kling.create(path, {"Authorization": "Bearer no"})).json
    assert (await kling.create(path, token())).status == 401
    full = await kling.create(path, KEY, duration="7")
    assert full.json["code"] == "fail_to_fetch_task" and json.loads(full.json["message"])["code"] == 1201
    assert (await kling.ask("GET", path, KEY)).status == 404, "it has no list"


async def test_resource_packs_are_told_once_a_second(start: Start) -> None:
    kling = Kling(await start(speed=1.0))
    query = {"start_time": "1", "end_time": "2"}
    costs = (await kling.ask("GET", "/account/costs", params=query)).json["data"]
    assert costs["code"] == 0 and costs["resource_pack_subscribe_infos"][0]["status"] == "online"
    assert (await kling.ask("GET", "/account/costs", params=query)).json["code"] == 1302
