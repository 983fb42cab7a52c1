"""Kling and Jimeng: videos from words and from pictures; Kling's lip-sync."""

from typing import Any, Final

from vermilion.dialects.bodies import CameraMove, LipSyncBody, VideoBody
from vermilion.dialects.files import GivenFile
from vermilion.dialects.making import Wish, makes
from vermilion.dialects.table import JIMENG, KLING, Job, Service
from vermilion.kit import Invalid

_NOT_PARAMS: Final = {"prompt", "model", "model_name", "camera_control", "image", "image_tail"}


def _add_videos(service: Service) -> None:
    @makes(service, "/submit/text-to-video", "A video from words")
    def text_to_video(body: VideoBody) -> Wish:
        """Five seconds unless asked otherwise."""
        return _wish("text-to-video", body)

    @makes(service, "/submit/image-to-video", "A video from a picture", takes_files=True)
    def image_to_video(body: VideoBody) -> Wish:
        """`image` is how it begins, `image_tail` how it ends."""
        return _wish("image-to-video", body)


for each in (KLING, JIMENG):
    _add_videos(each)


@makes(KLING, "/submit/lip-sync", "Words or sound for a face", takes_files=True)
def lip_sync(body: LipSyncBody) -> Wish:
    """`mode` text speaks `text` in a voice, audio follows a recording; the video is a file, or what a task made."""
    spoken = body.mode in {"text", "text2video"}
    _require_one_mode(body, spoken=spoken)
    files = [] if body.video is None else [GivenFile("video", body.video)]
    if body.audio is not None:
        files.append(GivenFile("audio", body.audio))
    sent: dict[str, Any] = {} if body.speed is None or not spoken else {"speed": body.speed}
    if body.voice is not None and spoken:
        sent["voice"] = _voice(body.voice, body.language)
    return Wish(
        "lip-sync-text" if spoken else "lip-sync-audio",
        body.text if spoken else "",
        None,
        sent,
        files,
        parent_id=body.task_id,
        sent_as={"prompt": ("text",), "parent_id": ("task_id",)},
        unused=() if spoken else _unspoken(body),
    )


def _wish(job: Job, body: VideoBody) -> Wish:
    sent = body.model_dump(exclude_none=True, exclude=_NOT_PARAMS)
    moves = {} if body.camera_control is None else camera_fields(body.camera_control)
    given = {"image": body.image, "image_tail": body.image_tail}
    files = [GivenFile(name, content) for name, content in given.items() if content]
    named_as = "model" if body.model_name is None and body.model is not None else "model_name"
    sent_as = {"model": (named_as,), **dict.fromkeys(moves, ("camera_control",))}
    return Wish(job, body.prompt, body.model_name or body.model, sent | moves, files, sent_as=sent_as)


def camera_fields(move: CameraMove) -> dict[str, Any]:
    """The move and, where one is told, how far: `simple` moves in the one direction that is not 0."""
    if move.type != "simple":
        return {"camera_move": move.type}
    moved = [(name, amount) for name, amount in (move.config or {}).items() if amount]
    if not moved:
        return {"camera_move": "none"}
    name, amount = moved[0]
    return {"camera_move": name, "camera_amount": amount}


def _require_one_mode(body: LipSyncBody, *, spoken: bool) -> None:
    """Refuse what the other mode is made of: whoever sent both is not given the one they did not mean."""
    other, its_mode, given = ("audio", "audio", body.audio) if spoken else ("text", "text", body.text)
    if given:
        raise Invalid("request.invalid", f"{other} belongs to mode {its_mode}: send one of the two modes.", field=other)


def _unspoken(body: LipSyncBody) -> tuple[str, ...]:
    """What was sent about a voice, where none speaks."""
    return tuple(body.model_dump(exclude_defaults=True, include={"voice", "language", "speed"}))


def _voice(voice: str, language: str | None) -> str:
    """A voice is named with its language here: `zh:…`."""
    return voice if ":" in voice else f"{language or 'zh'}:{voice}"
