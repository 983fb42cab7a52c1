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
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from .dubs import DubOrder
from .faults import Fault, without_markers
from .films import FilmOrder
from .jobs import Job
from .kling_replies import Refusal
from .kling_requests import Asked
from .outputs import address_of
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
    # Eighteen digits, as Kling's are.
    job_id = stage.jobs.new_id(lambda: str(8 * 10**17 + stage.random.randrange(10**17)))
    film = f"film_{job_id}" if asked.film is not None else None
    if film is not None and asked.film is not None:
        stage.shelf.put(film, asked.film, "video/mp4", stage.now() + LIFETIME_SECONDS)
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
            "sources": stage.shelf.put_inputs(job_id, pictures),
            "parent": asked.parent_id,
            "film": film,
            "sign": f"{stage.random.getrandbits(64):016x}",
        },
    )
    stage.put_in_line(job, fingerprint(account, path, body))
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
    if (parent := _parent_of(stage, job)) is not None:
        first = _first_result(parent, 0)
        told["task_info"]["parent_video"] = {name: first[name] for name in ("id", "url", "duration") if name in first}
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


def order_at(stage: Stage, job: Job, index: int) -> FilmOrder | DubOrder | Order:
    """What the easel has to make for the result at an index. What goes on from a film keeps its pictures."""
    seconds, speaks = float(job.notes["seconds"]), job.model == "lip-sync"
    brought = stage.shelf.get(job.notes.get("film") or "")
    if brought is not None:
        return DubOrder(brought.data, seconds)
    parent = _parent_of(stage, job)
    before = order_at(stage, parent, 0) if parent is not None else None
    if isinstance(before, FilmOrder):
        return replace(before, seconds=seconds, speaking=speaks or before.speaking)
    if isinstance(before, DubOrder):
        # It speaks already.
        return before
    width, height = job.notes["size"]
    sources = stage.shelf.all_of(job.notes["sources"])
    prompt, seed = without_markers(job.notes["prompt"]), int(job.notes["seed"]) + index
    if job.notes["kind"] == "image":
        return Order(prompt, seed, width, height, "png", sources)
    if job.notes["path"].startswith(("v1/videos/image2video", "image-to-video/")) and sources:
        with Image.open(io.BytesIO(sources[0])) as first:
            share = first.width / first.height
        side = min(width, height)
        width, height = (round(side * share), side) if share >= 1 else (side, round(side / share))
    return FilmOrder(prompt, seed, width, height, seconds, sources[:2], speaking=speaks)


def _parent_of(stage: Stage, job: Job) -> Job | None:
    """The job whose video this one goes on from."""
    video_id = job.notes.get("parent")
    return stage.jobs.get(video_id[1:]) if video_id else None


def file_url(job: Job, index: int) -> str:
    """The address of a result, signed so that nobody guesses another."""
    extension = {"video": "mp4", "image": "png", "audio": "wav"}[job.notes["kind"]]
    return address_of(job, index, f"{job.notes['base']}/files/{job.id}/{index}.{extension}?sign={job.notes['sign']}")


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


def fingerprint(account: str, path: str, body: Mapping[str, Any]) -> str:
    """Equal for repeats of one request, whatever reference each carries and whoever is to be called back."""
    asked = {**body, "external_task_id": 0, "callback_url": 0, "options": 0}
    return f"{account}|{path}|{json.dumps(asked, sort_keys=True)}"


async def _picture(stage: Stage, value: str, most: int) -> bytes:
    """A picture from an address or bare base64, checked as Kling checks."""
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
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refusal(1201, "image must be JPEG or PNG") from error
    if min(width, height) < _IMAGE_MIN_PIXELS or not 0.4 <= width / height <= 2.5:
        raise Refusal(1201, "image pixel is invalid")
    return data


def _without_files(value: Any) -> Any:
    """A body as it is kept: what is long is told by its length and digest."""
    if isinstance(value, dict):
        return {name: _without_files(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_files(item) for item in value]
    if isinstance(value, str) and len(value) > 4000:
        return f"{len(value)} characters, {hashlib.blake2b(value.encode(), digest_size=8).hexdigest()}"
    return value
