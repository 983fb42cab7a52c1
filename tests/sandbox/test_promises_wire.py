"""Every failure of the wire that the index page promises of a vendor strikes there, at every place that is promised."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import pytest

from vermilion.sandbox.faults import JOB

from .conftest import Reply, Start
from .scenes import Scene
from .scenes_of_vendors import SCENES
from .strokes import VENDORS


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
