"""Workflows coming in at a sandbox's ComfyUI server, and where they stand: prompt, queue, interrupt, history, jobs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from .comfyui_graph import texts_in
from .comfyui_jobs import cancel, job_of, listed
from .comfyui_run import Item
from .comfyui_server import Server, new_job
from .comfyui_validation import judge, problem
from .jobs import Job
from .reading import table_in
from .vendor import BaseVendor


async def post_prompt(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    try:
        body = json.loads(await request.read())
    except ValueError:
        return web.Response(status=500, text="500 Internal Server Error\n\nServer got itself in trouble")
    prompt = body.get("prompt") if isinstance(body, dict) else None
    texts = texts_in(prompt) if isinstance(prompt, dict) else []
    faults = vendor.marked(*texts)
    subject = f"{server.name} " + "|".join(text for text in texts if "[[" in text)

    async def take() -> web.StreamResponse:
        if not isinstance(prompt, dict):
            return _refused(problem("no_prompt", "No prompt provided", "No prompt provided"))
        prompt_id = body.get("prompt_id")
        if server.generation == "new" and prompt_id is not None and not _is_canonical(prompt_id):
            return _refused(problem("invalid_prompt_id", "prompt_id must be a canonical UUID", str(prompt_id)[:100]))
        prompt_id = str(uuid.uuid4()) if prompt_id is None else str(prompt_id)
        number = server.take_number(front=bool(body.get("front")), asked=body.get("number"))
        names = [*server.files.uploaded(), *server.files.names()]
        wanted = [*faults, *vendor.struck_job()]
        bare = any(fault.kind == "lacks-file" for fault in wanted)
        verdict = judge(prompt, server.generation, names, body.get("partial_execution_targets"), bare=bare)
        if verdict.error is not None:
            return _refused(verdict.error, verdict.node_errors)
        extra = dict(body.get("extra_data") or {})
        if body.get("client_id") is not None:
            extra["client_id"] = body["client_id"]
        if server.generation == "new":
            extra = {name: value for name, value in extra.items() if not name.endswith("_comfy_org")}
            extra["create_time"] = int(vendor.stage.now() * 1000)
        job_id = prompt_id if vendor.stage.jobs.get(prompt_id) is None else f"{prompt_id}-{uuid.uuid4().hex[:6]}"
        job = new_job(vendor.stage, server.name, job_id, prompt, wanted, subject)
        waits = job.fault("queue")
        ready_at = vendor.stage.now() + waits.number(30.0) if waits else 0.0
        await server.put(Item(number, prompt_id, prompt, extra, verdict.outputs, job, ready_at))
        told = {"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors}
        return web.json_response(told)

    return await vendor.with_faults(request, "submit", faults, subject, take)


async def get_prompt(vendor: BaseVendor, _request: web.Request, server: Server) -> web.StreamResponse:
    return web.json_response({"exec_info": {"queue_remaining": server.remaining}})


async def get_queue(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    running = [server.running.item] if server.running else []

    async def told() -> web.StreamResponse:
        # As a heap lies in memory: the first is next, and the others are in no order one could rely on.
        waiting = sorted(server.pending, key=lambda item: item.number)
        heap = waiting[:1] + waiting[:0:-1]
        return web.json_response(
            {"queue_running": [item.told() for item in running], "queue_pending": [item.told() for item in heap]}
        )

    jobs = [item.job for item in (*running, *server.pending)]
    return await vendor.about(request, jobs, told, place="status")


async def post_queue(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    body = await table_in(request) or {}
    asked = body.get("delete")
    ids = [str(each) for each in asked] if isinstance(asked, list) else []

    async def done() -> web.StreamResponse:
        if body.get("clear"):
            await server.clear_queue()
        await server.delete(ids)
        return web.Response()

    return await vendor.about(request, _jobs_named(vendor, ids), done, place="cancel")


async def interrupt(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    prompt_id = (await table_in(request) or {}).get("prompt_id")

    async def done() -> web.StreamResponse:
        server.interrupt(None if prompt_id is None else str(prompt_id))
        return web.Response()

    ids = [str(prompt_id)] if prompt_id is not None else []
    return await vendor.about(request, _jobs_named(vendor, ids), done, place="cancel")


async def histories(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    entries = list(server.history.items())
    most, offset = request.query.get("max_items", ""), request.query.get("offset", "-1")
    if most.isdigit():
        start = int(offset) if offset.isdigit() else max(0, len(entries) - int(most))
        entries = entries[start : start + int(most)]

    async def told() -> web.StreamResponse:
        return web.json_response(dict(entries))

    return await vendor.about(request, [], told, place="result")


async def history(vendor: BaseVendor, request: web.Request, server: Server, prompt_id: str) -> web.StreamResponse:
    entry = server.history.get(prompt_id)

    async def told() -> web.StreamResponse:
        return web.json_response({} if entry is None else {prompt_id: entry})

    jobs = _jobs_named(vendor, [prompt_id]) if entry is not None else []
    return await vendor.about(request, jobs, told, place="result")


async def post_history(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    body = await table_in(request) or {}
    if body.get("clear"):
        server.history.clear()
    for prompt_id in body["delete"] if isinstance(body.get("delete"), list) else ():
        server.history.pop(str(prompt_id), None)
    return web.Response()


async def jobs(vendor: BaseVendor, request: web.Request, server: Server, rest: list[str]) -> web.StreamResponse:
    match [request.method, *rest]:
        case ["GET"]:
            return listed(server, request.query)
        case ["GET", job_id]:
            job = job_of(server, job_id)

            async def told() -> web.StreamResponse:
                return web.json_response(job or {"error": "Job not found"}, status=200 if job else 404)

            return await vendor.about(request, _jobs_named(vendor, [job_id]) if job else [], told)
        case ["POST", "cancel"]:
            asked = (await table_in(request) or {}).get("job_ids")
            ids = [str(each) for each in asked] if isinstance(asked, list) else []
            if wrong := [each for each in ids if not _is_canonical(each)]:
                return web.json_response({"error": "Invalid job ids", "invalid_ids": wrong}, status=400)
            return web.json_response({"cancelled": any([await cancel(server, each) for each in ids])})
        case ["POST", job_id, "cancel"]:

            async def done() -> web.StreamResponse:
                return web.json_response({"cancelled": await cancel(server, job_id)})

            return await vendor.about(request, _jobs_named(vendor, [job_id]), done, place="cancel")
    return web.Response(status=405, text="405: Method Not Allowed")


def _jobs_named(vendor: BaseVendor, ids: Iterable[str]) -> list[Job]:
    """The jobs behind prompt ids, as far as there are any."""
    return [job for prompt_id in ids if (job := vendor.stage.jobs.get(prompt_id)) is not None]


def _refused(error: dict[str, Any], node_errors: dict[str, Any] | None = None) -> web.Response:
    return web.json_response({"error": error, "node_errors": node_errors or {}}, status=400)


def _is_canonical(prompt_id: Any) -> bool:
    try:
        return bool(str(uuid.UUID(prompt_id)) == prompt_id)
    except (ValueError, AttributeError, TypeError):
        return False
