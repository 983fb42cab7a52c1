"""The one way a balance changes: relative SQL on the account, then the entry that says so.

The account's row is the first lock a transaction takes. Everything else about that person is decided under it,
so two transactions about one person never wait for each other in a circle. A transaction about several people
asks for all of them first (`lock_accounts`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, bindparam, exists, literal_column, select, update

from vermilion.db import PerDialect, Tx
from vermilion.kit import new_id
from vermilion.ledger.tables import BALANCE_MAX_CREDITS, AccountRow, EntryRow
from vermilion.ledger.views import Balance, EntryKind

account: Final = cast(Table, AccountRow.__table__)
entry: Final = cast(Table, EntryRow.__table__)


def is_hold(kind: ColumnElement[str]) -> ColumnElement[bool]:
    """That an entry is a hold, in the literal words of the partial index: a bound value would miss it."""
    return kind == literal_column("'hold'")


def is_end(kind: ColumnElement[str]) -> ColumnElement[bool]:
    """That an entry ends a hold, in the literal words of the partial index."""
    return kind.in_([literal_column("'settle'"), literal_column("'release'")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What one entry moves and why; the deltas are in credits and may be negative."""

    kind: EntryKind
    amount_credits: int
    granted: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0
    expired: int = 0
    hold_id: UUID | None = None
    generation_id: UUID | None = None
    reason: str | None = None
    actor_id: UUID | None = None
    key: str | None = None


_move: Final = (
    update(account)
    .where(
        account.c.user_id == bindparam("user"),
        account.c.available >= -bindparam("available_by", type_=account.c.available.type),
        account.c.granted <= BALANCE_MAX_CREDITS - bindparam("granted_by", type_=account.c.granted.type),
    )
    .values(
        granted=account.c.granted + bindparam("granted_by"),
        available=account.c.available + bindparam("available_by"),
        held=account.c.held + bindparam("held_by"),
        spent=account.c.spent + bindparam("spent_by"),
        expired=account.c.expired + bindparam("expired_by"),
        entry_count=account.c.entry_count + 1,
    )
    .returning(
        account.c.granted,
        account.c.available,
        account.c.held,
        account.c.spent,
        account.c.expired,
        account.c.entry_count,
    )
)

_move_unless_held: Final = _move.where(~exists().where(entry.c.hold_id == bindparam("hold"), is_hold(entry.c.kind)))
_write: Final = PerDialect(lambda insert: insert(entry))
_moves: Final = {False: PerDialect(lambda _: _move), True: PerDialect(lambda _: _move_unless_held)}
_lock: Final = PerDialect(
    lambda _: select(account.c.entry_count).where(account.c.user_id == bindparam("user")).with_for_update()
)


def lock_account(tx: Tx, user_id: UUID) -> bool:
    """Take the account's lock until the transaction ends; False when there is no such account.

    SQLite has one writer at a time and needs no lock.
    """
    return _lock.run(tx, {"user": user_id}).one_or_none() is not None


def lock_accounts(tx: Tx, user_ids: Iterable[UUID]) -> None:
    """Lock several people's accounts in one order, whichever order the transaction then works in."""
    for user_id in sorted(set(user_ids)):
        lock_account(tx, user_id)


def move(tx: Tx, user_id: UUID, movement: Movement, now: datetime) -> Balance | None:
    """Move the account's counters and write the entry; None, with nothing changed, where the balance forbids it.

    The balance forbids it when there is no account, when too little is available, when the account would grow
    past its limit, and when a hold of the same id is already there. The caller knows which to look for.
    """
    unless_held = movement.kind == "hold"
    moved = (
        _moves[unless_held]
        .run(
            tx,
            {
                "user": user_id,
                "granted_by": movement.granted,
                "available_by": movement.available,
                "held_by": movement.held,
                "spent_by": movement.spent,
                "expired_by": movement.expired,
                **({"hold": movement.hold_id} if unless_held else {}),
            },
        )
        .one_or_none()
    )
    if moved is None:
        return None
    # The id is made under the lock, so ids of one account made by one process rise with their numbers.
    _write.run(
        tx,
        {
            "id": new_id(),
            "user_id": user_id,
            "number": moved.entry_count,
            "kind": movement.kind,
            "amount_credits": movement.amount_credits,
            "granted_delta": movement.granted,
            "available_delta": movement.available,
            "held_delta": movement.held,
            "spent_delta": movement.spent,
            "expired_delta": movement.expired,
            "available_after": moved.available,
            "held_after": moved.held,
            "hold_id": movement.hold_id,
            "generation_id": movement.generation_id,
            "reason": movement.reason,
            "actor_id": movement.actor_id,
            "key": movement.key,
            "created_at": now,
        },
    )
    return balance_of(moved)


def balance_of(row: Row[Any]) -> Balance:
    """The balance in a row of the account's five counters."""
    return Balance(granted=row.granted, available=row.available, held=row.held, spent=row.spent, expired=row.expired)
