"""Questions about generations; every one a person may ask starts from what is theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_

from vermilion import events, library
from vermilion.db import Tx
from vermilion.generation.publish import view_of, views_of
from vermilion.generation.status import TERMINAL, Status
from vermilion.generation.tables import SUCCEEDED_ROWS, AttemptRow, GenerationRow
from vermilion.generation.views import AttemptView, GenerationView, attempt_view
from vermilion.kit import Invalid, NotFound, decode_cursor, encode_cursor

DURATIONS_ASKED = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of a person's generations to list; everything unset lets everything through."""

    status: tuple[Status, ...] = ()
    kind: str | None = None
    model: str | None = None
    provider: str | None = None
    text: str | None = None
    favourite: bool = False
    parent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of views, the cursor of the next page, and the event number the page is valid at."""

    items: list[GenerationView]
    next: str | None
    position: int


def generation_of(tx: Tx, viewer_id: UUID, generation_id: UUID) -> GenerationView:
    """One of the viewer's generations; raises `NotFound`."""
    return view_of(tx, _own(tx, viewer_id, generation_id))


def attempts_of(tx: Tx, viewer_id: UUID, generation_id: UUID) -> list[AttemptView]:
    """The attempts of one of the viewer's generations, oldest first; raises `NotFound`."""
    row = _own(tx, viewer_id, generation_id)
    attempts = tx.scalars(select(AttemptRow).where(AttemptRow.generation_id == row.id).order_by(AttemptRow.n))
    return [attempt_view(attempt) for attempt in attempts]


def list_generations(tx: Tx, viewer_id: UUID, wanted: Filter, *, cursor: str | None, limit: int) -> Listed:
    """The viewer's generations, newest first."""
    where: list[ColumnElement[bool]] = [
        GenerationRow.user_id == viewer_id,
        GenerationRow.deleted_at.is_(None),
        *_conditions(viewer_id, wanted),
    ]
    if cursor is not None:
        microseconds, last_id = decode_cursor(cursor, int, str)
        where.append(
            tuple_(GenerationRow.created_at, GenerationRow.id) < tuple_(_instant(microseconds), _uuid(last_id))
        )
    rows = tx.scalars(
        select(GenerationRow)
        .where(*where)
        .order_by(GenerationRow.created_at.desc(), GenerationRow.id.desc())
        .limit(limit + 1)
    ).all()
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = shown[-1]
        following = encode_cursor(_microseconds(last.created_at), last.id.hex)
    return Listed(views_of(tx, shown), following, events.position(tx, viewer_id))


def recent_durations_seconds(tx: Tx, model: str) -> list[float]:
    """How long the model's last jobs took from acceptance to result, oldest first."""
    rows = tx.execute(
        select(AttemptRow.submitted_at, AttemptRow.ended_at)
        .join(GenerationRow, GenerationRow.id == AttemptRow.generation_id)
        .where(
            GenerationRow.model == model,
            SUCCEEDED_ROWS,
            GenerationRow.attempt == AttemptRow.n,
            AttemptRow.submitted_at.is_not(None),
            AttemptRow.ended_at.is_not(None),
        )
        .order_by(GenerationRow.finished_at.desc())
        .limit(DURATIONS_ASKED)
    ).all()
    return [(ended - began).total_seconds() for began, ended in reversed(rows) if began and ended]


def count_by_status(tx: Tx) -> dict[str, int]:
    """How many unfinished generations are in each status, over everybody."""
    counted = tx.execute(
        select(GenerationRow.status, func.count().label("counted"))
        .where(GenerationRow.status.not_in(sorted(TERMINAL)))
        .group_by(GenerationRow.status)
    )
    return {row.status: row.counted for row in counted}


def count_finished_since(tx: Tx, since: datetime) -> dict[str, int]:
    """How many generations ended in each status since then, over everybody."""
    counted = tx.execute(
        select(GenerationRow.status, func.count().label("counted"))
        .where(GenerationRow.finished_at >= since)
        .group_by(GenerationRow.status)
    )
    return {row.status: row.counted for row in counted}


def _conditions(viewer_id: UUID, wanted: Filter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.status:
        conditions.append(GenerationRow.status.in_(list(wanted.status)))
    if wanted.kind is not None:
        conditions.append(GenerationRow.kind == wanted.kind)
    if wanted.model is not None:
        conditions.append(GenerationRow.model == wanted.model)
    if wanted.provider is not None:
        conditions.append(GenerationRow.provider == wanted.provider)
    if wanted.text:
        # `autoescape`: a % or _ somebody types is a letter, not a pattern.
        conditions.append(GenerationRow.prompt.icontains(wanted.text, autoescape=True))
    if wanted.parent_id is not None:
        conditions.append(GenerationRow.parent_id == wanted.parent_id)
    if wanted.favourite:
        conditions.append(GenerationRow.id.in_(library.favourite_generations(viewer_id)))
    return conditions


def _own(tx: Tx, viewer_id: UUID, generation_id: UUID) -> GenerationRow:
    row = tx.scalars(
        select(GenerationRow).where(
            GenerationRow.id == generation_id,
            GenerationRow.user_id == viewer_id,
            GenerationRow.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound("generation.not_found", "There is no such generation.")
    return row


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=max(0, min(microseconds, 253_402_300_799_000_000)))


def _uuid(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        raise Invalid("paging.bad_cursor", "This cursor was not issued by this list.", field="cursor") from None
