"""Doing Midjourney's jobs: taking one in, how it is at a moment, how it ends, and what there is to draw."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .faults import Fault
from .jobs import NEVER, Job
from .midjourney_buttons import under_clip, under_description, under_film, under_grid, under_picture
from .midjourney_drawing import cell_size
from .midjourney_flags import problem_of, take_apart
from .pictures import read_size
from .stage import Stage, Unreachable

VENDOR = "midjourney"
LINK_LIFE_SECONDS = 24 * 3600.0
STEPS_PERCENT = (15, 31, 46, 62, 78, 93)

_MAX_INPUT_BYTES = 16 * 2**20
_SECONDS = {"turbo": 12.0, "fast": 30.0, "relax": 60.0}
_SHARES = {"UPSCALE": 0.1, "UPSCALE_HD": 0.4, "DESCRIBE": 0.2, "SHORTEN": 0.15, "VIDEO": 2.0}
_QUEUE_SECONDS = 1.0

FAILURES: dict[str, str] = {
    "invalid": "[Invalid parameter] Unrecognized parameter(s)",
    "banned": "[Banned prompt detected] Sorry! Our AI moderator thinks this prompt is probably against our standards.",
    "filters": "[Request cancelled due to output filters] The output was filtered.",
    "sensitive": "可能包含敏感词",
    "queue": "[Queue full] Your job queue is full. Please wait for a job to finish first.",
    "credits": "任务失败，请重试",
    "subscription": "Subscription required",
    "timeout": "任务超时",
    "internal": "[Internal Server Error] An unknown error occurred",
    "upload": "上传图片到discord失败",
    "captcha": "/captcha/embedded/ needs a human",
    "failed": "Failed to process your command",
    "canceled": "取消任务",
}


class Refused(Exception):
    """A request that is not taken: the code of the proxy's answer, and why."""

    def __init__(self, code: int, about: str = "") -> None:
        super().__init__(about)
        self.code = code
        self.about = about


@dataclass(slots=True)
class Wanted:
    """A job somebody asked for, before it is in the line."""

    action: str
    owner: str
    dialect: str
    kind: str
    """What it makes: `sheet`, `picture`, `film` or `text`."""
    prompt: str = ""
    speed: str | None = None
    pictures: Sequence[bytes] = ()
    mask: bytes | None = None
    ready: bytes | None = None
    """A finished picture, where nothing is left to draw."""
    count: int = 1
    size: tuple[int, int] | None = None
    seed: int | None = None
    texts: Sequence[str] = ()
    parent: str | None = None
    state: str | None = None
    hook: str | None = None
    faults: list[Fault] = field(default_factory=list)
    description: str = ""
    version: str | None = None


async def read_picture(stage: Stage, given: Any) -> bytes:
    """A picture as a data URL, bare base64, or an address; raises `Refused`."""
    if not isinstance(given, str) or not given:
        raise Refused(4, "base64不能为空")
    try:
        if given.startswith(("http://", "https://")):
            data = await stage.read_url(given, _MAX_INPUT_BYTES)
        else:
            data = base64.b64decode(given.partition(",")[2] if given.startswith("data:") else given, validate=True)
        read_size(data)
    except (binascii.Error, ValueError, Unreachable) as error:
        raise Refused(4, "base64格式错误") from error
    return data


def take_in(stage: Stage, wanted: Wanted, *, job_id: str | None = None, window: bool = False) -> Job:
    """Make a job and put it into the line; one with a `window` waits outside of it until that is answered."""
    spoken = take_apart(wanted.prompt)
    # Milliseconds and three digits.
    job_id = job_id or stage.jobs.new_id(lambda: f"{int(stage.now() * 1000)}{stage.random.randrange(1000):03d}")
    seed = wanted.seed
    if seed is None:
        told = spoken.flags.get("seed", "")
        seed = int(told) if told.isdecimal() else stage.random.getrandbits(31)
    speed = wanted.speed or spoken.speed or "fast"
    notes: dict[str, Any] = {
        "dialect": wanted.dialect,
        "kind": wanted.kind,
        "seed": seed,
        "speed": speed,
        "version": wanted.version or spoken.version,
        "uuid": str(uuid.UUID(int=stage.random.getrandbits(128), version=4)),
        "sources": stage.shelf.put_inputs(job_id, wanted.pictures),
        "mask": None if wanted.mask is None else _put(stage, f"mask_{job_id}", wanted.mask),
        "ready": None if wanted.ready is None else _put(stage, f"ready_{job_id}", wanted.ready),
        "size": list(wanted.size or cell_size(spoken)),
        "count": wanted.count,
        "texts": list(wanted.texts),
        "parent": wanted.parent,
        "state": wanted.state,
        "description": wanted.description,
        "problem": problem_of(spoken, pictures=len(wanted.pictures)) if wanted.prompt else None,
        "window": window,
    }
    share = _SHARES.get(wanted.action, 1.0)
    job = Job(
        id=job_id,
        vendor=VENDOR,
        owner=wanted.owner,
        model=wanted.action,
        body={"prompt": wanted.prompt},
        created_at=stage.now(),
        wait_seconds=0.0 if window else stage.rehearsed(_QUEUE_SECONDS),
        duration_seconds=0.0 if window else stage.rehearsed(_SECONDS.get(speed, 30.0) * share),
        webhook_url=wanted.hook,
        faults=wanted.faults,
        notes=notes,
    )
    if window:
        stage.jobs.add(job)
    else:
        stage.put_in_line(job, f"{wanted.owner}|{wanted.prompt}")
    return job


def confirm(stage: Stage, job: Job, *, prompt: str, mask: bytes | None, before: bytes | None) -> Job:
    """The window of a job was answered: it goes into the line under the same id."""
    notes = job.notes
    wanted = Wanted(
        job.model,
        job.owner,
        notes["dialect"],
        notes["kind"],
        prompt=prompt,
        speed=notes["speed"],
        pictures=[before] if before is not None else stage.shelf.all_of(notes["sources"]),
        mask=mask,
        count=notes["count"],
        size=tuple(notes["size"]),
        parent=notes["parent"],
        state=notes["state"],
        hook=job.webhook_url,
        faults=job.faults,
        description=notes["description"],
    )
    stage.jobs.forget(job)
    return take_in(stage, wanted, job_id=job.id)


def known(stage: Stage, job_id: Any, owner: str) -> Job | None:
    """The job of this owner, while the proxy remembers it."""
    job = stage.jobs.get(job_id) if isinstance(job_id, str) else None
    if job is None or job.vendor != VENDOR or job.owner != owner:
        return None
    gone = job.fault("forget") and job.state(stage.now()) != "queued"
    return None if gone else job


def status_of(stage: Stage, job: Job, at: float | None = None) -> tuple[str, str]:
    """The task's status and progress now, or at an earlier moment."""
    now = stage.now() if at is None else at
    if job.notes["window"]:
        return "MODAL", ""
    match job.state(now):
        case "queued":
            return "NOT_START", ""
        case "finished":
            return ("FAILURE", "") if failure_of(job) else ("SUCCESS", "100%")
    if job.fault("unknown-status"):
        return "PONDERING", "50%"
    passed = 0.5 if job.finished_at == NEVER else (now - job.started_at) / max(job.finished_at - job.started_at, 1e-9)
    done = int(passed * (len(STEPS_PERCENT) + 1))
    return ("SUBMITTED", "0%") if done == 0 else ("IN_PROGRESS", f"{STEPS_PERCENT[min(done, len(STEPS_PERCENT)) - 1]}%")


def failure_of(job: Job) -> str | None:
    """Why a finished job failed; None when it went well."""
    if job.canceled:
        return FAILURES["canceled"]
    if job.notes.get("failed_once"):
        return FAILURES["internal"]
    if job.fault("nsfw"):
        return FAILURES["sensitive" if job.notes["dialect"] == "fork" else "banned"]
    told = job.fault("fail")
    if told is not None:
        return FAILURES.get(told.argument, told.argument or FAILURES["internal"])
    problem: str | None = job.notes["problem"]
    return problem


def buttons_of(job: Job) -> list[dict[str, Any]]:
    """The buttons under a finished task."""
    mj, kind = str(job.notes["uuid"]), job.notes["kind"]
    if kind == "text":
        return under_description() if job.model == "DESCRIBE" else []
    if kind == "film":
        return under_film(mj, job.notes["count"]) if job.model == "VIDEO" else under_clip(mj)
    if kind == "sheet":
        return under_grid(mj)
    return under_picture(mj, job.notes["version"], enlarged=job.model == "UPSCALE_HD")


def _put(stage: Stage, name: str, data: bytes) -> str:
    stage.shelf.put(name, data, "application/octet-stream")
    return name
