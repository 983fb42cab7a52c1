"""Midjourney's buttons as a proxy passes them on: which stand under what, and what pressing one asks for.

The names are Midjourney's (`MJ::JOB::upsample::2::<job>`). Facts: the proxies' sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_SOLO = re.compile(r"^MJ::JOB::(reroll|low_variation|high_variation|pan_left|pan_right|pan_up|pan_down)::\d::")


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button asks for: the new task's action, which of several it is about (from 1), and its window."""

    action: str
    index: int = 1
    window: bool = False
    manner: str = ""


def read(custom_id: str) -> Pressed | None:
    """What a button's name means; None for one the proxy calls unknown."""
    for pattern, action, window in _GRAMMAR:
        found = re.match(pattern, custom_id)
        if found is None:
            continue
        groups = found.groupdict()
        return Pressed(action, int(groups.get("n") or 1), window, groups.get("manner") or "")
    return None


_GRAMMAR = (
    (r"MJ::JOB::upsample::(?P<n>[1-4])::", "UPSCALE", False),
    (r"MJ::JOB::variation::(?P<n>[1-4])::", "VARIATION", False),
    (r"MJ::JOB::reroll::0::", "REROLL", False),
    (r"MJ::JOB::(?P<manner>low|high)_variation::1::", "VARIATION", False),
    (r"MJ::JOB::upsample_(?P<manner>v\w+)::1::", "UPSCALE_HD", False),
    (r"MJ::Outpaint::(?P<manner>50|75)::1::", "ZOOM", False),
    (r"MJ::CustomZoom::", "ZOOM", True),
    (r"MJ::JOB::pan_(?P<manner>left|right|up|down)::1::", "PAN", False),
    (r"MJ::Inpaint::1::", "INPAINT", True),
    (r"MJ::JOB::animate_(?P<manner>high|low)(_extend)?::1::", "VIDEO", False),
    (r"MJ::JOB::video_virtual_upscale::(?P<n>[1-4])::", "UPSCALE", False),
    (r"MJ::Job::PicReader::(?P<n>[1-4])$", "IMAGINE", True),
    (r"MJ::Job::PicReader::all$", "PICK_ALL", False),
    (r"MJ::Picread::Retry$", "DESCRIBE", False),
)


def may_open_remix(custom_id: str) -> bool:
    """Whether the remix window can be asked for on this button."""
    return custom_id.startswith(("MJ::JOB::variation::", "MJ::JOB::animate_")) or bool(_SOLO.match(custom_id))


def under_grid(job: str) -> list[dict[str, Any]]:
    """U1–U4, reroll, V1–V4."""
    ups = [_button(f"MJ::JOB::upsample::{n}::{job}", f"U{n}") for n in range(1, 5)]
    variations = [_button(f"MJ::JOB::variation::{n}::{job}", f"V{n}") for n in range(1, 5)]
    return [*ups, _again(job), *variations]


def under_picture(job: str, version: str, *, enlarged: bool) -> list[dict[str, Any]]:
    """What stands under a single picture; newer and older versions offer less."""
    number = float(version.removeprefix("niji-"))
    names: list[tuple[str, str, str]] = []
    if number < 5:
        return [*_variations(job, region=False), _again(job)]
    if number < 8 and not enlarged:
        names += _upscales(version)
    buttons = [_button(f"MJ::JOB::{name}::1::{job}::SOLO", label, emoji) for name, label, emoji in names]
    buttons += _variations(job, region=number < 8)
    if number < 8:
        buttons += [
            _button(f"MJ::Outpaint::50::1::{job}::SOLO", "Zoom Out 2x", "🔍"),
            _button(f"MJ::Outpaint::75::1::{job}::SOLO", "Zoom Out 1.5x", "🔍"),
            _button(f"MJ::CustomZoom::{job}", "Custom Zoom", "🔍"),
        ]
        if not enlarged:
            arrows = (("left", "⬅️"), ("right", "➡️"), ("up", "⬆️"), ("down", "⬇️"))
            buttons += [_button(f"MJ::JOB::pan_{way}::1::{job}::SOLO", "", arrow) for way, arrow in arrows]
    buttons += [
        _button(f"MJ::JOB::animate_high::1::{job}::SOLO", "Animate (High motion)", "🎞️"),
        _button(f"MJ::JOB::animate_low::1::{job}::SOLO", "Animate (Low motion)", "🎞️"),
        _again(job),
        _button(f"MJ::BOOKMARK::{job}", "", "❤️"),
        {"customId": "", "emoji": "", "label": "Web", "type": 2, "style": 5},
    ]
    return buttons


def under_film(job: str, clips: int) -> list[dict[str, Any]]:
    """Under several clips."""
    return [
        *(_button(f"MJ::JOB::video_virtual_upscale::{n}::{job}", f"U{n}") for n in range(1, clips + 1)),
        _again(job),
    ]


def under_clip(job: str) -> list[dict[str, Any]]:
    """Under one clip."""
    return [
        _button(f"MJ::JOB::animate_high_extend::1::{job}", "Extend (High motion)", "🎞️"),
        _button(f"MJ::JOB::animate_low_extend::1::{job}", "Extend (Low motion)", "🎞️"),
    ]


def under_description() -> list[dict[str, Any]]:
    """1–4, again, all."""
    numbers = [_button(f"MJ::Job::PicReader::{n}", str(n), f"{n}\ufe0f\u20e3") for n in range(1, 5)]
    return [
        *numbers,
        _button("MJ::Picread::Retry", "", "🔄"),
        _button("MJ::Job::PicReader::all", "Imagine all", "🎉"),
    ]


def named(buttons: Iterable[dict[str, Any]], custom_id: str) -> bool:
    """Whether one of the buttons has this name."""
    return any(button["customId"] == custom_id for button in buttons)


def _upscales(version: str) -> list[tuple[str, str, str]]:
    if version in {"5", "5.1", "5.2", "niji-5"}:
        return [("upsample_v5_2x", "Upscale (2x)", ""), ("upsample_v5_4x", "Upscale (4x)", "")]
    family = {"6": "v6", "6.1": "v6r1", "niji-6": "v6"}.get(version, "v7")
    return [
        (f"upsample_{family}_2x_subtle", "Upscale (Subtle)", "upscale_1"),
        (f"upsample_{family}_2x_creative", "Upscale (Creative)", "upscale_1"),
    ]


def _variations(job: str, *, region: bool) -> list[dict[str, Any]]:
    buttons = [
        _button(f"MJ::JOB::low_variation::1::{job}::SOLO", "Vary (Subtle)", "🪄"),
        _button(f"MJ::JOB::high_variation::1::{job}::SOLO", "Vary (Strong)", "🪄"),
    ]
    return [*buttons, _button(f"MJ::Inpaint::1::{job}::SOLO", "Vary (Region)", "🖌️")] if region else buttons


def _again(job: str) -> dict[str, Any]:
    return _button(f"MJ::JOB::reroll::0::{job}::SOLO", "", "🔄")


def _button(custom_id: str, label: str, emoji: str = "") -> dict[str, Any]:
    return {"customId": custom_id, "emoji": emoji, "label": label, "type": 2, "style": 2}
