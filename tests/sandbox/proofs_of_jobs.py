"""That a job goes or ends as each word of the common vocabulary says, at whichever vendor has it."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from .strokes import Stroke, proves


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
    scene = stroke.scene
    ticket = scene.ticket(await stroke.submit())
    with pytest.raises((KeyError, TypeError)):
        scene.made((await scene.result(ticket)).json)
    assert scene.made((await scene.result(ticket)).json)


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
