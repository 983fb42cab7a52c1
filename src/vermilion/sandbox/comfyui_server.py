"""One ComfyUI server of the sandbox: a queue worked off one by one, a history in memory, and whoever listens.

Jobs are also noted on the stage, for the sandbox's own controls; the server itself knows only its queue and history,
and loses both when it starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .comfyui_files import Files
from .comfyui_info import Generation, features
from .comfyui_run import Item, Run
from .faults import Fault
from .jobs import NEVER, Job
from .stage import Stage

VENDOR = "comfyui"
HISTORY_MAX = 10_000
_IDLE_SECONDS = 0.05
_PREVIEW_METHODS = {"auto", "latent2rgb", "taesd"}


@dataclass(slots=True)
class Listener:
    """Somebody's socket."""

    socket: web.WebSocketResponse
    previews_with_metadata: bool = False


class Server:
    """One server. `generation` says which of ComfyUI's two interfaces it has."""

    def __init__(self, stage: Stage, name: str, generation: Generation) -> None:
        self.stage = stage
        self.name = name
        self.generation = generation
        self.files = Files(stage, name)
        self.sockets: dict[str, Listener] = {}
        self.remembered: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self.pending: list[Item] = []
        self.running: Run | None = None
        self.history: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._number = 0
        self._working = False
        self._life = 0
        self._restart = False

    @property
    def remaining(self) -> int:
        """How many stand in the queue, the running one among them."""
        return len(self.pending) + (self.running is not None)

    def take_number(self, *, front: bool, asked: Any) -> float:
        """The number a new item stands in the queue by."""
        if asked is not None:
            return float(asked)
        number = self._number
        self._number += 1
        return -number if front else number

    async def put(self, item: Item) -> None:
        """Take an item in."""
        self.pending.append(item)
        await self._tell_status()
        if not self._working:
            self._working = True
            self.stage.errand(self._work(self._life))

    async def delete(self, prompt_ids: Sequence[str]) -> None:
        """Take items out of those that wait; they leave no trace."""
        gone = [item for item in self.pending if item.prompt_id in set(prompt_ids)]
        self.pending = [item for item in self.pending if item not in gone]
        for item in gone:
            self.stage.jobs.cancel(item.job, after_seconds=0.0)
            await self._tell_status()

    async def clear_queue(self) -> None:
        """Take everything out that waits."""
        await self.delete([item.prompt_id for item in self.pending])

    def interrupt(self, prompt_id: str | None) -> bool:
        """Stop what runs, if it is this one, or whatever it is; whether something was told to stop."""
        run = self.running
        if run is None or run.ended or (prompt_id is not None and run.item.prompt_id != prompt_id):
            return False
        run.interrupted = True
        return True

    def free(self) -> None:
        """Unload what is loaded."""
        if self.running is None:
            self.remembered = {}

    def restart_soon(self) -> None:
        """Start again at the next moment: what runs, waits and was is lost, and everybody's line breaks."""
        self._restart = True

    def previews_for(self, extra_data: dict[str, Any]) -> bool:
        """Whether an item's passing pictures are shown: asked for, or what the server was started with."""
        asked = extra_data.get("preview_method")
        return self.generation == "old" or asked in _PREVIEW_METHODS

    async def listen(self, request: web.Request) -> web.WebSocketResponse:
        """`/ws`: somebody listens until they leave."""
        client = request.query.get("clientId") or self.stage.random.getrandbits(128).to_bytes(16).hex()
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        listener = Listener(socket)
        self.sockets[client] = listener
        try:
            status = {"status": self._status(), "sid": client}
            await socket.send_json({"type": "status", "data": status})
            run = self.running
            if run is not None and run.item.client_id == client and run.node_id is not None:
                await socket.send_json({"type": "executing", "data": {"node": run.node_id}})
            first = True
            async for message in socket:
                if first and message.type == web.WSMsgType.TEXT:
                    await self._read_features(listener, message.json())
                first = False
        except (ConnectionError, ValueError):
            pass
        finally:
            if self.sockets.get(client) is listener:
                del self.sockets[client]
        return socket

    async def send(self, kind: str, data: dict[str, Any], *, to: str | None = None) -> None:
        """An event, to one listener or to everybody."""
        listeners = list(self.sockets.values()) if to is None else [self.sockets[to]] if to in self.sockets else []
        for listener in listeners:
            # Whoever has just left misses it.
            with contextlib.suppress(ConnectionError, RuntimeError):
                await listener.socket.send_json({"type": kind, "data": data})

    async def send_bytes(self, client: str, frame: bytes) -> None:
        """A binary frame to one listener."""
        listener = self.sockets.get(client)
        if listener is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await listener.socket.send_bytes(frame)

    def reset(self) -> None:
        """As if it had never run."""
        self._lose_everything()
        self.files.clear()
        self._number = 0

    async def _read_features(self, listener: Listener, message: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "feature_flags":
            flags = message.get("data")
            listener.previews_with_metadata = isinstance(flags, dict) and bool(flags.get("supports_preview_metadata"))
            await listener.socket.send_json({"type": "feature_flags", "data": features()})

    async def _work(self, life: int) -> None:
        while life == self._life:
            ready = [item for item in self.pending if item.ready_at <= self.stage.now()]
            if not self.pending:
                break
            if not ready:
                await asyncio.sleep(_IDLE_SECONDS)
                continue
            item = min(ready, key=lambda each: each.number)
            self.pending.remove(item)
            await self._run(item, life)
        if life == self._life:
            self._working = False

    async def _run(self, item: Item, life: int) -> None:
        job, jobs = item.job, self.stage.jobs
        run = self.running = Run(self, item)
        job.started_at = self.stage.now()
        jobs.save(job)
        await self._tell_status()
        if job.fault("forget"):
            self.running = None
            jobs.cancel(job, after_seconds=0.0)
            await self._tell_status()
            return
        executing = asyncio.ensure_future(run.execute())
        while not executing.done():
            await asyncio.wait({executing}, timeout=_IDLE_SECONDS)
            if self._restart:
                self._restart = False
                executing.cancel()
                await asyncio.gather(executing, return_exceptions=True)
                self._lose_everything()
                return
        succeeded = executing.result()
        if life != self._life:
            return
        job.canceled = run.interrupted
        jobs.finish(job)
        self._remember(run, succeeded=succeeded)
        self.running = None
        await self._tell_status()
        if item.client_id is not None:
            await self.send("executing", {"node": None, "prompt_id": item.prompt_id}, to=item.client_id)

    def _remember(self, run: Run, *, succeeded: bool) -> None:
        item = run.item
        status = {
            "status_str": "success" if succeeded else "error",
            "completed": succeeded,
            "messages": run.messages,
        }
        same = ("node_id", "display_node", "real_node_id")
        meta = {node: dict.fromkeys(same, node) | {"parent_node": None} for node in run.ui}
        entry: dict[str, Any] = {"prompt": item.told(), "outputs": run.ui, "status": status, "meta": meta}
        self.history.pop(item.prompt_id, None)
        self.history[item.prompt_id] = _spoiled(entry, item.job)
        while len(self.history) > HISTORY_MAX:
            self.history.popitem(last=False)

    def _lose_everything(self) -> None:
        self._life += 1
        self._working = False
        items = [*self.pending, *([self.running.item] if self.running else [])]
        self.pending, self.running, self.remembered = [], None, {}
        self.history.clear()
        self.files.wipe_temp()
        for item in items:
            self.stage.jobs.cancel(item.job, after_seconds=0.0)
        for listener in list(self.sockets.values()):
            self.stage.errand(_close(listener.socket))
        self.sockets.clear()

    def _status(self) -> dict[str, Any]:
        return {"exec_info": {"queue_remaining": self.remaining}}

    async def _tell_status(self) -> None:
        await self.send("status", {"status": self._status()})


async def _close(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.close(code=1012)


def _spoiled(entry: dict[str, Any], job: Job) -> dict[str, Any]:
    """History as a job's faults change it."""
    if job.fault("unknown-status"):
        entry["status"]["status_str"] = "paused"
    if job.fault("empty-output"):
        entry["outputs"] = {}
    if job.fault("null-output"):
        entry["outputs"] = dict.fromkeys(entry["outputs"])
    if job.fault("drift"):
        entry["outputs"] = {node: {"pictures": list(ui.values())} for node, ui in entry["outputs"].items()}
    return entry


def new_job(stage: Stage, server: str, job_id: str, prompt: dict[str, Any], faults: list[Fault], subject: str) -> Job:
    """A job for the controls to show; its times are the server's to write."""
    job = Job(
        id=job_id,
        vendor=VENDOR,
        owner=f"{VENDOR}:{server}",
        model="workflow",
        body=prompt,
        created_at=stage.now(),
        wait_seconds=0.0,
        duration_seconds=0.0,
        faults=faults,
        notes={"results": []},
    )
    for fault in faults:
        note = {"fail-once": "fail_once", "oom": "oom"}.get(fault.kind)
        if note is not None and stage.faults.first_times(fault, subject, fault.times):
            job.notes[note] = True
        note = {"interrupted": "interrupt", "execution-blocked": "exec_blocked", "restart": "restart"}.get(fault.kind)
        if note is not None:
            job.notes[note] = True
    # Not in the stage's line: nobody knows yet when it will run.
    stage.jobs.add(job)
    job.started_at = job.finished_at = NEVER
    stage.jobs.save(job)
    return job
