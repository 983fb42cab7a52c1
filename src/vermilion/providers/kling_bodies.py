"""What Kling is sent, in either of its API generations.

The catalog names where each thing goes: `image`, `input.image`, `image_list[].image` (a list of objects, one per
file). Everything is said in the first generation's words; the second generation's are made of them. Pictures travel
as bare base64 in both. Facts: Kling's pages on its video and image endpoints.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vermilion.providers.contract import Call, InputFile
from vermilion.providers.errors import Rejected

_RESOLUTIONS = {"std": "720p", "pro": "1080p", "4k": "4k"}
_NEWER_SETTINGS = {"mode", "duration", "aspect_ratio", "sound", "multi_shot"}
_NEWER_CONTENTS = {"start_frame": "first_frame", "end_frame": "last_frame", "image": "refer_image"}
_FRAME_TYPES = {"start_frame": "first_frame", "end_frame": "end_frame"}
_MENTION = re.compile(r"<<<(\w+)>>>")
_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


NO_ADDRESS = "Kling fetches videos itself, and this house has no public address to fetch one from."


def is_newer(endpoint: str) -> bool:
    """Whether an endpoint is one of the second generation."""
    return not endpoint.startswith("v1/")


def endpoint_for(endpoint: str, params: Mapping[str, Any], options: Mapping[str, Any], *, newer: bool) -> str:
    """Where a call goes: the second generation's path where it is reached and can say all that is wanted."""
    said = {name for name, value in params.items() if value not in ("", None)}
    if newer and "newer" in options and said <= _NEWER_SETTINGS:
        return str(options["newer"])
    return endpoint


async def body_of(call: Call, endpoint: str) -> dict[str, Any]:
    """The whole request body for this endpoint."""
    files = [(given, await _content(given)) for given in call.inputs]
    return _newer(call, endpoint, files) if is_newer(endpoint) else _first(call, files)


async def _content(given: InputFile) -> str:
    if not given.content_type.startswith("video/"):
        return base64.b64encode(await given.read()).decode()
    if given.url is None:
        raise Rejected(NO_ADDRESS)
    return given.url


def _first(call: Call, files: Sequence[tuple[InputFile, str]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name in ("model_name", "effect_scene"):
        if name in call.options:
            body[name] = call.options[name]
    if call.prompt and "prompt" in call.options:
        _put(body, call.options["prompt"], call.prompt)
    params = {name: value for name, value in call.params.items() if value not in ("", None)}
    move, amount = params.pop("camera_move", None), params.pop("camera_amount", None)
    if move is not None:
        body["camera_control"] = _camera(move, amount)
    if params.pop("multi_shot", False):
        body |= {"multi_shot": True, "shot_type": "intelligence"}
    for name, value in params.items():
        _put(body, name, value)
    for given, content in files:
        _put(body, call.options["inputs"][given.role]["wire"], content, _FRAME_TYPES.get(given.role))
    if call.options.get("reference", True):
        body["external_task_id"] = call.reference
    if call.callback_url:
        body["callback_url"] = call.callback_url
    return body


def _newer(call: Call, endpoint: str, files: Sequence[tuple[InputFile, str]]) -> dict[str, Any]:
    params = {name: value for name, value in call.params.items() if value not in ("", None)}
    settings: dict[str, Any] = {}
    if "mode" in params:
        settings["resolution"] = _RESOLUTIONS[params["mode"]]
    if "sound" in params:
        settings["audio"] = "native" if params["sound"] == "on" else "off"
    if "duration" in params:
        settings["duration"] = int(params["duration"])
    settings |= {name: params[name] for name in ("aspect_ratio", "multi_shot") if name in params}
    options: dict[str, Any] = {"external_task_id": call.reference}
    if call.callback_url:
        options["callback_url"] = call.callback_url
    body: dict[str, Any] = {"settings": settings, "options": options}
    if endpoint.startswith("text-to-video/"):
        return {"prompt": call.prompt, **body}
    # `<<<image_1>>>` of the first generation is `@image_1` here, and the pictures must say that they are it.
    words = [{"type": "prompt", "text": _MENTION.sub(r"@\1", call.prompt)}] if call.prompt else []
    contents: list[dict[str, str]] = []
    mentioned = 0
    for given, content in files:
        item = {"type": _NEWER_CONTENTS[given.role], "url": content}
        if given.role == "image":
            mentioned += 1
            item["id"] = f"image_{mentioned}"
        contents.append(item)
    return {"contents": [*words, *contents], **body}


def _camera(move: str, amount: Any) -> dict[str, Any]:
    """A ready-made move by its name, or one axis with an amount; the others must be 0."""
    if move not in _AXES:
        return {"type": move}
    return {"type": "simple", "config": {axis: (amount or 0) if axis == move else 0 for axis in _AXES}}


def _put(body: dict[str, Any], path: str, value: Any, type_: str | None = None) -> None:
    """Put a value where `path` says; in a list of objects it becomes one more of them."""
    head, _, rest = path.partition(".")
    if head.endswith("[]"):
        items = body.setdefault(head.removesuffix("[]"), [])
        items.append({rest: value, **({"type": type_} if type_ else {})} if rest else value)
    elif rest:
        _put(body.setdefault(head, {}), rest, value)
    else:
        body[head] = value
