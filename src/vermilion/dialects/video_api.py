"""Kling and Jimeng: videos from words and from pictures; Kling's lip-sync."""

from collections.abc import Mapping
from typing import Any, Final

from vermilion.dialects.bodies import CameraMove, LipSyncBody, VideoBody
from vermilion.dialects.files import GivenFile
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.making import Wish, make
from vermilion.dialects.routes import MAKING, Route, face
from vermilion.dialects.table import JIMENG, KLING, Job, Service
from vermilion.dialects.task_views import TaskView
from vermilion.dialects.tasks_api import task_for
from vermilion.identity import Actor, CurrentActor

_NOT_PARAMS: Final = {"prompt", "model", "model_name", "camera_control", "image", "image_tail", "seed"}


def _add_videos(service: Service) -> None:
    path = f"/{service.name}/submit"

    @face(Route("POST", f"{path}/text-to-video", "user", "A video from words"), refusals=MAKING)
    async def text_to_video(house: HouseHere, links: LinksHere, actor: CurrentActor, body: VideoBody) -> TaskView:
        """Five seconds unless asked otherwise."""
        return await _make(house, links, service, actor, "text-to-video", body)

    @face(
        Route("POST", f"{path}/image-to-video", "user", "A video from a picture", takes_files=True),
        refusals=MAKING,
    )
    async def image_to_video(house: HouseHere, links: LinksHere, actor: CurrentActor, body: VideoBody) -> TaskView:
        """`image` is how it begins, `image_tail` how it ends."""
        return await _make(house, links, service, actor, "image-to-video", body)


for each in (KLING, JIMENG):
    _add_videos(each)


@face(
    Route("POST", "/kling/submit/lip-sync", "user", "Words or sound for a face", takes_files=True),
    refusals=MAKING,
)
async def lip_sync(house: HouseHere, links: LinksHere, actor: CurrentActor, body: LipSyncBody) -> TaskView:
    """`mode` text speaks `text` in a voice, audio follows a recording; the video is a file, or what a task made."""
    if body.task_id is not None:
        await house.db.read(task_for, KLING, actor, body.task_id)
    spoken = body.mode in {"text", "text2video"}
    files = [] if body.video is None else [GivenFile("video", body.video)]
    if body.audio is not None and not spoken:
        files.append(GivenFile("audio", body.audio))
    sent: dict[str, Any] = {} if body.speed is None or not spoken else {"speed": body.speed}
    if body.voice is not None and spoken:
        sent["voice"] = _voice(body.voice, body.language)
    wish = Wish(
        "lip-sync-text" if spoken else "lip-sync-audio",
        body.text if spoken else "",
        None,
        sent,
        files,
        parent_id=body.task_id,
        unused=_unspoken(body, spoken=spoken),
    )
    return await make(house, links, KLING, actor, wish)


async def _make(house: House, links: Links, service: Service, actor: Actor, job: Job, body: VideoBody) -> TaskView:
    sent = body.model_dump(exclude_none=True, exclude=_NOT_PARAMS)
    if body.seed is not None and body.seed >= 0:
        # -1 is how these clients say that the model is to choose.
        sent["seed"] = body.seed
    moves = {} if body.camera_control is None else camera_fields(body.camera_control)
    sent |= moves
    given = {"image": body.image, "image_tail": body.image_tail}
    files = [GivenFile(name, content) for name, content in given.items() if content]
    sent_as = dict.fromkeys(moves, ("camera_control",))
    wish = Wish(job, body.prompt, body.model_name or body.model, sent, files, sent_as=sent_as)
    return await make(house, links, service, actor, wish)


def camera_fields(move: CameraMove) -> Mapping[str, Any]:
    """The move and, where one is told, how far: `simple` moves in the one direction that is not 0."""
    if move.type != "simple":
        return {"camera_move": move.type}
    moved = [(name, amount) for name, amount in (move.config or {}).items() if amount]
    if not moved:
        return {"camera_move": "none"}
    name, amount = moved[0]
    return {"camera_move": name, "camera_amount": amount}


def _unspoken(body: LipSyncBody, *, spoken: bool) -> tuple[str, ...]:
    """What was sent and belongs to the other mode."""
    others = {"audio"} if spoken else {"text", "voice", "language", "speed"}
    return tuple(body.model_dump(exclude_defaults=True, include=others))


def _voice(voice: str, language: str | None) -> str:
    """A voice is named with its language here: `zh:…`."""
    return voice if ":" in voice else f"{language or 'zh'}:{voice}"
