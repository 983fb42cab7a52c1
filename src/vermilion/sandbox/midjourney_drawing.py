"""What there is to draw of Midjourney's jobs: sheets of four, their pictures, what is made larger, and films."""

from __future__ import annotations

import asyncio
import io
import math

from PIL import Image

from .films import FilmOrder
from .jobs import Job
from .midjourney_flags import Spoken, take_apart
from .outputs import Made, Ready
from .pictures import Order
from .sheets import SheetOrder
from .stage import Stage

_CELL_PIXELS = 512 * 512


def cell_size(spoken: Spoken) -> tuple[int, int]:
    """Width and height of one of four pictures."""
    width, height = spoken.aspect
    ratio = min(max(width / height, 0.2), 5.0)
    return _sixteenths(math.sqrt(_CELL_PIXELS * ratio)), _sixteenths(math.sqrt(_CELL_PIXELS / ratio))


def order_of(stage: Stage, job: Job, index: int) -> Made:
    """What there is to draw: for a sheet 0 is the whole and 1–4 its pictures."""
    notes = job.notes
    prompt, seed = take_apart(job.body["prompt"]).words, int(notes["seed"])
    width, height = notes["size"]
    if job.fault("wrong-size"):
        width, height = _sixteenths(width / 2), _sixteenths(height / 2)
    sources = stage.shelf.all_of(notes["sources"])
    ready = stage.shelf.get(notes["ready"]) if notes["ready"] else None
    if ready is not None:
        return Ready(ready.data, "png")
    if notes["kind"] == "film":
        return FilmOrder(prompt, seed + index, width, height, 5.0, sources)
    if notes["kind"] == "sheet":
        mask = stage.shelf.get(notes["mask"]) if notes["mask"] else None
        sheet = SheetOrder(
            prompt, seed, 2 * width, 2 * height, "png", sources=sources, mask=mask.data if mask is not None else None
        )
        return sheet if index == 0 else sheet.cell(index - 1)
    if notes["kind"] == "text" and sources:
        return Ready(sources[0], "png")
    return Order(prompt, seed, width, height, "png", sources)


async def picture_of(stage: Stage, job: Job, index: int) -> bytes:
    """The bytes of a finished job's picture: `index` counts a sheet's from 1."""
    whole = order_of(stage, job, 0)
    data = whole.data if isinstance(whole, Ready) else await stage.easel.picture(whole, f"{job.id}/0")
    return await asyncio.to_thread(_cell, data, index) if job.notes["kind"] == "sheet" else data


async def enlarged(data: bytes, factor: int) -> bytes:
    """A picture `factor` times as large."""
    return await asyncio.to_thread(_enlarge, data, factor)


def _cell(data: bytes, index: int) -> bytes:
    with Image.open(io.BytesIO(data)) as sheet:
        width, height = sheet.width // 2, sheet.height // 2
        x, y = (index - 1) % 2 * width, (index - 1) // 2 * height
        return _png(sheet.crop((x, y, x + width, y + height)))


def _enlarge(data: bytes, factor: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        size = (picture.width * factor, picture.height * factor)
        return _png(picture.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=2)
    return buffer.getvalue()


def _sixteenths(side: float) -> int:
    return max(64, round(side / 16) * 16)
