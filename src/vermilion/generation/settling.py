"""The steps a generation ends by: state and money move together here and nowhere else."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from vermilion import ledger, library
from vermilion.db import Tx
from vermilion.generation.failure import Failure
from vermilion.generation.moving import move, with_attempt, with_attempt_ended
from vermilion.generation.publish import publish
from vermilion.generation.status import Status
from vermilion.generation.tables import GenerationRow
from vermilion.generation.tally import count_end
from vermilion.generation.work import Work
from vermilion.library import KeptFile


@dataclass(frozen=True, slots=True)
class Kept:
    """An output that is safely stored, and which place it has among its siblings."""

    asset_id: UUID
    position: int
    file: KeptFile
    actions: tuple[Any, ...] = ()


def settle(tx: Tx, work: Work, kept: Sequence[Kept], *, now: datetime) -> Work:
    """Give what was kept and take its price: storing → succeeded, in one transaction with the ledger.

    A result that arrives after the credits went back is given and not charged.
    """
    row = work.row
    late = work.status in (Status.FAILED, Status.CANCELED)
    given = len(kept) or work.texts
    price = 0 if late else work.entry.settle_price(row.price_credits, row.expected_outputs, given)
    work = with_attempt(tx, work, ended_at=now, outcome={"code": "succeeded", "kept": given, "late": late})
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
    work = with_attempt_ended(tx, work, reason or Failure("generation.canceled", "user", "Canceled."), now)
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


def _only_end(end: ledger.End, row: GenerationRow) -> ledger.End:
    """The end of a hold, which must be its first: the row's version has just been won for it."""
    if not end.first:
        raise RuntimeError(f"hold {row.hold_id} had ended before its generation did")
    return end
