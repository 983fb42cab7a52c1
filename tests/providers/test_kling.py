"""Kling's adapter keeps the contract, speaks both generations and relays, and finds lost submits without guessing."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.providers.asking import given
from tests.providers.contract import ProviderContract, Vendor
from tests.providers.replay import replaying
from vermilion.providers import (
    Ambiguous,
    Broke,
    Call,
    Done,
    Drifted,
    Login,
    Lost,
    Misconfigured,
    NotInstalled,
    Pending,
    Rejected,
    Ticket,
    Unreachable,
    Wire,
)
from vermilion.providers.kling import Adapter
from vermilion.providers.kling_login import KlingLogin, token

NOW = 1_700_000_000.0
ACCESS, SECRET, KEY = "AKTESTKLINGACCESS", "SKTESTKLINGSECRET0123456789abcdef", "kling-key-not-secret"
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBS1RFU1RLTElOR0FDQ0VTUyIsImV4cCI6MTcwMDAwMTgwMCwi"
    "bmJmIjoxNjk5OTk5OTk1fQ.fmIKROxDxfaTgpcS1wHHAS6s-QHJmFYDdwu2WWATNrg"
)
"""The token for these keys at this time, computed independently."""

JOB = "842250903629086785"
CALLBACK = "https://studio.example/api/v1/callbacks/kling/token-not-secret"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(autouse=True)
def _at_a_known_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Adapter, "now", staticmethod(lambda: NOW))


def login(origin: str) -> Login:
    return Login("credential", {"access_key": ACCESS, "secret_key": SECRET, "base_url": origin})


def key_login(origin: str, generation: str = "2") -> Login:
    return Login("credential", {"api_key": KEY, "base_url": origin, "generation": generation})


START, END = given("start_frame", b"start picture"), given("end_frame", b"end picture")
ONE, TWO = given("image", b"start picture"), given("image", b"end picture")
SOUND = given("audio", b"sound", "audio/mpeg", duration_seconds=9.0)
VIDEO = given("video", b"", "video/mp4", url="https://studio.example/api/v1/files/1?signature=x")


def wires(**roles: str) -> dict[str, Any]:
    return {role: {"wire": wire, "list": "[]" in wire} for role, wire in roles.items()}


def options(*, inputs: dict[str, Any] | None = None, prompt: str | None = "prompt", **more: Any) -> dict[str, Any]:
    return {**more, **({"prompt": prompt} if prompt else {}), "inputs": inputs or {}}


LIPS = options(flow="lip_sync", prompt="text", inputs=wires(video="video_url", audio="sound_file"))
LIP_PARAMS = {
    "voice": "en:reader_en_m-v1",
    "voice_speed": 1.2,
    "original_audio_volume": 0.0,
}
SHAPE = {"aspect_ratio": "16:9"}
LIP_CALL = Call(
    "attempt-8",
    "v1/videos/advanced-lip-sync",
    "video",
    "Good morning.",
    LIP_PARAMS,
    (),
    LIPS,
    parent={"endpoint": "v1/videos/text2video", "video_id": "v-1"},
)
EXTEND_CALL = Call(
    "attempt-7",
    "v1/videos/video-extend",
    "video",
    "it runs on",
    {"negative_prompt": "", "cfg_scale": 0.5},
    (),
    options(flow="extend", reference=False),
    CALLBACK,
    {"endpoint": "v1/videos/text2video", "video_id": "v-1"},
)

CALLS = {
    "plain": Call(
        reference="attempt-1",
        endpoint="v1/videos/text2video",
        makes="video",
        prompt="a red fox in the snow",
        params={
            "mode": "pro",
            "duration": "5",
            **SHAPE,
            "negative_prompt": "",
            "cfg_scale": 0.5,
            "camera_move": "zoom",
            "camera_amount": 7,
        },
        options=options(model_name="kling-v1"),
        callback_url=CALLBACK,
    ),
    "with_inputs": Call(
        "attempt-2",
        "v1/videos/image2video",
        "video",
        "it turns its head",
        {"mode": "pro", "duration": "10", "sound": "off", "negative_prompt": ""},
        (START, END),
        options(model_name="kling-v2-6", inputs=wires(start_frame="image", end_frame="image_tail")),
    ),
    "several_pictures": Call(
        "attempt-3",
        "v1/videos/multi-image2video",
        "video",
        "they meet",
        {"mode": "std", "duration": "5", "aspect_ratio": "1:1"},
        (ONE, TWO),
        options(model_name="kling-v1-6", inputs=wires(image="image_list[].image")),
    ),
    "omni": Call(
        "attempt-4",
        "v1/videos/omni-video",
        "video",
        "<<<image_1>>> walks in",
        {"mode": "pro", "duration": "5", **SHAPE},
        (ONE, END),
        options(
            model_name="kling-video-o1",
            inputs=wires(image="image_list[].image_url", end_frame="image_list[].image_url"),
        ),
    ),
    "effect_for_two": Call(
        "attempt-5",
        "v1/videos/effects",
        "video",
        "",
        {"effect_scene": "hug_pro"},
        (ONE, TWO),
        options(prompt=None, inputs=wires(image="input.images[]")),
    ),
    "several_shots": Call(
        "attempt-6",
        "v1/videos/text2video",
        "video",
        "a day in a village",
        {"mode": "4k", "duration": "15", **SHAPE, "sound": "on", "multi_shot": True},
        (),
        options(model_name="kling-v3", newer="text-to-video/kling-3.0"),
    ),
    "extend": EXTEND_CALL,
    "extend_of_nothing": replace(EXTEND_CALL, parent=None),
    "lip_sync_text": LIP_CALL,
    "lip_sync_audio": replace(LIP_CALL, reference="attempt-9", prompt="", inputs=(SOUND,)),
    "lip_sync_given_video": replace(LIP_CALL, reference="attempt-10", prompt="", inputs=(VIDEO, SOUND), parent=None),
}


def ticket(origin: str) -> Ticket:
    return Ticket(JOB, {"endpoint": "v1/videos/text2video", "model": "kling-v1"})


class TestKling(ProviderContract):
    vendor = Vendor(Adapter, login, CALLS, ticket)


def told(data: Any, code: int = 0) -> dict[str, Any]:
    return {"code": code, "message": "SUCCEED", "request_id": "r", "data": data}


def exchange(method: str, path: str, answer: Any, status: int = 200, **expect: Any) -> dict[str, Any]:
    return {"expect": {"method": method, "path": path, **expect}, "answer": {"status": status, "json": answer}}


# Signing in.


def test_the_token_is_the_one_kling_documents() -> None:
    assert token(ACCESS, SECRET, NOW) == VECTOR


async def test_a_credential_without_any_key_asks_nobody(wire: Wire) -> None:
    with pytest.raises(Misconfigured):
        await Adapter(Login("c", {"base_url": "http://127.0.0.1:9", "access_key": ACCESS}), wire).check(ticket(""))


@pytest.mark.parametrize(
    ("fields", "newer"),
    [
        ({"api_key": KEY}, True),
        ({"api_key": KEY, "base_url": "https://relay.example/kling"}, False),
        ({"api_key": KEY, "base_url": "https://klingai.com.relay.example"}, False),
        ({"api_key": KEY, "base_url": "https://relay.example", "generation": "2"}, True),
        ({"api_key": KEY, "generation": "1"}, False),
        ({"access_key": ACCESS, "secret_key": SECRET}, False),
        ({"access_key": ACCESS, "secret_key": SECRET, "generation": "2"}, False),
    ],
)
def test_which_generation_a_credential_reaches(fields: dict[str, str], newer: bool) -> None:
    assert KlingLogin.read(fields).reaches_newer is newer


def test_a_pasted_version_is_not_part_of_the_address() -> None:
    assert KlingLogin.read({"base_url": "https://relay.example/kling/v1/"}).base == "https://relay.example/kling"


# The second generation.

CREATED = told({"id": JOB, "status": "submitted", "create_time": 1781080778802, "update_time": 1781080778802})


def task(job: str = JOB, status: str = "processing", **more: Any) -> dict[str, Any]:
    return {"id": job, "status": status, "message": "", "create_time": 1, "update_time": 2, "external_id": "x", **more}


NEW_OPTIONS = {"external_task_id": "attempt-6"}


async def test_what_the_second_generation_is_sent(wire: Wire) -> None:
    expected = {
        "prompt": "a day in a village",
        "settings": {
            "resolution": "4k",
            "audio": "native",
            "duration": 15,
            "aspect_ratio": "16:9",
            "multi_shot": True,
        },
        "options": NEW_OPTIONS,
    }
    asked = exchange("POST", "/text-to-video/kling-3.0", CREATED, json=expected, headers=BEARER)
    async with replaying([asked]) as replay:
        got = await Adapter(key_login(replay.origin), wire).submit(CALLS["several_shots"])
        replay.assert_complete()
    assert got == Ticket(JOB, {"endpoint": "text-to-video/kling-3.0", "model": "kling-v3"})


async def test_frames_and_pictures_become_contents_and_pictures_can_be_named(wire: Wire) -> None:
    call = replace(CALLS["omni"], options={**CALLS["omni"].options, "newer": "omni-video/kling-3.0-omni"})
    expected = {
        "contents": [
            {"type": "prompt", "text": "@image_1 walks in"},
            {"type": "refer_image", "url": base64.b64encode(b"start picture").decode(), "id": "image_1"},
            {"type": "last_frame", "url": base64.b64encode(b"end picture").decode()},
        ],
        "settings": {"resolution": "1080p", "duration": 5, "aspect_ratio": "16:9"},
        "options": {"external_task_id": "attempt-4"},
    }
    async with replaying([exchange("POST", "/omni-video/kling-3.0-omni", CREATED, json=expected)]) as replay:
        await Adapter(key_login(replay.origin), wire).submit(call)
        replay.assert_complete()


async def test_what_the_second_generation_cannot_say_is_said_in_the_first(wire: Wire) -> None:
    call = CALLS["several_shots"]
    call = replace(call, params={**call.params, "negative_prompt": "rain"})
    async with replaying([exchange("POST", "/v1/videos/text2video", told({"task_id": JOB}))]) as replay:
        got = await Adapter(key_login(replay.origin), wire).submit(call)
        assert got.data["endpoint"] == "v1/videos/text2video"
        replay.assert_complete()


async def test_a_model_of_the_second_generation_is_refused_where_only_the_first_is_reached(wire: Wire) -> None:
    call = replace(CALLS["plain"], endpoint="text-to-video/kling-3.0-turbo")
    async with replaying([]) as replay:
        with pytest.raises(NotInstalled):
            await Adapter(login(replay.origin), wire).submit(call)
        replay.assert_complete()


async def test_one_question_answers_for_many_jobs(wire: Wire) -> None:
    tickets = [Ticket(str(n), {"endpoint": "text-to-video/kling-2.6"}) for n in range(5)]
    first = Ticket(JOB, {"endpoint": "v1/videos/text2video"})
    video = {"type": "video", "id": "v-1", "url": "https://p.example/v.mp4", "duration": "5.04"}
    jobs = [
        task("0"),
        task("1", "succeeded", outputs=[video], billing=[]),
        task("2", "failed", message="risk control"),
        task("3", "submitted"),
    ]
    asked = [
        exchange("GET", "/tasks", told(jobs), query={"task_ids": "0,1,2,3,4"}, headers=BEARER),
        exchange("GET", f"/v1/videos/text2video/{JOB}", told({"task_id": JOB, "task_status": "processing"})),
    ]
    async with replaying(asked) as replay:
        adapter = Adapter(key_login(replay.origin), wire)
        many = await adapter.check_many(tickets)
        alone = await adapter.check_many([first])
        replay.assert_complete()
    assert many["0"] == Pending(True) and many["3"] == Pending(False)
    assert isinstance(many["1"], Done) and many["1"].outputs[0].url == "https://p.example/v.mp4"
    assert many["1"].ticket is not None and many["1"].ticket.data["video_id"] == "v-1"
    assert isinstance(many["2"], Rejected)
    assert "4" not in many, "a job that is left out of the answer is asked for by itself"
    assert alone == {JOB: Pending(True)}


async def test_a_ticket_nobody_can_use_spoils_no_other(wire: Wire) -> None:
    asked = exchange("GET", f"/v1/videos/text2video/{JOB}", told({"task_id": JOB, "task_status": "processing"}))
    async with replaying([asked]) as replay:
        many = await Adapter(login(replay.origin), wire).check_many([Ticket("bad"), ticket("")])
        replay.assert_complete()
    assert isinstance(many["bad"], Drifted) and many[JOB] == Pending(True)


async def test_a_failed_question_is_everybodys_answer(wire: Wire) -> None:
    tickets = [Ticket(str(n), {"endpoint": "text-to-video/kling-2.6"}) for n in range(2)]
    async with replaying([exchange("GET", "/tasks", told(None, 5000), status=500)]) as replay:
        many = await Adapter(key_login(replay.origin), wire).check_many(tickets)
    assert all(isinstance(answer, Unreachable) for answer in many.values()) and len(many) == 2


async def test_a_job_missing_from_the_answer_about_it_alone_is_forgotten(wire: Wire) -> None:
    async with replaying([exchange("GET", "/tasks", told([]))]) as replay:
        with pytest.raises(Broke) as caught:
            await Adapter(key_login(replay.origin), wire).check(Ticket(JOB, {"endpoint": "text-to-video/kling-2.6"}))
    assert not caught.value.again


# What can be done with a result.


@pytest.mark.parametrize(("model", "actions"), [("kling-v1-6", {"extend"}), ("kling-v2-6", set())])
async def test_a_video_offers_speech_and_the_first_models_offer_more_of_it(
    wire: Wire, model: str, actions: set[str]
) -> None:
    made = {"task_id": JOB, "task_status": "succeed", "task_result": {"videos": [{"id": "v", "url": "https://p.x/v"}]}}
    async with replaying([exchange("GET", f"/v1/videos/text2video/{JOB}", told(made))]) as replay:
        done = await Adapter(login(replay.origin), wire).check(
            Ticket(JOB, {"endpoint": "v1/videos/text2video", "model": model})
        )
    assert isinstance(done, Done)
    assert {action["id"] for action in done.outputs[0].actions} == {"lip_sync_text", "lip_sync_audio"} | actions
    assert done.ticket == Ticket(JOB, {"endpoint": "v1/videos/text2video", "model": model, "video_id": "v"})


async def test_a_given_video_needs_an_address_kling_can_reach(wire: Wire) -> None:
    call = replace(CALLS["lip_sync_given_video"], inputs=(replace(VIDEO, url=None), SOUND))
    async with replaying([]) as replay:
        with pytest.raises(Rejected):
            await Adapter(login(replay.origin), wire).submit(call)
        replay.assert_complete()


async def test_a_video_kling_made_needs_no_address(wire: Wire) -> None:
    parent = {"endpoint": "v1/videos/text2video", "video_id": "v-1"}
    call = replace(CALLS["lip_sync_given_video"], inputs=(replace(VIDEO, url=None), SOUND), parent=parent)
    faceless = exchange("POST", "/v1/videos/identify-face", told({"session_id": "s"}), json={"video_id": "v-1"})
    async with replaying([faceless]) as replay:
        with pytest.raises(Rejected):
            await Adapter(login(replay.origin), wire).submit(call)
        replay.assert_complete()


# Lost submits.

SINCE = datetime(2026, 9, 20, 12, tzinfo=UTC)
SINCE_MS = int(SINCE.timestamp() * 1000)
PATH = "/v1/videos/text2video"
NOT_THERE = {"code": 1203, "message": "not exist", "request_id": "r"}


def lost(**more: Any) -> Lost:
    call = replace(CALLS["plain"], **more)
    return Lost(call.reference, call.endpoint, call.prompt, call.params, call.options, SINCE)


def listed(*references: str, at: int = SINCE_MS) -> dict[str, Any]:
    return told(
        [
            {
                "task_id": f"t-{name}",
                "task_status": "submitted",
                "task_info": {"external_task_id": name},
                "created_at": at,
            }
            for name in references
        ]
    )


PAGE_ONE = {"pageNum": "1", "pageSize": "500"}


async def found_at(wire: Wire, exchanges: list[dict[str, Any]], what: Lost, *, newer: bool = False) -> Ticket | None:
    async with replaying(exchanges) as replay:
        adapter = Adapter(key_login(replay.origin) if newer else login(replay.origin), wire)
        try:
            return await adapter.find(what)
        finally:
            replay.assert_complete()


async def test_a_lost_job_is_found_by_our_reference(wire: Wire) -> None:
    there = told({"task_id": JOB, "task_status": "processing", "task_info": {"external_task_id": "attempt-1"}})
    found = await found_at(wire, [exchange("GET", f"{PATH}/attempt-1", there)], lost())
    assert found == Ticket(JOB, {"endpoint": "v1/videos/text2video", "model": "kling-v1"})


@pytest.mark.parametrize("code", [1200, 1201, 1203])
async def test_no_is_believed_when_the_list_says_it_too(wire: Wire, code: int) -> None:
    asked = [
        exchange("GET", f"{PATH}/attempt-1", {**NOT_THERE, "code": code}, status=404),
        exchange("GET", PATH, listed("attempt-0", "other"), query=PAGE_ONE),
    ]
    assert await found_at(wire, asked, lost()) is None


async def test_the_list_knows_better_than_the_look_up(wire: Wire) -> None:
    asked = [
        exchange("GET", f"{PATH}/attempt-1", NOT_THERE, status=404),
        exchange("GET", PATH, listed("attempt-0", "attempt-1"), query=PAGE_ONE),
    ]
    found = await found_at(wire, asked, lost())
    assert found is not None and found.id == "t-attempt-1"


async def test_a_long_list_is_read_until_it_is_older_than_the_submit(wire: Wire) -> None:
    full = listed(*(f"new-{n}" for n in range(500)), at=SINCE_MS + 5000)
    old = listed(*(f"old-{n}" for n in range(500)), at=SINCE_MS - 3_600_000)
    asked = [
        exchange("GET", f"{PATH}/attempt-1", NOT_THERE, status=404),
        exchange("GET", PATH, full, query=PAGE_ONE),
        exchange("GET", PATH, old, query={"pageNum": "2", "pageSize": "500"}),
    ]
    assert await found_at(wire, asked, lost()) is None


async def test_a_list_that_never_ends_tells_nothing(wire: Wire) -> None:
    full = listed(*(f"new-{n}" for n in range(500)), at=SINCE_MS + 5000)
    pages = [exchange("GET", PATH, full, query={"pageNum": str(n), "pageSize": "500"}) for n in range(1, 11)]
    with pytest.raises(Ambiguous):
        await found_at(wire, [exchange("GET", f"{PATH}/attempt-1", NOT_THERE, status=404), *pages], lost())


async def test_a_relay_cannot_tell(wire: Wire) -> None:
    unknown = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
    with pytest.raises(Ambiguous):
        await found_at(wire, [exchange("GET", f"{PATH}/attempt-1", unknown, status=400)], lost())


async def test_a_proxy_without_a_list_cannot_tell(wire: Wire) -> None:
    asked = [
        exchange("GET", f"{PATH}/attempt-1", NOT_THERE, status=404),
        exchange("GET", PATH, {"error": {"message": "Invalid URL"}}, status=404, query=PAGE_ONE),
    ]
    with pytest.raises(Ambiguous):
        await found_at(wire, asked, lost())


async def test_a_look_up_that_fails_says_nothing_about_the_job(wire: Wire) -> None:
    with pytest.raises(Unreachable):
        await found_at(wire, [exchange("GET", f"{PATH}/attempt-1", told(None, 5000), status=500)], lost())
    with pytest.raises(Misconfigured):
        await found_at(wire, [exchange("GET", f"{PATH}/attempt-1", told(None, 1002), status=401)], lost())


async def test_an_extension_carries_no_reference_and_is_not_looked_for(wire: Wire) -> None:
    with pytest.raises(Ambiguous):
        await found_at(wire, [], lost(options=EXTEND_CALL.options))


async def test_a_lip_sync_is_found_or_left_open_but_never_said_again(wire: Wire) -> None:
    what = replace(lost(options=LIPS, params=LIP_PARAMS), endpoint="v1/videos/advanced-lip-sync")
    path = "/v1/videos/advanced-lip-sync"
    there = told({"task_id": JOB, "task_status": "processing"})
    assert await found_at(wire, [exchange("GET", f"{path}/attempt-1", there)], what) is not None
    asked = [
        exchange("GET", f"{path}/attempt-1", NOT_THERE, status=404),
        exchange("GET", path, told([]), query=PAGE_ONE),
    ]
    with pytest.raises(Ambiguous):
        await found_at(wire, asked, what)


NEWER = lost(params=CALLS["several_shots"].params, options=CALLS["several_shots"].options)
WINDOW = {"start_time": str(SINCE_MS - 600_000), "end_time": str(SINCE_MS + 24 * 3_600_000), "limit": 500}


async def test_the_second_generation_is_looked_up_and_listed_in_its_own_way(wire: Wire) -> None:
    asked = exchange("GET", "/tasks", told([]), query={"external_task_ids": "attempt-1"})
    page = told({"result": [task("a")], "count": 1, "next_cursor": "c", "has_more": True})
    last = told({"result": [task(JOB, external_id="attempt-1")], "count": 1, "next_cursor": "", "has_more": False})
    none = told({"result": [], "count": 0, "next_cursor": "", "has_more": False})
    pages = [
        exchange("POST", "/tasks", page, json={**WINDOW, "cursor": ""}),
        exchange("POST", "/tasks", last, json={**WINDOW, "cursor": "c"}),
    ]
    found = await found_at(wire, [asked, *pages], NEWER, newer=True)
    assert found == Ticket(JOB, {"endpoint": "text-to-video/kling-3.0", "model": "kling-v3"})
    nothing = exchange("POST", "/tasks", none, json={**WINDOW, "cursor": ""})
    assert await found_at(wire, [asked, nothing], NEWER, newer=True) is None
    at_once = exchange("GET", "/tasks", told([task(JOB, external_id="attempt-1")]))
    at_once["expect"]["query"] = {"external_task_ids": "attempt-1"}
    assert await found_at(wire, [at_once], NEWER, newer=True) == found


# Callbacks.

HOOK_SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
HOOK_BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
)
HOOK_HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": "1781080794",
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
HOOK_NOW = 1_781_080_794.0
FIRST_BODY = json.dumps({"task_id": JOB, "task_status": "succeed", "task_info": {"external_task_id": "x"}}).encode()


async def read(
    wire: Wire, headers: dict[str, str], body: bytes, *, secret: str = HOOK_SECRET, now: float = HOOK_NOW
) -> Any:
    adapter = Adapter(Login("c", {"api_key": KEY, "webhook_secret": secret}), wire)
    adapter.now = lambda: now
    return (await adapter.read_callback(headers, body)).ticket


async def test_klings_own_signed_example_is_believed(wire: Wire) -> None:
    assert await read(wire, HOOK_HEADERS, HOOK_BODY) == Ticket("1234567890", {"newer": True})


async def test_while_a_secret_changes_either_signature_will_do(wire: Wire) -> None:
    both = "v1,bm90IHRoaXMgb25l v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
    assert await read(wire, {**HOOK_HEADERS, "webhook-signature": both}, HOOK_BODY)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
async def test_a_stale_or_premature_callback_is_refused(wire: Wire, seconds: float) -> None:
    with pytest.raises(Rejected):
        await read(wire, HOOK_HEADERS, HOOK_BODY, now=HOOK_NOW + seconds)


@pytest.mark.parametrize("body", [HOOK_BODY + b" ", HOOK_BODY.replace(b"1234567890", b"1234567891")])
async def test_a_changed_body_is_refused(wire: Wire, body: bytes) -> None:
    with pytest.raises(Rejected):
        await read(wire, HOOK_HEADERS, body)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_every_signed_part_counts(wire: Wire, missing: str) -> None:
    with pytest.raises(Rejected):
        await read(wire, {name: value for name, value in HOOK_HEADERS.items() if name != missing}, HOOK_BODY)


async def test_the_first_generation_may_be_unsigned_but_not_signed_wrongly(wire: Wire) -> None:
    assert await read(wire, {}, FIRST_BODY) == Ticket(JOB)
    with pytest.raises(Rejected):
        await read(wire, HOOK_HEADERS, FIRST_BODY)
    key = base64.b64decode(HOOK_SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, b"9876543210.1781080794." + FIRST_BODY, hashlib.sha256).digest())
    signed = {**HOOK_HEADERS, "webhook-signature": f"v1,{signature.decode()}"}
    assert await read(wire, signed, FIRST_BODY) == Ticket(JOB)


async def test_without_a_secret_the_address_alone_speaks_for_a_callback(wire: Wire) -> None:
    assert await read(wire, {}, HOOK_BODY, secret="") == Ticket("1234567890", {"newer": True})


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}", b'{"task_id": true}', b'{"task_id": ""}'])
async def test_a_callback_that_names_no_job_is_refused(wire: Wire, body: bytes) -> None:
    with pytest.raises(Rejected):
        await read(wire, {}, body, secret="")


async def test_a_ticket_from_a_callback_is_enough_to_ask(wire: Wire) -> None:
    newer = Ticket(JOB, {"endpoint": "v1/videos/text2video", "newer": True})
    async with replaying([exchange("GET", "/tasks", told([task()]), query={"task_ids": JOB})]) as replay:
        assert await Adapter(key_login(replay.origin), wire).check(newer) == Pending(True)
        replay.assert_complete()
