"""A relay in front of Kling, as newer ones answer: OpenAI's form for a new job, a wrapping of its own for questions.

It asks Kling every 15 seconds and knows no more than it heard last; its percentages follow from its own state. On
success its column for reasons holds the result's address. Facts: the sources of public relays.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from .faults import Fault
from .jobs import Job
from .kling_login import Logins
from .kling_replies import (
    Refusal,
    envelope,
    handed_on,
    refused,
    relay_error,
    relay_refusal,
    relay_unauthorized,
    reply,
)
from .kling_work import VENDOR, failure_of, file_url, first_view, is_forgotten, state_of
from .stage import Stage
from .vendor import Answer

ROUTES = {
    "text2video", "image2video", "omni-video", "motion-control", "multi-image2video", "advanced-lip-sync",
    "video-extend", "avatar/image2video",
}  # fmt: skip
"""What the relay passes on, below `/v1/videos/`."""

_POLL_SECONDS = 15.0
_WORDS = {
    "submitted": ("QUEUED", "20%"),
    "processing": ("IN_PROGRESS", "30%"),
    "succeed": ("SUCCESS", "100%"),
    "failed": ("FAILURE", "100%"),
}


def created(job: Job) -> dict[str, Any]:
    """The answer to a new job. It has no `code`, and its status is empty."""
    return {
        "id": job.id,
        "task_id": job.id,
        "object": "video",
        "model": job.model,
        "status": "",
        "progress": 0,
        "created_at": int(job.created_at),
    }


def wrapped(stage: Stage, job: Job) -> dict[str, Any]:
    """The answer to a question: what the relay heard when it last asked Kling. Its times are in seconds."""
    period = _POLL_SECONDS / stage.speed
    now = stage.now()
    heard_at = now if stage.config.fast else job.created_at + (now - job.created_at) // period * period
    told: dict[str, Any] = {
        "task_id": job.id,
        "action": "generate",
        "status": "SUBMITTED",
        "fail_reason": "",
        "submit_time": int(job.created_at),
        "start_time": 0,
        "finish_time": 0,
        "progress": "10%",
        "data": None,
    }
    if heard_at > job.created_at:
        status = state_of(stage, job, heard_at)
        told["status"], told["progress"] = _WORDS[status]
        told["data"] = envelope(first_view(stage, job, heard_at))
        if status == "succeed":
            told["fail_reason"] = file_url(job, 0)
        elif status == "failed":
            told["fail_reason"] = failure_of(job)
    return {"code": "success", "message": "", "data": told}


class Kling(Protocol):
    """The Kling behind the relay, which does what it is asked as if it had been asked itself."""

    async def create(self, request: web.Request, account: str, path: str) -> web.StreamResponse: ...

    async def at_once(self, request: web.Request, account: str, path: str) -> web.StreamResponse: ...

    async def guarded(
        self,
        request: web.Request,
        place: str,
        faults: list[Fault],
        subject: str,
        answer: Answer,
        refuse: Callable[[int], web.Response] | None = None,
    ) -> web.StreamResponse: ...


class Relay:
    """The relay's door."""

    def __init__(self, stage: Stage, logins: Logins, kling: Kling) -> None:
        self._stage = stage
        self._logins = logins
        self._kling = kling

    async def answer(self, request: web.Request, path: str) -> web.StreamResponse:
        """Any request to the relay; `path` is without its own beginning."""
        account = self._logins.by_key(request.headers.get("Authorization", ""))
        if account is None:
            return relay_unauthorized()
        resource, _, asked_id = path.rpartition("/")
        try:
            if request.method == "POST" and path.removeprefix("v1/videos/") in ROUTES:
                return await self._create(request, account, path)
            if request.method == "POST" and path in {"v1/videos/identify-face", "v1/audio/tts"}:
                return await self._kling.at_once(request, account, path)
            if request.method == "GET" and resource.removeprefix("v1/videos/") in ROUTES:
                # The relay knows its jobs by id alone, whatever path they were made on.
                job = self._stage.jobs.get(asked_id)
                mine = job is not None and job.vendor == VENDOR and job.notes["account"] == account
                faults = job.faults if mine and job else []
                place = "status" if mine else "probe"
                return await self._kling.guarded(
                    request, place, faults, asked_id, lambda: self._task(job if mine else None), relay_refusal
                )
        except Refusal as refusal:
            return handed_on(refused(refusal.code, str(refusal)))
        error = {"message": f"Invalid URL ({request.method} {path[:80]})", "type": "invalid_request_error"}
        return reply({"error": error}, 404)

    async def _create(self, request: web.Request, account: str, path: str) -> web.StreamResponse:
        answer = await self._kling.create(request, account, path)
        if not isinstance(answer, web.Response) or answer.content_type != "application/json":
            return answer
        told = json.loads(answer.text or "{}")
        if told.get("code") != 0:
            return handed_on(answer)
        job = self._stage.jobs.get(told["data"]["task_id"])
        return answer if job is None else reply(created(job))

    async def _task(self, job: Job | None) -> web.StreamResponse:
        if job is None or is_forgotten(self._stage, job):
            return relay_error(400, "task_not_exist", "task_not_exist")
        return reply(wrapped(self._stage, job))
