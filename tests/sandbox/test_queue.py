"""The queue protocol, call by call."""

from __future__ import annotations

import asyncio
import io

from PIL import Image

from .conftest import SCHNELL, Client, Start


async def test_a_job_goes_from_the_queue_through_progress_to_a_picture(start: Start) -> None:
    sandbox = await start(speed=4.0)
    ticket = await sandbox.submit(num_images=2, output_format="png", seed=7, image_size="square")
    root = f"{sandbox.fal}/fal-ai/flux-1/requests/{ticket['request_id']}"
    assert ticket["status"] == "IN_QUEUE"
    assert ticket["queue_position"] >= 0
    assert (ticket["response_url"], ticket["status_url"], ticket["cancel_url"]) == (
        root,
        f"{root}/status",
        f"{root}/cancel",
    )
    seen: list[str] = []
    while not seen or seen[-1] != "COMPLETED":
        reply = await sandbox.ask("GET", ticket["status_url"], params={"logs": "1"})
        body = reply.json
        assert "logs" in body
        assert reply.status == (200 if body["status"] == "COMPLETED" else 202)
        if not seen or seen[-1] != body["status"]:
            seen.append(body["status"])
        await asyncio.sleep(0.01)
    assert seen == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert body["metrics"]["inference_time"] > 0
    assert body["logs"][-1]["message"].startswith("100%")
    result = (await sandbox.ask("GET", ticket["response_url"])).json
    assert result["seed"] == 7
    assert result["has_nsfw_concepts"] == [False, False]
    for picture in result["images"]:
        file = await sandbox.ask("GET", picture["url"], key=False)
        assert file.headers["Content-Type"] == picture["content_type"] == "image/png"
        assert Image.open(io.BytesIO(file.body)).size == (picture["width"], picture["height"]) == (512, 512)


async def test_queue_positions_only_go_down(start: Start) -> None:
    sandbox = await start(speed=3.0, max_concurrent=1)
    await sandbox.submit()
    ticket = await sandbox.submit()
    positions = []
    while (body := (await sandbox.ask("GET", ticket["status_url"])).json)["status"] == "IN_QUEUE":
        positions.append(body["queue_position"])
        await asyncio.sleep(0.01)
    assert positions == sorted(positions, reverse=True)
    assert positions[-1] == 0


async def test_calls_without_the_key_are_refused(sandbox: Client) -> None:
    ticket = await sandbox.submit()
    for method, url in (("POST", f"/fal/{SCHNELL}"), ("GET", ticket["status_url"]), ("PUT", ticket["cancel_url"])):
        assert (await sandbox.ask(method, url, key=False)).status == 401
        wrong = await sandbox.ask(method, url, key=False, headers={"Authorization": "Key other:wrong"})
        assert wrong.status == 401
        assert wrong.json["detail"]
