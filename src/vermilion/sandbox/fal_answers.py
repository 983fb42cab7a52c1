"""What fal says about a job: status, log lines, failures, and the shape of results.

Facts: fal's queue and error pages, and what its Python and JavaScript clients read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .fal_fields import problem
from .fal_models import MODELS, Model
from .jobs import Job

# Errors that the model itself reports in `detail[]`: HTTP status and whether trying again may help.
MODEL_ERRORS: dict[str, tuple[int, bool]] = {
    "internal_server_error": (500, True),
    "generation_timeout": (504, True),
    "downstream_service_error": (500, True),
    "downstream_service_unavailable": (503, True),
    **dict.fromkeys(
        (
            "content_policy_violation", "no_media_generated", "image_too_small", "image_too_large",
            "image_load_error", "file_download_error", "face_detection_error", "file_too_large",
            "feature_not_supported", "unsupported_image_format", "value_error",
        ),
        (422, False),
    ),
}  # fmt: skip

# Errors of the platform around the model, named by `error_type`.
PLATFORM_ERRORS: dict[str, tuple[int, bool]] = {
    "request_timeout": (504, True),
    "startup_timeout": (504, True),
    "runner_scheduling_failure": (503, True),
    "runner_connection_timeout": (503, True),
    "runner_disconnected": (503, True),
    "runner_connection_refused": (503, True),
    "runner_connection_error": (503, True),
    "runner_incomplete_response": (502, True),
    "runner_server_error": (500, True),
    "internal_error": (500, True),
    "client_disconnected": (499, False),
    "client_cancelled": (499, False),
    "bad_request": (400, False),
}

SHORT_NAMES = {"content_policy": "content_policy_violation", "runner_error": "runner_server_error"}

_MESSAGES = {
    "content_policy_violation": "The content was flagged by a content checker.",
    "no_media_generated": "The model did not produce any media.",
    "image_load_error": "The image could not be loaded.",
    "file_download_error": "The file could not be downloaded.",
    "client_cancelled": "The request was cancelled by the client.",
    "request_timeout": "The request did not start in time.",
    "runner_server_error": "The runner answered with an internal error.",
    "runner_disconnected": "The runner disconnected before it answered.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A finished job without a result: what `GET response_url` answers and what status tells."""

    status: int
    body: dict[str, Any]
    error: str
    error_type: str
    headers: dict[str, str] = field(default_factory=dict)


def failure(kind: str, *, place: str = "prompt", given: Any = None) -> Failure:
    """The failure of a named kind, in the body shape that kind has at fal."""
    kind = SHORT_NAMES.get(kind, kind)
    message = _MESSAGES.get(kind, kind.replace("_", " ").capitalize() + ".")
    if kind in PLATFORM_ERRORS:
        status, retry = PLATFORM_ERRORS[kind]
        headers = {"X-Fal-Error-Type": kind, "X-Fal-Retryable": _word(retry)}
        return Failure(status, {"detail": message, "error_type": kind}, message, kind, headers)
    status, retry = MODEL_ERRORS.get(kind, (422, False))
    return model_failure([problem(place, kind, message, given)], status, retry=retry)


def model_failure(problems: list[dict[str, Any]], status: int = 422, *, retry: bool = False) -> Failure:
    """A failure the model reports with `detail[]` entries."""
    headers = {"X-Fal-Retryable": _word(retry)}
    return Failure(status, {"detail": problems}, f"Invalid status code: {status}", problems[0]["type"], headers)


def start_timeout() -> Failure:
    """The client's own start deadline passed; the extra header tells SDKs not to retry."""
    late = failure("request_timeout")
    return Failure(
        late.status, late.body, late.error, late.error_type,
        {**late.headers, "X-Fal-Retryable": "false", "X-Fal-Request-Timeout-Type": "user"},
    )  # fmt: skip


def settled_failure(job: Job) -> Failure | None:
    """Why a finished job has no result, or None if it has one."""
    if job.canceled:
        return failure("client_cancelled")
    if job.notes.get("late") or job.fault("request-timeout"):
        return start_timeout()
    if job.notes.get("problems"):
        return model_failure(job.notes["problems"])
    if job.notes.get("failed_once"):
        return failure("runner_disconnected")
    asked = job.fault("fail")
    if asked is not None:
        return failure(asked.argument or "internal_error", given=job.body.get("prompt"))
    model = MODELS[job.model]
    if model.temper == "refuses" and job.fault("nsfw"):
        return failure("content_policy_violation", given=job.body.get("prompt"))
    if job.notes.get("input_failure"):
        kind, place = job.notes["input_failure"]
        return failure(kind, place=place, given=job.body.get(place.split(".")[0]))
    return None


def status_body(
    job: Job, now: float, ahead: int, failed: Failure | None, *, with_logs: bool, response_url: str
) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of a status answer. `failed` counts only once the job is finished."""
    state = job.state(now)
    if state == "running" and job.fault("requeue") and 0.35 < _share(job, now) < 0.65:
        state = "queued"
    common = {"request_id": job.id, "response_url": response_url}
    logs = log_lines(job, now) if with_logs else None
    if state == "queued":
        return 202, {"status": "IN_QUEUE", "queue_position": position(job, now, ahead), "logs": None, **common}
    if state == "running":
        word = "PAUSED" if job.fault("unknown-status") else "IN_PROGRESS"
        return 202, {"status": word, "logs": logs, **common}
    metrics = {"inference_time": None if failed else round(max(0.0, job.finished_at - job.started_at), 4)}
    body: dict[str, Any] = {"status": "COMPLETED", "logs": logs, "metrics": metrics, **common}
    if failed is not None:
        body["error"] = failed.error
        body["error_type"] = failed.error_type
    return 200, body


def position(job: Job, now: float, ahead: int) -> int:
    """Place in the queue, counted from 0; it goes down even when nobody else is waiting."""
    if job.wait_seconds <= 0:
        return ahead
    left = max(0.0, min(1.0, (job.started_at - now) / job.wait_seconds))
    return max(ahead, min(2, int(3 * left)))


def log_lines(job: Job, now: float) -> list[dict[str, Any]]:
    """The progress lines a runner has printed so far, with their own times."""
    if now < job.started_at:
        return []
    length = job.finished_at - job.started_at
    steps = max(1, min(50, int(job.notes.get("steps", 20))))
    done = math.floor(_share(job, now) * steps)
    shown = [step for step in range(1, done + 1) if step == steps or step % max(1, steps // 7) == 0]
    lines = [_line("Loading the model to the accelerator", job.started_at)]
    for step in shown:
        at = job.started_at + (length * step / steps if math.isfinite(length) else 0.0)
        filled = round(10 * step / steps)
        bar = "█" * filled + " " * (10 - filled)
        lines.append(_line(f"{100 * step // steps:3d}%|{bar}| {step}/{steps}", at))
    return lines


def pictures_body(job: Job, model: Model, pictures: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """The model's output around its list of pictures."""
    if job.fault("drift"):
        return {"outputs": {"media": [{"href": entry["url"], "mime": entry["content_type"]} for entry in pictures]}}
    listed: list[dict[str, Any]] | None = pictures
    if job.fault("empty-output"):
        listed = []
    elif job.fault("null-output"):
        listed = None
    if model.answer == "images":
        return {"images": listed}
    if model.answer == "short":
        return {"images": listed, "seed": seed}
    unsafe = job.fault("nsfw") is not None
    return {
        "images": listed,
        "timings": {"inference": round(max(0.0, job.finished_at - job.started_at), 4)},
        "seed": seed,
        "has_nsfw_concepts": [unsafe for _ in listed or []],
        "prompt": job.body.get("prompt") or "",
    }


def _share(job: Job, now: float) -> float:
    length = job.finished_at - job.started_at
    if length <= 0:
        return 1.0
    return 0.0 if math.isinf(length) else max(0.0, min(1.0, (now - job.started_at) / length))


def _line(message: str, at: float) -> dict[str, Any]:
    stamp = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return {"message": message, "level": "STDERR", "source": "USER", "timestamp": stamp}


def _word(truth: bool) -> str:  # noqa: FBT001, RUF100 - a converter of truth values
    return "true" if truth else "false"
