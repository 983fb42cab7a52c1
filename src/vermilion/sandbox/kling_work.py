"""Kling's jobs: taking one in, its pictures checked, what is made of it, and how each generation of the API tells it.

A job holds a slot of its account, model and kind from the moment it is accepted; there is no waiting line, a full
account is refused. Facts: Kling's pages on concurrency, tasks and images.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from .faults import Fault, without_markers
from .films import FilmOrder
from .jobs import NEVER, Job
from .kling_replies import Refusal
from .kling_requests import Asked
from .outputs import PRIVATE_ADDRESSES
from .pictures import Order
from .stage import Stage, Unreachable

VENDOR = "kling"
LIFETIME_SECONDS = 30 * 24 * 3600.0
FAILURES = {
    "content": "Failure to pass the risk control system",
    "busy": "Service busy, please try again later",
    "inputs": "Image pixel is invalid",
}
"""Reasons a job fails for, by the argument of `[[fail:…]]`; any other argument is told as it is."""

_IMAGE_MAX_BYTES = 10 * 1024 * 1024
_IMAGE_MAX_BYTES_NEWER = 50 * 1024 * 1024
_IMAGE_MIN_PIXELS = 300
_WAIT_SECONDS = 1.0
_SECONDS_BY_KIND = {"image": 6.0, "audio": 5.0}
_SECONDS_PER_VIDEO_SECOND = 3.0


async def take_in(
    stage: Stage,
    asked: Asked,
    *,
    account: str,
    path: str,
    body: dict[str, Any],
    faults: list[Fault],
    base: str,
    newer: bool,
    external: str | None,
    callback_url: str | None,
) -> Job:
    """Make a job of an acceptable request, or refuse its pictures or the account's lack of slots."""
    most = _IMAGE_MAX_BYTES_NEWER if newer else _IMAGE_MAX_BYTES
    pictures = [await _picture(stage, value, most) for value in asked.pictures]
    owner = f"{account}|{asked.model}|{asked.kind}"
    if _taken(stage, owner) + asked.count > stage.config.max_concurrent:
        raise Refusal(1303)
    job_id = _new_id(stage)
    names = [f"kling_{job_id}_{index}" for index in range(len(pictures))]
    for name, (data, content_type) in zip(names, pictures, strict=True):
        stage.shelf.put(name, data, content_type)
    seconds = _SECONDS_BY_KIND.get(asked.kind, 4.0 + _SECONDS_PER_VIDEO_SECOND * asked.seconds)
    job = Job(
        id=job_id,
        vendor=VENDOR,
        owner=owner,
        model=asked.model,
        body=_without_files(body),
        created_at=stage.now(),
        wait_seconds=stage.rehearsed(_WAIT_SECONDS),
        duration_seconds=stage.rehearsed(seconds),
        webhook_url=callback_url,
        faults=faults,
        notes={
            "account": account,
            "path": path,
            "newer": newer,
            "base": base,
            "external": external,
            "kind": asked.kind,
            "prompt": asked.prompt,
            "size": list(asked.size),
            "seconds": asked.seconds,
            "count": asked.count,
            "seed": stage.random.getrandbits(31),
            "sources": names,
            "parent": asked.parent_id,
            "sign": f"{stage.random.getrandbits(64):016x}",
        },
    )
    _rehearse(stage, job, account)
    stage.jobs.add(job)
    return job


def state_of(stage: Stage, job: Job, at: float | None = None) -> str:
    """`submitted`, `processing`, `succeed` or `failed`, now or at a time."""
    state = job.state(stage.now() if at is None else at)
    if state == "finished":
        return "failed" if failure_of(job) else "succeed"
    return "submitted" if state == "queued" else "processing"


def is_forgotten(stage: Stage, job: Job) -> bool:
    """Whether Kling has by now never heard of the job."""
    return job.fault("forget") is not None and stage.now() >= job.started_at


def failure_of(job: Job) -> str | None:
    """Why a finished job failed, in the words Kling would use."""
    if job.fault("nsfw"):
        return FAILURES["content"]
    if job.notes.get("failed_once"):
        return FAILURES["busy"]
    failing = job.fault("fail")
    return None if failing is None else FAILURES.get(failing.argument or "busy", failing.argument)


def first_view(stage: Stage, job: Job, at: float | None = None) -> dict[str, Any]:
    """A job as the first generation tells it."""
    status = state_of(stage, job, at)
    told: dict[str, Any] = {
        "task_id": job.id,
        "task_status": _word(job, status),
        "task_status_msg": (failure_of(job) or "") if status == "failed" else "",
        "task_info": {"external_task_id": job.notes["external"]} if job.notes["external"] else {},
        **_times(job, status, "created_at", "updated_at"),
    }
    if (parent := job.notes.get("parent")) is not None:
        told["task_info"]["parent_video"] = {"id": parent, "url": "", "duration": "5"}
    if status == "succeed":
        member = {"video": "videos", "image": "images", "audio": "audios"}[job.notes["kind"]]
        results = [_first_result(job, index) for index in range(_made(job))]
        told["task_result"] = {"clips" if job.fault("drift") else member: results}
        told["final_unit_deduction"] = str(job.notes["count"])
        told["watermark_info"] = {"enabled": False}
    return told


def newer_view(stage: Stage, job: Job, at: float | None = None) -> dict[str, Any]:
    """A job as the second generation tells it: the other spelling of success among the differences."""
    status = state_of(stage, job, at)
    told: dict[str, Any] = {
        "id": job.id,
        "status": _word(job, "succeeded" if status == "succeed" else status),
        "message": (failure_of(job) or "") if status == "failed" else "",
        **_times(job, status, "create_time", "update_time"),
        "external_id": job.notes["external"] or "",
    }
    if status == "succeed":
        results = [{"type": job.notes["kind"], **_first_result(job, index)} for index in range(_made(job))]
        told["files" if job.fault("drift") else "outputs"] = results
        told["billing"] = [{"charge_type": "unit", "amount": str(job.notes["count"]), "package_type": "video"}]
    return told


def video_id_of(job: Job) -> str:
    """The id of the video a job made, which follow-ups name."""
    return f"7{job.id}"


def made_by(stage: Stage, account: str, video_id: str) -> Job:
    """The finished job of this account whose video it is; raises `Refusal`."""
    job = stage.jobs.get(video_id[1:])
    known = job is not None and video_id == video_id_of(job) and job.notes.get("account") == account
    if not known or job is None or job.notes["kind"] != "video" or state_of(stage, job) != "succeed":
        raise Refusal(1201, "video_id is invalid")
    if stage.now() > job.finished_at + LIFETIME_SECONDS:
        raise Refusal(1201, "the video was deleted after 30 days")
    return job


def order_at(stage: Stage, job: Job, index: int) -> FilmOrder | Order:
    """What the easel has to make for the result at an index."""
    width, height = job.notes["size"]
    files = [stage.shelf.get(name) for name in job.notes["sources"]]
    sources = tuple(file.data for file in files if file is not None)
    prompt, seed = without_markers(job.notes["prompt"]), int(job.notes["seed"]) + index
    if job.notes["kind"] == "image":
        return Order(prompt, seed, width, height, "png", sources)
    if job.notes["path"].startswith(("v1/videos/image2video", "image-to-video/")) and sources:
        with Image.open(io.BytesIO(sources[0])) as first:
            share = first.width / first.height
        side = min(width, height)
        width, height = (round(side * share), side) if share >= 1 else (side, round(side / share))
    return FilmOrder(prompt, seed, width, height, float(job.notes["seconds"]), sources[:2])


def file_url(job: Job, index: int) -> str:
    """The address of a result, signed so that nobody guesses another."""
    if job.fault("ssrf-output"):
        return PRIVATE_ADDRESSES[index % len(PRIVATE_ADDRESSES)]
    extension = {"video": "mp4", "image": "png", "audio": "wav"}[job.notes["kind"]]
    return f"{job.notes['base']}/files/{job.id}/{index}.{extension}?sign={job.notes['sign']}"


def _first_result(job: Job, index: int) -> dict[str, Any]:
    url = file_url(job, index)
    if job.notes["kind"] == "image":
        return {"index": index, "url": url, "watermark_url": url}
    seconds = f"{float(job.notes['seconds']) + 0.04:.2f}"
    if job.notes["kind"] == "audio":
        return {
            "id": video_id_of(job),
            "url_mp3": url,
            "url_wav": url,
            "duration_mp3": seconds,
            "duration_wav": seconds,
        }
    timed = {} if job.model.startswith("effects:") else {"duration": seconds}
    return {"id": video_id_of(job), "url": url, "watermark_url": url, **timed}


def _made(job: Job) -> int:
    return 0 if job.fault("empty-output") else int(job.notes["count"])


def _word(job: Job, status: str) -> str:
    return "dreaming" if status == "processing" and job.fault("unknown-status") else status


def _times(job: Job, status: str, created: str, updated: str) -> dict[str, int]:
    at = {"submitted": job.created_at, "processing": job.started_at}.get(status, job.finished_at)
    return {created: int(job.created_at * 1000), updated: int(at * 1000)}


def _taken(stage: Stage, owner: str) -> int:
    now = stage.now()
    mine = (job for job in stage.jobs.all() if job.owner == owner and job.state(now) != "finished")
    return sum(int(job.notes["count"]) for job in mine)


def _new_id(stage: Stage) -> str:
    """Eighteen digits, as Kling's are, that no job has."""
    while True:
        job_id = str(8 * 10**17 + stage.random.randrange(10**17))
        if stage.jobs.get(job_id) is None:
            return job_id


def _rehearse(stage: Stage, job: Job, account: str) -> None:
    for fault in job.faults:
        match fault.kind:
            case "slow":
                job.duration_seconds = fault.number(30.0)
            case "queue":
                job.wait_seconds = fault.number(30.0)
            case "never":
                job.duration_seconds = NEVER
            case "fail-once":
                asked = {**job.body, "external_task_id": 0, "callback_url": 0}
                subject = f"{account}|{job.model}|{json.dumps(asked, sort_keys=True)}"
                job.notes["failed_once"] = stage.faults.first_times(fault, subject, 1)


async def _picture(stage: Stage, value: str, most: int) -> tuple[bytes, str]:
    """A picture from an address or bare base64, checked as Kling checks; its bytes and content type."""
    if urlsplit(value[:200]).scheme in {"http", "https"}:
        try:
            data = await stage.read_url(value, most)
        except Unreachable as error:
            raise Refusal(1201, f"image cannot be read: {error}") from error
    else:
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(1201, "image is not base64; a data: prefix is not allowed") from error
    if len(data) > most:
        raise Refusal(1201, "image is too large")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            width, height = picture.size
            content_type = Image.MIME[picture.format or "PNG"]
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refusal(1201, "image must be JPEG or PNG") from error
    if min(width, height) < _IMAGE_MIN_PIXELS or not 0.4 <= width / height <= 2.5:
        raise Refusal(1201, "image pixel is invalid")
    return data, content_type


def _without_files(value: Any) -> Any:
    """A body as it is kept: what is long is told by its length and digest."""
    if isinstance(value, dict):
        return {name: _without_files(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_files(item) for item in value]
    if isinstance(value, str) and len(value) > 4000:
        return f"{len(value)} characters, {hashlib.blake2b(value.encode(), digest_size=8).hexdigest()}"
    return value
