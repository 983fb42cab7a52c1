"""What OpenAI's image API accepts: models, fields and limits, checked as the API checks them.

Written from the API reference and the types of its official client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .at_once import Asked as AskedAtOnce
from .at_once import Picture, Refusal

MAX_PROMPT_CHARS = 32_000
MAX_PICTURES = 16
MAX_MASK_BYTES = 4 * 1024 * 1024
_MAX_COUNT = 10
_MAX_SIDE, _MAX_PIXELS, _STEP, _MAX_RATIO = 3840, 3840 * 2160, 16, 3
_SIZE = re.compile(r"^(\d{2,5})x(\d{2,5})$")
_FIXED_SIZES = ("1024x1024", "1536x1024", "1024x1536")
_NUMBERS = ("n", "output_compression", "partial_images", "frame_count", "frame_duration_ms")
_COMMON = frozenset(
    {"model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "stream",
     "partial_images", "safety_identifier", "user"}
)  # fmt: skip
_FORMATS = ("png", "jpeg", "webp")


@dataclass(frozen=True, slots=True)
class Model:
    """What one model accepts. `seconds` is how long it takes for a picture of medium quality."""

    seconds: float
    qualities: tuple[str, ...] = ("low", "medium", "high", "auto")
    any_size: bool = True
    complexity: bool = False
    fidelity: tuple[str, ...] = ()


_MORE = ("low", "medium", "high", "xhigh", "max", "auto")
MODELS: Mapping[str, Model] = {
    "gpt-image-2.6-sunburst": Model(9.0, _MORE, complexity=True),
    "gpt-image-2.6-flare": Model(6.0, _MORE, complexity=True),
    "gpt-image-2.5-sunburst": Model(9.0, _MORE),
    "gpt-image-2.5-sunburst-2026-09-08": Model(9.0, _MORE),
    "gpt-image-2.5-flare": Model(6.0, _MORE),
    "gpt-image-2.5-flare-2026-09-08": Model(6.0, _MORE),
    "gpt-image-2": Model(8.0),
    "gpt-image-2-2026-04-21": Model(8.0),
    "gpt-image-1.5": Model(7.0, any_size=False, fidelity=("low", "high")),
    "gpt-image-1.5-2025-12-16": Model(7.0, any_size=False, fidelity=("low", "high")),
    "gpt-image-1-mini": Model(5.0, any_size=False, fidelity=("low",)),
    "chatgpt-image-latest": Model(7.0, any_size=False, fidelity=("low", "high")),
}
RETIRED = frozenset({"dall-e-2", "dall-e-3", "gpt-image-1"})


@dataclass(slots=True, kw_only=True)
class Asked(AskedAtOnce):
    """A request that was understood."""

    quality: str
    background: str
    partials: int = 0
    mask: Picture | None = None


def official(
    fields: dict[str, Any], pictures: list[Picture], mask: Picture | None, *, edit: bool, json_body: bool
) -> Asked:
    """Read a request as the official API does. Raises `Refusal`."""
    fields = _typed(fields)
    model = _model(fields)
    known = MODELS[model]
    allowed = _COMMON | ({"complexity"} if known.complexity else set())
    # The multipart form of an edit knows no `moderation`, and only older models know `input_fidelity`.
    allowed |= {"moderation"} if not edit or json_body else set()
    allowed |= {"input_fidelity"} if edit and known.fidelity else set()
    for name in fields:
        if name not in allowed:
            raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
    prompt = _prompt(fields)
    count = _whole(fields, "n", 1, 1, _MAX_COUNT)
    format_ = _one_of(fields, "output_format", _FORMATS, "png")
    background = _one_of(fields, "background", ("transparent", "opaque", "auto"), "auto")
    if background == "transparent" and format_ == "jpeg":
        raise Refusal(400, "invalid_value", "A transparent background needs output_format png or webp.", "background")
    if "output_compression" in fields and format_ == "png" and _whole(fields, "output_compression", 100, 0, 100) < 100:
        raise Refusal(400, "invalid_value", "Compression is not for png.", "output_compression")
    _whole(fields, "output_compression", 100, 0, 100)
    quality = _one_of(fields, "quality", known.qualities, "auto")
    _one_of(fields, "moderation", ("auto", "low"), "auto")
    _one_of(fields, "complexity", ("low", "medium", "high"), "medium")
    _one_of(fields, "input_fidelity", known.fidelity or ("low",), "low")
    stream = fields.get("stream") is True
    partials = _whole(fields, "partial_images", 0, 0, 3)
    if partials and not stream:
        raise Refusal(400, "invalid_value", "partial_images needs stream.", "partial_images")
    if edit:
        _check_pictures(pictures, mask)
    width, height = _size(fields, known, pictures)
    quality = "medium" if quality == "auto" else quality
    factor = {"low": 0.5, "medium": 1.0, "high": 2.0, "xhigh": 3.0, "max": 4.0}[quality]
    return Asked(
        sent=fields,
        model=model,
        prompt=prompt,
        count=count,
        width=width,
        height=height,
        quality=quality,
        background="opaque" if background == "auto" else background,
        format=format_,
        seconds=known.seconds * factor * (1 + 0.3 * (count - 1)),
        stream=stream,
        partials=partials,
        as_url=False,
        pictures=pictures,
        mask=mask,
    )


def relayed(fields: dict[str, Any], pictures: list[Picture], mask: Picture | None) -> Asked:
    """Read a request as lenient gateways do: any model, unknown fields ignored, addresses unless told otherwise."""
    fields = _typed(fields)
    model = str(fields.get("model") or "")
    if not model:
        raise Refusal(400, "missing_required_parameter", "you must provide a model parameter", "model")
    prompt = _prompt(fields)
    count = _whole(fields, "n", 1, 1, _MAX_COUNT)
    found = _SIZE.match(str(fields.get("size", "")))
    width, height = (min(4096, int(side)) for side in found.groups()) if found else (1024, 1024)
    format_ = str(fields.get("output_format", "png"))
    return Asked(
        sent=fields,
        model=model,
        prompt=prompt,
        count=count,
        width=width,
        height=height,
        quality="medium",
        background="opaque",
        format=format_ if format_ in _FORMATS else "png",
        seconds=4.0 * (1 + 0.3 * (count - 1)),
        as_url=fields.get("response_format") != "b64_json",
        stream=False,
        pictures=pictures,
        mask=mask,
    )


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """Forms carry text; numbers and truth are read from it. Empty text is as good as nothing."""
    typed = {name: value for name, value in fields.items() if value is not None and value != ""}
    for name in _NUMBERS:
        value = typed.get(name)
        if isinstance(value, str) and value.isdigit():
            typed[name] = int(value)
    if typed.get("stream") in ("true", "false"):
        typed["stream"] = typed["stream"] == "true"
    return typed


def _model(fields: Mapping[str, Any]) -> str:
    model = fields.get("model", "gpt-image-2.5-sunburst")
    if model in RETIRED:
        raise Refusal(404, "model_not_found", f"The model '{model}' has been retired.", "model")
    if model not in MODELS:
        raise Refusal(404, "model_not_found", f"The model '{str(model)[:80]}' does not exist.", "model")
    return str(model)


def _prompt(fields: Mapping[str, Any]) -> str:
    prompt = fields.get("prompt")
    if not isinstance(prompt, str):
        raise Refusal(400, "missing_required_parameter", "Missing required parameter: 'prompt'.", "prompt")
    if len(prompt) > MAX_PROMPT_CHARS:
        raise Refusal(400, "string_above_max_length", f"'prompt' has at most {MAX_PROMPT_CHARS} characters.", "prompt")
    return prompt


def _whole(fields: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(400, "invalid_type", f"Invalid type for '{name}': expected an integer.", name)
    if not low <= value <= high:
        raise Refusal(400, "invalid_value", f"Invalid '{name}': expected {low} to {high}.", name)
    return value


def _one_of(fields: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = fields.get(name, default)
    if value not in allowed:
        raise Refusal(
            400, "invalid_value", f"Invalid value: '{str(value)[:40]}'. Supported values are: {allowed}.", name
        )
    return str(value)


def _check_pictures(pictures: list[Picture], mask: Picture | None) -> None:
    if not pictures:
        raise Refusal(400, "missing_required_parameter", "Missing required parameter: 'image'.", "image")
    if len(pictures) > MAX_PICTURES:
        raise Refusal(400, "array_above_max_length", f"At most {MAX_PICTURES} images.", "image")
    if mask is None:
        return
    if len(mask.data) > MAX_MASK_BYTES or not mask.data.startswith(b"\x89PNG"):
        raise Refusal(400, "invalid_image", "The mask must be a PNG below 4 MB.", "mask")
    if (mask.width, mask.height) != (pictures[0].width, pictures[0].height):
        raise Refusal(400, "invalid_image", "The mask must have the size of the first image.", "mask")


def _size(fields: Mapping[str, Any], model: Model, pictures: list[Picture]) -> tuple[int, int]:
    size = str(fields.get("size", "auto"))
    if size == "auto":
        if pictures and pictures[0].width != pictures[0].height:
            return (1536, 1024) if pictures[0].width > pictures[0].height else (1024, 1536)
        return 1024, 1024
    found = _SIZE.match(size)
    if found is None or (not model.any_size and size not in _FIXED_SIZES):
        raise Refusal(400, "invalid_value", f"Invalid value: '{size[:40]}'.", "size")
    width, height = int(found[1]), int(found[2])
    long, short = max(width, height), min(width, height)
    if width % _STEP or height % _STEP or long > short * _MAX_RATIO or long > _MAX_SIDE or width * height > _MAX_PIXELS:
        raise Refusal(400, "invalid_value", f"Invalid size '{size}'.", "size")
    return width, height
