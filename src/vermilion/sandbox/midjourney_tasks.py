"""A task as each dialect tells it, and the addresses of its pictures, which end like those of a chat's attachments."""

from __future__ import annotations

import hmac
from typing import Any

from .jobs import Job
from .midjourney_buttons import under_grid
from .midjourney_replies import Dialect
from .midjourney_words import numbered
from .midjourney_work import LINK_LIFE_SECONDS, VENDOR, buttons_of, failure_of, status_of
from .outputs import address_of, is_there
from .stage import Stage

_PREVIEW = "preview"


class Addresses:
    """Signed addresses (`ex`, `is`, `hm`); the secret is kept with the jobs, so that a restart does not change it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._secret = stage.jobs.secret("midjourney address secret")

    def of(self, job: Job, index: int, base: str) -> str:
        """Where a result can be fetched for a day after its end."""
        name = f"{job.id}_{index}.{'mp4' if job.notes['kind'] == 'film' else 'png'}"
        return address_of(job, index, self._signed(base, name, int(job.finished_at + LINK_LIFE_SECONDS)))

    def preview(self, job: Job, percent: str, base: str) -> str:
        """Where a passing picture of a running job lies; it changes with the percentage."""
        name = f"{job.id}_{_PREVIEW}{percent.rstrip('%')}.webp"
        return self._signed(base, name, int(self._stage.now() + 600))

    def behind(self, name: str, expires: str, signature: str) -> tuple[Job, int | None] | None:
        """The job and index an address stands for, None for a preview's; None when it never was, or has expired."""
        try:
            ends = int(expires, 16)
        except ValueError:
            return None
        if not hmac.compare_digest(self._sign(name, ends), signature) or self._stage.now() >= ends:
            return None
        return self.plain(name)

    def plain(self, name: str) -> tuple[Job, int | None] | None:
        """The same by its name alone."""
        job_id, _, tail = name.partition("_")
        job = self._stage.jobs.get(job_id)
        if job is None or job.vendor != VENDOR:
            return None
        if tail.startswith(_PREVIEW):
            return job, None
        index = tail.partition(".")[0]
        return (job, int(index)) if index.isdecimal() and is_there(self._stage, job, int(index), None) else None

    def _signed(self, base: str, name: str, expires: int) -> str:
        begun = expires - int(LINK_LIFE_SECONDS)
        return f"{base}/attachments/{name}?ex={expires:x}&is={begun:x}&hm={self._sign(name, expires)}"

    def _sign(self, name: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{name}|{expires}".encode(), "sha256").hex()


def task(stage: Stage, addresses: Addresses, job: Job, base: str, at: float | None = None) -> dict[str, Any]:
    """A task's whole object, now or as it was; `base` is the vendor's address."""
    dialect: Dialect = job.notes["dialect"]
    status, progress = status_of(stage, job, at)
    if dialect == "relay":
        status, progress = _heard(stage, job, at)
    prompt = job.body["prompt"]
    told: dict[str, Any] = {
        "id": job.id,
        "action": _action(job, dialect),
        "status": status,
        "progress": progress,
        "prompt": prompt,
        "promptEn": prompt,
        "description": job.notes["description"],
        "state": job.notes["state"],
        "imageUrl": None,
        "failReason": None,
        **_times(stage, job, status, dialect),
        "properties": _properties(job, status, dialect),
    }
    if status == "IN_PROGRESS":
        told["imageUrl"] = addresses.preview(job, progress, base)
    if status == "FAILURE":
        told["failReason"] = failure_of(job)
    if status == "SUCCESS":
        told |= _results(addresses, job, base, dialect)
    if dialect == "relay" and told["imageUrl"]:
        told["imageUrl"] = f"{base}/relay/mj/image/{job.id}" + ("" if status == "SUCCESS" else f"?rand={progress}")
    if dialect != "java":
        told["botType"] = "NIJI_JOURNEY" if str(job.notes["version"]).startswith("niji") else "MID_JOURNEY"
        told["buttons"] = buttons_of(job) if status == "SUCCESS" else []
    if job.fault("drift") and status == "SUCCESS":
        told["pictures"] = told.pop("imageUrl")
        told.pop("status")
    return told


def _results(addresses: Addresses, job: Job, base: str, dialect: Dialect) -> dict[str, Any]:
    notes = job.notes
    if job.fault("empty-output") or job.fault("null-output"):
        return {"imageUrl": "" if job.fault("empty-output") else None}
    if notes["kind"] == "text":
        words = numbered(notes["texts"])
        where = {"promptEn": words} if dialect == "fork" else {}
        shown = {"imageUrl": addresses.of(job, 0, base)} if notes["sources"] else {}
        return where | shown
    if notes["kind"] == "film":
        clips = [addresses.of(job, index, base) for index in range(notes["count"])]
        return {"videoUrl": clips[0], "videoUrls": [{"url": clip, "thumbnail": None} for clip in clips]}
    found: dict[str, Any] = {"imageUrl": addresses.of(job, 0, base)}
    if dialect == "fork":
        found["seed"] = str(notes["seed"])
        if job.fault("apart") and notes["kind"] == "sheet":
            each = [addresses.of(job, index, base) for index in range(1, 5)]
            found["imageUrls"] = [{"url": url, "thumbnail": None} for url in each]
    return found


def _heard(stage: Stage, job: Job, at: float | None) -> tuple[str, str]:
    """What a gateway knows: what the proxy said when it last asked, and nothing before that."""
    heard_at = stage.heard_at(job, at)
    if heard_at <= job.created_at:
        return "", "0%"
    status, progress = status_of(stage, job, heard_at)
    return status, "100%" if status == "FAILURE" else progress


def _action(job: Job, dialect: Dialect) -> str:
    if job.model == "INPAINT" and dialect == "fork":
        return "VARIATION"
    return job.model


def _times(stage: Stage, job: Job, status: str, dialect: Dialect) -> dict[str, Any]:
    unset = 0 if dialect == "relay" else None
    ended = status in {"SUCCESS", "FAILURE"}
    started = status not in {"", "NOT_START", "MODAL"}
    return {
        "submitTime": int(job.created_at * 1000),
        "startTime": int(job.started_at * 1000) if started else unset,
        "finishTime": int(min(job.finished_at, stage.now()) * 1000) if ended else unset,
    }


def _properties(job: Job, status: str, dialect: Dialect) -> dict[str, Any]:
    final = job.body["prompt"]
    if job.notes["kind"] == "text" and status == "SUCCESS" and dialect != "fork":
        final = numbered(job.notes["texts"])
    if dialect == "relay":
        return {"finalPrompt": final, "finalZhPrompt": ""}
    about = {"finalPrompt": final, "flags": 0, "discordInstanceId": "1118000000000000000"}
    return about | ({"messageHash": job.notes["uuid"]} if status == "SUCCESS" else {})


def grid_buttons(job: Job) -> list[dict[str, Any]]:
    """The buttons a grid has inside Midjourney, also where the proxy does not tell them."""
    return under_grid(str(job.notes["uuid"]))
