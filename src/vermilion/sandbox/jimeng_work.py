"""Doing Jimeng's jobs: taking one in with its pictures, deciding how it ends, and addresses that expire."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .faults import Fault, without_markers
from .films import FilmOrder
from .jimeng_models import FRAMES, GATEWAY, MODELS, Model, picture_problem
from .jimeng_replies import ERRORS
from .jobs import Job
from .outputs import address_of, size_of
from .pictures import Order, read_size
from .stage import Stage, Unreachable

VENDOR = "jimeng"
GATEWAY_MODEL = "gateway"
FILM_LIFE_SECONDS = 3600.0
PICTURE_LIFE_SECONDS = 24 * 3600.0
RECORD_LIFE_SECONDS = 12 * 3600.0

_QUEUE_SECONDS = 1.5
_MAX_INPUT_BYTES = 16 * 2**20


class Refused(Exception):
    """A request that is not taken: a code of the vendor's table, and which part of it is wrong."""

    def __init__(self, code: int, about: str = "") -> None:
        super().__init__(about)
        self.code = code
        self.about = about


@dataclass(frozen=True, slots=True)
class Given:
    """The pictures of a request, and the size of the first."""

    pictures: tuple[bytes, ...]
    size: tuple[int, int] | None


async def read_pictures(stage: Stage, model: Model, body: Mapping[str, Any]) -> Given:
    """The pictures a request brings or names, which the model must take; raises `Refused`."""
    inline, addresses = body.get("binary_data_base64") or [], body.get("image_urls") or []
    if not isinstance(inline, list) or not isinstance(addresses, list) or (inline and addresses):
        raise Refused(50215, "binary_data_base64 or image_urls")
    pictures = []
    for item in [*inline, *addresses]:
        try:
            data = base64.b64decode(item, validate=True) if inline else await stage.read_url(item, _MAX_INPUT_BYTES)
            wrong = picture_problem(model, data, read_size(data))
        except (binascii.Error, ValueError, TypeError, AttributeError) as error:
            raise Refused(50215, "a picture cannot be read") from error
        except Unreachable as error:
            raise Refused(50215, f"image_url download failed: {error}") from error
        if wrong:
            raise Refused(50215, wrong)
        pictures.append(data)
    try:
        return Given(tuple(pictures), read_size(pictures[0]) if pictures else None)
    except ValueError as error:
        raise Refused(50215, "a picture cannot be read") from error


def visual_body(sent: Mapping[str, Any]) -> dict[str, Any]:
    """An aggregator's request in the words of the API behind it; raises `Refused`."""
    duration = sent.get("duration", 5)
    frames = next((count for count, seconds in FRAMES.items() if seconds == duration), None)
    scale = sent.get("cfg_scale", 0.5)
    if frames is None or not isinstance(scale, int | float) or not 0 <= scale <= 1:
        raise Refused(50215, "duration or cfg_scale")
    body = {"prompt": sent.get("prompt", ""), "frames": frames, "aspect_ratio": sent.get("aspect_ratio", "16:9")}
    return body | ({"image_urls": [sent["image_url"]]} if sent.get("image_url") else {})


def take_in(stage: Stage, *, model_id: str, body: dict[str, Any], given: Given, owner: str, faults: list[Fault]) -> Job:
    """Make a job of a request that is acceptable, and put it into the line."""
    # A decimal number as text, larger than JavaScript counts exactly.
    job_id = stage.jobs.new_id(lambda: str(7_300_000_000_000_000_000 + stage.random.getrandbits(60)))
    names = stage.shelf.put_inputs(job_id, given.pictures)
    seed = body.get("seed", -1)
    notes = {
        "seed": seed if seed >= 0 else stage.random.getrandbits(31),
        "sources": names,
        "source_size": given.size,
        "count": 1,
    }
    kept = {**body, "binary_data_base64": names} if body.get("binary_data_base64") else body
    job = Job(
        id=job_id,
        vendor=VENDOR,
        owner=owner,
        model=model_id,
        body=kept,
        created_at=stage.now(),
        wait_seconds=stage.rehearsed(_QUEUE_SECONDS),
        duration_seconds=stage.rehearsed(model_of(model_id).seconds),
        faults=faults,
        notes=notes,
    )
    stage.put_in_line(job, fingerprint(owner, kept))
    return job


def model_of(model_id: str) -> Model:
    return GATEWAY if model_id == GATEWAY_MODEL else MODELS[model_id]


def fingerprint(owner: str, body: Mapping[str, Any]) -> str:
    """Equal for repeats of one request."""
    text = json.dumps(body, sort_keys=True, default=str)
    return f"{owner}|{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def code_named(fault: Fault | None, default: int) -> int | None:
    """The error of the vendor's table that a fault names; None without a fault."""
    if fault is None:
        return None
    return int(fault.argument) if fault.argument.isdecimal() and int(fault.argument) in ERRORS else default


def failure_of(stage: Stage, job: Job) -> int | None:
    """The code a finished job ended with, or None when it ended well."""
    refused = 50516 if model_of(job.model).kind == "video" else 50511
    if job.notes.get("failed_once") or job.fault("nsfw"):
        return refused
    wavering = job.fault("fail-then-succeed")
    if wavering is not None and stage.faults.first_times(wavering, job.id, wavering.times):
        return 50500
    return code_named(job.fault("fail"), refused)


def state_of(stage: Stage, job: Job, at: float | None = None) -> str:
    """The vendor's word for how a job is, now or at a time."""
    now = stage.now() if at is None else at
    state = job.state(now)
    if now >= job.created_at + RECORD_LIFE_SECONDS or (job.fault("forget") and state != "queued"):
        return "not_found"
    if state == "queued":
        return "in_queue"
    if state == "running":
        return "pondering" if job.fault("unknown-status") else "generating"
    return "expired" if job.fault("expired") else "done"


def order_of(stage: Stage, job: Job, index: int) -> Order | FilmOrder:
    """What the easel has to make for the result at `index`."""
    model = model_of(job.model)
    source = job.notes.get("source_size")
    width, height = size_of(job, *model.pixels(job.body, tuple(source) if source else None))
    sources = stage.shelf.all_of(job.notes["sources"])
    prompt, seed = without_markers(job.body.get("prompt") or ""), int(job.notes["seed"]) + index
    if model.kind == "video":
        return FilmOrder(prompt, seed, width, height, FRAMES[job.body.get("frames", 121)], sources)
    # A mask says where to paint; it is not painted itself.
    sources = sources[:1] if "inpaint" in job.model else sources
    return Order(prompt=prompt, seed=seed, width=width, height=height, format="jpeg", sources=sources, black=False)


class Addresses:
    """Signed addresses of results; the secret is kept with the jobs, so that a restart does not change it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._secret = stage.jobs.secret("jimeng address secret")

    def of(self, job: Job, index: int, base: str) -> str:
        """Where the result at `index` can be fetched until it expires."""
        name = f"{job.id}_{index}.{'mp4' if self._is_film(job) else 'jpeg'}"
        expires = int(job.finished_at + self._life(job))
        true = f"{base}/files/{name}?x-expires={expires}&x-signature={self._sign(name, expires)}"
        return address_of(job, index, true)

    def behind(self, name: str, expires: str, signature: str) -> tuple[Job, int] | None:
        """The job and index an address stands for; None when it was not made here, or has expired."""
        job_id, _, tail = name.partition("_")
        index = tail.partition(".")[0]
        job = self._stage.jobs.get(job_id)
        if job is None or not index.isdecimal() or not expires.isdecimal():
            return None
        if not hmac.compare_digest(self._sign(name, int(expires)), signature) or self._stage.now() >= int(expires):
            return None
        return (job, int(index)) if int(index) < job.notes["count"] else None

    def _life(self, job: Job) -> float:
        return FILM_LIFE_SECONDS if self._is_film(job) else PICTURE_LIFE_SECONDS

    @staticmethod
    def _is_film(job: Job) -> bool:
        return model_of(job.model).kind == "video"

    def _sign(self, name: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{name}|{expires}".encode(), "sha256").hex()[:32]
