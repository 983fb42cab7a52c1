"""The review desk: generations whose provider never said whether it accepted them, for an admin to resolve."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from vermilion.db import Tx
from vermilion.generation import settling, steps
from vermilion.generation.failure import Failure
from vermilion.generation.moving import Overtaken, move
from vermilion.generation.publish import views_of
from vermilion.generation.status import Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.views import AttemptView, GenerationView, attempt_view
from vermilion.generation.work import Work
from vermilion.identity import Actor, audit, emails_of
from vermilion.kit import Conflict, Invalid, NotFound, Page, decode_cursor, encode_cursor
from vermilion.providers import can_look_up

Resolution = Literal["failed", "check_again"]

GIVEN_UP = Failure("provider.answer_lost", "wait", "The provider's answer was lost; the credits were given back.")

FOUND_NONE = Failure(
    "provider.answer_lost",
    "wait",
    "The provider's answer was lost. An admin found that the provider has no such job, and had it sent again.",
)


class ReviewView(BaseModel):
    """An uncertain generation with what helps to decide about it.

    `can_look_up` says what `check_again` does: the house looks the job up at the provider, or, where it cannot, sends
    it again because an admin has looked.
    """

    generation: GenerationView
    user_email: str | None
    attempts: list[AttemptView]
    can_look_up: bool


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
            ReviewView(
                generation=view,
                user_email=emails.get(row.user_id),
                attempts=attempts[row.id],
                can_look_up=can_look_up(row.provider),
            )
            for row, view in zip(shown, views_of(tx, shown), strict=True)
        ],
        next=encode_cursor(shown[-1].id.hex) if len(rows) > limit else None,
    )


def resolve_uncertain(
    tx: Tx, actor: Actor, generation_id: UUID, resolution: Resolution, note: str, now: datetime
) -> GenerationView:
    """Decide: `failed` gives the credits back and goes on watching for a late result; `check_again` has the job looked
    up at the provider, and sent again only where the provider certainly has none.

    Where the house cannot look, `check_again` sends it again as a new attempt on the same hold, and the note must say
    what the admin found at the provider: `Invalid` without one. Raises `Conflict` when it is no longer uncertain.
    """
    row = tx.get(GenerationRow, generation_id)
    if row is None or row.deleted_at is not None:
        raise NotFound("generation.not_found", "There is no such generation.")
    if Status(row.status) is not Status.UNCERTAIN:
        raise Conflict("review.resolved", f"It is not uncertain any more: it is {row.status}.")
    work = Work.of(tx, row)
    try:
        if resolution == "failed":
            work = settling.settle_nothing(tx, work, Status.FAILED, GIVEN_UP, now=now)
        elif can_look_up(row.provider):
            work = _look_again(tx, work, now)
        else:
            work = _send_again(tx, work, note, now)
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


def _look_again(tx: Tx, work: Work, now: datetime) -> Work:
    # As it stood when its answer was lost: whoever drives it asks the provider before anything else.
    time_to_ask = timedelta(seconds=work.entry.deadline_seconds)
    return move(tx, work, Status.SUBMITTING, now, deadline_at=now + time_to_ask)


def _send_again(tx: Tx, work: Work, note: str, now: datetime) -> Work:
    if not note.strip():
        raise Invalid(
            "review.note_required",
            "This provider cannot be asked, so it may be paid twice: say what you found there.",
            field="note",
        )
    return steps.requeue(tx, work, FOUND_NONE, now=now, not_before=None)


def _uuid(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        return UUID(int=0)
