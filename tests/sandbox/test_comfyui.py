"""ComfyUI as the sandbox plays it, asked by a small client that knows only ComfyUI's own interface."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
import struct
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from PIL import Image

from .conftest import Client, Reply, Start

GRAPH: dict[str, Any] = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 256, "height": 192, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            **{"model": ["4", 0], "seed": 42, "steps": 4, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"},
            **{"positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0], "denoise": 1.0},
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "job-42"}},
}


def graph(text: str = "a red fox", **changes: Any) -> dict[str, Any]:
    """The plain workflow with another prompt; changes are `n3_seed=7`."""
    made = copy.deepcopy(GRAPH)
    made["6"]["inputs"]["text"] = text
    for name, value in changes.items():
        node, _, key = name[1:].partition("_")
        made[node]["inputs"][key] = value
    return made


def png(width: int = 64, height: int = 48, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 60).convert(mode).save(file, "png")
    return file.getvalue()


class Comfy:
    """A client of one server."""

    def __init__(self, sandbox: Client, name: str) -> None:
        self.sandbox = sandbox
        self.base = f"/comfyui/{name}"

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        return await self.sandbox.ask(method, self.base + path, key=False, **more)

    async def queue(self, prompt: dict[str, Any], **more: Any) -> str:
        reply = await self.ask("POST", "/prompt", json={"prompt": prompt, **more})
        assert reply.status == 200, reply.body
        assert reply.json["node_errors"] == {}
        return str(reply.json["prompt_id"])

    async def entry(self, prompt_id: str) -> dict[str, Any]:
        """What history says once it says anything."""
        for _ in range(600):
            found = (await self.ask("GET", f"/history/{prompt_id}")).json
            if found:
                return dict(found[prompt_id])
            await asyncio.sleep(0.02)
        raise AssertionError("it never ended")

    async def made(self, prompt: dict[str, Any], **more: Any) -> dict[str, Any]:
        return await self.entry(await self.queue(prompt, **more))

    async def until_running(self, prompt_id: str) -> None:
        for _ in range(600):
            queue = (await self.ask("GET", "/queue")).json
            if [item[1] for item in queue["queue_running"]] == [prompt_id]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never ran")

    @asynccontextmanager
    async def listening(
        self, client_id: str, *, metadata: bool = False
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.sandbox.origin}{self.base}/ws", params={"clientId": client_id}) as socket,
        ):
            if metadata:
                await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
            yield socket


async def told(socket: aiohttp.ClientWebSocketResponse, prompt_id: str) -> list[Any]:
    """Everything heard until the prompt has ended: (type, data), or the bytes."""
    heard: list[Any] = []
    while True:
        message = await socket.receive(timeout=20)
        if message.type == aiohttp.WSMsgType.BINARY:
            heard.append(message.data)
            continue
        assert message.type == aiohttp.WSMsgType.TEXT, message
        event = json.loads(message.data)
        heard.append((event["type"], event["data"]))
        if event["type"] == "executing" and event["data"] == {"node": None, "prompt_id": prompt_id}:
            return heard


def kinds(heard: list[Any]) -> list[str]:
    """The order of events, without repeats in a row and without what every server says to everybody."""
    names = [item[0] for item in heard if isinstance(item, tuple) and item[0] not in {"status", "feature_flags"}]
    return [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]


@pytest.fixture
def comfy(sandbox: Client) -> Comfy:
    return Comfy(sandbox, "1")


@pytest.fixture
def older(sandbox: Client) -> Comfy:
    return Comfy(sandbox, "2")


# Making pictures.


@pytest.mark.parametrize("server", ["1", "2"])
@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_workflow_makes_a_picture_of_its_size(sandbox: Client, server: str, prefix: str) -> None:
    comfy = Comfy(sandbox, server + prefix)
    entry = await comfy.made(graph(), client_id="me")
    assert entry["status"]["status_str"] == "success" and entry["status"]["completed"] is True
    (image,) = entry["outputs"]["9"]["images"]
    assert image == {"filename": "job-42_00001_.png", "subfolder": "", "type": "output"}
    reply = await comfy.ask("GET", "/view", params=image)
    assert reply.headers["Content-Disposition"] == 'filename="job-42_00001_.png"'
    assert Image.open(io.BytesIO(reply.body)).size == (256, 192)
    assert entry["prompt"][1] in entry["prompt"] and entry["prompt"][4] == ["9"]


async def test_a_batch_counts_on_and_a_prefix_makes_folders(comfy: Comfy) -> None:
    entry = await comfy.made(graph(n5_batch_size=3, n9_filename_prefix="jobs/7/%width%x%height%"))
    images = entry["outputs"]["9"]["images"]
    assert [image["filename"] for image in images] == [f"256x192_0000{n}_.png" for n in (1, 2, 3)]
    assert {image["subfolder"] for image in images} == {"jobs/7"}
    replies = [await comfy.ask("GET", "/view", params=image) for image in images]
    assert len({reply.body for reply in replies}) == 3
    entry = await comfy.made(graph(n3_seed=43, n9_filename_prefix="jobs/7/256x192"))
    assert entry["outputs"]["9"]["images"][0]["filename"] == "256x192_00004_.png"
    entry = await comfy.made(graph(n3_seed=44, n9_filename_prefix="../outside"))
    assert entry["status"]["messages"][-1][0] == "execution_error"


async def test_videos_come_as_animated_images_or_as_gifs(comfy: Comfy) -> None:
    made = graph(n5_batch_size=8)
    made["10"] = {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 8}}
    made["9"] = {
        "class_type": "SaveVideo",
        "inputs": {"video": ["10", 0], "filename_prefix": "video/a", "format": "auto", "codec": "auto"},
    }
    made["11"] = {
        "class_type": "VHS_VideoCombine",
        "inputs": {
            **{
                "images": ["8", 0],
                "frame_rate": 8,
                "loop_count": 0,
                "filename_prefix": "b",
                "format": "video/h264-mp4",
            },
            **{"pingpong": False, "save_output": True},
        },
    }
    outputs = (await comfy.made(made))["outputs"]
    assert outputs["9"]["animated"] == [True]
    for file in (outputs["9"]["images"][0], outputs["11"]["gifs"][0]):
        reply = await comfy.ask("GET", "/view", params={name: file[name] for name in ("filename", "subfolder", "type")})
        assert file["filename"].endswith(".mp4") and reply.body[4:8] == b"ftyp"


async def test_view_refuses_what_is_missing_illegal_or_outside(comfy: Comfy) -> None:
    for query, status in (
        ({"filename": "nothing.png"}, 404),
        ({}, 404),
        ({"filename": "../x.png"}, 400),
        ({"filename": "/etc/passwd"}, 400),
        ({"filename": "x.png", "type": "elsewhere"}, 400),
        ({"filename": "x.png", "subfolder": "../.."}, 403),
    ):
        assert (await comfy.ask("GET", "/view", params=query)).status == status, query


async def test_view_changes_form_and_channel_when_asked(comfy: Comfy) -> None:
    (image,) = (await comfy.made(graph()))["outputs"]["9"]["images"]
    for query, form in (({"preview": "webp;80"}, "WEBP"), ({"preview": "jpeg"}, "JPEG"), ({"channel": "rgb"}, "PNG")):
        reply = await comfy.ask("GET", "/view", params={**image, **query})
        assert Image.open(io.BytesIO(reply.body)).format == form


# What is refused.


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"n4_ckpt_name": "missing.safetensors"}, "value_not_in_list"),
        ({"n5_width": 8}, "value_smaller_than_min"),
        ({"n3_steps": 10_001}, "value_bigger_than_max"),
        ({"n3_steps": "many"}, "invalid_input_type"),
        ({"n3_sampler_name": "magic"}, "value_not_in_list"),
        ({"n3_model": ["4", 0, 1]}, "bad_linked_input"),
        ({"n3_model": ["4", 2]}, "return_type_mismatch"),
        ({"n3_model": ["99", 0]}, "exception_during_inner_validation"),
        ({"n9_images": ["99", 0]}, "exception_during_validation"),
    ],
)
async def test_what_is_wrong_with_a_node_is_told(comfy: Comfy, changes: dict[str, Any], kind: str) -> None:
    reply = await comfy.ask("POST", "/prompt", json={"prompt": graph(**changes)})
    assert reply.status == 400
    assert reply.json["error"]["type"] == "prompt_outputs_failed_validation"
    node = next(iter(changes))[1]
    (error,) = reply.json["node_errors"][node]["errors"]
    assert error["type"] == kind
    assert reply.json["node_errors"][node]["dependent_outputs"] == ["9"]
    if kind == "value_not_in_list" and node == "3":
        assert error["extra_info"]["input_config"] is None, "a long list is not repeated"
        assert "list of length" in error["details"]


async def test_missing_inputs_and_missing_files_are_told(comfy: Comfy) -> None:
    made = graph()
    del made["8"]["inputs"]["vae"]
    made["5"] = {"class_type": "LoadImage", "inputs": {"image": "nobody.png"}}
    made["3"]["inputs"]["latent_image"] = ["12", 0]
    made["12"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["5", 0], "vae": ["4", 2]}}
    errors = (await comfy.ask("POST", "/prompt", json={"prompt": made})).json["node_errors"]
    assert errors["8"]["errors"][0]["type"] == "required_input_missing"
    assert errors["5"]["errors"][0]["type"] == "custom_validation_failed"
    assert errors["5"]["errors"][0]["details"] == "image - Invalid image file: nobody.png"
    assert errors["5"]["errors"][0]["extra_info"] == {"input_name": "image"}, "what was given is not repeated"


async def test_where_the_server_itself_stumbles_it_names_the_input_before(comfy: Comfy) -> None:
    inner = (await comfy.ask("POST", "/prompt", json={"prompt": graph(n3_model=["99", 0])})).json["node_errors"]
    extra = inner["3"]["errors"][0]["extra_info"]
    assert (extra["input_name"], extra["linked_node"], extra["exception_type"]) == ("samples", ["3", 0], "KeyError")
    outer = (await comfy.ask("POST", "/prompt", json={"prompt": graph(n9_images=["8", 7])})).json["node_errors"]
    (error,) = outer["9"]["errors"]
    assert (error["type"], error["details"]) == ("exception_during_validation", "tuple index out of range")
    assert "input_name" not in error["extra_info"]


async def test_numbers_in_quotes_and_wrapped_literals_are_taken(comfy: Comfy) -> None:
    entry = await comfy.made(graph(n3_steps="4", n6_text={"__value__": "a heron"}))
    assert entry["status"]["completed"]


async def test_an_output_that_cannot_run_is_left_out_and_the_others_run(comfy: Comfy) -> None:
    made = graph()
    made["19"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}
    reply = await comfy.ask("POST", "/prompt", json={"prompt": made})
    assert reply.status == 200
    assert list(reply.json["node_errors"]) == ["19"]
    entry = await comfy.entry(reply.json["prompt_id"])
    assert list(entry["outputs"]) == ["9"]


async def test_the_two_generations_name_a_missing_node_differently(comfy: Comfy, older: Comfy) -> None:
    made = graph()
    made["9"]["class_type"] = "SaveNowhere"
    made["9"]["_meta"] = {"title": "Keep it"}
    newer = (await comfy.ask("POST", "/prompt", json={"prompt": made})).json["error"]
    assert newer["type"] == "missing_node_type"
    assert newer["extra_info"] == {"node_id": "9", "class_type": "SaveNowhere", "node_title": "Keep it"}
    old = (await older.ask("POST", "/prompt", json={"prompt": made})).json["error"]
    assert (old["type"], old["extra_info"]) == ("invalid_prompt", {})


async def test_what_is_no_workflow_is_refused(comfy: Comfy, older: Comfy) -> None:
    for body, kind in (
        ({}, "no_prompt"),
        ({"prompt": {}}, "prompt_no_outputs"),
        ({"prompt": {"4": GRAPH["4"]}}, "prompt_no_outputs"),
        ({"prompt": graph(), "prompt_id": "me"}, "invalid_prompt_id"),
        ({"prompt": graph(), "prompt_id": str(uuid.uuid4()).upper()}, "invalid_prompt_id"),
    ):
        reply = await comfy.ask("POST", "/prompt", json=body)
        assert (reply.status, reply.json["error"]["type"]) == (400, kind)
    assert (await comfy.ask("POST", "/prompt", data=b"{")).status == 500
    cycle = graph()
    cycle["5"] = {
        "class_type": "LatentUpscaleBy",
        "inputs": {"samples": ["5", 0], "upscale_method": "area", "scale_by": 1},
    }
    errors = (await comfy.ask("POST", "/prompt", json={"prompt": cycle})).json["node_errors"]
    assert errors["5"]["errors"][0]["type"] == "dependency_cycle"
    old = (await older.ask("POST", "/prompt", json={"prompt": cycle})).json
    assert (old["error"]["type"], old["error"]["details"]) == ("prompt_outputs_failed_validation", "")
    assert old["node_errors"] == {}, "older servers refuse a circle without a word"


async def test_older_servers_say_in_one_line_what_is_wrong_with_an_output(older: Comfy) -> None:
    made = graph()
    del made["9"]["inputs"]["filename_prefix"]
    error = (await older.ask("POST", "/prompt", json={"prompt": made})).json["error"]
    assert error["details"] == "Required input is missing: filename_prefix"


async def test_prompt_ids_are_ones_own_and_are_not_deduplicated(comfy: Comfy, older: Comfy) -> None:
    mine = str(uuid.uuid4())
    assert await comfy.queue(graph(), prompt_id=mine) == mine
    assert await older.queue(graph(), prompt_id=17) == "17"
    first = await comfy.entry(mine)
    assert await comfy.queue(graph(n3_seed=9), prompt_id=mine) == mine
    for _ in range(200):
        again = await comfy.entry(mine)
        if again["prompt"][0] != first["prompt"][0]:
            break
        await asyncio.sleep(0.02)
    assert again["prompt"][2]["3"]["inputs"]["seed"] == 9, "the later one is remembered"


# The queue.


async def test_one_prompt_at_a_time_and_the_others_wait_in_order(start: Start) -> None:
    comfy = Comfy(await start(speed=20.0), "1")
    first = await comfy.queue(graph("[[slow:2]]"))
    second = await comfy.queue(graph(n3_seed=2))
    third = await comfy.queue(graph(n3_seed=3))
    ahead = await comfy.queue(graph(n3_seed=4), front=True)
    await comfy.until_running(first)
    queue = (await comfy.ask("GET", "/queue")).json
    waiting = sorted(queue["queue_pending"], key=lambda item: item[0])
    assert [item[1] for item in waiting] == [ahead, second, third]
    assert (await comfy.ask("GET", "/prompt")).json == {"exec_info": {"queue_remaining": 4}}
    assert (await comfy.ask("GET", f"/history/{first}")).json == {}, "what runs is not in history"
    assert isinstance(waiting[0][3]["create_time"], int)
    await comfy.ask("POST", "/queue", json={"delete": [second, "nobody"]})
    await comfy.entry(third)
    assert (await comfy.ask("GET", f"/history/{second}")).json == {}, "it left no trace"
    listed = (await comfy.ask("GET", "/history", params={"max_items": "2"})).json
    assert list(listed) == [ahead, third]


@pytest.mark.parametrize("server", ["1", "2"])
async def test_an_interrupt_is_an_error_by_the_name_of_interruption(start: Start, server: str) -> None:
    comfy = Comfy(await start(speed=20.0), server)
    job = await comfy.queue(graph("[[never]]"))
    await comfy.until_running(job)
    await comfy.ask("POST", "/interrupt", json={"prompt_id": "another"})
    await asyncio.sleep(0.1)
    assert (await comfy.ask("GET", f"/history/{job}")).json == {}
    await comfy.ask("POST", "/interrupt", json={"prompt_id": job})
    entry = await comfy.entry(job)
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
    name, about = entry["status"]["messages"][-1]
    assert (name, about["node_type"]) == ("execution_interrupted", GRAPH[about["node_id"]]["class_type"])
    other = await comfy.queue(graph("[[never]] again"))
    await comfy.until_running(other)
    await comfy.ask("POST", "/interrupt")
    await comfy.entry(other)


async def test_jobs_tell_queue_and_history_as_one(start: Start) -> None:
    comfy = Comfy(await start(speed=20.0), "1/api")
    done = await comfy.queue(graph())
    await comfy.entry(done)
    running = await comfy.queue(graph("[[never]]"))
    waiting = await comfy.queue(graph(n3_seed=5))
    await comfy.until_running(running)
    status = {job["id"]: job["status"] for job in (await comfy.ask("GET", "/jobs")).json["jobs"]}
    assert status == {done: "completed", running: "in_progress", waiting: "pending"}
    page = (await comfy.ask("GET", "/jobs", params={"status": "pending,in_progress", "limit": "1"})).json
    assert page["pagination"] == {"offset": 0, "limit": 1, "total": 2, "has_more": True}
    job = (await comfy.ask("GET", f"/jobs/{done}")).json
    assert job["outputs"]["9"]["images"] and job["outputs_count"] == 1 and "execution_error" not in job
    assert (await comfy.ask("GET", "/jobs/nobody")).status == 404
    assert (await comfy.ask("GET", "/jobs", params={"status": "dead"})).status == 400
    assert (await comfy.ask("POST", f"/jobs/{waiting}/cancel")).json == {"cancelled": True}
    assert (await comfy.ask("POST", f"/jobs/{done}/cancel")).json == {"cancelled": False}
    assert (await comfy.ask("POST", "/jobs/cancel", json={"job_ids": ["x"]})).status == 400
    assert (await comfy.ask("POST", "/jobs/cancel", json={"job_ids": [running]})).json == {"cancelled": True}
    await comfy.entry(running)
    assert (await comfy.ask("GET", f"/jobs/{running}")).json["status"] == "cancelled"


async def test_an_older_server_has_no_jobs_and_the_bare_address_never_has(older: Comfy, comfy: Comfy) -> None:
    assert (await older.ask("GET", "/api/jobs")).status == 404
    assert (await comfy.ask("GET", "/jobs")).status == 404
    assert (await comfy.ask("GET", "/api/jobs")).status == 200


# What is told while it runs.


@pytest.mark.parametrize("server", ["1", "2"])
async def test_events_come_in_the_servers_order(sandbox: Client, server: str) -> None:
    comfy = Comfy(sandbox, server)
    async with comfy.listening("me") as socket:
        first = json.loads((await socket.receive()).data)
        assert first == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "me"}}
        job = await comfy.queue(graph(), client_id="me")
        heard = await told(socket, job)
    order = kinds(heard)
    assert order[:4] == ["execution_start", "execution_cached", "progress_state", "executing"]
    assert order[-4:] == ["executed", "progress_state", "execution_success", "executing"]
    running = [
        data["node"] for name, data in filter(lambda item: isinstance(item, tuple), heard) if name == "executing"
    ]
    assert running == ["4", "6", "7", "5", "3", "8", "9", None]
    steps = [data["value"] for name, data in filter(lambda item: isinstance(item, tuple), heard) if name == "progress"]
    assert steps == [1, 2, 3, 4]
    last = [data for name, data in filter(lambda item: isinstance(item, tuple), heard) if name == "progress_state"][-1]
    assert {state["state"] for state in last["nodes"].values()} == {"finished"}


async def test_success_is_told_before_history_has_it(sandbox: Client) -> None:
    comfy = Comfy(sandbox, "1")
    async with comfy.listening("me") as socket:
        job = await comfy.queue(graph(), client_id="me")
        names = [item[0] for item in await told(socket, job) if isinstance(item, tuple)]
    success = names.index("execution_success")
    assert names[success + 1 :] == ["status", "executing"], "the status change is the end of the job in the queue"


async def test_nobody_hears_of_a_prompt_without_a_client(sandbox: Client) -> None:
    comfy = Comfy(sandbox, "1")
    async with comfy.listening("me") as socket:
        await comfy.made(graph())
        mine = await comfy.queue(graph(n3_seed=1), client_id="me")
        heard = await told(socket, mine)
    assert {data["prompt_id"] for name, data in heard if name != "status"} == {mine}


@pytest.mark.parametrize(("server", "asked"), [("1", {"extra_data": {"preview_method": "auto"}}), ("2", {})])
@pytest.mark.parametrize("metadata", [False, True])
async def test_previews_come_in_the_form_one_can_read(
    sandbox: Client, server: str, asked: dict[str, Any], metadata: bool
) -> None:
    comfy = Comfy(sandbox, server)
    async with comfy.listening("me", metadata=metadata) as socket:
        job = await comfy.queue(graph(), client_id="me", **asked)
        heard = await told(socket, job)
    frames = [item for item in heard if isinstance(item, bytes)]
    assert len(frames) == 4
    told_before = heard[heard.index(frames[0]) - 1][0]
    assert told_before == ("progress_state" if metadata else "progress")
    for frame in frames:
        if metadata:
            kind, length = struct.unpack(">II", frame[:8])
            about = json.loads(frame[8 : 8 + length])
            assert (kind, about["prompt_id"], about["node_id"], about["image_type"]) == (4, job, "3", "image/jpeg")
            picture = frame[8 + length :]
        else:
            assert struct.unpack(">II", frame[:8]) == (1, 1)
            picture = frame[8:]
        assert max(Image.open(io.BytesIO(picture)).size) <= 512


async def test_no_previews_unless_asked_for(sandbox: Client) -> None:
    comfy = Comfy(sandbox, "1")
    async with comfy.listening("me") as socket:
        job = await comfy.queue(graph(), client_id="me")
        assert [item for item in await told(socket, job) if isinstance(item, bytes)] == []


async def test_an_identical_workflow_is_served_from_memory(sandbox: Client) -> None:
    comfy = Comfy(sandbox, "1")
    first = await comfy.made(graph())
    async with comfy.listening("me") as socket:
        job = await comfy.queue(graph(), client_id="me")
        heard = await told(socket, job)
    begun, ended = ["execution_start", "execution_cached"], ["execution_success", "executing"]
    assert kinds(heard) == [*begun, "executed", "progress_state", *ended]
    cached = next(data["nodes"] for name, data in heard if name == "execution_cached")
    assert sorted(cached) == sorted(GRAPH)
    assert (await comfy.entry(job))["outputs"] == first["outputs"], "the old file's name comes back"
    await comfy.ask("POST", "/free", json={"unload_models": True, "free_memory": True})
    again = await comfy.made(graph())
    assert again["outputs"] != first["outputs"]


async def test_only_the_newest_listener_of_a_name_hears_and_is_told_where_it_stands(start: Start) -> None:
    comfy = Comfy(await start(speed=20.0), "1")
    async with comfy.listening("me") as before:
        job = await comfy.queue(graph("[[slow:1]]"), client_id="me")
        while json.loads((await before.receive(timeout=10)).data)["type"] != "progress":
            pass
        async with comfy.listening("me") as after:
            assert json.loads((await after.receive()).data)["type"] == "status"
            event = json.loads((await after.receive()).data)
            assert event == {"type": "executing", "data": {"node": "3"}}
            await told(after, job)


async def test_an_interruption_is_told_to_everybody(start: Start) -> None:
    comfy = Comfy(await start(speed=20.0), "1")
    async with comfy.listening("somebody else") as socket:
        job = await comfy.queue(graph("[[never]]"), client_id="me")
        await comfy.until_running(job)
        await comfy.ask("POST", "/interrupt", json={"prompt_id": job})
        while True:
            event = json.loads((await socket.receive(timeout=10)).data)
            if event["type"] == "execution_interrupted":
                break
        assert event["data"]["prompt_id"] == job


# Files.


async def test_an_upload_never_covers_another_file(comfy: Comfy) -> None:
    async def upload(content: bytes, **fields: str) -> Reply:
        form = aiohttp.FormData(fields)
        form.add_field("image", content, filename="fox.png", content_type="image/png")
        return await comfy.ask("POST", "/upload/image", data=form)

    one, two = png(64), png(80)
    assert (await upload(one)).json == {"name": "fox.png", "subfolder": "", "type": "input"}
    assert (await upload(one)).json["name"] == "fox.png"
    assert (await upload(two)).json["name"] == "fox (1).png"
    assert (await upload(two, overwrite="true")).json["name"] == "fox.png"
    assert (await upload(one, subfolder="a/b")).json == {"name": "fox.png", "subfolder": "a/b", "type": "input"}
    assert (await upload(one, subfolder="../b")).status == 400
    back = await comfy.ask("GET", "/view", params={"filename": "fox.png", "type": "input"})
    assert back.body == two
    listed = (await comfy.ask("GET", "/object_info/LoadImage")).json["LoadImage"]["input"]["required"]["image"][0]
    assert listed == ["fox (1).png", "fox.png"]
    form = aiohttp.FormData({"type": "input"})
    assert (await comfy.ask("POST", "/upload/image", data=form)).status == 400


async def test_a_mask_lends_its_transparency(comfy: Comfy) -> None:
    form = aiohttp.FormData()
    form.add_field("image", png(64), filename="fox.png", content_type="image/png")
    original = (await comfy.ask("POST", "/upload/image", data=form)).json
    mask = Image.new("RGBA", (64, 48), (0, 0, 0, 255))
    mask.putpixel((3, 3), (0, 0, 0, 0))
    file = io.BytesIO()
    mask.save(file, "png")
    reference = {"filename": original["name"], "subfolder": "", "type": "input"}
    form = aiohttp.FormData({"original_ref": json.dumps(reference)})
    form.add_field("image", file.getvalue(), filename="masked.png", content_type="image/png")
    name = (await comfy.ask("POST", "/upload/mask", data=form)).json["name"]
    back = await comfy.ask("GET", "/view", params={"filename": name, "type": "input"})
    picture = Image.open(io.BytesIO(back.body))
    assert picture.getpixel((3, 3))[3] == 0 and picture.getpixel((4, 4))[3] == 255  # type: ignore[index]
    missing = aiohttp.FormData({"original_ref": json.dumps({"filename": "nobody.png"})})
    missing.add_field("image", file.getvalue(), filename="lost.png", content_type="image/png")
    assert (await comfy.ask("POST", "/upload/mask", data=missing)).status == 200
    assert (await comfy.ask("GET", "/view", params={"filename": "lost.png", "type": "input"})).status == 404


async def test_a_picture_is_made_from_an_uploaded_one(comfy: Comfy) -> None:
    form = aiohttp.FormData({"subfolder": "mine"})
    form.add_field("image", png(200, 120), filename="fox.png", content_type="image/png")
    await comfy.ask("POST", "/upload/image", data=form)
    made = graph(n3_denoise=0.6)
    made["10"] = {"class_type": "LoadImage", "inputs": {"image": "mine/fox.png"}}
    made["5"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
    (image,) = (await comfy.made(made))["outputs"]["9"]["images"]
    reply = await comfy.ask("GET", "/view", params=image)
    assert Image.open(io.BytesIO(reply.body)).size == (200, 120)


# The server itself.


async def test_nodes_are_described_in_both_styles_of_lists(comfy: Comfy, older: Comfy) -> None:
    info = (await comfy.ask("GET", "/object_info")).json
    sampler = info["KSampler"]["input"]["required"]
    assert "euler" in sampler["sampler_name"][0] and sampler["seed"][1]["max"] == 2**64 - 1
    assert info["UpscaleModelLoader"]["input"]["required"]["model_name"][0] == "COMBO"
    assert info["SaveImage"]["output_node"] is True
    old = (await older.ask("GET", "/object_info/UpscaleModelLoader")).json["UpscaleModelLoader"]
    assert old["input"]["required"]["model_name"][0] == ["4x-UltraSharp.pth", "RealESRGAN_x4plus.pth"]
    assert (await comfy.ask("GET", "/object_info/Nothing")).json == {}


async def test_the_machine_and_its_folders_are_told(comfy: Comfy, older: Comfy) -> None:
    stats = (await comfy.ask("GET", "/system_stats")).json
    assert stats["system"]["comfyui_version"] == "0.38.1" and stats["devices"][0]["vram_total"] == 24 * 2**30
    assert (await older.ask("GET", "/system_stats")).json["system"]["comfyui_version"] == "0.3.64"
    folders = (await comfy.ask("GET", "/models")).json
    assert {"checkpoints", "loras", "vae", "text_encoders", "diffusion_models", "upscale_models"} <= set(folders)
    assert "v1-5-pruned-emaonly.safetensors" in (await comfy.ask("GET", "/models/checkpoints")).json
    assert (await comfy.ask("GET", "/models/nothing")).status == 404
    assert (await comfy.ask("GET", "/features")).json["supports_preview_metadata"] is True
    assert (await comfy.ask("GET", "/embeddings")).json == ["easynegative"]


async def test_a_page_of_another_site_is_refused_in_silence(comfy: Comfy) -> None:
    refused = await comfy.ask("GET", "/queue", headers={"Origin": "https://evil.example"})
    assert (refused.status, refused.body) == (403, b"")
    own = {"Origin": comfy.sandbox.origin}
    assert (await comfy.ask("GET", "/queue", headers=own)).status == 200


async def test_the_locked_door_takes_the_key_three_ways(sandbox: Client) -> None:
    key = "sandbox-comfyui-key-not-secret"
    door = Comfy(sandbox, "guarded")
    basic = "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}, {"Authorization": basic}):
        assert (await door.ask("GET", "/queue", headers=headers)).status == 200
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic %%%"}):
        assert (await door.ask("GET", "/queue", headers=headers)).status == 401


async def test_a_restart_loses_queue_and_history_and_keeps_files(sandbox: Client) -> None:
    comfy = Comfy(sandbox, "1")
    before = await comfy.queue(graph())
    (image,) = (await comfy.entry(before))["outputs"]["9"]["images"]
    preview = graph(n3_seed=6)
    preview["9"] = {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}
    (passing,) = (await comfy.made(preview))["outputs"]["9"]["images"]
    assert passing["type"] == "temp"
    async with comfy.listening("me") as socket:
        await comfy.queue(graph("a fox [[restart]]"), client_id="me")
        after = await comfy.queue(graph(n3_seed=7))
        while (message := await socket.receive(timeout=20)).type == aiohttp.WSMsgType.TEXT:
            pass
        assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}
    assert (await comfy.ask("GET", "/queue")).json == {"queue_running": [], "queue_pending": []}
    assert (await comfy.ask("GET", "/history")).json == {}
    assert (await comfy.ask("GET", f"/history/{after}")).json == {}
    assert (await comfy.ask("GET", "/view", params=image)).status == 200
    assert (await comfy.ask("GET", "/view", params=passing)).status == 404
    assert (await comfy.made(graph(n3_seed=8)))["status"]["completed"]


async def test_a_restarted_sandbox_keeps_files_alone(start: Start, tmp_path: Any) -> None:
    sandbox = await start(data_dir=tmp_path)
    (image,) = (await Comfy(sandbox, "1").made(graph()))["outputs"]["9"]["images"]
    await Comfy(sandbox, "1").queue(graph("[[never]]"))
    await sandbox.stop()
    again = Comfy(await start(data_dir=tmp_path), "1")
    assert (await again.ask("GET", "/history")).json == {}
    assert (await again.ask("GET", "/queue")).json["queue_running"] == []
    assert (await again.ask("GET", "/view", params=image)).status == 200
    assert [job["state"] for job in await again.sandbox.jobs()] == ["finished", "finished"]


# Failures.


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[[oom]]", "torch.OutOfMemoryError"),
        ("[[fail]]", "RuntimeError"),
        ("[[fail:ValueError]]", "ValueError"),
        ("[[execution-blocked]]", "ExecutionBlocked"),
        ("[[fail-once]]", "ConnectionError"),
    ],
)
async def test_a_job_fails_as_its_prompt_says(comfy: Comfy, text: str, kind: str) -> None:
    entry = await comfy.made(graph(f"a fox {text}"))
    name, about = entry["status"]["messages"][-1]
    assert name == "execution_error"
    assert (about["exception_type"], about["node_id"], about["node_type"]) == (kind, "3", "KSampler")
    assert about["executed"] == ["4", "6", "7", "5"]
    if text in {"[[oom]]", "[[fail-once]]"}:
        assert (await comfy.made(graph(f"a fox {text}")))["status"]["completed"], "once only"


async def test_too_large_a_picture_does_not_fit_the_card(comfy: Comfy) -> None:
    entry = await comfy.made(graph(n5_width=8192, n5_height=8192))
    assert "out of memory" in entry["status"]["messages"][-1][1]["exception_message"]


async def test_every_armed_fault_strikes_where_it_is_told(comfy: Comfy) -> None:
    arm = {"vendor": "comfyui", "kind": "error-503", "at": "submit"}
    assert (await comfy.sandbox.ask("POST", "/control/faults", json=arm)).status == 201
    assert (await comfy.ask("POST", "/prompt", json={"prompt": graph()})).status == 503
    assert (await comfy.ask("POST", "/prompt", json={"prompt": graph()})).status == 200


async def test_the_controls_show_a_job_and_can_end_it(start: Start) -> None:
    comfy = Comfy(await start(speed=20.0), "1")
    job = await comfy.queue(graph("[[never]]"))
    await comfy.until_running(job)
    (shown,) = await comfy.sandbox.jobs()
    assert (shown["id"], shown["state"], shown["owner"]) == (job, "running", "comfyui:1")
    assert shown["body"]["3"]["inputs"]["seed"] == 42
    await comfy.sandbox.ask("POST", f"/control/jobs/{job}/finish")
    assert (await comfy.entry(job))["status"]["completed"]
