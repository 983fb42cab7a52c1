"""Checking one input field the way fal's runners do, with the same error entries.

Facts: fal's error page (`detail[]` entries of `loc, msg, type, ctx, input, url`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "integer", "number", "flag", "choice", "size", "ratio", "image", "images", "any"]
Problem = dict[str, Any]

SIZES: dict[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
MAX_SIDE_PIXELS = 4096

_RATIO = re.compile(r"^[1-9]\d{0,2}:[1-9]\d{0,2}$")


@dataclass(frozen=True, slots=True)
class Field:
    """What one input field may hold. `low` and `high` bound numbers, list lengths or pixel sides."""

    kind: Kind
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def text(default: str | None = None, *, required: bool = False) -> Field:
    return Field("text", default, required)


def integer(default: int | None, low: int | None = None, high: int | None = None) -> Field:
    return Field("integer", default, low=low, high=high)


def number(default: float | None, low: float, high: float, *, required: bool = False) -> Field:
    return Field("number", default, required, low, high)


def choice(default: str, *choices: str) -> Field:
    return Field("choice", default, choices=choices)


def flag(default: bool = False) -> Field:  # noqa: FBT001, RUF100 - a flag's default is a flag
    return Field("flag", default)


def size(default: str | None, low: int = 1, high: int = MAX_SIDE_PIXELS, *, extra: tuple[str, ...] = ()) -> Field:
    return Field("size", default, low=low, high=high, choices=(*SIZES, *extra))


def problem(name: str, kind: str, message: str, value: Any, ctx: Mapping[str, Any] | None = None) -> Problem:
    """One entry of `detail[]`."""
    entry: Problem = {"loc": ["body", *name.split(".")], "msg": message, "type": kind, "input": _short(value)}
    if ctx:
        entry["ctx"] = dict(ctx)
    entry["url"] = f"https://docs.fal.ai/errors/#{kind}"
    return entry


def check(name: str, field: Field, given: Mapping[str, Any]) -> tuple[Any, list[Problem]]:
    """The value to use for a field, and what is wrong with the one given."""
    value = given.get(name)
    if value is None:
        if field.required:
            return None, [problem(name, "missing", "Field required", None)]
        return field.default, []
    match field.kind:
        case "text":
            return _text(name, value)
        case "integer" | "number":
            return _number(name, field, value)
        case "flag":
            return _flag(name, value)
        case "choice":
            return _choice(name, field, value)
        case "size":
            return _size(name, field, value)
        case "ratio":
            return _ratio(name, field, value)
        case "image":
            return _image(name, value)
        case "images":
            return _images(name, field, value)
    return value, []


def _text(name: str, value: Any) -> tuple[Any, list[Problem]]:
    if not isinstance(value, str):
        return None, [problem(name, "string_type", "Input should be a valid string", value)]
    return value, []


def _number(name: str, field: Field, value: Any) -> tuple[Any, list[Problem]]:
    whole = field.kind == "integer"
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        parsed = float(value)
        if whole and parsed != int(parsed):
            raise ValueError
    except (ValueError, OverflowError):
        kind = ("int" if whole else "float") + ("_parsing" if isinstance(value, str) else "_type")
        return None, [problem(name, kind, f"Input should be a valid {'integer' if whole else 'number'}", value)]
    clean = int(parsed) if whole else parsed
    return clean, _bounds(name, field, clean)


def _bounds(name: str, field: Field, value: float) -> list[Problem]:
    if field.low is not None and value < field.low:
        message = f"Input should be greater than or equal to {field.low:g}"
        return [problem(name, "greater_than_equal", message, value, {"ge": field.low})]
    if field.high is not None and value > field.high:
        message = f"Input should be less than or equal to {field.high:g}"
        return [problem(name, "less_than_equal", message, value, {"le": field.high})]
    return []


def _flag(name: str, value: Any) -> tuple[Any, list[Problem]]:
    if not isinstance(value, bool):
        return None, [problem(name, "bool_type", "Input should be a valid boolean", value)]
    return value, []


def _choice(name: str, field: Field, value: Any) -> tuple[Any, list[Problem]]:
    # A number is not a choice even where the choices look like numbers: safety_tolerance is a string.
    if not isinstance(value, str) or value not in field.choices:
        message = "Input should be one of: " + ", ".join(field.choices)
        return None, [problem(name, "one_of", message, value, {"expected": list(field.choices)})]
    return value, []


def _size(name: str, field: Field, value: Any) -> tuple[Any, list[Problem]]:
    if isinstance(value, str):
        return _choice(name, field, value)
    if not isinstance(value, dict):
        return None, [problem(name, "model_type", "Input should be a size name or an object", value)]
    clean: dict[str, Any] = {}
    problems: list[Problem] = []
    side = Field("integer", 512, low=field.low, high=field.high)
    for key in ("width", "height"):
        if value.get(key) is None:
            clean[key] = 512
            continue
        clean[key], found = _number(f"{name}.{key}", side, value[key])
        problems += found
    return clean, problems


def _ratio(name: str, field: Field, value: Any) -> tuple[Any, list[Problem]]:
    if field.choices:
        return _choice(name, field, value)
    if not isinstance(value, str) or not _RATIO.match(value):
        return None, [problem(name, "value_error", "Aspect ratio must look like 16:9", value)]
    return value, []


def _image(name: str, value: Any) -> tuple[Any, list[Problem]]:
    if not isinstance(value, str):
        return None, [problem(name, "string_type", "Input should be a valid string", value)]
    if not value.startswith(("https://", "http://", "data:", "sandbox-input:")):
        return None, [problem(name, "image_load_error", "The image could not be loaded from this address", value)]
    return value, []


def _images(name: str, field: Field, value: Any) -> tuple[Any, list[Problem]]:
    if not isinstance(value, list):
        return None, [problem(name, "list_type", "Input should be a valid list", value)]
    if field.low is not None and len(value) < field.low:
        message = f"At least {field.low:g} image is needed"
        return None, [problem(name, "sequence_too_short", message, value, {"min_length": field.low})]
    if field.high is not None and len(value) > field.high:
        message = f"At most {field.high:g} images are accepted"
        return None, [problem(name, "sequence_too_long", message, value, {"max_length": field.high})]
    problems = [entry for index, item in enumerate(value) for entry in _image(f"{name}.{index}", item)[1]]
    return value, problems


def _short(value: Any) -> Any:
    """An echoed input, cut so that an error never grows as large as the request."""
    if isinstance(value, str) and len(value) > 200:
        return value[:200] + "…"
    if isinstance(value, list | dict) and len(str(value)) > 400:
        return str(value)[:400] + "…"
    return value
