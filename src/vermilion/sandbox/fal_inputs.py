"""Pictures that clients hand in: inline, by upload, or by address."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from .fal_models import MODELS
from .jobs import Job
from .pictures import read_size
from .stage import Stage, Unreachable

INLINE = "sandbox-input:"
_FILE_PATH = re.compile(r"/files/[a-z]+/([A-Za-z0-9-]+_[A-Za-z0-9_-]+)(?:\.[A-Za-z0-9]+)?$")
_OWN_PICTURE = re.compile(r"^([0-9a-f]{32})_(\d)$")
_MAX_INPUT_BYTES = 24 * 1024 * 1024


class BadInput(Exception):
    """An input picture that cannot be used; `kind` is fal's error type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def put_aside_inline(stage: Stage, job_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body with every `data:` picture replaced by a short name, its bytes put on the shelf."""

    def aside(value: Any, name: str) -> Any:
        if not isinstance(value, str) or not value.startswith("data:"):
            return value
        head, _, encoded = value.partition(",")
        try:
            data = base64.b64decode(encoded, validate=True) if head.endswith(";base64") else b""
        except (binascii.Error, ValueError):
            data = b""
        shelf_name = f"in_{job_id.replace('-', '')}_{name}"
        stage.shelf.put(shelf_name, data, head[5:].partition(";")[0])
        return INLINE + shelf_name

    clean = dict(body)
    for key, value in body.items():
        if isinstance(value, list):
            clean[key] = [aside(item, f"{key}-{index}") for index, item in enumerate(value[:16])]
        elif isinstance(value, str):
            clean[key] = aside(value, key[:40])
    return clean


def input_addresses(job: Job) -> list[tuple[str, str]]:
    """Field name and address of every input picture of a job, main picture first."""
    found: list[tuple[str, str]] = []
    for name in MODELS[job.model].images:
        value = job.body.get(name)
        if isinstance(value, str) and value:
            found.append((name, value))
        elif isinstance(value, list):
            found += [(f"{name}.{index}", item) for index, item in enumerate(value[:4]) if isinstance(item, str)]
    return found


async def read_inputs(stage: Stage, job: Job) -> None:
    """Fetch a job's input pictures once and note their sizes, or why they cannot be used."""
    if job.notes.get("inputs_read"):
        return
    pictures: list[bytes] = []
    for place, address in input_addresses(job):
        try:
            data = await _read(stage, address)
            size = read_size(data)
        except BadInput as bad:
            job.notes["input_failure"] = (bad.kind, place)
            break
        except ValueError:
            job.notes["input_failure"] = ("image_load_error", place)
            break
        if not pictures:
            job.notes["source_size"] = size
        pictures.append(data)
    job.notes["sources"] = stage.shelf.put_inputs(job.id, pictures)
    job.notes["inputs_read"] = True
    stage.jobs.save(job)


async def _read(stage: Stage, address: str) -> bytes:
    if address.startswith(INLINE):
        file = stage.shelf.get(address.removeprefix(INLINE))
        if file is None or not file.data:
            raise BadInput("image_load_error")
        return file.data
    own = _FILE_PATH.search(address)
    if own is not None:
        file = stage.shelf.get(own[1])
        if file is not None:
            return file.data
        drawn = _OWN_PICTURE.match(own[1])
        if drawn is None:
            raise BadInput("file_download_error")
    try:
        return await stage.read_url(address, _MAX_INPUT_BYTES)
    except Unreachable as unreachable:
        raise BadInput("file_download_error") from unreachable
