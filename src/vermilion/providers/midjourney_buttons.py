"""Midjourney's buttons: what each of them does, which of our models presses it, and how it is offered to people.

A button is named by its `customId`, whose grammar is Midjourney's own (`MJ::JOB::upsample::2::<job>`); a proxy without
buttons takes short words (U2, V3, R), which are understood everywhere. Facts: the proxies' sources.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vermilion.providers.contract import JsonObject
from vermilion.providers.errors import Rejected

MODEL_PREFIX = "midjourney-"
_FROM_A_GRID = frozenset({"IMAGINE", "VARIATION", "REROLL", "BLEND"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What the buttons of one pattern do. `follow` names the model: `midjourney-<follow>`.

    A number in the pattern says which of several results the button belongs to, from 1.
    """

    pattern: re.Pattern[str]
    id: str
    follow: str
    en: str
    zh: str
    needs: tuple[str, ...] = ()


def _kind(pattern: str, name: str, follow: str, en: str, zh: str, *needs: str) -> Kind:
    return Kind(re.compile(pattern), name, follow, en, zh, needs)


KINDS = (
    _kind(r"MJ::JOB::upsample::([1-4])::", "upscale", "upscale", "Upscale", "放大"),
    _kind(r"MJ::JOB::variation::([1-4])::", "vary", "vary", "Vary", "变化"),
    _kind(r"MJ::JOB::low_variation::", "vary_subtle", "vary", "Vary, subtly", "微变"),
    _kind(r"MJ::JOB::high_variation::", "vary_strong", "vary", "Vary, strongly", "强变"),
    _kind(r"MJ::Inpaint::", "vary_region", "region", "Vary a region", "局部重绘", "prompt", "mask"),
    _kind(r"MJ::JOB::upsample_\w+_subtle::", "upscale_subtle", "upscale", "Upscale ×2, subtly", "2 倍放大（保真）"),
    _kind(
        r"MJ::JOB::upsample_\w+_creative::", "upscale_creative", "upscale", "Upscale ×2, creatively", "2 倍放大（创意）"
    ),
    _kind(r"MJ::JOB::upsample_\w+_4x::", "upscale_4x", "upscale", "Upscale ×4", "4 倍放大"),
    _kind(r"MJ::JOB::upsample_\w+::", "upscale_2x", "upscale", "Upscale ×2", "2 倍放大"),
    _kind(r"MJ::Outpaint::50::", "zoom_out_2x", "vary", "Zoom out ×2", "缩小 2 倍"),
    _kind(r"MJ::Outpaint::75::", "zoom_out_1_5x", "vary", "Zoom out ×1.5", "缩小 1.5 倍"),
    _kind(r"MJ::Outpaint::", "zoom_out", "vary", "Zoom out", "缩小"),
    _kind(r"MJ::CustomZoom::", "zoom_custom", "zoom", "Custom zoom", "自定义缩放", "prompt"),
    _kind(r"MJ::JOB::pan_left::", "pan_left", "vary", "Pan left", "向左扩展"),
    _kind(r"MJ::JOB::pan_right::", "pan_right", "vary", "Pan right", "向右扩展"),
    _kind(r"MJ::JOB::pan_up::", "pan_up", "vary", "Pan up", "向上扩展"),
    _kind(r"MJ::JOB::pan_down::", "pan_down", "vary", "Pan down", "向下扩展"),
    _kind(r"MJ::JOB::animate_high_extend::", "extend_high", "animate", "Extend, much motion", "延长（大幅运动）"),
    _kind(r"MJ::JOB::animate_low_extend::", "extend_low", "animate", "Extend, little motion", "延长（小幅运动）"),
    _kind(r"MJ::JOB::animate_high::", "animate_high", "animate", "Animate, much motion", "生成视频（大幅运动）"),
    _kind(r"MJ::JOB::animate_low::", "animate_low", "animate", "Animate, little motion", "生成视频（小幅运动）"),
    _kind(
        r"MJ::JOB::video::.*::manual", "animate_manual", "animate", "Animate as described", "按描述生成视频", "prompt"
    ),
    _kind(r"MJ::JOB::video_virtual_upscale::([1-4])::", "clip", "clip", "Take this clip", "选用此片段"),
    _kind(r"MJ::JOB::reroll::", "reroll", "vary", "Once more", "重新生成"),
    _kind(r"MJ::Job::PicReader::([1-4])", "pick", "pick", "Make pictures of it", "用此描述生成", "prompt"),
    _kind(r"MJ::Job::PicReader::all", "pick_all", "pick-all", "Make pictures of all four", "全部生成"),
    _kind(r"MJ::Picread::Retry", "describe_again", "describe-again", "Describe again", "重新描述"),
)
"""In the order of the patterns: the first that fits counts. Links, bookmarks and cancel buttons fit none."""

_SHORT = re.compile(r"([UV])([1-4])|R")
_WORDS = {"U": ("UPSCALE", "upsample", "Upscale", "放大"), "V": ("VARIATION", "variation", "Vary", "变化")}


def kind_of(custom_id: str) -> Kind | None:
    """What a button does; None for one that nothing here knows."""
    return next((kind for kind in KINDS if kind.pattern.match(custom_id)), None)


def custom_ids(task: Mapping[str, Any]) -> list[str]:
    """The buttons of a task that are known, as Midjourney names them."""
    buttons = task.get("buttons")
    told = [button.get("customId") for button in buttons if isinstance(button, dict)] if buttons else []
    return [name for name in told if isinstance(name, str) and len(name) <= 200 and kind_of(name) is not None]


def cells_of(names: Iterable[str]) -> int:
    """How many results the buttons speak of one by one: 4 below a grid, 0 below a single picture."""
    return max((_cell(name) for name in names if name.startswith("MJ::JOB::")), default=0)


def offered(task: Mapping[str, Any], results: int, prompt: str, *, video: bool, texts: Sequence[str] = ()) -> "Offer":
    """What may be done with a finished task: for all of its `results`, and for each of them."""
    names = custom_ids(task)
    whole: list[JsonObject] = []
    each: list[list[JsonObject]] = [[] for _ in range(results)]
    for name in names:
        kind, cell = kind_of(name), _cell(name)
        if kind is None:
            continue
        first_words = texts[cell - 1] if kind.follow == "pick" and 0 < cell <= len(texts) else prompt
        action = _action(kind, name, first_words, video=video)
        if cell and cell <= results:
            each[cell - 1].append(action)
        else:
            whole.append(action if not cell else {**action, "id": f"{action['id']}_{cell}"})
    if not names and not task.get("buttons") and task.get("action") in _FROM_A_GRID:
        each = [[_short_action(letter, cell + 1) for letter in "UV"] for cell in range(results)]
        whole = [_short_action("R", 0)]
    return Offer(tuple(whole), tuple(tuple(actions) for actions in each))


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered to do with all results, and with each."""

    whole: tuple[JsonObject, ...]
    each: tuple[tuple[JsonObject, ...], ...]


def press(parent: JsonObject, button: str, follow: str) -> dict[str, Any]:
    """The request that presses a button of a finished task, without its path: `customId`, or `action` and `index`.

    An empty `button` is the only one that the model `follow` presses. Raises `Rejected` for a button the task does not
    have, or that belongs to another model.
    """
    told = parent.get("buttons")
    names = [name for name in told if isinstance(name, str)] if isinstance(told, list | tuple) else []
    short = _SHORT.fullmatch(button.upper())
    if short is not None and not names:
        return _changed(short, follow)
    video = bool(parent.get("video"))
    chosen = [name for name in names if _means(name, button, short) and _follow(name, video=video) == follow]
    if not chosen and not names and kind_of(button) is not None and _follow(button, video=video) == follow:
        chosen = [button]
    if not chosen:
        raise Rejected("What this goes on from does not offer that.")
    return {"customId": chosen[0]}


def _means(name: str, button: str, short: re.Match[str] | None) -> bool:
    if short is None:
        return button in ("", name)
    if short[1] is None:
        return name.startswith("MJ::JOB::reroll::")
    return name.startswith(f"MJ::JOB::{_WORDS[short[1]][1]}::{short[2]}::")


def _changed(short: re.Match[str], follow: str) -> dict[str, Any]:
    """In the words of the original proxy; gateways want a number with a reroll too."""
    letter = short[1]
    if follow != ("upscale" if letter == "U" else "vary"):
        raise Rejected("What this goes on from does not offer that.")
    if letter is None:
        return {"action": "REROLL", "index": 1}
    return {"action": _WORDS[letter][0], "index": int(short[2])}


def _follow(name: str, *, video: bool) -> str | None:
    kind = kind_of(name)
    if kind is None:
        return None
    return "animate" if video and kind.id == "reroll" else kind.follow


def _cell(name: str) -> int:
    kind = kind_of(name)
    found = kind.pattern.match(name) if kind is not None else None
    return int(found[1]) if found is not None and found.re.groups else 0


def _action(kind: Kind, name: str, prompt: str, *, video: bool) -> dict[str, Any]:
    return {
        "id": kind.id,
        "label": {"en": kind.en, "zh": kind.zh},
        "model": f"{MODEL_PREFIX}{_follow(name, video=video)}",
        "prompt": prompt if "prompt" in kind.needs else None,
        "params": {"button": name},
        "input_role": None,
        "needs": list(kind.needs),
    }


def _short_action(letter: str, cell: int) -> dict[str, Any]:
    en, zh = _WORDS[letter][2:] if letter in _WORDS else ("Once more", "重新生成")
    return {
        "id": {"U": "upscale", "V": "vary", "R": "reroll"}[letter],
        "label": {"en": en, "zh": zh},
        "model": f"{MODEL_PREFIX}{'upscale' if letter == 'U' else 'vary'}",
        "prompt": None,
        "params": {"button": f"{letter}{cell or ''}"},
        "input_role": None,
        "needs": [],
    }
