"""A generation in the described system's words: a task."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel

from vermilion.dialects.house import Links
from vermilion.dialects.numbered import NumberedPage
from vermilion.dialects.table import Service
from vermilion.generation import GenerationView, Status
from vermilion.library import AssetView

TaskStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]

STATUS_WORDS: Final[Mapping[Status, TaskStatus]] = {
    Status.QUEUED: "pending",
    Status.SUBMITTING: "processing",
    Status.RUNNING: "processing",
    Status.STORING: "processing",
    # Nobody knows yet whether it runs: for a client that only knows these words it goes on.
    Status.UNCERTAIN: "processing",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELED: "cancelled",
}


class ButtonView(BaseModel):
    """What can be done with a result; `custom_id` goes back to `submit/action`."""

    custom_id: str
    emoji: str
    label: str
    style: int
    type: int


class TaskView(BaseModel):
    """One task. `state` is the studio's own status; times with `_time` are milliseconds since 1970."""

    id: UUID
    task_id: UUID
    user_id: UUID | None
    service: str
    action: str
    model: str
    status: TaskStatus
    state: Status
    progress: int | str
    queue_position: int | None
    prompt: str
    prompt_en: str
    image_url: str | None
    image_urls: list[str]
    cloud_image_url: str | None
    video_url: str | None
    video_urls: list[str]
    audio_url: str | None
    asset_ids: list[UUID]
    fail_reason: str | None
    fail_code: str | None
    credits: int
    retry_count: int
    generation_time: float | None
    submit_time: int
    start_time: int | None
    finish_time: int | None
    created_at: datetime
    completed_at: datetime | None
    buttons: list[ButtonView]
    properties: dict[str, Any]
    ignored_fields: list[str]
    """What was sent and this model does not understand."""


class TaskPage(NumberedPage):
    """A page of tasks, newest first; `total` counts up to 10,000."""

    items: list[TaskView]


def task_view(service: Service, view: GenerationView, links: Links, *, user_id: UUID | None) -> TaskView:
    """The task of a generation."""
    images, videos, sounds = (
        [links.file(asset.id) for asset in view.assets if asset.kind == kind] for kind in ("image", "video", "audio")
    )
    image = images[0] if images else None
    return TaskView(
        id=view.id,
        task_id=view.id,
        user_id=user_id,
        service=service.name,
        action=_action(service, view),
        model=view.model,
        status=STATUS_WORDS[view.status],
        state=view.status,
        progress=_progress(service, view),
        queue_position=view.progress.queue_position,
        prompt=view.prompt,
        prompt_en=view.prompt,
        image_url=image,
        image_urls=images,
        cloud_image_url=image,
        video_url=videos[0] if videos else None,
        video_urls=videos,
        audio_url=sounds[0] if sounds else None,
        asset_ids=[asset.id for asset in view.assets],
        fail_reason=view.failure.detail if view.failure else None,
        fail_code=view.failure.code if view.failure else None,
        credits=view.price_credits if view.settled_credits is None else view.settled_credits,
        retry_count=max(0, view.attempt - 1),
        generation_time=_seconds(view),
        submit_time=_milliseconds(view.created_at),
        start_time=_milliseconds(view.submitted_at) if view.submitted_at else None,
        finish_time=_milliseconds(view.finished_at) if view.finished_at else None,
        created_at=view.created_at,
        completed_at=view.finished_at,
        buttons=_buttons(view),
        properties={"model_name": view.model_name.en, "params": view.params, "facts": view.facts or {}},
        ignored_fields=view.ignored_fields,
    )


def _action(service: Service, view: GenerationView) -> str:
    return service.actions.get(view.model) or service.actions.get("*") or view.kind.upper()


def _progress(service: Service, view: GenerationView) -> int | str:
    percent = 100 if view.status is Status.SUCCEEDED else int(view.progress.percent or 0)
    return f"{percent}%" if service.progress_is_text else percent


def _seconds(view: GenerationView) -> float | None:
    if view.submitted_at is None or view.finished_at is None:
        return None
    return max(0.0, (view.finished_at - view.submitted_at).total_seconds())


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Offered:
    """Something that can be done with a result: what it goes by, the asset it belongs to, and the vendor's offer."""

    custom_id: str
    asset_id: UUID | None
    label: str
    action: dict[str, Any]


def offers(view: GenerationView) -> list[Offered]:
    """What can be done with a task's results, each thing once.

    It goes by the vendor's own name for it where there is one, as the button's parameter.
    """
    facts = (view.facts or {}).get("actions")
    sources: list[tuple[AssetView | None, dict[str, Any]]] = [
        (asset, action) for asset in view.assets for action in asset.actions
    ]
    sources += [(None, action) for action in facts or () if isinstance(action, dict)]
    alike: dict[str, set[str]] = {}
    for _, action in sources:
        alike.setdefault(str(action["id"]), set()).add(_goes_by(action))
    found: dict[str, Offered] = {}
    for asset, action in sources:
        name = _goes_by(action)
        label = str((action.get("label") or {}).get("en") or action["id"])
        if asset is not None and len(view.assets) > 1 and len(alike[str(action["id"])]) > 1:
            # The same offer for each of several results: the label says for which.
            label = f"{label} {view.assets.index(asset) + 1}"
        found.setdefault(name, Offered(name, asset.id if asset else None, label, action))
    return list(found.values())


def _goes_by(action: Mapping[str, Any]) -> str:
    return str((action.get("params") or {}).get("button") or action["id"])


def _buttons(view: GenerationView) -> list[ButtonView]:
    return [ButtonView(custom_id=each.custom_id, emoji="", label=each.label, style=2, type=2) for each in offers(view)]
