"""The queue protocol, call by call."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
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


async def test_unknown_models_and_requests_are_not_found(sandbox: Client) -> None:
    assert (await sandbox.ask("POST", "/fal/fal-ai/no-such-app", json={"prompt": "x"})).status == 404
    assert (await sandbox.ask("POST", "/fal/fal-ai/flux-1/no-such-path", json={"prompt": "x"})).status == 404
    gone = f"/fal/fal-ai/flux-1/requests/{'0' * 8}-0000-4000-8000-{'0' * 12}"
    assert (await sandbox.ask("GET", f"{gone}/status")).status == 404
    ticket = await sandbox.submit()
    elsewhere = ticket["status_url"].replace("flux-1", "flux-2")
    assert (await sandbox.ask("GET", elsewhere)).status == 404


async def test_no_more_jobs_run_than_the_limit_allows(start: Start) -> None:
    sandbox = await start(speed=10.0, max_concurrent=2)
    tickets = [await sandbox.submit() for _ in range(6)]
    most = 0
    while True:
        states = [job["state"] for job in await sandbox.jobs()]
        most = max(most, states.count("running"))
        if set(states) == {"finished"}:
            break
        await asyncio.sleep(0.01)
    assert most == 2
    starts = [job["started_at"] for job in await sandbox.jobs()]
    assert starts == sorted(starts)
    assert len(tickets) == 6


async def test_each_key_has_its_own_line_and_its_own_jobs(start: Start) -> None:
    sandbox = await start(max_concurrent=1, secrets={"fal": [{}, {"key": "second:not-secret"}]})
    first = await sandbox.submit("x [[never]]")
    await sandbox.submit("x [[never]]")
    second = {"Authorization": "Key second:not-secret"}
    other = await sandbox.ask("POST", f"/fal/{SCHNELL}", key=False, headers=second, json={"prompt": "x"})
    await asyncio.sleep(0.3)
    assert [job["state"] for job in await sandbox.jobs()] == ["running", "queued", "finished"]
    assert (await sandbox.ask("GET", first["status_url"], key=False, headers=second)).status == 404
    assert (await sandbox.ask("GET", other.json["status_url"])).status == 404


async def test_cancel_answers_in_each_state(start: Start) -> None:
    sandbox = await start(max_concurrent=1)
    running = await sandbox.submit("x [[never]]")
    queued = await sandbox.submit("x")
    follower = await sandbox.submit("x")
    await asyncio.sleep(0.05)
    answer = await sandbox.ask("PUT", queued["cancel_url"])
    assert (answer.status, answer.json) == (200, {"status": "OK"})
    answer = await sandbox.ask("PUT", running["cancel_url"])
    assert (answer.status, answer.json) == (202, {"status": "CANCELLATION_REQUESTED"})
    for ticket in (queued, running):
        result = await sandbox.finish(ticket)
        assert (result.status, result.json["error_type"]) == (499, "client_cancelled")
    assert (await sandbox.finish(follower)).status == 200
    answer = await sandbox.ask("PUT", follower["cancel_url"])
    assert (answer.status, answer.json) == (400, {"status": "ALREADY_COMPLETED"})
    answer = await sandbox.ask("PUT", follower["cancel_url"].replace(follower["request_id"], "unknown"))
    assert (answer.status, answer.json) == (404, {"status": "NOT_FOUND"})
    jobs = await sandbox.jobs()
    assert [job["canceled"] for job in jobs] == [True, True, False]


async def test_an_ignored_cancel_still_succeeds(sandbox: Client) -> None:
    ticket = await sandbox.submit("x [[cancel-ignored]] [[slow:0.4]]")
    await asyncio.sleep(0.1)
    answer = await sandbox.ask("PUT", ticket["cancel_url"])
    assert answer.json == {"status": "CANCELLATION_REQUESTED"}
    assert (await sandbox.finish(ticket)).status == 200


async def test_the_stream_tells_every_change_and_ends(start: Start) -> None:
    sandbox = await start(speed=4.0)
    ticket = await sandbox.submit()
    reply = await sandbox.ask("GET", f"{ticket['status_url']}/stream", params={"logs": "1"})
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    lines = [line for line in reply.body.decode().split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    events = [json.loads(line.removeprefix("data: "))["status"] for line in lines]
    assert list(dict.fromkeys(events)) == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


async def test_a_result_asked_too_early_is_refused(sandbox: Client) -> None:
    ticket = await sandbox.submit("x [[never]]")
    assert (await sandbox.ask("GET", ticket["response_url"])).status == 400


async def test_queue_length_can_be_bounded_by_the_client(start: Start) -> None:
    sandbox = await start(max_concurrent=1)
    for _ in range(3):
        await sandbox.submit("x [[never]]")
    refused = await sandbox.ask("POST", f"/fal/{SCHNELL}?fal_max_queue_length=1", json={"prompt": "x"})
    assert refused.status == 429
    assert len(await sandbox.jobs()) == 3


async def test_hosts_without_a_prefix_speak_the_same(sandbox: Client) -> None:
    port = sandbox.origin.rpartition(":")[2]
    reply = await sandbox.ask(
        "POST", f"/{SCHNELL}", json={"prompt": "x"}, headers={"Host": f"queue.fal.localhost:{port}"}
    )
    assert reply.json["status_url"].startswith(f"http://queue.fal.localhost:{port}/fal-ai/flux-1/requests/")
    path = reply.json["response_url"].partition(f":{port}")[2]
    await asyncio.sleep(0.2)
    result = await sandbox.ask("GET", path, headers={"Host": f"queue.fal.localhost:{port}"})
    picture = result.json["images"][0]["url"]
    assert picture.startswith(f"http://v3.fal.localhost:{port}/files/")
    file = await sandbox.ask("GET", picture.partition(f":{port}")[2], headers={"Host": f"v3.fal.localhost:{port}"})
    assert file.headers["Content-Type"] == "image/jpeg"


async def test_a_configured_public_address_is_used_in_every_url(start: Start) -> None:
    sandbox = await start(public_url="https://sandbox.example")
    ticket = await sandbox.submit()
    assert ticket["status_url"].startswith("https://sandbox.example/fal/fal-ai/flux-1/requests/")


async def test_bodies_larger_than_allowed_are_refused(start: Start) -> None:
    sandbox = await start(max_body_bytes=1000)
    assert (await sandbox.ask("POST", f"/fal/{SCHNELL}", json={"prompt": "x" * 2000})).status == 413


async def test_only_so_many_jobs_are_kept(start: Start) -> None:
    sandbox = await start(fast=True, max_jobs=5)
    tickets = [await sandbox.submit(str(number)) for number in range(8)]
    assert [job["body"]["prompt"] for job in await sandbox.jobs()] == ["3", "4", "5", "6", "7"]
    assert (await sandbox.ask("GET", tickets[0]["status_url"])).status == 404


@pytest.mark.parametrize(
    ("model", "body", "where", "kind"),
    [
        (SCHNELL, {}, ["body", "prompt"], "missing"),
        (SCHNELL, {"prompt": "x", "num_inference_steps": 13}, ["body", "num_inference_steps"], "less_than_equal"),
        (SCHNELL, {"prompt": "x", "image_size": "huge"}, ["body", "image_size"], "one_of"),
        ("fal-ai/flux-1/dev/redux", {}, ["body", "image_url"], "missing"),
        ("fal-ai/flux-pro/v1.1", {"prompt": "x", "safety_tolerance": 2}, ["body", "safety_tolerance"], "one_of"),
        ("fal-ai/flux-2-pro", {"prompt": "x", "safety_tolerance": "6"}, ["body", "safety_tolerance"], "one_of"),
        ("fal-ai/flux-2/edit", {"prompt": "x", "image_urls": []}, ["body", "image_urls"], "sequence_too_short"),
        (
            "fal-ai/flux-2",
            {"prompt": "x", "image_size": {"width": 64, "height": 512}},
            ["body", "image_size", "width"],
            "greater_than_equal",
        ),
    ],
)
async def test_each_model_checks_its_own_inputs(
    sandbox: Client, model: str, body: dict[str, object], where: list[str], kind: str
) -> None:
    ticket = (await sandbox.ask("POST", f"/fal/{model}", json=body)).json
    result = await sandbox.finish(ticket)
    assert result.status == 422
    assert (result.json["detail"][0]["loc"], result.json["detail"][0]["type"]) == (where, kind)


async def test_results_say_as_much_as_their_model_does(sandbox: Client) -> None:
    assert set((await sandbox.made("x", "fal-ai/flux-2-max")).json) == {"images", "seed"}
    full = (await sandbox.made("x", "fal-ai/flux-pro/v1.1-ultra", aspect_ratio="21:9")).json
    assert set(full) == {"images", "timings", "seed", "has_nsfw_concepts", "prompt"}
    assert full["images"][0]["width"] / full["images"][0]["height"] == pytest.approx(21 / 9, rel=0.02)


async def test_unreadable_and_outside_inputs_fail_the_job(sandbox: Client) -> None:
    for url, kind in (
        ("data:image/png;base64,AAAA", "image_load_error"),
        ("https://pictures.example/a.png", "file_download_error"),
        (f"{sandbox.fal}/cdn/files/upload/gone_x.png", "file_download_error"),
    ):
        result = await sandbox.made("x", "fal-ai/flux-1/dev/image-to-image", image_url=url)
        assert (result.status, result.json["detail"][0]["type"]) == (422, kind)
