"""The steps a driver takes: each one transaction, each a compare-and-set on the row's version.

A step that finds the row changed meanwhile (another driver, a cancel, a callback) raises `Overtaken`; the driver
reads the row again and does whatever is next now. The steps by which it ends are in `settling`.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from vermilion.db import PerDialect, Tx, as_read
from vermilion.generation.failure import Failure
from vermilion.generation.moving import move, require_attempt, with_attempt, with_attempt_ended
from vermilion.generation.publish import publish
from vermilion.generation.settling import settle_nothing
from vermilion.generation.status import TERMINAL, Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.work import Work
from vermilion.providers import Done, Ticket

UNCERTAIN_MAX = timedelta(hours=24)
"""How long credits stay held for a lost answer before they go back by themselves. The first provider that
needed it gives up calling back after two hours (vendors' facts, A10)."""


STORING_MAX = timedelta(hours=24)
"""How long a finished result is tried to be stored before its credits go back: a full disk is mended by then, and
the providers' own copies live longer than that."""


def intend(tx: Tx, work: Work, *, attempt_id: UUID, credential_id: UUID, now: datetime) -> Work:
    """Write down that the provider is about to be called: queued → submitting, with a new attempt."""
    n = work.row.attempt + 1
    moved = move(
        tx,
        work,
        Status.SUBMITTING,
        now,
        quiet=True,
        attempt=n,
        not_before=None,
        percent=None,
        queue_position=None,
        deadline_at=now + timedelta(seconds=work.entry.deadline_seconds),
    )
    attempt = {
        "id": attempt_id,
        "generation_id": work.row.id,
        "n": n,
        "provider": work.row.provider,
        "credential_id": credential_id,
        "intended_at": now,
    }
    _BEGIN_ATTEMPT.run(tx, attempt)
    return replace(moved, attempt=as_read(AttemptRow, **attempt), published=publish(tx, moved.row, now, assets=()))


def submitted(tx: Tx, work: Work, ticket: Ticket, *, now: datetime) -> Work:
    """Keep the ticket: submitting (or uncertain, when a callback brought it) → running."""
    work = with_attempt(
        tx, work, ticket_id=ticket.id, ticket=dict(ticket.data), submitted_at=now, ended_at=None, outcome=None
    )
    return move(
        tx,
        work,
        Status.RUNNING,
        now,
        submitted_at=work.row.submitted_at or now,
        deadline_at=now + timedelta(seconds=work.entry.deadline_seconds),
    )


def keep_ticket(tx: Tx, attempt_id: UUID, ticket: Ticket) -> None:
    """Note a ticket whose generation has meanwhile ended otherwise: the receipt is not thrown away."""
    tx.execute(
        update(AttemptRow)
        .where(AttemptRow.id == attempt_id, AttemptRow.ticket_id.is_(None))
        .values(ticket_id=ticket.id, ticket=dict(ticket.data))
    )


def keep_answer(tx: Tx, attempt_id: UUID, ticket: Ticket) -> None:
    """Note the ticket a submit was answered with, though its generation has meanwhile gone on without it.

    It outweighs one that a callback brought, which may know of less. What was learned since stays beside it.
    """
    learned = tx.get_one(AttemptRow, attempt_id).ticket or {}
    tx.execute(
        update(AttemptRow)
        .where(AttemptRow.id == attempt_id)
        .values(ticket_id=ticket.id, ticket={**learned, **ticket.data})
    )


def progressed(tx: Tx, work: Work, percent: float | None, queue_position: int | None, *, now: datetime) -> Work:
    """Note how far the provider says it is."""
    return move(tx, work, work.status, now, percent=percent, queue_position=queue_position)


def results_named(tx: Tx, work: Work, outputs: Sequence[dict[str, Any]], done: Done, *, now: datetime) -> Work:
    """The provider is done and told where the results are: → storing."""
    submitted_at = require_attempt(work).submitted_at or now
    receipt = {} if done.ticket is None else {"ticket_id": done.ticket.id, "ticket": dict(done.ticket.data)}
    work = with_attempt(tx, work, outputs=list(outputs), submitted_at=submitted_at, **receipt)
    return move(
        tx,
        work,
        Status.STORING,
        now,
        percent=None,
        queue_position=None,
        facts=dict(done.facts) or None,
        submitted_at=work.row.submitted_at or now,
        deadline_at=now + STORING_MAX,
    )


def ask_again(tx: Tx, work: Work, *, now: datetime) -> Work:
    """The addresses of the results stopped working: storing → running, to be told fresh ones."""
    return move(tx, with_attempt(tx, work, outputs=None), Status.RUNNING, now)


def requeue(tx: Tx, work: Work, reason: Failure, *, now: datetime, not_before: datetime | None) -> Work:
    """Nothing is running for it: back into the line on the same hold, to become a new attempt.

    Somebody who asked to cancel meanwhile has what they wanted instead.
    """
    if work.row.cancel_requested_at is not None:
        return settle_nothing(tx, work, Status.CANCELED, None, now=now)
    return move(
        tx,
        with_attempt_ended(tx, work, reason, now),
        Status.QUEUED,
        now,
        not_before=not_before,
        percent=None,
        queue_position=None,
        deadline_at=work.row.line_until,
    )


def doubt(tx: Tx, work: Work, reason: Failure, *, now: datetime) -> Work:
    """The answer is lost and nothing tells whether the job exists: → uncertain, credits stay held."""
    work = with_attempt(tx, work, outcome=asdict(reason))
    return move(tx, work, Status.UNCERTAIN, now, deadline_at=now + UNCERTAIN_MAX)


def stop_watching(tx: Tx, work: Work) -> None:
    """Nothing late is coming any more."""
    tx.execute(update(GenerationRow).where(GenerationRow.id == work.row.id).values(watch_until=None))


def unfinished(tx: Tx) -> Sequence[UUID]:
    """Every row that still has something to do, oldest first."""
    return tx.scalars(
        select(GenerationRow.id)
        .where(
            GenerationRow.status.not_in(sorted(TERMINAL)) | GenerationRow.watch_until.is_not(None),
            GenerationRow.deleted_at.is_(None),
        )
        .order_by(GenerationRow.created_at, GenerationRow.id)
    ).all()


_BEGIN_ATTEMPT = PerDialect(lambda insert: insert(AttemptRow.__table__))
