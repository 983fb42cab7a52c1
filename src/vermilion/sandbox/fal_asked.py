"""Questions about fal's jobs: status, stream and result; and their cancel. The address names owner and app only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from .fal_addresses import Bases
from .fal_answers import log_lines, status_body
from .fal_replies import error, reply
from .fal_work import failure_of, result_of
from .jobs import Job
from .vendor import Answer, BaseVendor

_NAMESPACES = {"workflows", "comfy"}
_CANCEL_SECONDS = 0.3
_STREAM_TICK_SECONDS = 0.1
_TRUE = {"1", "true", "True", "yes"}


def job_url(job: Job, bases: Bases) -> str:
    """Where a job's result is asked for; its status and its cancel lie below."""
    return f"{bases.queue}/{_app(job.model)}/requests/{job.id}"


class Asked:
    """Answers questions for one vendor."""

    def __init__(self, vendor: BaseVendor) -> None:
        self._vendor = vendor
        self._stage = vendor.stage

    async def answer(self, request: web.Request, parts: list[str], owner: str, bases: Bases) -> web.StreamResponse:
        """Any request below `…/requests`."""
        at = parts.index("requests", 2)
        rest = parts[at + 1 :]
        job = self._known(rest[0] if rest else "", "/".join(parts[:at]), owner)
        verb = "/".join(rest[1:])
        if request.method != ("PUT" if verb == "cancel" else "GET"):
            return error(405, "Method not allowed")
        if job is None:
            return await self._vendor.about(request, [], lambda: _no_such_job(request))
        known, with_logs = job, request.query.get("logs", "") in _TRUE
        answers: dict[str, tuple[str, Answer]] = {
            "cancel": ("cancel", lambda: self._cancel(known)),
            "status": ("status", lambda: self._status(known, bases, with_logs=with_logs)),
            "status/stream": ("status", lambda: self._stream(request, known, bases, with_logs=with_logs)),
            "": ("result", lambda: self.result(known, bases)),
        }
        if verb not in answers:
            return error(404, "Not found")
        place, answer = answers[verb]
        return await self._vendor.about(request, [job], answer, place=place)

    async def result(self, job: Job, bases: Bases) -> web.StreamResponse:
        """What a job made, or why it made nothing."""
        if job.state(self._stage.now()) != "finished":
            return error(400, "Request is still in progress", request_id=job.id)
        failed = await failure_of(self._stage, job, "result")
        if failed is not None:
            return reply(failed.body, failed.status, job.id, failed.headers)
        return reply(await result_of(self._stage, job, bases), 200, job.id)

    async def _status(self, job: Job, bases: Bases, *, with_logs: bool) -> web.StreamResponse:
        status, body = await self._status_body(job, bases, with_logs=with_logs)
        return reply(body, status, job.id)

    async def _status_body(self, job: Job, bases: Bases, *, with_logs: bool) -> tuple[int, dict[str, Any]]:
        now = self._stage.now()
        state = job.state(now)
        failed = await failure_of(self._stage, job, "status") if state == "finished" else None
        ahead = self._stage.jobs.ahead(job) if state == "queued" else 0
        return status_body(job, now, ahead, failed, with_logs=with_logs, response_url=job_url(job, bases))

    async def _stream(self, request: web.Request, job: Job, bases: Bases, *, with_logs: bool) -> web.StreamResponse:
        """Server-sent events: one status object per change; the end follows COMPLETED."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "x-fal-request-id": job.id}
        )
        await response.prepare(request)
        told: tuple[Any, ...] | None = None
        while True:
            _, body = await self._status_body(job, bases, with_logs=with_logs)
            news = (body["status"], body.get("queue_position"), len(log_lines(job, self._stage.now())))
            if news != told:
                told = news
                await response.write(f"data: {json.dumps(body)}\n\n".encode())
            if body["status"] == "COMPLETED":
                break
            await asyncio.sleep(_STREAM_TICK_SECONDS)
        await response.write_eof()
        return response

    async def _cancel(self, job: Job) -> web.StreamResponse:
        state = job.state(self._stage.now())
        if state == "finished":
            return reply({"status": "ALREADY_COMPLETED"}, 400, job.id)
        if state == "queued":
            self._stage.jobs.cancel(job, after_seconds=0.0)
            return reply({"status": "OK"}, 200, job.id)
        if not job.fault("cancel-ignored"):
            self._stage.jobs.cancel(job, after_seconds=_CANCEL_SECONDS / self._stage.speed)
        return reply({"status": "CANCELLATION_REQUESTED"}, 202, job.id)

    def _known(self, job_id: str, app: str, owner: str) -> Job | None:
        job = self._stage.jobs.get(job_id)
        if job is None or job.owner != owner or _app(job.model) != app:
            return None
        forgotten = job.fault("forget") is not None and job.state(self._stage.now()) != "queued"
        return None if forgotten else job


async def _no_such_job(request: web.Request) -> web.StreamResponse:
    return reply({"status": "NOT_FOUND"}, 404) if request.method == "PUT" else error(404, "Request not found")


def _app(model_id: str) -> str:
    parts = model_id.split("/")
    return "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])
