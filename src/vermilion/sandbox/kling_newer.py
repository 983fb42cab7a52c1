"""What the second generation of Kling's API takes. Facts: Kling's pages on its 3.0 models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kling_replies import Refusal
from .kling_requests import VIDEO_RATIOS, Asked, one_of, words_of, wrong


def read_newer(path: str, body: Mapping[str, Any]) -> Asked:
    """A request of the second generation; raises `Refusal`."""
    task, _, model = path.partition("/")
    models = {"kling-3.0", "kling-3.0-turbo", "kling-2.6", "kling-2.5-turbo"}
    known = {"text-to-video": models, "image-to-video": models, "omni-video": {"kling-3.0-omni"}}
    if model not in known.get(task, ()):
        raise Refusal(1203)
    settings = body.get("settings", {})
    if not isinstance(settings, dict):
        wrong("settings must be an object")
    resolution = one_of(settings, "resolution", {"720p", "1080p", "4k"}, "720p")
    one_of(settings, "audio", {"native", "off", "original"}, "off")
    seconds = settings.get("duration", 5)
    allowed = range(3, 16) if model.startswith("kling-3.0") else (5, 10)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds not in allowed:
        wrong("settings.duration is invalid")
    if not isinstance(settings.get("multi_shot", True), bool):
        wrong("settings.multi_shot must be a boolean")
    ratio = one_of(settings, "aspect_ratio", set(VIDEO_RATIOS), "16:9")
    short = {"720p": 360, "1080p": 540, "4k": 720}[resolution]
    if task == "text-to-video":
        return Asked("video", model, words_of(body, most=3072), ratio, short, float(seconds))
    if task == "image-to-video" and "aspect_ratio" in settings:
        wrong("settings.aspect_ratio is not supported")
    prompt, pictures = _contents(body, task, turbo=model.endswith("turbo") and model.startswith("kling-3"))
    if task == "omni-video" and not prompt:
        wrong("prompt is required")
    return Asked("video", model, prompt, ratio, short, float(seconds), pictures=pictures)


def _contents(body: Mapping[str, Any], task: str, *, turbo: bool) -> tuple[str, list[str]]:
    contents = body.get("contents")
    if not isinstance(contents, list) or not all(isinstance(item, dict) for item in contents):
        wrong("contents is required")
    found: dict[str, list[str]] = {}
    for item in contents:
        value = item.get("text" if item.get("type") == "prompt" else "url")
        if not isinstance(value, str):
            wrong("contents has an item without a value")
        found.setdefault(str(item.get("type")), []).append(value)
    kinds = {"prompt", "first_frame", "last_frame"} | ({"refer_image"} if task == "omni-video" else set())
    if not found.keys() <= kinds:
        wrong("contents has an item of an unknown type")
    first, last = found.get("first_frame", []), found.get("last_frame", [])
    if len(first) > 1 or len(last) > 1 or (last and not first) or (last and turbo):
        wrong("last_frame is invalid")
    if task == "image-to-video" and not first:
        wrong("first_frame is required")
    if len(found.get("refer_image", [])) + len(first) + len(last) > 7:
        wrong("too many images")
    return " ".join(found.get("prompt", [])), first + last + found.get("refer_image", [])
