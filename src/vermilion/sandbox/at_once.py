"""Work whose answer is its result: the caller waits until it is over, and leaving does not stop it.

For vendors without jobs of their own. The sandbox still keeps a job for each request, with its times and fate, so that
controls and tests see what was asked and what would have been billed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .faults import Fault
from .jobs import NEVER, Job
from .pictures import read_size
from .stage import Stage, Unreachable

_MAX_INPUT_BYTES = 64 * 1024 * 1024
_TICK_SECONDS = 0.25


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


def begin(
    stage: Stage,
    *,
    vendor: str,
    owner: str,
    model: str,
    body: dict[str, Any],
    faults: list[Fault],
    seconds: float,
    pictures: Sequence[Picture] = (),
    notes: dict[str, Any] | None = None,
) -> Job:
    """Take a request in: from here on it goes on by itself, whoever listens."""
    job_id = uuid.UUID(int=stage.random.getrandbits(128), version=4).hex
    while stage.jobs.get(job_id) is not None:
        job_id = uuid.UUID(int=stage.random.getrandbits(128), version=4).hex
    job = Job(
        id=job_id,
        vendor=vendor,
        owner=owner,
        model=model,
        body=body,
        created_at=stage.now(),
        wait_seconds=0.0,
        duration_seconds=stage.rehearsed(seconds),
        faults=faults,
        notes={"seed": stage.random.getrandbits(31), **(notes or {})},
    )
    names = []
    for index, picture in enumerate(pictures):
        names.append(f"in_{job_id}_{index}")
        stage.shelf.put(names[-1], picture.data, "application/octet-stream")
    job.notes["sources"] = names
    for fault in faults:
        match fault.kind:
            case "slow":
                job.duration_seconds = fault.number(30.0)
            case "queue":
                job.wait_seconds = fault.number(30.0)
            case "never":
                job.duration_seconds = NEVER
            case "fail-once":
                if stage.faults.first_times(fault, f"{owner}|{model}|{json.dumps(body, sort_keys=True)}", 1):
                    job.notes["failed_once"] = True
    stage.jobs.add(job)
    return job


async def over(stage: Stage, job: Job) -> None:
    """Return when the work is done."""
    # Somebody may let the job end earlier, so the clock is looked at again before it is believed.
    while (left := job.finished_at - stage.now()) > 0:  # noqa: ASYNC110 - a clock sets no event
        await asyncio.sleep(min(left, _TICK_SECONDS))


def sources_of(stage: Stage, job: Job) -> tuple[bytes, ...]:
    """The pictures that were handed in with the request, as far as they are still there."""
    files = [stage.shelf.get(name) for name in job.notes.get("sources", ())]
    return tuple(file.data for file in files if file is not None)
