"""What Ark's image API accepts: models, fields and limits per model.

Written from Ark's API pages. Sizes in pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .at_once import Asked as AskedAtOnce
from .at_once import Picture, Refusal

_SIZE = re.compile(r"^(\d{2,5})x(\d{2,5})$")
_MAX_AREA = 4096 * 4096
_MAX_RATIO = 16
_MAX_SEED = 2**31 - 1
_MAX_TOTAL = 15
_WATERMARK = "AI generated"
_FIELDS = frozenset({"model", "prompt", "image", "size", "watermark", "response_format"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model: fields of its own, sizes by name, the smallest area, how many pictures it is given and makes."""

    seconds: float
    fields: frozenset[str]
    names: tuple[str, ...] = ()
    default_size: str = "2048x2048"
    area_min: int = 921_600
    side_range: tuple[int, int] = (16, 16_384)
    given_min: int = 0
    given_max: int = 14
    makes_series: bool = False
    step: int = 1


_SERIES = frozenset({"sequential_image_generation", "sequential_image_generation_options", "stream"})
_THIRD = frozenset({"seed", "guidance_scale"})
MODELS: Mapping[str, Model] = {
    "doubao-seedream-3-0-t2i-250415": Model(
        2.0, _THIRD, default_size="1024x1024", area_min=512 * 512, side_range=(512, 2048), given_max=0
    ),
    "doubao-seededit-3-0-i2i-250628": Model(
        3.0, _THIRD, names=("adaptive",), default_size="adaptive", given_min=1, given_max=1
    ),
    "doubao-seedream-4-0-250828": Model(
        4.0, _SERIES | {"optimize_prompt_options"}, names=("1K", "2K", "4K"), makes_series=True
    ),
    "doubao-seedream-4-5-251128": Model(
        5.0, _SERIES | {"optimize_prompt_options"}, names=("2K", "4K"), area_min=3_686_400, makes_series=True
    ),
    "doubao-seedream-5-0-260128": Model(
        5.0, _SERIES | {"optimize_prompt_options", "output_format", "tools"}, names=("2K", "3K"), area_min=3_686_400,
        makes_series=True,
    ),
    "doubao-seedream-5-0-pro-260628": Model(8.0, frozenset({"output_format"}), names=("1K", "2K"), step=16),
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Asked(AskedAtOnce):
    """A request that was understood."""

    search: bool


def pictures_asked(body: Mapping[str, Any]) -> list[str]:
    """The addresses in `image`: a string, or an array of strings. Raises `Refusal`."""
    image = body.get("image")
    if image is None:
        return []
    listed = image if isinstance(image, list) else [image]
    if not all(isinstance(item, str) for item in listed):
        raise Refusal(
            400, "InvalidParameter", "The parameter `image` must be a string or an array of strings.", "image"
        )
    return [str(item) for item in listed]


def understand(body: dict[str, Any], pictures: list[Picture], sent: dict[str, Any], *, strict: bool) -> Asked:
    """Read a request. `strict` is Ark itself; gateways pass on what they do not know. Raises `Refusal`."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise Refusal(400, "MissingParameter", "The request failed because it is missing `model` parameter.", "model")
    model = MODELS.get(name)
    if model is None:
        raise Refusal(
            404, "InvalidEndpointOrModel.NotFound", f"The model or endpoint {name[:60]} does not exist.", "model"
        )
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise Refusal(400, "MissingParameter", "The request failed because it is missing `prompt` parameter.", "prompt")
    for field in body if strict else ():
        if field not in _FIELDS | model.fields:
            raise _invalid(field, "is not supported by the current model")
    _check_pictures(body, model, pictures)
    _check_values(body)
    count = _count(body, model, len(pictures))
    width, height = _size(body, model, pictures)
    return Asked(
        sent=sent,
        model=name,
        prompt=prompt,
        count=count,
        width=width,
        height=height,
        format=str(body.get("output_format", "jpeg")),
        watermark=_WATERMARK if body.get("watermark", True) else "",
        as_url=body.get("response_format", "url") == "url",
        stream=body.get("stream") is True,
        seconds=model.seconds * (1 + 0.4 * (count - 1)) * (1.5 if width * height > 3000 * 3000 else 1.0),
        search=bool(body.get("tools")),
        pictures=pictures,
    )


def _invalid(field: str, why: str) -> Refusal:
    return Refusal(400, "InvalidParameter", f"The parameter `{field}` specified in the request {why}.", field)


def _check_pictures(body: Mapping[str, Any], model: Model, pictures: list[Picture]) -> None:
    if pictures and model.given_max == 0:
        raise _invalid("image", "is not supported by the current model")
    if model.given_max == 1 and isinstance(body.get("image"), list):
        raise _invalid("image", "must be one string for the current model")
    if len(pictures) < model.given_min:
        raise Refusal(400, "MissingParameter", "The request failed because it is missing `image` parameter.", "image")
    if len(pictures) > model.given_max:
        raise _invalid("image", f"has more than {model.given_max} pictures")


def _check_values(body: Mapping[str, Any]) -> None:
    seed, guidance = body.get("seed", -1), body.get("guidance_scale", 2.5)
    if isinstance(seed, bool) or not isinstance(seed, int) or not -1 <= seed <= _MAX_SEED:
        raise _invalid("seed", "is not valid")
    if isinstance(guidance, bool) or not isinstance(guidance, int | float) or not 1 <= guidance <= 10:
        raise _invalid("guidance_scale", "is not valid")
    if not isinstance(body.get("watermark", True), bool):
        raise _invalid("watermark", "is not valid")
    if body.get("response_format", "url") not in {"url", "b64_json"}:
        raise _invalid("response_format", "is not valid")
    if body.get("output_format", "jpeg") not in {"jpeg", "png"}:
        raise _invalid("output_format", "is not valid")
    mode = body.get("optimize_prompt_options", {})
    fast = mode.get("mode", "standard") if isinstance(mode, dict) else None
    if fast not in {"standard", "fast"} or (fast == "fast" and body.get("model") != "doubao-seedream-4-0-250828"):
        raise _invalid("optimize_prompt_options.mode", "is not valid")
    if body.get("tools", []) not in ([], [{"type": "web_search"}]):
        raise _invalid("tools", "is not valid")


def _count(body: Mapping[str, Any], model: Model, given: int) -> int:
    mode = body.get("sequential_image_generation", "disabled")
    if mode not in {"auto", "disabled"}:
        raise _invalid("sequential_image_generation", "is not valid")
    if mode == "disabled" or not model.makes_series:
        return 1
    options = body.get("sequential_image_generation_options", {})
    most = options.get("max_images", _MAX_TOTAL) if isinstance(options, dict) else None
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _MAX_TOTAL:
        raise _invalid("sequential_image_generation_options.max_images", "is not valid")
    if most + given > _MAX_TOTAL and "max_images" in options:
        raise _invalid("sequential_image_generation_options.max_images", "and the pictures given are more than 15")
    return min(most, _MAX_TOTAL - given)


def _size(body: Mapping[str, Any], model: Model, pictures: list[Picture]) -> tuple[int, int]:
    size = str(body.get("size", model.default_size))
    if size in model.names:
        if size == "adaptive":
            scale = (1024 * 1024 / (pictures[0].width * pictures[0].height)) ** 0.5
            return round(pictures[0].width * scale / 8) * 8, round(pictures[0].height * scale / 8) * 8
        side = int(size.removesuffix("K")) * 1024
        return side, side
    found = _SIZE.match(size)
    if found is None:
        raise _invalid("size", "is not valid")
    width, height = int(found[1]), int(found[2])
    low, high = model.side_range
    if not (low <= min(width, height) and max(width, height) <= high) or width % model.step or height % model.step:
        raise _invalid("size", "is not valid: its sides are out of range")
    if not model.area_min <= width * height <= _MAX_AREA or max(width, height) > _MAX_RATIO * min(width, height):
        raise _invalid("size", "is not valid: image area out of range")
    return width, height
