"""Every word the index page lists for what may follow a marker's colon is understood."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Start
from .scenes_of_vendors import SCENES, Jimeng, JimengGateway, Kling, Midjourney
from .strokes import VENDORS


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
