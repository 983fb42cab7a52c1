"""What each of Kling's endpoints takes, checked strictly; everything wrong is refused as Kling refuses it.

Where Kling's pages leave open whether something is ignored or refused, it is refused here. Facts: Kling's pages on its
video, image and sound endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .kling_replies import Refusal

_V1 = ("kling-v1", "kling-v1-5", "kling-v1-6")
_WITH_SOUND = {"kling-v2-6", "kling-v3", "kling-v3-omni"}
_LONG = {"kling-v3", "kling-v3-omni"}
_TEXT = {"kling-v1", "kling-v1-6", "kling-v2-master", "kling-v2-1-master", "kling-v2-5-turbo", "kling-v2-6", "kling-v3"}
_MOVES = {"down_back", "forward_up", "right_turn_forward", "left_turn_forward"}
_AXES = {"horizontal", "vertical", "pan", "tilt", "roll", "zoom"}
VIDEO_RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
RATIOS = {**VIDEO_RATIOS, "4:3": (4, 3), "3:4": (3, 4), "3:2": (3, 2), "2:3": (2, 3), "21:9": (21, 9)}
PAIRS = {
    "pet_skateboard", "daily_ootd", "toss_run", "switch_to_silk", "studio_look", "french_elegance", "finger_swipe",
    "smooth_transition", "kiss_pro", "snow_night_kiss", "eternal_kiss", "cheers_2026", "fight_pro", "hug_pro",
    "heart_gesture_pro",
}  # fmt: skip
_WITHDRAWN = {
    "celebration",
    "c4d_cartoon",
    "kiss",
    "fight",
    "hug",
    "thumbs_up",
    "tiger_hug",
    "pet_lion",
    "3d_cartoon_1",
    "magic_match_tree",
}
_SHORT_SIDE = {"std": 360, "pro": 540, "4k": 720}
"""Smaller than Kling's: they are drawn while somebody waits."""


@dataclass(slots=True)
class Asked:
    """A request that is acceptable: what kind of thing to make, how many, how large, how long, and of what."""

    kind: str
    model: str
    prompt: str
    ratio: str = "16:9"
    short_side: int = 360
    seconds: float = 5.0
    count: int = 1
    pictures: list[str] = field(default_factory=list)
    video_url: str | None = None
    parent_id: str | None = None
    """The video it goes on from, or whose face shall speak."""
    film: bytes | None = None
    """The same, where it is not Kling's own."""

    @property
    def size(self) -> tuple[int, int]:
        wide, high = RATIOS[self.ratio]
        unit = self.short_side / min(wide, high)
        return round(wide * unit), round(high * unit)


def read_video(resource: str, body: Mapping[str, Any]) -> Asked:
    """A request of one of the first generation's video resources; raises `Refusal`."""
    readers = {
        "text2video": _text2video,
        "image2video": _image2video,
        "multi-image2video": _several,
        "omni-video": _omni,
        "effects": _effects,
        "motion-control": _motion,
        "avatar/image2video": _avatar,
        "video-extend": _extend,
    }
    return readers[resource](body)


def read_image(body: Mapping[str, Any]) -> Asked:
    """A request for pictures; raises `Refusal`."""
    model = one_of(
        body, "model_name", {"kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3"}, "kling-v3"
    )
    image = body.get("image")
    if image and body.get("negative_prompt"):
        wrong("negative_prompt is not supported with image")
    for name in ("image_fidelity", "human_fidelity"):
        _between(body, name, 0, 1)
    if "image_reference" in body and (model != "kling-v1-5" or body["image_reference"] not in {"subject", "face"}):
        wrong("image_reference is invalid")
    count = body.get("n", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 9:
        wrong("n must be between 1 and 9")
    large = one_of(body, "resolution", {"1k", "2k"}, "1k") == "2k"
    ratio = one_of(body, "aspect_ratio", set(RATIOS), "16:9")
    pictures = [image] if image else []
    return Asked("image", model, words_of(body), ratio, 1024 if large else 640, count=count, pictures=pictures)


def read_try_on(body: Mapping[str, Any]) -> Asked:
    """A request to put a garment on a person; raises `Refusal`."""
    model = one_of(
        body, "model_name", {"kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5"}, "kolors-virtual-try-on-v1"
    )
    person, garment = _required(body, "human_image"), _required(body, "cloth_image")
    return Asked("image", model, "", "3:4", 640, pictures=[person, garment])


def read_sound(body: Mapping[str, Any]) -> Asked:
    """A request for a sound; raises `Refusal`."""
    seconds = body.get("duration")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 3 <= seconds <= 10:
        wrong("duration must be between 3.0 and 10.0")
    return Asked("audio", "text-to-audio", words_of(body, most=200), seconds=float(seconds))


def _text2video(body: Mapping[str, Any]) -> Asked:
    model = _model(body, _TEXT)
    _controls(body, model)
    ratio = one_of(body, "aspect_ratio", set(VIDEO_RATIOS), "16:9")
    return Asked("video", model, words_of(body), ratio, _short_side(body, model), _seconds(body, model))


def _image2video(body: Mapping[str, Any]) -> Asked:
    model = _model(body, _TEXT | {"kling-v1-5", "kling-v2-1"})
    _controls(body, model)
    if "aspect_ratio" in body:
        wrong("aspect_ratio is not supported")
    pictures = [body[name] for name in ("image", "image_tail") if body.get(name)]
    if not pictures:
        wrong("image is required")
    if body.get("image_tail") and ("camera_control" in body or body.get("sound") == "on"):
        wrong("image_tail cannot be used with camera_control or sound")
    prompt = words_of(body, required=False)
    return Asked("video", model, prompt, "16:9", _short_side(body, model), _seconds(body, model), pictures=pictures)


def _several(body: Mapping[str, Any]) -> Asked:
    model = one_of(body, "model_name", {"kling-v1-6"}, "kling-v1-6")
    pictures = _listed(body, "image_list", "image", 4)
    ratio = one_of(body, "aspect_ratio", set(VIDEO_RATIOS), "16:9")
    if not pictures:
        wrong("image_list is required")
    return Asked(
        "video", model, words_of(body), ratio, _short_side(body, model), _seconds(body, model), pictures=pictures
    )


def _omni(body: Mapping[str, Any]) -> Asked:
    model = one_of(body, "model_name", {"kling-video-o1", "kling-v3-omni"}, "kling-video-o1")
    if body.get("sound") == "on" and model not in _WITH_SOUND:
        wrong("sound is not supported by this model")
    types = {item.get("type") for item in body.get("image_list", []) if isinstance(item, dict)}
    if not types <= {None, "first_frame", "end_frame"} or ("end_frame" in types and "first_frame" not in types):
        wrong("image_list has an invalid type")
    longest = 15 if model in _LONG else 10
    if body.get("duration", "5") not in {str(seconds) for seconds in range(3, longest + 1)}:
        wrong("duration is invalid")
    ratio = one_of(body, "aspect_ratio", set(VIDEO_RATIOS), "16:9")
    pictures = _listed(body, "image_list", "image_url", 7)
    seconds = float(body.get("duration", "5"))
    return Asked("video", model, words_of(body), ratio, _short_side(body, model), seconds, pictures=pictures)


def _effects(body: Mapping[str, Any]) -> Asked:
    scene, given = _required(body, "effect_scene"), body.get("input")
    if scene in _WITHDRAWN:
        wrong("effect_scene has been withdrawn")
    if not isinstance(given, dict):
        wrong("input is required")
    if scene in PAIRS:
        pictures = given.get("images")
        if not isinstance(pictures, list) or len(pictures) != 2:
            wrong("input.images must hold two images")
        return Asked("video", f"effects:{scene}", scene, "16:9", pictures=pictures)
    return Asked("video", f"effects:{scene}", scene, "1:1", pictures=[_required(given, "image")])


def _motion(body: Mapping[str, Any]) -> Asked:
    model = one_of(body, "model_name", {"kling-v2-6", "kling-v3"}, "kling-v2-6")
    for name, allowed in (("character_orientation", {"image", "video"}), ("mode", {"std", "pro"})):
        _required(body, name)
        one_of(body, name, allowed, "")
    one_of(body, "keep_original_sound", {"yes", "no"}, "yes")
    pictures, video = [_required(body, "image_url")], _required(body, "video_url")
    prompt = words_of(body, required=False)
    return Asked("video", model, prompt, "9:16", _short_side(body, model), pictures=pictures, video_url=video)


def _avatar(body: Mapping[str, Any]) -> Asked:
    if bool(body.get("audio_id")) == bool(body.get("sound_file")):
        wrong("exactly one of audio_id and sound_file is required")
    prompt = words_of(body, required=False)
    side = _SHORT_SIDE[one_of(body, "mode", {"std", "pro"}, "std")]
    return Asked("video", "avatar", prompt, "9:16", side, pictures=[_required(body, "image")])


def _extend(body: Mapping[str, Any]) -> Asked:
    if "external_task_id" in body:
        wrong("external_task_id is not supported")
    _between(body, "cfg_scale", 0, 1)
    return Asked("video", "video-extend", words_of(body, required=False), parent_id=_required(body, "video_id"))


def _model(body: Mapping[str, Any], known: set[str]) -> str:
    name = body.get("model_name") or "kling-v1"
    if name not in known:
        raise Refusal(1203, f"model {str(name)[:40]} does not exist")
    return str(name)


def _controls(body: Mapping[str, Any], model: str) -> None:
    if "cfg_scale" in body and model not in _V1:
        wrong("cfg_scale is not supported by this model")
    _between(body, "cfg_scale", 0, 1)
    if one_of(body, "sound", {"on", "off"}, "off") == "on" and model not in _WITH_SOUND:
        wrong("sound is not supported by this model")
    if ("multi_shot" in body or "shot_type" in body) and model != "kling-v3":
        wrong("multi_shot is not supported by this model")
    if body.get("multi_shot") and body.get("shot_type") not in {"customize", "intelligence"}:
        wrong("shot_type is required")
    if (camera := body.get("camera_control")) is not None:
        _camera(camera, model)


def _camera(camera: Any, model: str) -> None:
    if model not in _V1 or not isinstance(camera, dict):
        wrong("camera_control is not supported by this model")
    kind, config = camera.get("type"), camera.get("config")
    if kind in _MOVES and config is None:
        return
    if kind != "simple" or not isinstance(config, dict) or not config.keys() <= _AXES:
        wrong("camera_control is invalid")
    amounts = [value for value in config.values() if value != 0]
    if len(amounts) != 1 or not isinstance(amounts[0], int | float) or not -10 <= amounts[0] <= 10:
        wrong("exactly one of camera_control.config must be other than 0, between -10 and 10")


def _seconds(body: Mapping[str, Any], model: str) -> float:
    allowed = {str(seconds) for seconds in range(3, 16)} if model in _LONG else {"5", "10"}
    return float(one_of(body, "duration", allowed, "5"))


def _short_side(body: Mapping[str, Any], model: str) -> int:
    modes = {"std", "pro", "4k"} if model in _LONG else {"std", "pro"}
    return _SHORT_SIDE[one_of(body, "mode", modes, "std")]


def words_of(body: Mapping[str, Any], *, required: bool = True, most: int = 2500) -> str:
    prompt = body.get("prompt", "")
    if not isinstance(prompt, str) or len(prompt) > most or (required and not prompt.strip()):
        wrong("prompt is invalid")
    negative = body.get("negative_prompt", "")
    if not isinstance(negative, str) or len(negative) > most:
        wrong("negative_prompt is invalid")
    return prompt


def _listed(body: Mapping[str, Any], name: str, member: str, most: int) -> list[str]:
    items = body.get(name, [])
    if not isinstance(items, list) or len(items) > most:
        wrong(f"{name} is invalid")
    if not all(isinstance(item, dict) for item in items):
        wrong(f"{name} is invalid")
    return [_required(item, member) for item in items]


def _required(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        wrong(f"{name} is required")
    return value


def one_of(body: Mapping[str, Any], name: str, allowed: set[str], usual: str) -> str:
    value = body.get(name, usual)
    if not isinstance(value, str) or value not in allowed:
        wrong(f"{name} is invalid")
    return value


def _between(body: Mapping[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name, low)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        wrong(f"{name} must be between {low} and {high}")


def wrong(message: str) -> NoReturn:
    raise Refusal(1201, message)
