"""The worker process: one JSON job a line on standard input, one JSON answer a line on standard output.

It bounds itself before it reads anything: memory, the size of what it writes, open files, and processor time per
job (the kernel ends it, even when nobody is left to do so). Whatever a decoder raises becomes an answer.
"""

import base64
import os
import resource
import signal
import sys
from dataclasses import asdict
from json import dumps, loads
from pathlib import Path
from typing import Any

from vermilion.library.inspection.cells import cut_image
from vermilion.library.inspection.films import inspect_film
from vermilion.library.inspection.images import inspect_image, make_thumbnail, marks_in
from vermilion.library.inspection.media import Marks, Media, Unreadable
from vermilion.library.inspection.types import HEAD_BYTES, KINDS, content_type_of

MEMORY_MAX_BYTES = 1536 * 2**20
WRITTEN_MAX_BYTES = 64 * 2**20
PROCESSOR_SECONDS = {"image": 30.0, "audio": 60.0, "video": 120.0}


def main() -> None:
    """Serve jobs until standard input ends."""
    _bound_oneself()
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    answers.write(b"{}\n")
    for line in sys.stdin.buffer:
        answers.write(dumps(_answer(loads(line))).encode() + b"\n")
        signal.setitimer(signal.ITIMER_PROF, 0)


def _bound_oneself() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_MAX_BYTES),
        (resource.RLIMIT_FSIZE, WRITTEN_MAX_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    # The event loop of the house goes first.
    os.nice(5)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    target = Path(job["target"])
    try:
        if job["do"] == "shrink":
            signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS["image"])
            make_thumbnail(Path(job["source"]), target, job["longest_pixels"])
            return {}
        if job["do"] == "cut":
            _cut(Path(job["source"]), [Path(cell) for cell in job["cells"]], job["columns"], job["rows"])
            return {}
        if job["do"] == "marks":
            return asdict(_marks(Path(job["source"])))
        return _as_json(_inspect(Path(job["source"]), target, job["expect"]))
    except Unreadable as refusal:
        return {"code": refusal.code, "detail": refusal.detail}
    except MemoryError:
        return {"code": "asset.unreadable", "detail": "Reading the file needs more memory than any honest file does."}
    except Exception as error:  # noqa: BLE001 - the rim: decoders raise anything on damaged files, and each is a refusal
        return {"code": "asset.unreadable", "detail": f"The file is damaged or incomplete ({type(error).__name__})."}


def _inspect(source: Path, target: Path, expect: str | None) -> Media:
    with source.open("rb") as file:
        content_type = content_type_of(file.read(HEAD_BYTES))
    if content_type is None:
        raise Unreadable("asset.type_refused", "The file is none of the types the house keeps.")
    kind = KINDS[content_type]
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS[kind])
    media = (inspect_image if kind == "image" else inspect_film)(source, content_type, target)
    if expect is not None and media.kind != expect:
        raise Unreadable("asset.type_refused", f"The file is {media.content_type}, where {expect} was expected.")
    return media


def _cut(source: Path, targets: list[Path], columns: int, rows: int) -> None:
    cut_image(source, _type_of_picture(source, "several side by side were"), targets, columns, rows)


def _marks(source: Path) -> Marks:
    return marks_in(source, _type_of_picture(source, "a mask was"))


def _type_of_picture(source: Path, expected: str) -> str:
    with source.open("rb") as file:
        content_type = content_type_of(file.read(HEAD_BYTES))
    if content_type is None or KINDS[content_type] != "image":
        raise Unreadable("asset.type_refused", f"The file is no picture, where {expected} expected.")
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS["image"])
    return content_type


def _as_json(media: Media) -> dict[str, Any]:
    return {
        "kind": media.kind,
        "content_type": media.content_type,
        "width": media.width,
        "height": media.height,
        "duration_seconds": media.duration_seconds,
        "thumbhash": None if media.thumbhash is None else base64.b64encode(media.thumbhash).decode(),
        "thumbnail": None if media.thumbnail is None else str(media.thumbnail),
    }
