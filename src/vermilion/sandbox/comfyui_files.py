"""The folders of one ComfyUI server: input, output and temp; how names are given, and how files go out."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import posixpath
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from PIL import Image

from .stage import Stage

FOLDERS = ("input", "output", "temp")
_FILES_MAX = 1000
_IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_COUNTER = re.compile(r"_(\d{5,})_")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is, as ComfyUI names it."""

    folder: str
    subfolder: str
    filename: str


@dataclass(frozen=True, slots=True)
class Held:
    """What lies there: bytes on the shelf, or the picture at `index` of a job."""

    shelf: str = ""
    job_id: str = ""
    index: int = 0


class Files:
    """The files of one server. They outlive its restarts, except those in temp."""

    def __init__(self, stage: Stage, server: str) -> None:
        self._stage = stage
        self._note = f"comfyui files {server}"
        self._files: OrderedDict[Place, Held] = OrderedDict()
        for item in json.loads(stage.jobs.note(self._note) or "[]"):
            self._files[Place(**item["place"])] = Held(**item["held"])

    def uploaded(self) -> list[str]:
        """The names `LoadImage` offers: files directly in the input folder."""
        return [place.filename for place in self._files if place.folder == "input" and not place.subfolder]

    def names(self) -> list[str]:
        """Every name of an uploaded file as `LoadImage` takes it: with its subfolder, and where that is not input."""
        found = []
        for place, held in self._files.items():
            if not held.shelf:
                continue
            path = posixpath.join(place.subfolder, place.filename)
            found += [path, f"{path} [input]"] if place.folder == "input" else [f"{path} [{place.folder}]"]
        return found

    def named(self, name: str) -> tuple[str, bytes] | None:
        """The uploaded file behind a name as `LoadImage` is given it: its name on the shelf, and its bytes."""
        match = re.fullmatch(r"(.*) \[(input|output|temp)\]", name)
        path, folder = (match[1], match[2]) if match else (name, "input")
        held = self._files.get(Place(folder, posixpath.dirname(path), posixpath.basename(path)))
        file = self._stage.shelf.get(held.shelf) if held is not None and held.shelf else None
        return None if held is None or file is None else (held.shelf, file.data)

    def held(self, place: Place) -> Held | None:
        """What lies at a place."""
        return self._files.get(place)

    def bytes_at(self, place: Place) -> bytes | None:
        """The bytes of an uploaded file."""
        held = self._files.get(place)
        file = self._stage.shelf.get(held.shelf) if held is not None and held.shelf else None
        return None if file is None else file.data

    def keep_upload(self, place: Place, data: bytes, *, overwrite: bool) -> Place:
        """Write an uploaded file; without `overwrite` another of its name is left alone, and an equal one is reused."""
        stem, extension = posixpath.splitext(place.filename)
        number = 1
        while not overwrite and (there := self.bytes_at(place)) is not None:
            if there == data:
                return place
            place = Place(place.folder, place.subfolder, f"{stem} ({number}){extension}")
            number += 1
        shelf = "comfy_" + hashlib.blake2b(data, digest_size=16).hexdigest()
        self._stage.shelf.put(shelf, data, _IMAGE_TYPES.get(extension.lower(), "application/octet-stream"))
        self._put(place, Held(shelf=shelf))
        return place

    def save(self, folder: str, prefix: str, extensions: Sequence[str], job_id: str, first: int) -> list[Place]:
        """New places for one node's results, counted on from what lies there; raises `ValueError` for one outside."""
        subfolder, stem = posixpath.split(posixpath.normpath(prefix))
        if subfolder.startswith(("..", "/")) or stem in {"", ".", ".."}:
            raise ValueError("Saving image outside the output folder is not allowed.")
        counters = [
            int(found[1])
            for place in self._files
            if place.folder == folder
            and place.subfolder == subfolder
            and place.filename.startswith(f"{stem}_")
            and (found := _COUNTER.search(place.filename[len(stem) :]))
        ]
        counter = max(counters, default=0) + 1
        places = []
        for offset, extension in enumerate(extensions):
            place = Place(folder, subfolder, f"{stem}_{counter + offset:05}_{extension}")
            self._put(place, Held(job_id=job_id, index=first + offset))
            places.append(place)
        return places

    def wipe_temp(self) -> None:
        """What a start does."""
        for place in [place for place in self._files if place.folder == "temp"]:
            del self._files[place]
        self._write()

    def clear(self) -> None:
        """Forget every file."""
        self._files.clear()
        self._write()

    def _put(self, place: Place, held: Held) -> None:
        self._files[place] = held
        while len(self._files) > _FILES_MAX:
            self._files.popitem(last=False)
        self._write()

    def _write(self) -> None:
        items = [{"place": asdict(place), "held": asdict(held)} for place, held in self._files.items()]
        self._stage.jobs.keep_note(self._note, json.dumps(items))


def place_asked(query: Any, *, usual: str) -> Place | int:
    """The place a request names, or the status that refuses it."""
    filename, folder = query.get("filename", ""), query.get("type", usual)
    if not filename:
        return 404
    if filename[0] == "/" or ".." in filename or folder not in FOLDERS:
        return 400
    subfolder = posixpath.normpath(query.get("subfolder", "") or ".")
    if subfolder.startswith(("..", "/")):
        return 403
    path = posixpath.join("" if subfolder == "." else subfolder, filename)
    return Place(folder, posixpath.dirname(path), posixpath.basename(path))


async def altered(response: web.StreamResponse, query: Any) -> web.StreamResponse:
    """A picture as `preview` and `channel` ask for it."""
    body = response.body if isinstance(response, web.Response) else None
    preview, channel = query.get("preview"), query.get("channel", "rgba")
    if not isinstance(body, bytes) or (preview is None and channel == "rgba"):
        return response
    try:
        data, content_type = await asyncio.to_thread(_altered, body, preview, channel)
    except (OSError, SyntaxError):
        return response
    return web.Response(body=data, content_type=content_type)


def _altered(body: bytes, preview: str | None, channel: str) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(body)) as picture:
        if preview is not None:
            form, _, quality = preview.partition(";")
            form = form if form in {"webp", "jpeg"} else "webp"
            picture.convert("RGB").save(buffer, form, quality=int(quality) if quality.isdigit() else 90)
            return buffer.getvalue(), f"image/{form}"
        if channel == "a":
            alpha = picture.convert("RGBA").getchannel("A")
            lone = Image.new("RGBA", picture.size)
            lone.putalpha(alpha)
            lone.save(buffer, "PNG")
        else:
            picture.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue(), "image/png"


def with_alpha_of(original: bytes, mask: bytes) -> bytes:
    """The original with the mask's transparency; raises `ValueError` where their sizes differ, as the server's own

    library does.
    """
    with Image.open(io.BytesIO(original)) as picture, Image.open(io.BytesIO(mask)) as given:
        whole = picture.convert("RGBA")
        whole.putalpha(given.convert("RGBA").getchannel("A"))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()
