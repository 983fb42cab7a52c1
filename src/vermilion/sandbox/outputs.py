"""Handing out what a finished job made, with everything that can go wrong about a result's file.

Whatever a vendor's result addresses look like, they end here: the vendor finds the job and the
index, and says what to draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from .dubs import DubOrder
from .easel import Drawable
from .films import CONTENT_TYPE, FilmOrder
from .jobs import Job
from .misbehave import flood
from .stage import Stage

_PRIVATE_ADDRESSES = ("http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[::1]:22/")
"""Where a result's address leads under `ssrf-output`: nowhere a house should go."""

ADDRESS_FAULTS = ("404-output", "expire", "partial", "html-image", "huge-output", "ssrf-output", "redirect-output")
"""What can only go wrong about a result that has an address."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A result that needs no drawing: its bytes, and a picture's format."""

    data: bytes
    format: str


Made = Drawable | Ready

_HTML = b"<!doctype html><title>Not a picture</title><p>This is not the picture you are looking for."
_NOISE_BYTES = 50_000


def content_type_of(order: Made) -> str:
    """What the file claims to be."""
    return CONTENT_TYPE if isinstance(order, FilmOrder | DubOrder) else f"image/{order.format}"


def address_of(job: Job, index: int, true: str) -> str:
    """The address a result is told by: the true one, unless a fault of the job leads elsewhere."""
    return _PRIVATE_ADDRESSES[index % len(_PRIVATE_ADDRESSES)] if job.fault("ssrf-output") else true


def size_of(job: Job, width: int, height: int) -> tuple[int, int]:
    """Width and height in pixels of what is really made, where so many were asked for."""
    return (max(16, width // 2), max(16, height // 2)) if job.fault("wrong-size") else (width, height)


def is_there(stage: Stage, job: Job, index: int, lifetime_seconds: float | None) -> bool:
    """Whether the result at `index` can be fetched now: the job ended well, and the file has not expired.

    `lifetime_seconds` counts from the job's end; None is for ever. Whether the job has such an index is the vendor's.
    """
    now = stage.now()
    if job.state(now) != "finished" or job.canceled:
        return False
    expire = job.fault("expire")
    if expire is not None:
        lifetime_seconds = expire.number(0.0)
    if lifetime_seconds is not None and now >= job.finished_at + lifetime_seconds:
        return False
    return not job.fault("404-output") and not (job.fault("partial") and index % 2)


async def hand_out(
    request: web.Request, stage: Stage, job: Job, index: int, order: Callable[[], Made]
) -> web.StreamResponse:
    """The file of the result at `index`, or what the job's faults make of it."""
    if job.fault("html-image"):
        return web.Response(body=_HTML, content_type="text/html")
    if job.fault("redirect-output"):
        return web.Response(status=302, headers={"Location": _PRIVATE_ADDRESSES[0]})
    made = order()
    content_type = content_type_of(made)
    data = await bytes_of(stage, job, index, made)
    huge = job.fault("huge-output")
    if huge is not None:
        return await flood(request, content_type, huge.number(512), opening=data, filler=b"\0")
    headers = {"Content-Type": content_type, "Cache-Control": "public, max-age=86400"}
    return web.Response(body=data, headers=headers)


async def bytes_of(stage: Stage, job: Job, index: int, order: Made) -> bytes:
    """A result's bytes, for a vendor that puts them into its answer, spoiled as the job's faults say."""
    if job.fault("garbage-image"):
        return hashlib.shake_128(f"{job.id}/{index}".encode()).digest(_NOISE_BYTES)
    data = order.data if isinstance(order, Ready) else await stage.easel.picture(order, f"{job.id}/{index}")
    return data[: len(data) // 2] if job.fault("truncated-image") else data
