"""The settings of a workflow as parameters of a catalog entry: their names, limits, choices and words."""

import math
import re
from dataclasses import dataclass
from typing import Any

from vermilion.providers.comfyui_specs import InputSpec, Specs
from vermilion.providers.comfyui_workflow import Anatomy, Kind, Setting

WHOLE_MAX = 2**53
TEXT_CHARS_MAX = 5000
CHOICES_MAX = 100
"""What a catalog entry can offer to choose from."""
SPARE_MAX = 80

_SHAPES = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16")
_SIDE_STEP_PX = 8
_SIDE_MIN_PX, _SIDE_MAX_PX = 256, 4096
_SAME_SHAPE = 0.03
_STEPS_USUAL_MAX = 50
_PICTURES_AT_ONCE_MAX = 4
_KNOWN_CHARS = re.compile(r"[^a-z0-9]+")

_WORDS: dict[Kind, tuple[str, str]] = {
    "negative_prompt": ("What to avoid", "反向提示词"),
    "size": ("Size", "尺寸"),
    "width": ("Width", "宽度"),
    "num_images": ("Pictures", "张数"),
    "steps": ("Steps", "步数"),
    "cfg": ("Prompt strength", "提示词强度"),
    "guidance": ("Guidance", "引导强度"),
    "denoise": ("How much changes", "改动幅度"),
    "sampler": ("Sampler", "采样器"),
    "scheduler": ("Scheduler", "调度器"),
    "seed": ("Seed", "种子"),
    "checkpoint": ("Checkpoint", "模型文件"),
}
_USUAL: dict[Kind, tuple[float, float, float]] = {
    "cfg": (1, 20, 0.5),
    "guidance": (0, 10, 0.1),
    "denoise": (0.05, 1, 0.05),
    "width": (_SIDE_MIN_PX, 2048, _SIDE_STEP_PX),
}
"""Lowest, highest and step that make sense to people; a server allows much more."""

_ADVANCED: frozenset[Kind] = frozenset({"sampler", "scheduler", "seed", "cfg", "checkpoint", "other"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting with the name people and programs give it, and its table; no table where it cannot be offered."""

    name: str
    setting: Setting
    table: dict[str, Any] | None


def parameters(anatomy: Anatomy, specs: Specs) -> list[Parameter]:
    """Every setting as a parameter, with names that differ."""
    taken: set[str] = {"prompt"} | {given.role for given in anatomy.brought}
    found: list[Parameter] = []
    for setting in anatomy.settings:
        name = _name(setting, taken)
        taken.add(name)
        found.append(Parameter(name, setting, _table(name, setting, specs)))
    return found


def _name(setting: Setting, taken: set[str]) -> str:
    if setting.kind != "other" and setting.kind not in taken:
        return setting.kind
    place = setting.places[0]
    words = _KNOWN_CHARS.sub("_", f"{place.key}_{place.node.id}".lower()).strip("_")
    base = f"p_{words}"[:36] if not words[:1].isalpha() else words[:36]
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def _table(name: str, setting: Setting, specs: Specs) -> dict[str, Any] | None:
    place = setting.places[0]
    spec = specs.get(place.node.class_type)
    told = spec.inputs.get(place.key) if spec else None
    known = _WORDS.get(setting.kind)
    title = f"{place.node.title} · {place.key}"
    label = {"en": known[0], "zh": known[1]} if known else {"en": title, "zh": title}
    if known and not setting.shown:
        label = {language: f"{words} · {place.node.title}" for language, words in label.items()}
    limits = _kind_of(setting, told)
    if limits is None:
        return None
    advanced = {"advanced": True} if setting.kind in _ADVANCED else {}
    return {"name": name, "label": label, **advanced, **limits}


def _kind_of(setting: Setting, told: InputSpec | None) -> dict[str, Any] | None:
    value = setting.value
    match setting.kind:
        case "seed":
            return {"type": "integer", "control": "seed", "minimum": 0, "maximum": WHOLE_MAX, "optional": True}
        case "size":
            return _size(value["width"], value["height"])
        case "num_images":
            return {"type": "integer", "minimum": 1, "maximum": max(_PICTURES_AT_ONCE_MAX, value), "default": value}
        case "steps":
            most = max(_STEPS_USUAL_MAX, 2 * value)
            return {"type": "integer", "minimum": 1, "maximum": most, "default": value}
    if told is not None and told.type == "COMBO":
        return None if told.choices is None else _choice(value, told.choices)
    if isinstance(value, bool):
        return {"type": "boolean", "default": value}
    if isinstance(value, str):
        # Which words a choice knows is only the server's to tell.
        if setting.kind in ("sampler", "scheduler", "checkpoint"):
            return None
        most = max(TEXT_CHARS_MAX, len(value))
        return {"type": "string", "max_length": most, "default": value} if most <= 20_000 else None
    whole = told.type == "INT" if told else isinstance(value, int)
    if setting.kind in ("cfg", "guidance", "denoise"):
        whole = False
    return _number(value, whole=whole, usual=_USUAL.get(setting.kind), told=told)


def _number(
    value: float, *, whole: bool, usual: tuple[float, float, float] | None, told: InputSpec | None
) -> dict[str, Any] | None:
    least, most, step = usual or (min(0, value), max(10_000 if whole else 100, value), 1 if whole else 0.01)
    least, most = min(least, value), max(most, value)
    if told is not None:
        least = max(least, told.minimum) if usual and told.minimum is not None else _or(told.minimum, least)
        most = min(most, told.maximum) if usual and told.maximum is not None else _or(told.maximum, most)
        step = step if usual else _or(told.step, step)
    least, most = max(least, -WHOLE_MAX), min(most, WHOLE_MAX)
    if not least <= value <= most:
        return None
    if whole:
        steps = {"step": max(1, int(step))}
        return {"type": "integer", "minimum": int(least), "maximum": int(most), **steps, "default": int(value)}
    steps_ = {"step": step} if step > 0 else {}
    return {"type": "number", "minimum": float(least), "maximum": float(most), **steps_, "default": float(value)}


def _or(told: float | None, otherwise: float) -> float:
    return otherwise if told is None else told


def _choice(value: Any, choices: tuple[Any, ...]) -> dict[str, Any] | None:
    """A choice among what the server has; the workflow's own value is the default where the server has it."""
    offered = [choice for choice in choices if isinstance(choice, str | int | float | bool)]
    offered = [choice for choice in offered if 1 <= len(str(choice)) <= 80]
    if value in offered and offered.index(value) >= CHOICES_MAX:
        offered.remove(value)
        offered.insert(0, value)
    offered = list({str(choice): choice for choice in offered[:CHOICES_MAX]}.values())
    if not offered:
        return None
    tables = [
        {"value": str(choice), "label": {"en": str(choice), "zh": str(choice)}}
        | ({} if isinstance(choice, str) else {"wire": choice})
        for choice in offered
    ]
    here = {"default": str(value)} if value in offered else {"optional": True}
    return {"type": "choice", "choices": tables, **here}


def _size(width: int, height: int) -> dict[str, Any]:
    """The shapes people know, with as many pixels as the workflow's own size."""
    own = width / height
    choices: list[dict[str, Any]] = []
    default = None
    for shape in _SHAPES:
        across, down = (int(side) for side in shape.split(":"))
        aspect = across / down
        if default is None and abs(own / aspect - 1) < _SAME_SHAPE:
            default, sides = shape, (width, height)
        else:
            sides = _sides(width * height, aspect)
        choices.append(_shape(shape, round(aspect, 4), *sides))
    if default is None:
        default = f"{width}x{height}"
        choices.insert(0, _shape(default, round(own, 4), width, height))
    return {
        "type": "size",
        "control": "ratio",
        "minimum": min(_SIDE_MIN_PX, width, height),
        "maximum": min(max(2048, width, height), 16_384),
        "step": _SIDE_STEP_PX,
        "choices": choices,
        "default": default,
    }


def _sides(pixels: int, aspect: float) -> tuple[int, int]:
    height = math.sqrt(pixels / aspect)
    return _snapped(height * aspect), _snapped(height)


def _snapped(side: float) -> int:
    return max(_SIDE_STEP_PX, round(side / (2 * _SIDE_STEP_PX)) * 2 * _SIDE_STEP_PX)


def _shape(value: str, aspect: float, width: int, height: int) -> dict[str, Any]:
    return {
        "value": value,
        "aspect": aspect,
        "label": {"en": value, "zh": value},
        "wire": {"width": width, "height": height},
    }
