"""What Seedream and SeedEdit are asked: one body for Ark and for gateways.

Pictures travel as data URLs (bare base64 is refused). A shape and a resolution become one size; a series is asked for
by its largest number, and the model decides how many it makes.
"""

import base64
import math
from collections.abc import Mapping
from typing import Any

from vermilion.providers.contract import Call
from vermilion.providers.errors import Rejected

_STEP = 16
_THOUSAND = 1024
INPUTS_AND_OUTPUTS_MAX = 15


async def body_of(call: Call, model: str, *, response_format: str) -> dict[str, Any]:
    """The JSON of one call. Raises `Rejected` for more pictures, given and asked for, than the models handle."""
    params = dict(call.params)
    series = params.pop("max_images", None)
    search = params.pop("web_search", False)
    size = _size(params, call.options)
    body: dict[str, Any] = {"model": model, "prompt": call.prompt, "response_format": response_format}
    for name, value in params.items():
        _place(body, name, value)
    if size is not None:
        body["size"] = size
    if search:
        body["tools"] = [{"type": "web_search"}]
    if series is not None:
        if series > 1 and series + len(call.inputs) > INPUTS_AND_OUTPUTS_MAX:
            raise Rejected(f"Given and new pictures together must be at most {INPUTS_AND_OUTPUTS_MAX}.")
        body["sequential_image_generation"] = "auto" if series > 1 else "disabled"
        if series > 1:
            body["sequential_image_generation_options"] = {"max_images": series}
    body |= call.options.get("body", {})
    given = [_data_url(file.content_type, await file.read()) for file in call.inputs]
    if given:
        body["image"] = given[0] if len(given) == 1 else given
    return body


def size_of(shape: str, resolution: str, area_min_pixels: int) -> str:
    """The largest `WxH` of exactly this shape (`16:9`) within a resolution (`2K`), both sides divisible by 16.

    One step larger where that would be below the smallest area the model takes.
    """
    across, down = (int(part) for part in shape.split(":"))
    common = math.gcd(across, down)
    across, down = across // common, down // common
    area = (int(resolution.removesuffix("K")) * _THOUSAND) ** 2
    factor = math.isqrt(area // (across * down)) // _STEP
    if across * down * (factor * _STEP) ** 2 < area_min_pixels:
        factor += 1
    return f"{across * factor * _STEP}x{down * factor * _STEP}"


def _size(params: dict[str, Any], options: Mapping[str, Any]) -> str | None:
    """What `size`, or `shape` and `resolution`, come to; taken out of `params`. None leaves it to the model."""
    exact = params.pop("size", None)
    shape, resolution = params.pop("shape", None), params.pop("resolution", None)
    if isinstance(exact, Mapping):
        return f"{exact['width']}x{exact['height']}"
    if exact is not None:
        return str(exact)
    if shape is None or resolution is None:
        # A resolution alone is a size as well: the model chooses the shape by the words.
        return None if resolution is None else str(resolution)
    return size_of(shape, resolution, int(options.get("area_min_pixels", 0)))


def _place(body: dict[str, Any], name: str, value: Any) -> None:
    """`a.b` is `b` inside `a`."""
    outer, _, inner = name.partition(".")
    if inner:
        body.setdefault(outer, {})[inner] = value
    else:
        body[outer] = value


def _data_url(content_type: str, content: bytes) -> str:
    return f"data:{content_type.lower()};base64,{base64.b64encode(content).decode()}"
