"""Generations by page number, for programs that count pages, and one generation as its owner or an admin sees it.

Pages by number cost what lies before them, so they reach `PAGED_MAX` rows deep; the cursor of `list_generations`
reaches every row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from vermilion.db import Tx
from vermilion.generation.publish import view_of, views_of
from vermilion.generation.tables import GenerationRow
from vermilion.generation.views import GenerationView
from vermilion.identity import Actor
from vermilion.kit import NotFound

PAGED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Numbered:
    """One page; `total` is exact up to `PAGED_MAX` and stays there."""

    items: list[GenerationView]
    total: int


def numbered_page(tx: Tx, viewer_id: UUID, providers: Sequence[str], *, page: int, limit: int) -> Numbered:
    """The viewer's generations at these providers, newest first; page 1 begins with the newest."""
    own = (
        GenerationRow.user_id == viewer_id,
        GenerationRow.deleted_at.is_(None),
        GenerationRow.provider.in_(list(providers)),
    )
    total = tx.scalar(
        select(func.count()).select_from(select(GenerationRow.id).where(*own).limit(PAGED_MAX).subquery())
    )
    skipped = (page - 1) * limit
    if skipped >= PAGED_MAX:
        return Numbered([], total or 0)
    rows = tx.scalars(
        select(GenerationRow)
        .where(*own)
        .order_by(GenerationRow.created_at.desc(), GenerationRow.id.desc())
        .offset(skipped)
        .limit(min(limit, PAGED_MAX - skipped))
    ).all()
    return Numbered(views_of(tx, rows), total or 0)


def generation_for(tx: Tx, viewer: Actor, generation_id: UUID) -> tuple[UUID, GenerationView]:
    """A generation of the viewer's, or to an admin anybody's, after the id of its owner. Raises `NotFound`."""
    question = select(GenerationRow).where(GenerationRow.id == generation_id, GenerationRow.deleted_at.is_(None))
    if not viewer.is_admin:
        question = question.where(GenerationRow.user_id == viewer.user_id)
    row = tx.scalars(question).one_or_none()
    if row is None:
        raise NotFound("generation.not_found", "There is no such generation.")
    return row.user_id, view_of(tx, row)
