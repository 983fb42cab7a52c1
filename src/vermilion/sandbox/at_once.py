"""Work whose answer is its result: the caller waits until it is over, and leaving does not stop it.

For vendors without jobs of their own. The sandbox still keeps a job for each request, with its times and fate, so that
controls and tests see what was asked and what would have been billed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .faults import Fault, job_word, wire_words, without_markers, words
from .jobs import Job
from .outputs import ADDRESS_FAULTS, address_of, hand_out, is_there, size_of
from .pictures import Order, read_size
from .stage import Stage, Unreachable
from .vendor import BaseVendor

PLACES = ("submit", "download", "probe")
"""Where the wire can be struck: nothing is asked about later, ended early or uploaded before."""

FAULTS = (
    *wire_words(),
    *words("fail", "fail-once", "nsfw", "slow", "queue", "never", "drift", "empty-output", "null-output"),
    *words("404-output", "expire", "partial", "garbage-image", "html-image", "truncated-image", "huge-output"),
    *words("wrong-size", "ssrf-output", "redirect-output"),
    job_word("error-in-200", "200, with the error inside and no pictures."),
)
ADDRESSES_NOTE = (
    "A failure of the pictures' addresses makes the answer name addresses, also where base64 was asked for."
)

_MAX_INPUT_BYTES = 64 * 1024 * 1024
_FILE = re.compile(r"^([0-9a-f]{32})_(\d{1,2})\.\w+$")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture a caller handed in: encoded, with its size in pixels."""

    data: bytes
    width: int
    height: int


class BadPicture(Exception):
    """A picture that cannot be used; the text says why."""


class Refusal(Exception):
    """A request that is not taken: status, `code`, `param` and the words, as both APIs put it."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param


def read_picture(data: bytes) -> Picture:
    """Raises `BadPicture` for bytes that are no picture."""
    try:
        width, height = read_size(data)
    except ValueError as error:
        raise BadPicture("not a readable picture") from error
    return Picture(data, width, height)


async def picture_at(stage: Stage, address: str) -> Picture:
    """A picture by its address or as a `data:` URL. Raises `BadPicture`."""
    if address.startswith("data:"):
        head, _, encoded = address.partition(",")
        try:
            if not head.startswith("data:image/") or not head.endswith(";base64") or head != head.lower():
                raise BadPicture("not a data URL of a picture in base64")
            return read_picture(base64.b64decode(encoded, validate=True))
        except binascii.Error as error:
            raise BadPicture("not valid base64") from error
    if not address.startswith(("http://", "https://")):
        raise BadPicture("neither an address nor a data URL")
    try:
        return read_picture(await stage.read_url(address, _MAX_INPUT_BYTES))
    except Unreachable as unreachable:
        raise BadPicture(str(unreachable)) from unreachable


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request that was understood. Sizes in pixels; `sent` is what the caller sent, without pictures."""

    sent: dict[str, Any]
    model: str
    prompt: str
    count: int
    width: int
    height: int
    format: str
    seconds: float
    as_url: bool
    stream: bool
    pictures: list[Picture]
    watermark: str = ""


def begin(
    vendor: BaseVendor, request: web.Request, owner: str, asked: Asked, faults: list[Fault], *, seed: int | None = None
) -> Job:
    """Take a request in: from here on it goes on by itself, whoever listens."""
    stage = vendor.stage
    job_id = stage.jobs.new_id(lambda: uuid.UUID(int=stage.random.getrandbits(128), version=4).hex)
    chance = stage.random.getrandbits(31)
    job = Job(
        id=job_id,
        vendor=vendor.name,
        owner=owner,
        model=asked.model,
        body=asked.sent,
        created_at=stage.now(),
        wait_seconds=0.0,
        duration_seconds=stage.rehearsed(asked.seconds),
        faults=faults,
        notes={
            "base": vendor.base_of(request),
            "count": asked.count,
            "width": asked.width,
            "height": asked.height,
            "format": asked.format,
            "watermark": asked.watermark,
            "seed": chance if seed is None else seed,
            "sources": stage.shelf.put_inputs(job_id, (picture.data for picture in asked.pictures)),
        },
    )
    stage.put_in_line(job, fingerprint(owner, asked))
    return job


def fingerprint(owner: str, asked: Asked) -> str:
    """Equal for repeats of one request."""
    return f"{owner}|{json.dumps(asked.sent, sort_keys=True)}"


async def over(stage: Stage, job: Job) -> None:
    """Return when the work is done."""
    await stage.until(lambda: job.finished_at)


async def at_share(stage: Stage, job: Job, share: float) -> None:
    """Return when so much of the work is done, between 0 and 1."""
    await stage.until(lambda: min(job.started_at + (job.finished_at - job.started_at) * share, job.finished_at))


def order_of(stage: Stage, job: Job, index: int) -> Order:
    """What to paint for the picture at `index`, by what the job itself remembers."""
    notes = job.notes
    width, height = size_of(job, int(notes["width"]), int(notes["height"]))
    return Order(
        prompt=without_markers(str(job.body["prompt"])),
        seed=int(notes["seed"]) + index,
        width=width,
        height=height,
        format=str(notes["format"]),
        sources=stage.shelf.all_of(notes["sources"]),
        watermark=str(notes.get("watermark", "")),
    )


def is_told_by_address(job: Job, asked: Asked) -> bool:
    """Whether the answer names addresses: asked for, or needed by what shall go wrong."""
    return asked.as_url or any(job.fault(kind) for kind in ADDRESS_FAULTS)


def address(job: Job, index: int) -> str:
    """Where the picture at `index` can be fetched."""
    return address_of(job, index, f"{job.notes['base']}/files/{job.id}_{index}.{job.notes['format']}")


async def file_answer(
    vendor: BaseVendor, request: web.Request, name: str, *, lifetime_seconds: float
) -> web.StreamResponse:
    """A picture by the last part of its address, for so long after it was made."""
    found = _FILE.match(name)
    job = vendor.stage.jobs.get(found[1]) if found else None
    if found is None or job is None or job.vendor != vendor.name or int(found[2]) >= int(job.notes["count"]):
        return web.Response(status=404)
    index = int(found[2])

    async def handed() -> web.StreamResponse:
        if not is_there(vendor.stage, job, index, lifetime_seconds):
            return web.Response(status=404)
        return await hand_out(request, vendor.stage, job, index, lambda: order_of(vendor.stage, job, index))

    return await vendor.with_faults(request, "download", job.faults, name, handed)
