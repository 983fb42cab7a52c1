"""What the outside sees of a generation: the same shape in every answer and every event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from vermilion.catalog import Snapshot
from vermilion.generation.previews import PREVIEWS
from vermilion.generation.status import SHOWS_PREVIEW, Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.library import AssetRow, AssetView, asset_view
from vermilion.providers import has_power

Whose = Literal["user", "wait", "admin", "maintainer"]


class TextView(BaseModel):
    """The same words in both languages."""

    en: str
    zh: str


class InputView(BaseModel):
    """A picture the person gave, by role."""

    role: str
    asset_id: UUID
    weight: float | None = None


class ProgressView(BaseModel):
    """What the provider said; null where it says nothing."""

    percent: float | None
    queue_position: int | None


class FailureView(BaseModel):
    """Why it failed, whose move it is, and what came back."""

    code: str
    whose: Whose
    detail: str
    vendor_message: str | None
    returned_credits: int


class GenerationView(BaseModel):
    """One generation, whole.

    `preview_version` says that there is a passing picture of it to ask for, and grows with every new one.
    `ignored_fields` are those that a request in another API's shape had and its model does not understand.
    """

    id: UUID
    model: str
    model_name: TextView
    provider: str
    kind: Literal["image", "video", "audio", "text"]
    status: Status
    prompt: str
    params: dict[str, Any]
    inputs: list[InputView]
    parent_id: UUID | None
    price_credits: int
    settled_credits: int | None
    attempt: int
    expected_outputs: int
    aspect: float | None
    progress: ProgressView
    # The event log keeps views as they were told: a field added later has a default, so that those can still be read.
    preview_version: int | None = None
    ignored_fields: list[str] = []
    typical_seconds: float
    facts: dict[str, Any] | None
    failure: FailureView | None
    assets: list[AssetView]
    cancel_requested: bool
    can_cancel: bool
    can_retry: bool
    created_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime
    version: int


class AttemptView(BaseModel):
    """One try at a provider, for the receipt."""

    n: int
    provider: str
    intended_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    outcome: dict[str, Any] | None


def generation_view(row: GenerationRow, entry: Snapshot, assets: Sequence[AssetRow]) -> GenerationView:
    """The view of a row; `entry` is the declaration it was requested under."""
    status = Status(row.status)
    return GenerationView(
        id=row.id,
        model=row.model,
        model_name=TextView(en=entry.name.en, zh=entry.name.zh),
        provider=row.provider,
        kind=row.kind,  # type: ignore[arg-type]  # the table's check keeps it in the vocabulary
        status=status,
        prompt=row.prompt,
        params=row.params,
        inputs=[InputView(**given) for given in row.inputs],
        parent_id=row.parent_id,
        price_credits=row.price_credits,
        settled_credits=row.settled_credits,
        attempt=row.attempt,
        expected_outputs=row.expected_outputs,
        aspect=entry.aspect(row.params),
        progress=ProgressView(percent=row.percent, queue_position=row.queue_position),
        preview_version=_preview_version(row, status),
        ignored_fields=row.ignored_fields or [],
        typical_seconds=entry.typical_seconds,
        facts=row.facts,
        failure=FailureView(**row.failure) if row.failure is not None else None,
        assets=[asset_view(asset) for asset in assets],
        cancel_requested=row.cancel_requested_at is not None,
        can_cancel=_can_cancel(row, status),
        can_retry=status in (Status.FAILED, Status.CANCELED),
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        finished_at=row.finished_at,
        deadline_at=row.deadline_at,
        version=row.version,
    )


def attempt_view(row: AttemptRow) -> AttemptView:
    """The view of an attempt; its ticket and credential stay inside the house."""
    return AttemptView(
        n=row.n,
        provider=row.provider,
        intended_at=row.intended_at,
        submitted_at=row.submitted_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
    )


def _preview_version(row: GenerationRow, status: Status) -> int | None:
    shown = PREVIEWS.newest(row.id) if status in SHOWS_PREVIEW else None
    return None if shown is None else shown.version


def _can_cancel(row: GenerationRow, status: Status) -> bool:
    if row.cancel_requested_at is not None:
        return False
    if status is Status.QUEUED:
        return True
    return status in (Status.SUBMITTING, Status.RUNNING) and has_power(row.provider, "cancel")
