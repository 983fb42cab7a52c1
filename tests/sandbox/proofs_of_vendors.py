"""That a job goes or ends as the words say that only one vendor knows, or understands in its own way."""

from __future__ import annotations

import io
import json

from PIL import Image

from .scenes_of_vendors import JimengGateway, JimengRelay, Kling
from .strokes import Stroke, proves


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
