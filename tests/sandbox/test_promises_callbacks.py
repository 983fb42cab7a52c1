"""Every failure of callbacks that the index page promises of a vendor strikes there: marked and armed."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from .conftest import Start
from .scenes import Scene
from .scenes_of_vendors import Fal, Kling, Midjourney, NewerKling
from .strokes import VENDORS, Stroke, named


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


@pytest.mark.parametrize(("scene", "kind", "armed"), CALLING, ids=named)
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
    await hook.quiet()
    assert max(Counter(body for _, body, _ in hook.calls).values()) == 3


async def _arrives_forged(stroke: Stroke, hook: Hook, usual: int) -> None:
    await stroke.submit(hook=hook.url)
    await hook.quiet()
    told = {(body, _signature(headers)) for headers, body, _ in hook.calls}
    signed_twice = len(told) > len({body for body, _ in told})
    # Where nothing is signed, what is forged tells of another job.
    assert signed_twice or any(b'"id": "1111111111111"' in body for body, _ in told)


def _signature(headers: Any) -> str:
    return next((value for name, value in headers.items() if name.lower().endswith("signature")), "")


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


def test_every_vendor_that_calls_back_is_listened_to() -> None:
    calling = {name for name, vendor in VENDORS.items() if any(kind.startswith("webhook") for kind in vendor.kinds)}
    assert calling == {scene.name for scene, _, _ in CALLING}
