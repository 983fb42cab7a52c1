"""Questions about assets; every one starts from what the viewer may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from vermilion import events
from vermilion.db import Tx
from vermilion.kit import Invalid, NotFound, decode_cursor, encode_cursor
from vermilion.library.inspection.media import Kind
from vermilion.library.tables import AssetRow
from vermilion.library.views import AssetPage, AssetView, Source, asset_view

PAGE_MAX = 200
NUMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the viewer's assets; None means any."""

    source: Source | None = None
    kind: Kind | None = None
    favourite: bool | None = None


def list_assets(tx: Tx, viewer_id: UUID, wanted: Wanted, *, cursor: str | None, limit: int) -> AssetPage:
    """The viewer's assets, newest first, at most `limit` of them (1–200); what only serves another is none of them."""
    question = select(AssetRow).where(*_shown_to(viewer_id))
    if wanted.source is not None:
        question = question.where(AssetRow.source == wanted.source)
    if wanted.kind is not None:
        question = question.where(AssetRow.kind == wanted.kind)
    if wanted.favourite is not None:
        there = AssetRow.favourite_at.is_not(None)
        question = question.where(there if wanted.favourite else ~there)
    if cursor is not None:
        question = question.where(AssetRow.id < _id_in(cursor))
    limit = min(max(limit, 1), PAGE_MAX)
    rows = tx.scalars(question.order_by(AssetRow.id.desc()).limit(limit + 1)).all()
    return AssetPage(
        items=[asset_view(row) for row in rows[:limit]],
        next=encode_cursor(rows[limit - 1].id.hex) if len(rows) > limit else None,
        cursor=events.position(tx, viewer_id),
    )


def numbered_assets(tx: Tx, viewer_id: UUID, wanted: Wanted, *, page: int, limit: int) -> tuple[list[AssetView], int]:
    """The page of that number of the viewer's assets, newest first, and how many there are (counted to 10,000).

    It reaches no deeper than it counts; the cursor of `list_assets` reaches everything.
    """
    own = _shown_to(viewer_id)
    if wanted.source is not None:
        own.append(AssetRow.source == wanted.source)
    if wanted.kind is not None:
        own.append(AssetRow.kind == wanted.kind)
    counted = select(AssetRow.id).where(*own).limit(NUMBERED_MAX).subquery()
    total = tx.scalar(select(func.count()).select_from(counted)) or 0
    skipped = (page - 1) * limit
    if skipped >= NUMBERED_MAX:
        return [], total
    rows = tx.scalars(select(AssetRow).where(*own).order_by(AssetRow.id.desc()).offset(skipped).limit(limit))
    return [asset_view(row) for row in rows], total


def _shown_to(viewer_id: UUID) -> list[ColumnElement[bool]]:
    return [AssetRow.user_id == viewer_id, AssetRow.deleted_at.is_(None), AssetRow.role.is_(None)]


@dataclass(frozen=True, slots=True)
class Stored:
    """How many files of one source and kind a person has, and their bytes."""

    source: Source
    kind: Kind
    files: int
    size_bytes: int


def stored_by_kind(tx: Tx, viewer_id: UUID) -> list[Stored]:
    """What the viewer's files take, by where they came from and what they are."""
    rows = tx.execute(
        select(AssetRow.source, AssetRow.kind, func.count(), func.sum(AssetRow.size_bytes))
        .where(AssetRow.user_id == viewer_id, AssetRow.deleted_at.is_(None))
        .group_by(AssetRow.source, AssetRow.kind)
        .order_by(AssetRow.source, AssetRow.kind)
    )
    return [Stored(cast(Source, source), cast(Kind, kind), files, int(size)) for source, kind, files, size in rows]


def require_asset(tx: Tx, viewer_id: UUID | None, asset_id: UUID) -> AssetRow:
    """The asset, if it is the viewer's and not deleted; raises `NotFound`.

    A viewer of None stands for somebody whose right was checked otherwise: an admin, or a signed link.
    """
    question = select(AssetRow).where(AssetRow.id == asset_id, AssetRow.deleted_at.is_(None))
    if viewer_id is not None:
        question = question.where(AssetRow.user_id == viewer_id)
    row = tx.scalar(question)
    if row is None:
        raise NotFound("asset.not_found", "There is no such file, or it has been deleted.")
    return row


def assets_of(tx: Tx, viewer_id: UUID, asset_ids: Sequence[UUID]) -> list[AssetRow]:
    """Those of the assets that are the viewer's and not deleted, in the order asked."""
    found = usable_inputs(tx, viewer_id, asset_ids)
    return [found[asset_id] for asset_id in asset_ids if asset_id in found]


def usable_inputs(tx: Tx, viewer_id: UUID, asset_ids: Sequence[UUID]) -> dict[UUID, AssetRow]:
    """Those of the assets the viewer may use as inputs: their own, and not deleted."""
    if not asset_ids:
        return {}
    rows = tx.scalars(
        select(AssetRow).where(
            AssetRow.id.in_(set(asset_ids)), AssetRow.user_id == viewer_id, AssetRow.deleted_at.is_(None)
        )
    )
    return {row.id: row for row in rows}


def assets_of_generations(tx: Tx, generation_ids: Sequence[UUID]) -> dict[UUID, list[AssetRow]]:
    """The assets of generations the caller has already found the viewer to own, in the outputs' order."""
    if not generation_ids:
        return {}
    rows = tx.scalars(
        select(AssetRow)
        .where(AssetRow.generation_id.in_(set(generation_ids)), AssetRow.deleted_at.is_(None))
        .order_by(AssetRow.generation_id, AssetRow.position)
    )
    found: dict[UUID, list[AssetRow]] = {}
    for row in rows:
        if row.generation_id is not None:
            found.setdefault(row.generation_id, []).append(row)
    return found


def _id_in(cursor: str) -> UUID:
    (text,) = decode_cursor(cursor, str)
    try:
        return UUID(hex=text)
    except ValueError as error:
        raise Invalid("paging.bad_cursor", "This cursor was not issued by this list.", field="cursor") from error


def favourite_generations(viewer_id: UUID) -> Select[UUID | None]:
    """The generations of the viewer's favourite assets, as a part of a larger question."""
    return select(AssetRow.generation_id).where(
        AssetRow.user_id == viewer_id,
        AssetRow.favourite_at.is_not(None),
        AssetRow.deleted_at.is_(None),
        AssetRow.generation_id.is_not(None),
    )


def stored_bytes(tx: Tx) -> int:
    """How many bytes everybody's assets have, each counted as often as somebody has it."""
    return int(tx.scalar(select(func.coalesce(func.sum(AssetRow.size_bytes), 0))) or 0)
