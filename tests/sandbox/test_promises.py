"""Every failure the index page promises of a vendor strikes there: written into a prompt, and armed.

The page is drawn from the vendors' own lists of words; so are these tests, and a word without a proof is a failure.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from PIL import Image

from vermilion.providers import adapters
from vermilion.sandbox.config import SandboxConfig
from vermilion.sandbox.faults import JOB
from vermilion.sandbox.stage import Stage
from vermilion.sandbox.vendor import vendors

from .conftest import Reply, Start
from .scenes import (
    SCENES,
    ComfyUI,
    Fal,
    Gateway,
    Jimeng,
    JimengGateway,
    JimengRelay,
    Kling,
    Midjourney,
    NewerKling,
    OpenAI,
    Scene,
    Seen,
)

VENDORS = {name: vendors()[name](Stage(SandboxConfig())) for name in SCENES}


def test_every_vendor_of_pictures_is_walked_over() -> None:
    assert set(adapters()) == set(SCENES)


# The wire.


@dataclass
class Struck:
    """What came of one exchange: an answer or a broken connection, how long it took, and the answer it should be."""

    reply: Reply | None
    seconds: float
    true: Reply


def _is_refused(status: int) -> Callable[[Struck], bool]:
    return lambda struck: struck.reply is not None and struck.reply.status == status


def _is_cut(struck: Struck) -> bool:
    return struck.reply is None


def _is_page(struck: Struck) -> bool:
    return struck.reply is not None and struck.reply.body.startswith(b"<!doctype html>")


def _is_half(struck: Struck) -> bool:
    if struck.reply is None or len(struck.reply.body) >= len(struck.true.body) * 0.75:
        return False
    try:
        json.loads(struck.reply.body)
    except ValueError:
        return True
    return not struck.true.body


WIRE: dict[str, tuple[str, Callable[[Struck], bool]]] = {
    "throttle": ("", lambda struck: _is_refused(429)(struck) and "Retry-After" in struck.reply.headers),  # type: ignore[union-attr]
    "html-502": ("", lambda struck: _is_refused(502)(struck) and b"nginx" in struck.reply.body),  # type: ignore[union-attr]
    "error-500": ("", _is_refused(500)),
    "error-503": ("", _is_refused(503)),
    "unauthorized": ("", _is_refused(401)),
    "locked": ("", _is_refused(403)),
    "reset": ("", _is_cut),
    "lost-answer": ("", _is_cut),
    "hang": ("0.2", lambda struck: _is_cut(struck) and struck.seconds >= 0.15),
    "truncated-json": ("", _is_half),
    "cut-short": ("", _is_cut),
    "wrong-type": ("", lambda struck: struck.reply is not None and "text/html" in struck.reply.headers["Content-Type"]),
    "html-200": ("", _is_page),
    "oversize": ("1", lambda struck: struck.reply is not None and len(struck.reply.body) > 2**20),
    "slow-drip": ("0.2", lambda struck: struck.reply is not None and struck.seconds >= 0.15),
    # Kling's own.
    "code": ("1304", lambda struck: struck.reply is not None and struck.reply.json["code"] == 1304),
    "accepted-500": ("", lambda struck: struck.reply is not None and struck.reply.json["code"] == 5000),
    "accepted-504": ("", lambda struck: struck.reply is not None and struck.reply.json["code"] == 5002),
}
NEEDS_BODY = {"truncated-json", "cut-short", "slow-drip"}

ON_THE_WIRE = [
    (name, kind.name)
    for name, vendor in VENDORS.items()
    for kind in vendor.kinds.values()
    if JOB not in kind.places and kind.name != "no-face"
]


async def _exchange(place: Callable[[], Awaitable[Reply]], true: Reply) -> Struck:
    started = time.monotonic()
    try:
        reply: Reply | None = await place()
    except (aiohttp.ClientError, ConnectionError):
        reply = None
    return Struck(reply, time.monotonic() - started, true)


@pytest.mark.parametrize(("name", "kind"), ON_THE_WIRE)
async def test_every_failure_of_the_wire_strikes_at_every_place_it_is_promised_for(
    start: Start, name: str, kind: str
) -> None:
    scene = SCENES[name](await start(fast=True))
    argument, strikes = WIRE[kind]
    places = await scene.places()
    assert set(places) == set(VENDORS[name].places)
    promised = VENDORS[name].kinds[kind].places
    for place in promised:
        true = await places[place]()
        if kind in NEEDS_BODY and not true.body:
            continue
        # The client asks again by itself when the connection of a question breaks, so it is struck twice.
        await scene.sandbox.arm(kind, vendor=name, at=place, argument=argument, count=2)
        assert strikes(await _exchange(places[place], true)), place
        await scene.sandbox.ask("DELETE", "/control/faults")
        assert (await places[place]()).status < 500, f"{place} is well again"


@pytest.mark.parametrize(("name", "kind"), ON_THE_WIRE)
async def test_a_marker_in_a_prompt_strikes_the_wire_without_being_told_where(
    start: Start, name: str, kind: str
) -> None:
    scene = SCENES[name](await start(fast=True))
    argument, strikes = WIRE[kind]
    marker = f"[[{kind}:{argument}]]" if argument else f"[[{kind}]]"
    place = VENDORS[name].kinds[kind].places[0]
    true = await (await scene.places())[place]()
    await scene.sandbox.ask("POST", "/control/reset")
    if place == "submit":
        assert strikes(await _exchange(lambda: scene.submit(f"a crow {marker}"), true))
        return
    running = place == "status"
    sent = await scene.submit(f"a crow {marker} [[slow:{60 if running else 0}]]")
    if place == "download":
        done = await scene.result(scene.ticket(sent)) if scene.asks else sent
        for _ in range(100):
            if (await scene.sandbox.jobs())[-1]["state"] == "finished":
                break
            await asyncio.sleep(0.02)
        address = await _first_address(scene, sent, done)
        assert strikes(await _exchange(lambda: scene.file(address), true))
        return
    ticket = scene.ticket(sent)
    for _ in range(100):
        if running or (await scene.sandbox.jobs())[-1]["state"] == "finished":
            break
        await asyncio.sleep(0.02)
    ask = scene.look if running else scene.result
    assert strikes(await _exchange(lambda: ask(ticket), true))


async def _first_address(scene: Scene, sent: Reply, done: Reply) -> str:
    """Where the last job's picture lies."""
    if not scene.asks:
        job = (await scene.sandbox.jobs())[-1]
        return f"{scene.sandbox.origin}/{scene.name}/files/{job['id']}_0.png"
    async with asyncio.timeout(10):
        while True:
            try:
                return scene.made((await scene.result(scene.ticket(sent))).json)[0]
            except (KeyError, TypeError, IndexError, ValueError):
                await asyncio.sleep(0.02)


# The job.


@dataclass
class Stroke:
    """One way to ask for a failure: how a prompt asks for it, or that it was armed."""

    scene: Scene
    kind: str
    argument: str
    armed: bool

    async def run(self, prompt: str = "a fox", *, argument: str | None = None, **more: Any) -> Seen:
        return await self.scene.run(await self.words(prompt, argument), **more)

    async def submit(self, prompt: str = "a fox", **more: Any) -> Reply:
        return await self.scene.submit(await self.words(prompt), **more)

    async def words(self, prompt: str = "a fox", argument: str | None = None) -> str:
        """The prompt to send; what is armed strikes the next job."""
        argument = self.argument if argument is None else argument
        if self.armed:
            await self.scene.sandbox.arm(self.kind, vendor=self.scene.name, argument=argument)
            return prompt
        return f"{prompt} [[{self.kind}{':' if argument else ''}{argument}]]"

    async def job(self) -> Any:
        return (await self.scene.sandbox.jobs())[-1]


Proof = Callable[[Stroke], Awaitable[None]]
PROOFS: dict[tuple[str, str], Proof] = {}
SETTINGS: dict[str, dict[str, Any]] = {}


def proves(*kinds: str, of: str = "") -> Callable[[Proof], Proof]:
    """Marks a proof of failures at every vendor that has them, or `of` one alone."""

    def keep(proof: Proof) -> Proof:
        PROOFS.update({(of, kind): proof for kind in kinds})
        return proof

    return keep


def _named(value: object) -> str:
    if isinstance(value, bool):
        return "armed" if value else "marked"
    return value.__name__ if isinstance(value, type) else str(value)


IN_THE_JOB = [
    (name, kind.name, armed)
    for name, vendor in VENDORS.items()
    for kind in vendor.kinds.values()
    if JOB in kind.places
    for armed in (False, True)
]


@pytest.mark.parametrize(("name", "kind", "armed"), IN_THE_JOB, ids=_named)
async def test_every_failure_in_the_job_strikes(start: Start, name: str, kind: str, *, armed: bool) -> None:
    proof = PROOFS.get((name, kind)) or PROOFS["", kind]
    scene = SCENES[name](await start(fast=True, webhook_retry_seconds=0.05))
    await proof(Stroke(scene, kind, "", armed))


@proves("fail", "nsfw")
async def _ends_badly(stroke: Stroke) -> None:
    assert (await stroke.scene.run("a fox")).is_made
    assert not (await stroke.run()).is_made


@proves("nsfw", of="fal")
async def _is_black(stroke: Stroke) -> None:
    (file,) = (await stroke.run()).files
    assert Image.open(io.BytesIO(file.body)).convert("L").getextrema() == (0, 0)


@proves("fail-once", "oom")
async def _fails_the_first_time(stroke: Stroke) -> None:
    prompt = await stroke.words()
    assert [(await stroke.scene.run(prompt)).is_made for _ in range(2)] == [False, True]


@proves("fail-then-succeed")
async def _takes_its_failure_back(stroke: Stroke) -> None:
    sent = await stroke.submit()
    ticket = stroke.scene.ticket(sent)
    assert stroke.scene.made((await stroke.scene.result(ticket)).json) if await _fails(stroke, ticket) else False


async def _fails(stroke: Stroke, ticket: Any) -> bool:
    try:
        return not stroke.scene.made((await stroke.scene.result(ticket)).json)
    except (KeyError, TypeError):
        return True


@proves("slow")
async def _runs_for_so_long(stroke: Stroke) -> None:
    stroke.argument = "0.4"
    await stroke.run()
    job = await stroke.job()
    assert job["finished_at"] - job["started_at"] == pytest.approx(0.4, abs=0.2)


@proves("queue")
async def _waits_for_so_long(stroke: Stroke) -> None:
    stroke.argument = "0.4"
    await stroke.run()
    job = await stroke.job()
    assert job["started_at"] - job["created_at"] == pytest.approx(0.4, abs=0.2)


@proves("never")
async def _never_ends(stroke: Stroke) -> None:
    prompt = await stroke.words()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await stroke.scene.run(prompt)
    assert (await stroke.job())["finished_at"] is None


@proves("forget")
async def _is_unknown(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert seen.words[-1] in {"Request not found", "not_found", "1203", "unknown", "gone"}


@proves("unknown-status")
async def _says_a_new_word(stroke: Stroke) -> None:
    words = (await stroke.run("a fox [[slow:0.3]]")).words
    assert set(words) & {"PAUSED", "pondering", "dreaming", "PONDERING", "paused"}


@proves("requeue")
async def _falls_back(stroke: Stroke) -> None:
    words = (await stroke.run("a fox [[slow:0.6]]")).words
    assert words[-4:] == ["IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


@proves("drift")
async def _names_no_picture_where_it_should(stroke: Stroke) -> None:
    seen = await stroke.run()
    with pytest.raises((KeyError, TypeError)):
        stroke.scene.made(seen.end.json)
    assert seen.end.status == 200


@proves("empty-output", "null-output")
async def _succeeds_with_nothing(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert (seen.end.status, seen.is_made) == (200, False)
    assert "error" not in seen.words


@proves("request-timeout")
async def _misses_its_start(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert (seen.end.status, seen.end.headers["X-Fal-Request-Timeout-Type"]) == (504, "user")


@proves("validate-at-submit")
async def _refuses_at_once(stroke: Stroke) -> None:
    assert (await stroke.submit(count=99)).status == 422


@proves("cancel-ignored")
async def _goes_on(stroke: Stroke) -> None:
    scene = stroke.scene
    ticket = scene.ticket(await stroke.submit("a fox [[slow:0.4]]"))
    await asyncio.sleep(0.05)
    assert (await scene.ask("PUT", ticket[2])).json["status"] == "CANCELLATION_REQUESTED"
    await scene.follow(ticket)
    assert (await scene.result(ticket)).status == 200


@proves("404-output", "expire")
async def _is_not_there(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert [file.status for file in seen.files] == [404]


@proves("partial")
async def _is_half_there(stroke: Stroke) -> None:
    seen = await stroke.run(count=4)
    assert [file.status for file in seen.files] == [200, 404, 200, 404]


@proves("garbage-image")
async def _is_noise(stroke: Stroke) -> None:
    (file,) = (await stroke.run()).files
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(file.body))


@proves("html-image")
async def _is_a_page(stroke: Stroke) -> None:
    (file,) = (await stroke.run()).files
    assert (file.status, file.headers["Content-Type"]) == (200, "text/html")


@proves("truncated-image")
async def _stops_half_way(stroke: Stroke) -> None:
    (file,) = (await stroke.run()).files
    with pytest.raises((OSError, SyntaxError)):
        Image.open(io.BytesIO(file.body)).load()


@proves("huge-output")
async def _goes_on_and_on(stroke: Stroke) -> None:
    stroke.argument = "2"
    (file,) = (await stroke.run()).files
    assert len(file.body) > 2 * 2**20


@proves("wrong-size")
async def _is_half_as_large(stroke: Stroke) -> None:
    sides = []
    for seen in (await stroke.scene.run("a fox"), await stroke.run()):
        sides.append(Image.open(io.BytesIO(seen.files[0].body)).width)
    assert sides[0] == 2 * sides[1]


@proves("ssrf-output")
async def _leads_inside(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert seen.addresses[0].startswith("http://169.254.169.254/")


@proves("redirect-output")
async def _moves_inside(stroke: Stroke) -> None:
    (file,) = (await stroke.run()).files
    assert (file.status, file.headers["Location"][:23]) == (302, "http://169.254.169.254/")


# Callbacks.


@dataclass
class Hook:
    """Where callbacks come in."""

    url: str = ""
    calls: list[tuple[Any, bytes, float]] = field(default_factory=list)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(15):
            while len(self.calls) < count:  # noqa: ASYNC110 - the receiver only counts
                await asyncio.sleep(0.01)

    async def quiet(self) -> int:
        """How many there are once no more come."""
        before = -1
        while len(self.calls) != before:
            before = len(self.calls)
            await asyncio.sleep(0.3)
        return before


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    heard = Hook()

    async def take(request: web.Request) -> web.Response:
        heard.calls.append((request.headers.copy(), await request.read(), time.time()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield heard
    await runner.cleanup()


CALLING = [
    (scene, kind.name, armed)
    for scene in (Fal, Kling, NewerKling, Midjourney)
    for kind in VENDORS[scene.name].kinds.values()
    if kind.name.startswith("webhook")
    # What is not signed cannot be stale.
    if not (kind.name == "webhook-stale" and scene is Kling)
    for armed in (False, True)
]


@pytest.mark.parametrize(("scene", "kind", "armed"), CALLING, ids=_named)
async def test_every_failure_in_the_webhook_strikes(
    start: Start, hook: Hook, scene: type[Scene], kind: str, *, armed: bool
) -> None:
    stroke = Stroke(scene(await start(speed=200.0, webhook_retry_seconds=0.05)), kind, "", armed)
    await stroke.scene.submit("a fox", hook=hook.url)
    usual = await hook.quiet()
    assert usual
    hook.calls.clear()
    await CALLED[kind](stroke, hook, usual)


async def _arrives_first(stroke: Stroke, hook: Hook, usual: int) -> None:
    await stroke.submit("a fox [[slow:5]]", hook=hook.url)
    assert hook.calls, "before the submit was answered"


async def _arrives_again(stroke: Stroke, hook: Hook, usual: int) -> None:
    stroke.argument = "3"
    await stroke.submit(hook=hook.url)
    assert await hook.quiet() > usual


async def _arrives_forged(stroke: Stroke, hook: Hook, usual: int) -> None:
    await stroke.submit(hook=hook.url)
    assert await hook.quiet() > usual


async def _arrives_old(stroke: Stroke, hook: Hook, usual: int) -> None:
    await stroke.submit(hook=hook.url)
    await hook.until(usual)
    headers, _, at = hook.calls[-1]
    told = next(value for name, value in headers.items() if name.lower().endswith("timestamp"))
    assert int(told) < at - 300


async def _arrives_late(stroke: Stroke, hook: Hook, usual: int) -> None:
    stroke.argument = "0.5"
    await stroke.submit("a fox [[slow:0.1]]", hook=hook.url)
    await hook.until(1)
    await hook.quiet()
    async with asyncio.timeout(15):
        while (job := await stroke.job())["webhook"] is None:  # noqa: ASYNC110 - the sandbox tells when asked
            await asyncio.sleep(0.02)
    assert hook.calls[-1][2] >= job["finished_at"] + 0.45


async def _never_arrives(stroke: Stroke, hook: Hook, usual: int) -> None:
    await stroke.submit(hook=hook.url)
    async with asyncio.timeout(15):
        while (await stroke.job())["webhook"] is None:  # noqa: ASYNC110 - the sandbox tells when asked
            await asyncio.sleep(0.02)
    assert ((await stroke.job())["webhook"], hook.calls) == ("lost", [])


async def _arrives_backwards(stroke: Stroke, hook: Hook, usual: int) -> None:
    await stroke.submit(hook=hook.url)
    await hook.quiet()
    words = [told.get("task_status") or told["status"] for told in (json.loads(body) for _, body, _ in hook.calls)]
    assert words[-2] in {"succeed", "succeeded", "SUCCESS"}
    assert words[-1] in {"processing", "SUBMITTED", "IN_PROGRESS"}


CALLED: dict[str, Callable[[Stroke, Hook, int], Awaitable[None]]] = {
    "webhook-early": _arrives_first,
    "webhook-duplicate": _arrives_again,
    "webhook-forged": _arrives_forged,
    "webhook-stale": _arrives_old,
    "webhook-late": _arrives_late,
    "webhook-lost": _never_arrives,
    "webhook-out-of-order": _arrives_backwards,
}


@proves(*CALLED)
async def _is_proven_above(stroke: Stroke) -> None:
    assert any((scene.name, kind) == (stroke.scene.name, stroke.kind) for scene, kind, _ in CALLING)


# What only one vendor knows.


@proves("error-in-200")
async def _fails_inside(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert (seen.end.status, seen.is_made) == (200, False)
    assert seen.end.json["error"]["code"]


@proves("error-in-200", of="jimeng")
async def _gateway_fails_inside(stroke: Stroke) -> None:
    stroke.scene = JimengGateway(stroke.scene.sandbox)
    reply = await stroke.submit()
    assert (reply.status, reply.json["code"]) == (200, "fail_to_fetch_task")


@proves("refuse", of="jimeng")
async def _refuses_by_code(stroke: Stroke) -> None:
    assert (await stroke.submit()).json["code"] == 50413
    for other in (JimengGateway(stroke.scene.sandbox), JimengRelay(stroke.scene.sandbox)):
        stroke.scene = other
        assert (await stroke.submit()).status >= 400


@proves("expired")
async def _has_expired(stroke: Stroke) -> None:
    assert (await stroke.run()).words[-1] == "expired"


@proves("inline")
async def _comes_inside(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert not seen.addresses[0].startswith("http")
    assert Image.open(io.BytesIO(seen.files[0].body)).format == "JPEG"


@proves("address-at")
async def _is_told_elsewhere(stroke: Stroke) -> None:
    stroke.scene = JimengGateway(stroke.scene.sandbox)
    told = set()
    for place in "12345":
        seen = await stroke.run(argument=place)
        body = json.dumps(seen.end.json).replace(stroke.scene.ticket(seen.submit), "id")
        told.add(body.partition("http")[0])
    assert len(told) == 5


@proves("kling-reply")
async def _answers_as_another(stroke: Stroke) -> None:
    stroke.scene = JimengGateway(stroke.scene.sandbox)
    assert (await stroke.submit()).json["data"]["task_status"] == "submitted"


@proves("raw-reply")
async def _answers_as_the_vendor(stroke: Stroke) -> None:
    stroke.scene = JimengRelay(stroke.scene.sandbox)
    assert (await stroke.submit()).json["code"] == 10000


@proves("same-reference-first", "same-reference-new")
async def _takes_a_reference_again(stroke: Stroke) -> None:
    scene = stroke.scene
    assert isinstance(scene, Kling)
    first = scene.ticket(await scene.submit("a fox", external_task_id="x"))
    assert (await scene.submit("a fox", external_task_id="x")).json["code"] == 1201
    again = scene.ticket(await scene.submit(await stroke.words(), external_task_id="x"))
    assert (again == first) == (stroke.kind == "same-reference-first")


async def test_nobody_is_found_in_a_film(start: Start) -> None:
    scene = Kling(await start(fast=True))
    scene.path = "/v1/videos/text2video"
    made = (await scene.run("a fox")).end.json["data"]["task_result"]["videos"][0]["id"]
    await scene.sandbox.arm("no-face", vendor="kling")
    for faces in (0, 1):
        found = await scene.ask("POST", "/kling/v1/videos/identify-face", json={"video_id": made})
        assert len(found.json["data"]["face_data"]) == faces


@proves("refuse", of="midjourney")
async def _proxy_refuses(stroke: Stroke) -> None:
    assert (await stroke.submit()).json["code"] == 4


@proves("remix")
async def _opens_a_window(stroke: Stroke) -> None:
    scene = stroke.scene
    marker = "" if stroke.armed else " [[remix]]"
    task = (await scene.run(f"a fox{marker}")).end.json
    if stroke.armed:
        await scene.sandbox.arm("remix", vendor="midjourney")
    pressed = {"taskId": task["id"], "customId": task["buttons"][0]["customId"], "prompt": f"a fox{marker}"}
    assert (await scene.ask("POST", "/midjourney/fork/mj/submit/action", json=pressed)).json["code"] == 21


@proves("apart")
async def _names_each(stroke: Stroke) -> None:
    assert len((await stroke.run()).end.json["imageUrls"]) == 4


@proves("failed-pictures")
async def _fails_in_part(stroke: Stroke) -> None:
    seen = await stroke.submit(count=4)
    assert ["error" in item for item in seen.json["data"]] == [False, True, False, True]


@proves("series")
async def _makes_fewer(stroke: Stroke) -> None:
    stroke.argument = "2"
    assert len((await stroke.submit(count=4)).json["data"]) == 2


@proves("data-url")
async def _is_a_data_url(stroke: Stroke) -> None:
    assert (await stroke.submit()).json["data"][0]["b64_json"].startswith("data:image/")


@proves("execution-blocked", "interrupted")
async def _stops_half_way_through(stroke: Stroke) -> None:
    seen = await stroke.run()
    assert (seen.words[-1], seen.is_made) == ("error", False)


@proves("restart")
async def _loses_everything(stroke: Stroke) -> None:
    await stroke.scene.run("a heron")
    assert (await stroke.run()).words[-1] == "gone"
    assert (await stroke.scene.ask("GET", "/comfyui/1/history")).json == {}


@proves("lacks-file")
async def _takes_no_workflow(stroke: Stroke) -> None:
    assert (await stroke.submit()).json["error"]["type"] == "prompt_outputs_failed_validation"


# The words that may follow a marker.

ENDINGS = [(name, word) for name, vendor in VENDORS.items() for word in vendor.card("").arguments.get("fail", ())]


@pytest.mark.parametrize("name", [name for name, vendor in VENDORS.items() if "fail" in vendor.card("").arguments])
async def test_every_ending_that_is_listed_is_told_and_differs_from_the_others(start: Start, name: str) -> None:
    scene = SCENES[name](await start(fast=True))
    told: dict[str, str] = {}
    for word in VENDORS[name].card("").arguments["fail"]:
        seen = await scene.run(f"a fox [[fail:{word}]]")
        assert not seen.is_made, word
        told[word] = _reason(name, seen.end.json)
    assert len(set(told.values())) == len(told)


def _reason(name: str, body: Any) -> str:
    match name:
        case "fal":
            return str(body.get("error_type") or body["detail"][0]["type"])
        case "jimeng":
            return str(body["code"])
        case "kling":
            return str(body["data"]["task_status_msg"])
        case "midjourney":
            return str(body["failReason"])
    return str(body["error"]["code"])


@pytest.mark.parametrize("word", VENDORS["midjourney"].card("").arguments["refuse"])
async def test_a_proxy_refuses_for_every_reason_that_is_listed(start: Start, word: str) -> None:
    reply = await Midjourney(await start(fast=True)).submit(f"a fox [[refuse:{word}]]")
    assert reply.json.get("code") not in {1, 22}


@pytest.mark.parametrize("word", VENDORS["jimeng"].card("").arguments["refuse"])
async def test_jimeng_refuses_for_every_reason_that_is_listed(start: Start, word: str) -> None:
    sandbox = await start(fast=True)
    scene = Jimeng(sandbox) if word.isdecimal() else JimengGateway(sandbox)
    reply = await scene.submit(f"a fox [[refuse:{word}]]")
    assert word in reply.body.decode()
    assert reply.status >= 400


@pytest.mark.parametrize("code", VENDORS["kling"].card("").arguments["code"])
async def test_kling_answers_with_every_code_that_is_listed_and_once(start: Start, code: str) -> None:
    scene = Kling(await start(fast=True))
    codes = [(await scene.submit(f"a fox [[code:{code}]]")).json["code"] for _ in range(2)]
    assert codes == [int(code), 0]


async def test_failures_of_addresses_strike_a_gateway_and_the_api_alike(start: Start) -> None:
    for scene in (OpenAI(await start(fast=True)), Gateway(await start(fast=True))):
        seen = await scene.run("a fox [[partial]]", count=2)
        assert [file.status for file in seen.files] == [200, 404]


async def test_a_workflow_that_is_remembered_fails_too_when_asked_to(start: Start) -> None:
    scene = ComfyUI(await start(fast=True))
    assert (await scene.run("a fox")).is_made
    await scene.sandbox.arm("fail", vendor="comfyui")
    assert (await scene.run("a fox")).words[-1] == "error"


async def test_what_strikes_once_strikes_each_of_several_jobs_once(start: Start) -> None:
    scene = ComfyUI(await start(fast=True))
    for name in ("a fox", "a crow"):
        await scene.submit(f"{name} [[throttle@status]] [[slow:60]]")
    statuses = [(await scene.look("")).status for _ in range(4)]
    assert statuses == [429, 429, 200, 200]
