"""Handing a person's files to a ComfyUI server, before the workflow that reads them is sent.

Files are named by their content: the server keeps one copy however often a picture is used, and never another
file under the same name. What it answers is the name to use, whatever was asked for.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from vermilion.providers import comfyui_errors
from vermilion.providers.comfyui_door import Door, seconds_until
from vermilion.providers.comfyui_render import FOLDER
from vermilion.providers.contract import Call, InputFile
from vermilion.providers.errors import Drifted, Unreachable
from vermilion.providers.masks import cut_out, in_both_ways

MASK = "mask"
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
}


async def hand_over(door: Door, call: Call, ends: float) -> dict[str, list[str]]:
    """Upload the call's files; their names at the server by role, in the order they were given.

    A mask is sent white and transparent where something is to change, whichever of the two the workflow looks at.
    Where it belongs into the very input of the picture, the picture is sent with the mask cut out of it.
    Raises `Unreachable` when they are not all there at `ends`, a moment of `time.monotonic`.
    """
    by_role: dict[str, list[InputFile]] = {}
    for given in call.inputs:
        by_role.setdefault(given.role, []).append(given)
    shares_input = _input_shared_with_mask(call) if MASK in by_role else None
    names: dict[str, list[str]] = {}
    for role, files in by_role.items():
        for given in files:
            content, content_type = await given.read(), given.content_type
            if role == MASK:
                if shares_input in by_role:
                    continue
                content, content_type = await asyncio.to_thread(in_both_ways, content), "image/png"
            elif role == shares_input:
                mask = await by_role[MASK][0].read()
                content, content_type = await asyncio.to_thread(cut_out, content, mask), "image/png"
            names.setdefault(role, []).append(await _upload(door, content, content_type, ends))
    return names


def _input_shared_with_mask(call: Call) -> str | None:
    """The role whose picture goes into the same input of the same node as the mask."""
    slots = call.options.get("slots")
    places: dict[str, set[tuple[str, Any]]] = {}
    for slot in slots if isinstance(slots, Sequence) else ():
        if isinstance(slot, Mapping) and isinstance(slot.get("node_ids"), list):
            found = {(str(node_id), slot.get("key")) for node_id in slot["node_ids"]}
            places.setdefault(str(slot.get("name")), set()).update(found)
    masked = places.get(MASK, set())
    return next((role for role, where in places.items() if role != MASK and where & masked), None)


async def _upload(door: Door, content: bytes, content_type: str, ends: float) -> str:
    name = f"{hashlib.sha256(content).hexdigest()[:32]}.{_EXTENSIONS.get(content_type, 'bin')}"
    form = aiohttp.FormData()
    form.add_field("image", content, filename=name, content_type=content_type)
    form.add_field("type", "input")
    form.add_field("subfolder", FOLDER)
    answer = await door.ask("POST", "/upload/image", data=form, seconds=seconds_until(ends))
    if not answer.ok:
        raise comfyui_errors.not_uploaded(answer)
    try:
        told = answer.json()
    except Drifted as error:
        # No job was sent yet, so nothing is in doubt.
        raise Unreachable(error.message, vendor_message=error.vendor_message) from error
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise Unreachable("ComfyUI did not say under which name it keeps a file.", vendor_message=str(told)[:200])
    folder = told.get("subfolder")
    return f"{folder}/{told['name']}" if isinstance(folder, str) and folder else told["name"]
