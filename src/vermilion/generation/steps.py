"""The steps a driver takes: each one transaction, each a compare-and-set on the row's version.

A step that finds the row changed meanwhile (another driver, a cancel, a callback) raises `Overtaken`; the driver
reads the row again and does whatever is next now. Money and state move together here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from vermilion import ledger, library
from vermilion.db import GuardedUpdate, PerDialect, Tx, altered, as_read
from vermilion.generation.failure import Failure
from vermilion.generation.publish import publish
from vermilion.generation.status import NEXT, TERMINAL, Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.tally import count_end
from vermilion.generation.work import Work
from vermilion.library import KeptFile
from vermilion.providers import Done, Ticket

UNCERTAIN_MAX = timedelta(hours=24)
"""How long credits stay held for a lost answer before they go back by themselves. The first provider that
needed it gives up calling back after two hours (vendors' facts, A10)."""


STORING_MAX = timedelta(hours=24)
"""How long a finished result is tried to be stored before its credits go back: a full disk is mended by then, and
the providers' own copies live longer than that."""


class Overtaken(Exception):
    """The row is not what this step was decided on."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An output that is safely stored, and which place it has among its siblings."""

    asset_id: UUID
    position: int
    file: KeptFile
    actions: tuple[Any, ...] = ()


def move(tx: Tx, work: Work, status: Status, now: datetime, *, quiet: bool = False, **changes: Any) -> Work:
    """Set the row's status and columns if it is still at the version `work` was read at, and tell the person.

    `quiet` leaves telling to the caller, who has more to change first. Raises `Overtaken`.
    """
    row = work.row
    if status is not work.status and status not in NEXT[work.status]:
        raise ValueError(f"a generation cannot go from {row.status} to {status}")
    changes = {**changes, "status": str(status), "version": row.version + 1}
    if not _MOVE.run(tx, {"id": row.id, "version": row.version}, changes):
        raise Overtaken
    # The version held, so the row is what it was, and these changes: no need to read it again.
    fresh = altered(row, **changes)
    published = None if quiet else publish(tx, fresh, now)
    return replace(work, row=fresh, published=published)


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
    work = _with_attempt(
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
    submitted_at = _require_attempt(work).submitted_at or now
    receipt = {} if done.ticket is None else {"ticket_id": done.ticket.id, "ticket": dict(done.ticket.data)}
    work = _with_attempt(tx, work, outputs=list(outputs), submitted_at=submitted_at, **receipt)
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
    return move(tx, _with_attempt(tx, work, outputs=None), Status.RUNNING, now)


def requeue(tx: Tx, work: Work, reason: Failure, *, now: datetime, not_before: datetime | None) -> Work:
    """Nothing is running for it: back into the line on the same hold, to become a new attempt.

    Somebody who asked to cancel meanwhile has what they wanted instead.
    """
    if work.row.cancel_requested_at is not None:
        return settle_nothing(tx, work, Status.CANCELED, None, now=now)
    return move(
        tx,
        _with_attempt_ended(tx, work, reason, now),
        Status.QUEUED,
        now,
        not_before=not_before,
        percent=None,
        queue_position=None,
        deadline_at=work.row.line_until,
    )


def doubt(tx: Tx, work: Work, reason: Failure, *, now: datetime) -> Work:
    """The answer is lost and nothing tells whether the job exists: → uncertain, credits stay held."""
    work = _with_attempt(tx, work, outcome=asdict(reason))
    return move(tx, work, Status.UNCERTAIN, now, deadline_at=now + UNCERTAIN_MAX)


def settle(tx: Tx, work: Work, kept: Sequence[Kept], *, now: datetime) -> Work:
    """Give what was kept and take its price: storing → succeeded, in one transaction with the ledger.

    A result that arrives after the credits went back is given and not charged.
    """
    row = work.row
    late = work.status in (Status.FAILED, Status.CANCELED)
    given = len(kept) or work.texts
    price = 0 if late else work.entry.settle_price(row.price_credits, row.expected_outputs, given)
    work = _with_attempt(tx, work, ended_at=now, outcome={"code": "succeeded", "kept": given, "late": late})
    facts = {**(row.facts or {}), **({"late": True} if late else {})}
    # The row first: whoever was overtaken learns it here, before touching the money.
    moved = move(
        tx,
        work,
        Status.SUCCEEDED,
        now,
        quiet=True,
        settled_credits=price,
        finished_at=now,
        failure=None,
        facts=facts or None,
        watch_until=None,
    )
    assets = [
        library.add_asset(
            tx,
            each.file,
            asset_id=each.asset_id,
            user_id=row.user_id,
            source="made",
            generation_id=row.id,
            position=each.position,
            name=None,
            actions=list(each.actions),
            now=now,
        )
        for each in kept
    ]
    balance = None if late else _only_end(ledger.settle(tx, row.hold_id, price, now=now), row).balance
    published = publish(tx, moved.row, now, assets=assets, made=assets, balance=balance)
    if not late:
        count_end(tx, moved.row, now)
    return replace(moved, published=published)


def settle_nothing(
    tx: Tx,
    work: Work,
    status: Status,
    reason: Failure | None,
    *,
    now: datetime,
    watch_until: datetime | None = None,
) -> Work:
    """It ended without a result: give the credits back, → failed or canceled, in one transaction.

    `watch_until` keeps looking for a result that may still arrive.
    """
    row = work.row
    work = _with_attempt_ended(tx, work, reason or Failure("generation.canceled", "user", "Canceled."), now)
    moved = move(
        tx,
        work,
        status,
        now,
        quiet=True,
        failure=None if reason is None else {**asdict(reason), "returned_credits": row.price_credits},
        finished_at=now,
        percent=None,
        queue_position=None,
        watch_until=watch_until,
    )
    end = ledger.release(tx, row.hold_id, reason=reason.code if reason else "canceled", now=now)
    balance = _only_end(end, row).balance
    published = publish(tx, moved.row, now, assets=(), balance=balance)
    count_end(tx, moved.row, now, reason=reason)
    return replace(moved, published=published)


def give_up(tx: Tx, work: Work, reason: Failure, *, now: datetime, watch_until: datetime | None = None) -> Work:
    """It ended without a result: → canceled where the person had asked for that, → failed otherwise."""
    if work.row.cancel_requested_at is not None:
        return settle_nothing(tx, work, Status.CANCELED, None, now=now)
    return settle_nothing(tx, work, Status.FAILED, reason, now=now, watch_until=watch_until)


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


def _require_attempt(work: Work) -> AttemptRow:
    if work.attempt is None:
        raise RuntimeError(f"generation {work.row.id} is {work.row.status} without an attempt")
    return work.attempt


def _with_attempt(tx: Tx, work: Work, **changes: Any) -> Work:
    """The work with its attempt changed."""
    attempt = _require_attempt(work)
    _CHANGE_ATTEMPT.run(tx, {"id": attempt.id}, changes)
    return replace(work, attempt=altered(attempt, **changes))


def _with_attempt_ended(tx: Tx, work: Work, reason: Failure, now: datetime) -> Work:
    if work.attempt is None or work.attempt.ended_at is not None or work.status is Status.QUEUED:
        return work
    return _with_attempt(tx, work, ended_at=now, outcome=asdict(reason))


def _only_end(end: ledger.End, row: GenerationRow) -> ledger.End:
    """The end of a hold, which must be its first: the row's version has just been won for it."""
    if not end.first:
        raise RuntimeError(f"hold {row.hold_id} had ended before its generation did")
    return end


_MOVE = GuardedUpdate(GenerationRow.__table__, ("id", "version"), GenerationRow.__table__.c.deleted_at.is_(None))
_CHANGE_ATTEMPT = GuardedUpdate(AttemptRow.__table__, ("id",))
_BEGIN_ATTEMPT = PerDialect(lambda insert: insert(AttemptRow.__table__))
