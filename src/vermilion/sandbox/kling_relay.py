"""A relay in front of Kling, as newer ones answer: OpenAI's form for a new job, a wrapping of its own for questions.

It knows no more than it heard when it last asked Kling; its percentages follow from its own state. On
success its column for reasons holds the result's address. Facts: the sources of public relays.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .jobs import Job
from .kling_login import Logins
from .kling_making import AT_ONCE, Making
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
from .vendor import BaseVendor

ROUTES = {
    "text2video", "image2video", "omni-video", "motion-control", "multi-image2video", "advanced-lip-sync",
    "video-extend", "avatar/image2video",
}  # fmt: skip
"""What the relay passes on, below `/v1/videos/`."""

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
    heard_at = stage.heard_at(job)
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


class Relay:
    """The relay's door."""

    def __init__(self, vendor: BaseVendor, logins: Logins, making: Making) -> None:
        self._vendor = vendor
        self._stage = vendor.stage
        self._logins = logins
        self._making = making

    async def answer(self, request: web.Request, path: str) -> web.StreamResponse:
        """Any request to the relay; `path` is without its own beginning."""
        account = self._logins.by_key(request.headers.get("Authorization", ""))
        if account is None:
            return relay_unauthorized()
        resource, _, asked_id = path.rpartition("/")
        try:
            if request.method == "POST" and path.removeprefix("v1/videos/") in ROUTES:
                return await self._making.create(
                    request, account, path, lambda job: reply(created(job)), refuse=relay_refusal
                )
            if request.method == "POST" and path in AT_ONCE:
                return await self._making.at_once(request, account, path, refuse=relay_refusal)
            if request.method == "GET" and resource.removeprefix("v1/videos/") in ROUTES:
                # The relay knows its jobs by id alone, whatever path they were made on.
                job = self._stage.jobs.get(asked_id)
                known = [job] if job is not None and job.vendor == VENDOR and job.notes["account"] == account else []
                return await self._vendor.about(request, known, lambda: self._task(*known), relay_refusal)
        except Refusal as refusal:
            return handed_on(refused(refusal.code, str(refusal)))
        error = {"message": f"Invalid URL ({request.method} {path[:80]})", "type": "invalid_request_error"}
        return reply({"error": error}, 404)

    async def _task(self, job: Job | None = None) -> web.StreamResponse:
        if job is None or is_forgotten(self._stage, job):
            return relay_error(400, "task_not_exist", "task_not_exist")
        return reply(wrapped(self._stage, job))
