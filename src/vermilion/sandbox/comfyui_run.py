"""One workflow running on a sandbox's ComfyUI: node after node, told step by step as the server tells it."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .comfyui_graph import links_of, run_order, signatures
from .comfyui_nodes import NODES
from .comfyui_passing import passing_picture
from .comfyui_values import Canvas, Film, NodeFailed, evaluate, out_of_memory
from .faults import without_markers
from .jobs import NEVER, Job

if TYPE_CHECKING:
    from .comfyui_server import Server

SAMPLERS = frozenset({"KSampler", "KSamplerAdvanced", "SamplerCustomAdvanced"})
_SECONDS = {"CheckpointLoaderSimple": 1.2, "UNETLoader": 1.5, "VAEDecode": 0.4, "ImageUpscaleWithModel": 1.5}
_NODE_SECONDS = 0.05
_STEP_SECONDS = 0.22
_SLICE_SECONDS = 0.05

PREVIEW_IMAGE, PREVIEW_IMAGE_WITH_METADATA = 1, 4
_JPEG = 1


class Interrupted(Exception):
    """Somebody stopped it, at this node."""


@dataclass(slots=True)
class Item:
    """What stands in a server's queue."""

    number: float
    prompt_id: str
    prompt: dict[str, Any]
    extra_data: dict[str, Any]
    outputs: list[str]
    job: Job
    ready_at: float = 0.0

    @property
    def client_id(self) -> str | None:
        client = self.extra_data.get("client_id")
        return None if client is None else str(client)

    def told(self) -> list[Any]:
        """As `/queue` and `/history` tell it."""
        return [self.number, self.prompt_id, self.prompt, self.extra_data, self.outputs]


@dataclass(slots=True)
class Run:
    """One item's execution. After `execute`, `ui` and `messages` are what history keeps."""

    server: Server
    item: Item
    ui: dict[str, Any] = field(default_factory=dict)
    messages: list[list[Any]] = field(default_factory=list)
    node_id: str | None = None
    interrupted: bool = False
    ended: bool = False
    _values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    _states: dict[str, dict[str, Any]] = field(default_factory=dict)
    _executed: list[str] = field(default_factory=list)

    async def execute(self) -> bool:
        """Run it to its end; whether that was a success."""
        await self._message("execution_start", {})
        prompt = self.item.prompt
        order = run_order(prompt, self.item.outputs)
        marks = signatures(prompt, order)
        # What shall go wrong goes wrong on the way, which one that is remembered does not go.
        known = {} if self.item.job.faults else self.server.remembered
        cached = [node_id for node_id in order if marks[node_id] in known]
        await self._message("execution_cached", {"nodes": cached})
        now_known: dict[str, tuple[tuple[Any, ...], Any]] = {}
        try:
            for node_id in order:
                mark = marks[node_id]
                if mark in known:
                    values, ui = known[mark]
                    self._values[node_id] = values
                    if ui is not None:
                        await self._tell_result(node_id, ui)
                        await self._state(node_id, 1.0, 1.0, "finished")
                else:
                    values, ui = await self._run_node(node_id)
                now_known[mark] = (values, ui)
        except Interrupted:
            await self._fail("execution_interrupted", {})
            return False
        except NodeFailed as error:
            await self._fail("execution_error", self._about(error))
            return False
        finally:
            # Only what the last workflow used is remembered.
            self.server.remembered = now_known
        self.ended = True
        await self._message("execution_success", {})
        return True

    async def _run_node(self, node_id: str) -> tuple[tuple[Any, ...], Any]:
        self.node_id = node_id
        node = self.item.prompt[node_id]
        kind = node["class_type"]
        where = {"node": node_id, "display_node": node_id, "prompt_id": self.item.prompt_id}
        await self._state(node_id, 0.0, 1.0, "running")
        await self._send("executing", where)
        given = dict(node.get("inputs") or {})
        for name, source, index in links_of(node):
            given[name] = self._values[source][index]
        if kind in SAMPLERS:
            await self._sample(node_id, given)
        else:
            if NODES[kind].output_node:
                # Where nothing was sampled, it is met here.
                self._meet_fate()
            await self._pass(self.server.stage.rehearsed(_SECONDS.get(kind, _NODE_SECONDS)))
        values = evaluate(kind, given, self.server.files.named)
        self._values[node_id] = values
        ui = self._saved(node_id, kind, given) if NODES[kind].output_node else None
        await self._tell_result(node_id, ui)
        await self._state(node_id, 1.0, 1.0, "finished")
        self._executed.append(node_id)
        return values, ui

    async def _sample(self, node_id: str, given: Mapping[str, Any]) -> None:
        """The steps of a sampler, and the job's own fate, which overtakes it here."""
        item, job = self.item, self.item.job
        fast = self.server.stage.config.fast
        steps = 1 if fast else max(1, min(200, int(given.get("steps", 20))))
        slow = job.fault("slow")
        each = slow.number(30.0) / steps if slow else self.server.stage.rehearsed(_STEP_SECONDS * steps) / steps
        canvas = given.get("latent_image")
        words = next((given[name] for name in ("positive", "guider") if isinstance(given.get(name), str)), "")
        previews = self.server.previews_for(item.extra_data) and not fast
        for step in range(1, steps + 1):
            await self._pass(NEVER if job.fault("never") and step == min(2, steps) else each)
            about = {"value": step, "max": steps, "prompt_id": item.prompt_id, "node": node_id}
            picture = b""
            if previews and isinstance(canvas, Canvas):
                size = (canvas.width, canvas.height)
                picture = await asyncio.to_thread(passing_picture, without_markers(words), size, step / steps)
            await self._state(node_id, float(step), float(steps), "running")
            await self._preview(node_id, picture, with_metadata=True)
            await self._send("progress", about)
            await self._preview(node_id, picture, with_metadata=False)
            if step >= steps / 2:
                self._meet_fate()

    def _meet_fate(self) -> None:
        """What a marker of this job asked for, once it is half-way."""
        job, server = self.item.job, self.server
        if job.notes.pop("interrupt", None):
            raise Interrupted
        fail = job.fault("fail")
        if fail is not None:
            raise NodeFailed(fail.argument or "RuntimeError", "The sandbox was asked to fail here.")
        if job.notes.pop("fail_once", None):
            raise NodeFailed("ConnectionError", "The sandbox was asked to fail here once.")
        if job.notes.pop("oom", None):
            raise out_of_memory()
        if job.notes.pop("exec_blocked", None):
            raise NodeFailed("ExecutionBlocked", "Execution Blocked: the safety check of this workflow stopped it")
        if job.notes.pop("restart", None):
            server.restart_soon()

    def _saved(self, node_id: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Write an output node's files down, and say where they are."""
        job = self.item.job
        source = given.get("images", given.get("video"))
        canvas = source.canvas if isinstance(source, Film) else source
        if not isinstance(canvas, Canvas):
            raise NodeFailed("TypeError", "There is no picture to save.")
        film = isinstance(source, Film) or kind == "VHS_VideoCombine"
        count = 1 if film else canvas.batch
        first = len(job.notes["results"])
        temp = kind == "PreviewImage" or given.get("save_output") is False
        prefix = str(given.get("filename_prefix", "ComfyUI_temp"))
        for token, value in (("%width%", canvas.width), ("%height%", canvas.height)):
            prefix = prefix.replace(token, str(value))
        extensions = [".mp4" if film else ".png"] * count
        try:
            places = self.server.files.save("temp" if temp else "output", prefix, extensions, job.id, first)
        except ValueError as error:
            raise NodeFailed("Exception", str(error)) from error
        rate = float(given.get("frame_rate", 8))
        seconds = source.seconds if isinstance(source, Film) else max(1.0, canvas.batch / rate)
        for offset in range(count):
            result: dict[str, Any] = {"width": canvas.width, "height": canvas.height, "seed": canvas.seed + offset}
            result |= {"prompt": without_markers(canvas.prompt), "sources": list(canvas.sources), "node": node_id}
            job.notes["results"].append(result | ({"seconds": seconds} if film else {}))
        told = [{"filename": at.filename, "subfolder": at.subfolder, "type": at.folder} for at in places]
        if kind == "VHS_VideoCombine":
            return {"gifs": [one | {"format": "video/h264-mp4", "frame_rate": given["frame_rate"]} for one in told]}
        return {"images": told, **({"animated": [True]} if film else {})}

    async def _pass(self, seconds: float) -> None:
        """Let time pass; raises `Interrupted` when somebody stops it. The controls may end it early."""
        clock = self.server.stage.now
        until = clock() + seconds
        while not self.interrupted and self.item.job.finished_at == NEVER and (left := until - clock()) > 0:  # noqa: ASYNC110 - the controls set no event
            await asyncio.sleep(min(left, _SLICE_SECONDS))
        if self.interrupted:
            raise Interrupted

    async def _tell_result(self, node_id: str, ui: Any) -> None:
        if ui is None:
            return
        self.ui[node_id] = ui
        where = {"node": node_id, "display_node": node_id}
        await self._send("executed", {**where, "output": ui, "prompt_id": self.item.prompt_id})

    async def _state(self, node_id: str, value: float, most: float, state: str) -> None:
        same = dict.fromkeys(("node_id", "display_node_id", "real_node_id"), node_id)
        about = {"value": value, "max": most, "state": state, "prompt_id": self.item.prompt_id, "parent_node_id": None}
        self._states[node_id] = about | same
        await self._send("progress_state", {"prompt_id": self.item.prompt_id, "nodes": self._states})

    async def _preview(self, node_id: str, picture: bytes, *, with_metadata: bool) -> None:
        """A passing picture, if there is one and its owner reads it in this form."""
        client = self.item.client_id
        socket = self.server.sockets.get(client) if client is not None else None
        if not picture or client is None or socket is None or socket.previews_with_metadata != with_metadata:
            return
        if with_metadata:
            same = dict.fromkeys(("node_id", "display_node_id", "real_node_id"), node_id)
            about = {**same, "prompt_id": self.item.prompt_id, "parent_node_id": None, "image_type": "image/jpeg"}
            told = json.dumps(about).encode()
            frame = struct.pack(">II", PREVIEW_IMAGE_WITH_METADATA, len(told)) + told + picture
        else:
            frame = struct.pack(">II", PREVIEW_IMAGE, _JPEG) + picture
        await self.server.send_bytes(client, frame)

    async def _send(self, kind: str, data: dict[str, Any]) -> None:
        if self.item.client_id is not None:
            await self.server.send(kind, data, to=self.item.client_id)

    async def _message(self, kind: str, data: dict[str, Any], *, everyone: bool = False) -> None:
        """An event that history keeps too."""
        about = {**data, "prompt_id": self.item.prompt_id, "timestamp": int(self.server.stage.now() * 1000)}
        self.messages.append([kind, about])
        if everyone:
            await self.server.send(kind, about)
        else:
            await self._send(kind, about)

    async def _fail(self, kind: str, about: dict[str, Any]) -> None:
        node_id = self.node_id or self.item.outputs[0]
        where = {"node_id": node_id, "node_type": self.item.prompt[node_id]["class_type"], "executed": self._executed}
        self.ended = True
        await self._message(kind, where | about, everyone=kind == "execution_interrupted")

    def _about(self, error: NodeFailed) -> dict[str, Any]:
        node = self.item.prompt[self.node_id or self.item.outputs[0]]
        traceback: Sequence[str] = ['  File "execution.py", line 496, in execute\n', f"{error.kind}: {error.message}\n"]
        return {
            "exception_message": error.message,
            "exception_type": error.kind,
            "traceback": list(traceback),
            "current_inputs": {name: [str(value)] for name, value in (node.get("inputs") or {}).items()},
            "current_outputs": list(self._values),
        }
