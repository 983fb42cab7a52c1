"""A relay in front of Kling, as newer ones answer: OpenAI's form for a new job, a wrapping of its own for questions.

It asks Kling every 15 seconds and knows no more than it heard last; its percentages follow from its own state. On
success its column for reasons holds the result's address. Facts: the sources of public relays.
"""

from __future__ import annotations

from typing import Any

from .jobs import Job
from .kling_replies import envelope
from .kling_work import failure_of, file_url, first_view, state_of
from .stage import Stage

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
