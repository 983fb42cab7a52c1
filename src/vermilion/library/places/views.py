"""What an admin sees of the places files lie in."""

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from pydantic import BaseModel

from vermilion.db import Tx
from vermilion.kit.sealed import Sealer
from vermilion.library.places.drafts import PlaceKind, masked_fields
from vermilion.library.places.moves import held_by_places, last_move
from vermilion.library.places.trying import Step, Tried
from vermilion.storage import FOLDER, KINDS, Address, KindName, PlaceRow, Reason, list_places


class CloudKindView(BaseModel):
    """A kind of cloud that can be chosen, with examples of what is to be typed in."""

    kind: KindName
    title: str
    endpoint: str
    bucket_example: str
    region_example: str
    region_required: bool


class StoragePlaceView(BaseModel):
    """A place in a cloud; secrets are masks."""

    id: UUID
    kind: KindName
    title: str
    host: str
    bucket: str
    region: str
    endpoint_url: str
    root: str
    access_key: str
    secret_key: str
    allow_private_hosts: bool
    receiving: bool
    created_at: datetime


class FileMoveFailureView(BaseModel):
    """A file that could not be moved; it lies and is read where it was."""

    key: str
    reason: Reason
    detail: str


class FileMoveView(BaseModel):
    """The latest move of files. Those that failed can be tried again by another one.

    `target` is the place's id, null for the studio's own folder; `problem` says why nothing moves at the moment.
    """

    id: UUID
    target: UUID | None
    state: Literal["running", "stopped", "done"]
    total_files: int
    done_files: int
    failed_files: int
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    problem: str | None
    failures: list[FileMoveFailureView]


class StorageView(BaseModel):
    """Where new files go (`local` is the studio's own folder), the places there are, and the latest move."""

    kind: PlaceKind
    place: UUID | None
    places: list[StoragePlaceView]
    kinds: list[CloudKindView]
    move: FileMoveView | None


class HeldView(BaseModel):
    """How many files lie in a place (null: the studio's own folder), thumbnails not counted, and their bytes."""

    place: UUID | None
    files: int
    size_bytes: int


class HeldList(BaseModel):
    """What lies where."""

    items: list[HeldView]


class TriedView(BaseModel):
    """How the connection test went. Where it failed: at which step, in a word for programs, and in words."""

    ok: bool
    latency_ms: int
    step: Step | None
    reason: Reason | None
    problem: str | None


def storage_view(tx: Tx, sealer: Sealer, problem: str | None = None) -> StorageView:
    """Everything about storage but what takes counting; `problem` is what the mover waits for."""
    rows = list_places(tx)
    receiving = next((row for row in rows if row.receiving), None)
    return StorageView(
        kind="local" if receiving is None else cast(KindName, receiving.kind),
        place=None if receiving is None else receiving.id,
        places=[_place_view(sealer, row) for row in rows],
        kinds=[
            CloudKindView(
                kind=kind.name,
                title=kind.title,
                endpoint=kind.endpoint,
                bucket_example=kind.bucket_example,
                region_example=kind.region_example,
                region_required=not kind.region_default,
            )
            for kind in KINDS.values()
        ],
        move=move_view(tx, problem),
    )


def move_view(tx: Tx, problem: str | None) -> FileMoveView | None:
    """The latest move."""
    found = last_move(tx)
    if found is None:
        return None
    row, failures = found
    return FileMoveView(
        id=row.id,
        target=None if row.target_id == FOLDER else row.target_id,
        state=cast(Literal["running", "stopped", "done"], row.state),
        total_files=row.total_files,
        done_files=row.done_files,
        failed_files=row.failed_files,
        started_at=row.started_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
        problem=problem if row.state == "running" else None,
        failures=[
            FileMoveFailureView(key=failure.key, reason=cast(Reason, failure.reason), detail=failure.detail)
            for failure in failures
        ],
    )


def held_list(tx: Tx) -> HeldList:
    """What lies where; it takes a look at every asset."""
    return HeldList(
        items=[
            HeldView(
                place=None if held.place_id == FOLDER else held.place_id, files=held.files, size_bytes=held.size_bytes
            )
            for held in held_by_places(tx)
        ]
    )


def tried_view(tried: Tried) -> TriedView:
    """A test as it is shown."""
    return TriedView(
        ok=tried.step is None,
        latency_ms=tried.latency_ms,
        step=tried.step,
        reason=tried.reason,
        problem=tried.detail,
    )


def _place_view(sealer: Sealer, row: PlaceRow) -> StoragePlaceView:
    address = Address(**row.address)
    return StoragePlaceView.model_validate(
        {
            **masked_fields(sealer, row),
            "id": row.id,
            "kind": row.kind,
            "title": KINDS[address.kind].title,
            "host": address.host,
            "allow_private_hosts": row.allow_private_hosts,
            "receiving": row.receiving,
            "created_at": row.created_at,
        }
    )
