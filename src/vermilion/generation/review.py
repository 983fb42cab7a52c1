"""The review desk: generations whose provider never said whether it accepted them, for an admin to resolve."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from vermilion.db import Tx
from vermilion.generation import steps
from vermilion.generation.failure import Failure
from vermilion.generation.publish import views_of
from vermilion.generation.status import Status
from vermilion.generation.steps import Overtaken
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.views import AttemptView, GenerationView, attempt_view
from vermilion.generation.work import Work
from vermilion.identity import Actor, audit, emails_of
from vermilion.kit import Conflict, NotFound, Page, decode_cursor, encode_cursor

Resolution = Literal["failed", "check_again"]


class ReviewView(BaseModel):
    """An uncertain generation with what helps to decide about it."""

    generation: GenerationView
    user_email: str | None
    attempts: list[AttemptView]


def uncertain_generations(tx: Tx, *, cursor: str | None, limit: int) -> Page[ReviewView]:
    """What waits at the desk, oldest first."""
    statement = (
        select(GenerationRow)
        .where(GenerationRow.status == Status.UNCERTAIN, GenerationRow.deleted_at.is_(None))
        .order_by(GenerationRow.id)
        .limit(limit + 1)
    )
    if cursor is not None:
        (last,) = decode_cursor(cursor, str)
        statement = statement.where(GenerationRow.id > _uuid(last))
    rows = tx.scalars(statement).all()
    shown = rows[:limit]
    attempts: dict[UUID, list[AttemptView]] = {row.id: [] for row in shown}
    for attempt in tx.scalars(
        select(AttemptRow).where(AttemptRow.generation_id.in_(list(attempts))).order_by(AttemptRow.n)
    ):
        attempts[attempt.generation_id].append(attempt_view(attempt))
    emails = emails_of(tx, [row.user_id for row in shown])
    return Page[ReviewView](
        items=[
            ReviewView(generation=view, user_email=emails.get(row.user_id), attempts=attempts[row.id])
            for row, view in zip(shown, views_of(tx, shown), strict=True)
        ],
        next=encode_cursor(shown[-1].id.hex) if len(rows) > limit else None,
    )


def resolve_uncertain(
    tx: Tx, actor: Actor, generation_id: UUID, resolution: Resolution, note: str, now: datetime
) -> GenerationView:
    """Decide: `failed` gives the credits back and goes on watching for a late result; `check_again` puts it back
    into the line as a new attempt on the same hold (the admin looked, and the provider has no such job).

    Raises `Conflict` when it is no longer uncertain.
    """
    row = tx.get(GenerationRow, generation_id)
    if row is None or row.deleted_at is not None:
        raise NotFound("generation.not_found", "There is no such generation.")
    if Status(row.status) is not Status.UNCERTAIN:
        raise Conflict("review.resolved", f"It is not uncertain any more: it is {row.status}.")
    work = Work.of(tx, row)
    try:
        if resolution == "failed":
            reason = Failure(
                "provider.answer_lost", "wait", "The provider's answer was lost; the credits were given back."
            )
            work = steps.settle_nothing(tx, work, Status.FAILED, reason, now=now)
        else:
            reason = Failure("provider.answer_lost", "wait", "The provider has no such job; it is tried again.")
            work = steps.requeue(tx, work, reason, now=now, not_before=None)
    except Overtaken as error:
        raise Conflict("review.resolved", "It was resolved a moment ago.") from error
    audit(
        tx,
        actor,
        f"review.{resolution}",
        f"generation:{generation_id}",
        {"status": Status.UNCERTAIN},
        {"status": work.row.status, "note": note},
        now,
    )
    return work.view


def _uuid(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        return UUID(int=0)
