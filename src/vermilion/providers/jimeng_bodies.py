"""What Jimeng is asked: the body of Volcengine's visual API, which relays take too, and that of aggregator gateways.

Pictures travel inside the body where the model takes them so; where it reads them from an address only, the house
must have one that can be reached from outside.
"""

import base64
from collections.abc import Mapping
from typing import Any

from vermilion.providers.contract import Call, InputFile
from vermilion.providers.errors import (
    NotInstalled,
    Rejected,
)

_FRAMES_PER_SECOND = 24
"""Lengths are told in frames: 24 a second, and one."""
_BY_ADDRESS = "image_urls"


async def visual_body(call: Call, *, films_only: bool) -> dict[str, Any]:
    """The body of a submit. Raises `NotInstalled` for what a relay cannot make, `Rejected` for a picture
    that Jimeng could not fetch."""
    if films_only and call.makes != "video":
        raise NotInstalled("This credential's relay makes films only.")
    body: dict[str, Any] = {"req_key": call.endpoint, **call.options.get("fixed", {})}
    if call.prompt and "prompt" in call.options:
        body[call.options["prompt"]] = call.prompt
    for name, value in call.params.items():
        # A size is one choice of the person, and two fields on the wire.
        body.update(value if isinstance(value, Mapping) else {name: value})
    for role, form in call.options.get("inputs", {}).items():
        for given in call.inputs:
            if given.role != role:
                continue
            by_address = form["wire"] == _BY_ADDRESS
            content = _address(given) if by_address else base64.b64encode(await given.read()).decode()
            # Order decides which is which: the first frame before the last, the picture before its mask.
            body.setdefault(form["wire"], []).append(content)
    return body


def gateway_body(call: Call) -> dict[str, Any]:
    """The body an aggregator gateway takes. Raises `NotInstalled` for what its protocol has no words for."""
    if not call.options.get("gateway"):
        raise NotInstalled("This credential's gateway does not offer this model.")
    body: dict[str, Any] = {"prompt": call.prompt, "watermark": False}
    if isinstance(frames := call.params.get("frames"), int):
        body["duration"] = (frames - 1) // _FRAMES_PER_SECOND
    if "aspect_ratio" in call.params:
        body["aspect_ratio"] = call.params["aspect_ratio"]
    for given in call.inputs:
        body["image_url"] = _address(given)
    return body


def question(endpoint: str, task_id: str, makes: str) -> dict[str, Any]:
    """The body that asks how a job is. Without `return_url`, pictures would come as base64."""
    body = {"req_key": endpoint, "task_id": task_id}
    if makes == "image":
        body["req_json"] = '{"return_url":true,"logo_info":{"add_logo":false}}'
    return body


def _address(given: InputFile) -> str:
    if given.url is None:
        raise Rejected("Jimeng fetches this picture from an address, and this studio has none it can reach.")
    return given.url
