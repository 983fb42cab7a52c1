"""The ledger's verbs. Each runs in the caller's transaction and changes nothing when it raises.

After each change the caller tells the person (`credits.changed`) with the balance returned here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from vermilion.db import Tx, insert_into
from vermilion.ledger.movement import Movement, entry, is_end, is_hold, lock_account, move
from vermilion.ledger.problems import (
    InsufficientCredits,
    ReusedHold,
    account_full,
    check_amount,
    check_text,
    exceeds_hold,
    reused_key,
    storable,
    too_little,
    unknown_account,
    unknown_hold,
)
from vermilion.ledger.queries import balance
from vermilion.ledger.tables import AccountRow
from vermilion.ledger.views import Balance

_hold: Final = select(entry.c.user_id, entry.c.generation_id, entry.c.amount_credits).where(
    entry.c.hold_id == bindparam("hold"), is_hold(entry.c.kind)
)
_end_of: Final = select(entry.c.kind, entry.c.spent_delta, entry.c.available_delta).where(
    entry.c.hold_id == bindparam("hold"), is_end(entry.c.kind)
)
_entry_with_key: Final = select(entry.c.kind, entry.c.amount_credits, entry.c.reason).where(
    entry.c.user_id == bindparam("user"), entry.c.key == bindparam("key_given")
)


@dataclass(frozen=True, slots=True)
class End:
    """How a hold ended: `first` is False when it had ended before, and the rest then tells what that end did."""

    first: bool
    kind: Literal["settle", "release"]
    spent_credits: int
    returned_credits: int
    user_id: UUID
    balance: Balance
    """The balance as it is now."""


def open_account(tx: Tx, user_id: UUID, now: datetime) -> None:
    """Give the person an empty account, unless they have one."""
    empty = {"granted": 0, "available": 0, "held": 0, "spent": 0, "expired": 0, "entry_count": 0}
    tx.execute(insert_into(tx, AccountRow).values(user_id=user_id, created_at=now, **empty).on_conflict_do_nothing())


def grant(
    tx: Tx,
    user_id: UUID,
    amount_credits: int,
    *,
    reason: str,
    actor_id: UUID | None,
    key: str | None,
    now: datetime,
) -> Balance:
    """Give credits; `key` makes it happen once.

    Raises `Invalid` (`credits.bad_amount`, `credits.bad_reason`, `credits.bad_key`), `NotFound`
    (`credits.unknown_account`), `Conflict` (`credits.account_full`, `credits.key_reused`).
    """
    check_amount(amount_credits)
    movement = Movement(
        kind="grant",
        amount_credits=amount_credits,
        granted=amount_credits,
        available=amount_credits,
        reason=reason,
        actor_id=actor_id,
        key=key,
    )
    after = _move_once(tx, user_id, movement, now)
    if after is None:
        raise account_full()
    return after


def take(
    tx: Tx,
    user_id: UUID,
    amount_credits: int,
    *,
    reason: str,
    actor_id: UUID | None,
    key: str | None,
    now: datetime,
) -> Balance:
    """Take back available credits as if they had not been granted; `key` makes it happen once.

    Raises as `grant` does, and `Conflict` `credits.insufficient_to_take` (extra `available_credits`).
    """
    check_amount(amount_credits)
    movement = Movement(
        kind="take",
        amount_credits=amount_credits,
        granted=-amount_credits,
        available=-amount_credits,
        reason=reason,
        actor_id=actor_id,
        key=key,
    )
    after = _move_once(tx, user_id, movement, now)
    if after is None:
        raise too_little("credits.insufficient_to_take", amount_credits, balance(tx, user_id).available)
    return after


def expire(tx: Tx, user_id: UUID, amount_credits: int, *, reason: str, key: str | None, now: datetime) -> Balance:
    """Let available credits lapse; they stay on record as expired. `key` makes it happen once.

    Raises as `grant` does, and `Conflict` `credits.insufficient_to_expire` (extra `available_credits`).
    """
    check_amount(amount_credits)
    movement = Movement(
        kind="expire",
        amount_credits=amount_credits,
        available=-amount_credits,
        expired=amount_credits,
        reason=reason,
        key=key,
    )
    after = _move_once(tx, user_id, movement, now)
    if after is None:
        raise too_little("credits.insufficient_to_expire", amount_credits, balance(tx, user_id).available)
    return after


def hold(tx: Tx, user_id: UUID, amount_credits: int, *, hold_id: UUID, generation_id: UUID, now: datetime) -> Balance:
    """Set credits aside for one attempt of a generation.

    Raises `Invalid` `credits.bad_amount`, `InsufficientCredits` (402), `ReusedHold` (409) when the id is known,
    whoever used it.
    """
    check_amount(amount_credits)
    movement = Movement(
        kind="hold",
        amount_credits=amount_credits,
        available=-amount_credits,
        held=amount_credits,
        hold_id=hold_id,
        generation_id=generation_id,
    )
    try:
        after = move(tx, user_id, movement, now)
    except IntegrityError as error:
        # On PostgreSQL the same id may be committed elsewhere between our update and our insert; the index
        # is what decides then, and this transaction can only be rolled back.
        if "uq_entry_hold" in str(error.orig):
            raise ReusedHold from error
        raise
    if after is not None:
        return after
    if tx.execute(_hold, {"hold": hold_id}).one_or_none() is not None:
        raise ReusedHold
    raise InsufficientCredits(amount_credits, balance(tx, user_id).available)


def settle(tx: Tx, hold_id: UUID, amount_credits: int, *, now: datetime) -> End:
    """Spend `amount_credits` (0 or more, at most what was held) of a hold; the rest returns in the same entry.

    Raises `Invalid` (`credits.bad_amount`, `credits.settle_exceeds_hold`) and `NotFound` (`credits.unknown_hold`).
    """
    check_amount(amount_credits, least=0)
    return _end(tx, hold_id, amount_credits, kind="settle", reason=None, now=now)


def release(tx: Tx, hold_id: UUID, *, reason: str, now: datetime) -> End:
    """Return all that was held. The reason is cut rather than refused: credits must never stay held for a text.

    Raises `NotFound` (`credits.unknown_hold`).
    """
    return _end(tx, hold_id, 0, kind="release", reason=storable(reason), now=now)


def _end(
    tx: Tx, hold_id: UUID, spent_credits: int, *, kind: Literal["settle", "release"], reason: str | None, now: datetime
) -> End:
    held = tx.execute(_hold, {"hold": hold_id}).one_or_none()
    if held is None:
        raise unknown_hold()
    # Whether the hold has ended is asked under the account's lock, so of two that end it one sees the other.
    lock_account(tx, held.user_id)
    ended = tx.execute(_end_of, {"hold": hold_id}).one_or_none()
    if ended is not None:
        return End(
            first=False,
            kind=ended.kind,
            spent_credits=ended.spent_delta,
            returned_credits=ended.available_delta,
            user_id=held.user_id,
            balance=balance(tx, held.user_id),
        )
    returned_credits = held.amount_credits - spent_credits
    if returned_credits < 0:
        raise exceeds_hold(spent_credits, held.amount_credits)
    movement = Movement(
        kind=kind,
        amount_credits=spent_credits if kind == "settle" else returned_credits,
        available=returned_credits,
        held=-held.amount_credits,
        spent=spent_credits,
        hold_id=hold_id,
        generation_id=held.generation_id,
        reason=reason,
    )
    after = move(tx, held.user_id, movement, now)
    if after is None:
        raise unknown_account()
    return End(True, kind, spent_credits, returned_credits, held.user_id, after)


def _move_once(tx: Tx, user_id: UUID, movement: Movement, now: datetime) -> Balance | None:
    """Move unless the movement's key was used before; None where the balance forbids it."""
    check_text("credits.bad_reason", "reason", movement.reason or "")
    if movement.key is not None:
        check_text("credits.bad_key", "key", movement.key, least=1)
    if not lock_account(tx, user_id):
        raise unknown_account()
    if movement.key is not None:
        earlier = tx.execute(_entry_with_key, {"user": user_id, "key_given": movement.key}).one_or_none()
        if earlier is not None:
            if tuple(earlier) != (movement.kind, movement.amount_credits, movement.reason):
                raise reused_key()
            return balance(tx, user_id)
    return move(tx, user_id, movement, now)
