"""Doing fal's jobs: taking one in, ordering its pictures, making its result."""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from collections.abc import Mapping
from typing import Any

from .fal_addresses import Bases
from .fal_answers import Failure, failure, pictures_body, settled_failure
from .fal_fields import problem
from .fal_inputs import input_addresses, put_aside_inline, read_inputs
from .fal_models import MAX_PIXELS, MODELS
from .faults import Fault, without_markers
from .jobs import Job
from .outputs import address_of, bytes_of, size_of
from .pictures import Order
from .stage import Stage

VENDOR = "fal"
_FORMATS = {"jpeg": ("jpeg", "image/jpeg"), "png": ("png", "image/png"), "webp": ("webp", "image/webp")}
_ANIMALS = ("crane", "heron", "koi", "lark", "magpie", "otter", "panda", "quail", "swan", "tiger")
_QUEUE_SECONDS = 0.6


def take_in(
    stage: Stage,
    *,
    model_id: str,
    body: dict[str, Any],
    faults: list[Fault],
    owner: str,
    headers: Mapping[str, str],
    webhook_url: str | None,
    bases: Bases,
) -> Job:
    """Make a job of a request, decide everything chance decides, and put it into the line."""
    model = MODELS[model_id]
    clean, problems = model.read(body)
    prompt = clean.get("prompt") or ""
    if len(prompt) > stage.config.max_prompt_chars:
        problems.append(problem("prompt", "string_too_long", "The prompt is too long", prompt))
        body = {**body, "prompt": prompt[:2000]}
    if not problems:
        width, height = model.pixel_size(clean, (1024, 1024))
        if width * height > MAX_PIXELS:
            problems.append(problem("image_size", "image_too_large", "Too many pixels", clean.get("image_size")))
    job_id = stage.jobs.new_id(lambda: str(uuid.UUID(int=stage.random.getrandbits(128), version=4)))
    count = clean.get("num_images") or 1
    notes: dict[str, Any] = {
        "seed": clean.get("seed") if clean.get("seed") is not None else stage.random.getrandbits(31),
        "steps": clean.get("num_inference_steps") or 20,
        "count": count,
        "base": bases.queue,
        "cdn": bases.cdn,
    }
    if problems:
        notes["problems"] = problems
    expires = _lifetime_seconds(headers)
    if expires is not None:
        notes["lifetime_seconds"] = expires
    job = Job(
        id=job_id,
        vendor=VENDOR,
        owner=owner,
        model=model_id,
        body=put_aside_inline(stage, job_id, body),
        created_at=stage.now(),
        wait_seconds=stage.rehearsed(_QUEUE_SECONDS),
        duration_seconds=stage.rehearsed(model.seconds * (1 + 0.35 * (count - 1))) if not problems else 0.0,
        webhook_url=webhook_url,
        faults=faults,
        notes=notes,
    )
    stage.put_in_line(job, fingerprint(owner, model_id, job.body))
    _mind_deadline(stage, job, headers)
    if input_addresses(job) and not problems:
        stage.errand(read_inputs(stage, job))
    return job


def _mind_deadline(stage: Stage, job: Job, headers: Mapping[str, str]) -> None:
    """`X-Fal-Request-Timeout` bounds the time to start; a job that would start later fails instead."""
    try:
        deadline = float(headers.get("X-Fal-Request-Timeout", "inf"))
    except ValueError:
        return
    if job.started_at > job.created_at + deadline:
        job.notes["late"] = True
        stage.jobs.fail_at(job, job.created_at + deadline)


def fingerprint(owner: str, model_id: str, body: Mapping[str, Any]) -> str:
    """Equal for repeats of one request."""
    return f"{owner}|{model_id}|" + json.dumps(body, sort_keys=True, default=str)


def _lifetime_seconds(headers: Mapping[str, str]) -> float | None:
    raw = headers.get("X-Fal-Object-Lifecycle-Preference") or headers.get("X-Fal-Object-Lifecycle")
    return lifetime_seconds(raw)


def lifetime_seconds(raw: str | None) -> float | None:
    """Seconds from a lifecycle header, or None for fal's default (at least 7 days: here, no end)."""
    if not raw:
        return None
    try:
        seconds = json.loads(raw)["expiration_duration_seconds"]
    except (ValueError, KeyError, TypeError):
        return None
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None


async def failure_of(stage: Stage, job: Job, place: str) -> Failure | None:
    """Why a finished job failed, as told at `place` (status or result), or None."""
    if input_addresses(job) and not job.notes.get("inputs_read") and not job.notes.get("problems"):
        await read_inputs(stage, job)
    settled = settled_failure(job)
    wavering = job.fault("fail-then-succeed")
    if (
        settled is None
        and wavering is not None
        and stage.faults.first_times(wavering, f"{place} {job.id}", wavering.times)
    ):
        return failure("runner_disconnected")
    return settled


def order_of(stage: Stage, job: Job, index: int) -> Order:
    """What the easel has to paint for the picture at `index` of a job."""
    model = MODELS[job.model]
    clean, _ = model.read(job.body)
    source = job.notes.get("source_size")
    width, height = model.pixel_size(clean, tuple(source) if source else None)
    width, height = size_of(job, width, height)
    return Order(
        prompt=without_markers(job.body.get("prompt") or ""),
        seed=int(job.notes["seed"]) + index,
        width=width,
        height=height,
        format=_format(job)[0],
        sources=stage.shelf.all_of(job.notes.get("sources", ())),
        black=job.fault("nsfw") is not None,
    )


def _format(job: Job) -> tuple[str, str]:
    clean, _ = MODELS[job.model].read(job.body)
    return _FORMATS[clean.get("output_format") or "jpeg"]


def picture_url(job: Job, index: int, base: str) -> str:
    """The public address of a job's picture."""
    name = f"{job.id.replace('-', '')}_{index}"
    animal = _ANIMALS[zlib.crc32(name.encode()) % len(_ANIMALS)]
    return address_of(job, index, f"{base}/files/{animal}/{name}.{_format(job)[0]}")


async def result_of(stage: Stage, job: Job, bases: Bases) -> dict[str, Any]:
    """The output JSON of a job that succeeded."""
    model = MODELS[job.model]
    clean, _ = model.read(job.body)
    source = job.notes.get("source_size")
    width, height = model.pixel_size(clean, tuple(source) if source else None)
    content_type = _format(job)[1]
    pictures = []
    for index in range(job.notes["count"]):
        url = picture_url(job, index, bases.cdn)
        if clean.get("sync_mode"):
            data = await bytes_of(stage, job, index, order_of(stage, job, index))
            url = f"data:{content_type};base64,{base64.b64encode(data).decode()}"
        pictures.append({"url": url, "width": width, "height": height, "content_type": content_type})
    return pictures_body(job, model, pictures, int(job.notes["seed"]))
