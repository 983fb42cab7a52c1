"""What each of the proxy's submits makes of its body: the job that is wanted, or why it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .jobs import Job
from .midjourney_buttons import Pressed, may_open_remix, named, read
from .midjourney_drawing import cell_size, enlarged, picture_of
from .midjourney_flags import take_apart
from .midjourney_replies import Dialect
from .midjourney_tasks import grid_buttons
from .midjourney_words import described, shortened
from .midjourney_work import (
    Refused,
    Wanted,
    buttons_of,
    failure_of,
    read_picture,
)
from .stage import Stage

_ASPECTS = {"PORTRAIT": "2:3", "SQUARE": "1:1", "LANDSCAPE": "3:2"}
_UPSCALED = 2
_FILM_SIZES = {"vid_1.1_i2v_480": 480, "vid_1.1_i2v_720": 720}


async def wanted_by(
    stage: Stage, door: str, body: Mapping[str, Any], dialect: Dialect, owner: str, parent: Job | None
) -> Wanted:
    """The job that a submit asks for; raises `Refused`. `action`, `change` and extensions go on from `parent`."""
    match door:
        case "imagine" | "shorten":
            return await _imagine(stage, door, body, dialect, owner)
        case "blend":
            return await _blend(stage, body, dialect, owner)
        case "describe":
            return await _describe(stage, await _described_picture(stage, body), dialect, owner)
        case "edit" | "edits" | "retexture":
            picture = await read_picture(stage, body.get("image"))
            action = "RETEXTURE" if door == "retexture" else "EDIT"
            return Wanted(
                action, owner, dialect, "sheet", prompt=_prompt(body), pictures=[picture], description=f"/{door}"
            )
        case "video":
            return await _video(stage, body, dialect, owner, parent)
    raise Refused(4)


def pressed_by(door: str, body: Mapping[str, Any], parent: Job, dialect: Dialect) -> tuple[Pressed, bool]:
    """What a button, or a word for one, asks for, and whether a window opens first; raises `Refused`."""
    if failure_of(parent) is not None or parent.notes["window"]:
        raise Refused(4, "关联任务状态错误")
    if door == "action":
        custom_id = body.get("customId")
        if not isinstance(custom_id, str) or not custom_id:
            raise Refused(4, "customId 不能为空")
        pressed = read(custom_id)
        if pressed is None or not named(buttons_of(parent), custom_id):
            raise Refused(4, "未知的 Action 类型")
        return pressed, pressed.window or (bool(body.get("enableRemix")) and may_open_remix(custom_id))
    action, index = body.get("action"), body.get("index")
    if parent.notes["kind"] != "sheet" or parent.model not in {"IMAGINE", "VARIATION", "REROLL", "BLEND"}:
        raise Refused(4, "关联任务不允许执行变化")
    if action not in {"UPSCALE", "VARIATION", "REROLL"}:
        raise Refused(4, "action参数错误")
    if (action != "REROLL" or dialect == "relay") and index not in {1, 2, 3, 4}:
        raise Refused(4, "index参数错误")
    word = {"UPSCALE": "upsample", "VARIATION": "variation"}.get(action, "reroll")
    names = [str(button["customId"]) for button in grid_buttons(parent)]
    beginning = f"MJ::JOB::{word}::{0 if action == 'REROLL' else index}::"
    pressed = read(next(name for name in names if name.startswith(beginning)))
    if pressed is None:
        raise Refused(4)
    return pressed, False


async def followed(
    stage: Stage, parent: Job, pressed: Pressed, dialect: Dialect, owner: str, *, strong: bool
) -> Wanted:
    """The job that a button starts."""
    notes, prompt = parent.notes, str(parent.body["prompt"])
    size: tuple[int, int] = tuple(notes["size"])
    seed = int(notes["seed"]) + 1_000 * pressed.index + len(pressed.manner) + (500 if strong else 0)
    wanted = Wanted(
        pressed.action,
        owner,
        dialect,
        "sheet",
        prompt=prompt,
        speed=notes["speed"],
        size=size,
        seed=seed,
        parent=parent.id,
        version=notes["version"],
        description=f"/{pressed.action.lower()} {parent.id} {pressed.index}",
    )
    match pressed.action:
        case "DESCRIBE":
            source = stage.shelf.get(notes["sources"][0])
            if source is None:
                raise Refused(3)
            return await _describe(stage, source.data, dialect, owner)
        case "REROLL":
            _once_more(stage, wanted, parent, dialect)
        case "IMAGINE" if notes["texts"]:
            wanted.prompt = notes["texts"][min(pressed.index, len(notes["texts"])) - 1]
            wanted.size = cell_size(take_apart(wanted.prompt))
        case "UPSCALE" if notes["kind"] == "film":
            wanted.kind, wanted.seed = "film", int(notes["seed"]) + pressed.index - 1
            wanted.pictures = _given(stage, parent)
        case "UPSCALE" | "UPSCALE_HD":
            wanted.kind = "picture"
            factor = 4 if pressed.manner.endswith("4x") else _UPSCALED
            wanted.ready = await enlarged(await picture_of(stage, parent, pressed.index), factor)
        case "VIDEO":
            film = notes["kind"] == "film"
            wanted.pictures = _given(stage, parent) if film else [await picture_of(stage, parent, 1)]
            wanted.kind, wanted.count, wanted.size = "film", 4, _film_size(size, 480)
        case "PAN":
            wide = pressed.manner in {"left", "right"}
            wanted.size = (size[0] * 3 // 2, size[1]) if wide else (size[0], size[1] * 3 // 2)
            wanted.pictures = [await picture_of(stage, parent, 1)]
        case "VARIATION" | "ZOOM" if notes["kind"] == "picture":
            wanted.pictures = [await picture_of(stage, parent, 1)]
    return wanted


def _given(stage: Stage, parent: Job) -> tuple[bytes, ...]:
    """The pictures a job was made from, for what goes on from it in the same pictures."""
    return stage.shelf.all_of(parent.notes["sources"])


def _once_more(stage: Stage, wanted: Wanted, parent: Job, dialect: Dialect) -> None:
    """The same once more: another grid, or other clips; of a single picture, four."""
    mask = stage.shelf.get(parent.notes["mask"] or "")
    wanted.pictures, wanted.mask = _given(stage, parent), mask.data if mask is not None else None
    if dialect != "java":
        wanted.action = "IMAGINE" if parent.model.startswith("UPSCALE") else parent.model
    if parent.notes["kind"] == "film":
        wanted.kind, wanted.count = "film", parent.notes["count"]


async def _imagine(stage: Stage, door: str, body: Mapping[str, Any], dialect: Dialect, owner: str) -> Wanted:
    prompt = _prompt(body)
    pictures = [await read_picture(stage, item) for item in _array(body.get("base64Array"))]
    if door == "shorten":
        texts = shortened(take_apart(prompt).words)
        return Wanted("SHORTEN", owner, dialect, "text", prompt=prompt, texts=texts, description=f"/shorten {prompt}")
    return Wanted(
        "IMAGINE", owner, dialect, "sheet", prompt=prompt, pictures=pictures, description=f"/imagine {prompt}"
    )


async def _blend(stage: Stage, body: Mapping[str, Any], dialect: Dialect, owner: str) -> Wanted:
    given = _array(body.get("base64Array"))
    if not 2 <= len(given) <= 5:
        raise Refused(4, "base64List参数错误")
    aspect = _ASPECTS.get(str(body.get("dimensions") or "SQUARE"))
    if aspect is None:
        raise Refused(4, "dimensions参数错误")
    pictures = [await read_picture(stage, item) for item in given]
    size = cell_size(take_apart(f"x --ar {aspect}"))
    return Wanted("BLEND", owner, dialect, "sheet", pictures=pictures, size=size, description="/blend")


async def _described_picture(stage: Stage, body: Mapping[str, Any]) -> bytes:
    return await read_picture(stage, body.get("base64") or body.get("link"))


async def _describe(stage: Stage, picture: bytes, dialect: Dialect, owner: str) -> Wanted:
    del stage
    texts = described(picture)
    return Wanted("DESCRIBE", owner, dialect, "text", pictures=[picture], texts=texts, description="/describe")


async def _video(stage: Stage, body: Mapping[str, Any], dialect: Dialect, owner: str, parent: Job | None) -> Wanted:
    kind, count = body.get("videoType", "vid_1.1_i2v_480"), body.get("batchSize", 4)
    if kind not in _FILM_SIZES or count not in {1, 2, 4} or body.get("motion", "low") not in {"low", "high"}:
        raise Refused(4, "参数错误")
    prompt = str(body.get("prompt") or "")
    wanted = Wanted("VIDEO", owner, dialect, "film", prompt=prompt, count=count, description="/video")
    if body.get("action") == "extend":
        if parent is None or parent.notes["kind"] != "film" or body.get("index") not in {0, 1, 2, 3}:
            raise Refused(4, "index参数错误")
        wanted.action, wanted.parent = "VIDEO", parent.id
        wanted.seed, wanted.prompt = int(parent.notes["seed"]), prompt or str(parent.body["prompt"])
        wanted.size, wanted.pictures = tuple(parent.notes["size"]), _given(stage, parent)
        return wanted
    frames = [await read_picture(stage, body.get("image"))]
    if body.get("endImage"):
        frames.append(await read_picture(stage, body["endImage"]))
    wanted.pictures = frames
    wanted.size = _film_size(cell_size(take_apart(prompt)), _FILM_SIZES[kind])
    return wanted


def _film_size(size: tuple[int, int], short: int) -> tuple[int, int]:
    factor = short / min(size)
    return round(size[0] * factor / 2) * 2, round(size[1] * factor / 2) * 2


def _prompt(body: Mapping[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise Refused(4, "prompt不能为空")
    return prompt.strip()


def _array(given: Any) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > 10:
        raise Refused(4, "base64Array参数错误")
    return given


SIMPLE = re.compile(r"(?P<id>[0-9]+) (?P<word>[UV])(?P<n>[1-4])|(?P<again>[0-9]+) R")
"""The content of a `simple-change`."""
