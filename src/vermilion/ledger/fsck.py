"""The audit: everything the ledger promises, asked of the data itself.

The tables refuse most of it already. The audit does not rely on them: it answers for data that was restored,
repaired by hand, or written while a check was missing. Each question is one pass in SQL, so it fits in memory
however long the history is.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, not_, or_, select, text
from sqlalchemy import exists as sql_exists

from vermilion.db import Tx
from vermilion.ledger.movement import account, entry, is_end, is_hold
from vermilion.ledger.queries import open_holds
from vermilion.ledger.tables import BALANCE_MAX_CREDITS, DELTAS_CONSERVE, DELTAS_FIT_KIND, ONCE

_COUNTERS: Final = ("granted", "available", "held", "spent", "expired")


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise broken; `user_id` is None where it concerns the whole ledger."""

    code: str
    user_id: UUID | None
    detail: str


def fsck(tx: Tx, *, open_hold_ids: AbstractSet[UUID] | None = None) -> list[Finding]:
    """Every broken promise found, none when the ledger is sound; changes nothing.

    `open_hold_ids` are the holds that unfinished work says it has; given them, both sides are compared.
    """
    findings = [finding for question in _QUESTIONS for finding in question(tx)]
    if open_hold_ids is not None:
        findings += _work_disagrees(tx, open_hold_ids)
    return findings


def _counters_broken(tx: Tx) -> Iterator[Finding]:
    rows = tx.execute(
        select(account).where(
            or_(
                account.c.granted != account.c.available + account.c.held + account.c.spent + account.c.expired,
                *(not_(account.c[name].between(0, BALANCE_MAX_CREDITS)) for name in _COUNTERS),
            )
        )
    )
    for row in rows:
        counters = ", ".join(f"{name} {getattr(row, name)}" for name in _COUNTERS)
        yield Finding("account_not_conserved", row.user_id, f"The counters do not add up: {counters}.")


def _cache_differs(tx: Tx) -> Iterator[Finding]:
    fold = (
        select(
            entry.c.user_id,
            *(func.sum(entry.c[f"{name}_delta"]).label(name) for name in _COUNTERS),
            func.count().label("entry_count"),
        )
        .group_by(entry.c.user_id)
        .subquery()
    )
    names = (*_COUNTERS, "entry_count")
    folded = {name: func.coalesce(fold.c[name], 0) for name in names}
    rows = tx.execute(
        select(account, *(folded[name].label(f"fold_{name}") for name in names))
        .join_from(account, fold, account.c.user_id == fold.c.user_id, isouter=True)
        .where(or_(*(account.c[name] != folded[name] for name in names)))
    )
    for row in rows:
        differing = ", ".join(
            f"{name} is {getattr(row, name)} and should be {getattr(row, f'fold_{name}')}"
            for name in names
            if getattr(row, name) != getattr(row, f"fold_{name}")
        )
        yield Finding("balance_differs_from_entries", row.user_id, f"By the entries, {differing}.")


def _held_differs(tx: Tx) -> Iterator[Finding]:
    ending = entry.alias("ending")
    still_open = (
        select(entry.c.user_id, func.sum(entry.c.amount_credits).label("held"))
        .where(is_hold(entry.c.kind), ~sql_exists().where(ending.c.hold_id == entry.c.hold_id, is_end(ending.c.kind)))
        .group_by(entry.c.user_id)
        .subquery()
    )
    held = func.coalesce(still_open.c.held, 0)
    rows = tx.execute(
        select(account.c.user_id, account.c.held, held.label("open"))
        .join_from(account, still_open, account.c.user_id == still_open.c.user_id, isouter=True)
        .where(account.c.held != held)
    )
    for row in rows:
        yield Finding(
            "held_differs_from_open_holds", row.user_id, f"Held is {row.held}, the open holds are worth {row.open}."
        )


def _account_missing(tx: Tx) -> Iterator[Finding]:
    rows = tx.execute(
        select(entry.c.user_id, func.count().label("entries"))
        .where(~sql_exists().where(account.c.user_id == entry.c.user_id))
        .group_by(entry.c.user_id)
    )
    for row in rows:
        yield Finding("account_missing", row.user_id, f"{row.entries} entries belong to no account.")


def _entries_malformed(tx: Tx) -> Iterator[Finding]:
    rows = tx.execute(
        select(entry.c.id, entry.c.user_id, entry.c.kind).where(
            or_(
                text(f"not ({DELTAS_FIT_KIND})"),
                text(f"not ({DELTAS_CONSERVE})"),
                entry.c.amount_credits < 0,
                (entry.c.amount_credits == 0) & (entry.c.kind != "settle"),
            )
        )
    )
    for row in rows:
        yield Finding("entry_malformed", row.user_id, f"Entry {row.id} moves what no {row.kind} may move.")


def _entries_out_of_step(tx: Tx) -> Iterator[Finding]:
    def so_far(column: ColumnElement[int]) -> ColumnElement[int]:
        return func.sum(column).over(partition_by=entry.c.user_id, order_by=entry.c.number, rows=(None, 0))

    running = select(
        entry.c.id,
        entry.c.user_id,
        entry.c.number,
        entry.c.available_after,
        entry.c.held_after,
        func.row_number().over(partition_by=entry.c.user_id, order_by=entry.c.number).label("place"),
        so_far(entry.c.available_delta).label("available"),
        so_far(entry.c.held_delta).label("held"),
    ).subquery()
    rows = tx.execute(
        select(running).where(
            or_(
                running.c.number != running.c.place,
                running.c.available_after != running.c.available,
                running.c.held_after != running.c.held,
            )
        )
    )
    for row in rows:
        if row.number != row.place:
            yield Finding("entry_missing", row.user_id, f"Entry {row.id} is number {row.number} in place {row.place}.")
        if (row.available_after, row.held_after) != (row.available, row.held):
            yield Finding(
                "running_balance_wrong",
                row.user_id,
                f"After entry {row.id} {row.available} are available and {row.held} held;"
                f" it says {row.available_after} and {row.held_after}.",
            )


def _holds_repeated(tx: Tx) -> Iterator[Finding]:
    for code, words, is_kind in (
        ("hold_repeated", "was made", is_hold),
        ("hold_ended_twice", "ended", is_end),
    ):
        rows = tx.execute(
            select(entry.c.hold_id, func.count().label("times"))
            .where(is_kind(entry.c.kind))
            .group_by(entry.c.hold_id)
            .having(func.count() > 1)
        )
        for row in rows:
            owner = tx.scalars(select(entry.c.user_id).where(entry.c.hold_id == row.hold_id).limit(1)).one()
            yield Finding(code, owner, f"Hold {row.hold_id} {words} {row.times} times.")


def _ends_unmatched(tx: Tx) -> Iterator[Finding]:
    taken = entry.alias("taken")
    rows = tx.execute(
        select(entry.c.id, entry.c.user_id, entry.c.kind, entry.c.hold_id).where(
            is_end(entry.c.kind),
            ~sql_exists().where(
                taken.c.hold_id == entry.c.hold_id,
                is_hold(taken.c.kind),
                taken.c.user_id == entry.c.user_id,
                taken.c.generation_id == entry.c.generation_id,
                taken.c.amount_credits == -entry.c.held_delta,
            ),
        )
    )
    for row in rows:
        yield Finding(
            "end_without_its_hold",
            row.user_id,
            f"Entry {row.id} ends hold {row.hold_id}, which this person did not make for this generation and amount.",
        )


def _keys_repeated(tx: Tx) -> Iterator[Finding]:
    rows = tx.execute(
        select(entry.c.user_id, entry.c.key, func.count().label("times"))
        .where(entry.c.key.is_not(None))
        .group_by(entry.c.user_id, entry.c.key)
        .having(func.count() > 1)
    )
    for row in rows:
        yield Finding("key_repeated", row.user_id, f"The key {row.key!r} moved credits {row.times} times.")


def _given_twice(tx: Tx) -> Iterator[Finding]:
    once = (
        select(entry.c.key, func.count().label("times"))
        .where(func.substr(entry.c.key, 1, len(ONCE)) == ONCE)
        .group_by(entry.c.key)
        .having(func.count() > 1)
    )
    for row in tx.execute(once):
        yield Finding(
            "given_twice", None, f"The key {row.key!r} is used once for all accounts, and gave {row.times} times."
        )


def _total_differs(tx: Tx) -> Iterator[Finding]:
    totals = tx.execute(select(*(func.coalesce(func.sum(account.c[name]), 0).label(name) for name in _COUNTERS))).one()
    folded = tx.execute(
        select(*(func.coalesce(func.sum(entry.c[f"{name}_delta"]), 0).label(name) for name in _COUNTERS))
    ).one()
    if totals.granted != totals.available + totals.held + totals.spent + totals.expired or tuple(totals) != tuple(
        folded
    ):
        accounts, entries = (
            ", ".join(f"{name} {int(getattr(row, name))}" for name in _COUNTERS) for row in (totals, folded)
        )
        yield Finding("total_not_conserved", None, f"All accounts: {accounts}; all entries: {entries}.")


def _work_disagrees(tx: Tx, open_hold_ids: AbstractSet[UUID]) -> Iterator[Finding]:
    held = {hold.hold_id: hold for hold in open_holds(tx)}
    for hold_id in sorted(held.keys() - open_hold_ids):
        yield Finding(
            "hold_without_work",
            held[hold_id].user_id,
            f"Hold {hold_id} of {held[hold_id].amount_credits} credits is open and no unfinished work has it.",
        )
    for hold_id in sorted(open_hold_ids - held.keys()):
        yield Finding("work_without_hold", None, f"Unfinished work counts on hold {hold_id}, which is not open.")


_QUESTIONS: Final[tuple[Callable[[Tx], Iterator[Finding]], ...]] = (
    _counters_broken,
    _cache_differs,
    _held_differs,
    _account_missing,
    _entries_malformed,
    _entries_out_of_step,
    _holds_repeated,
    _ends_unmatched,
    _keys_repeated,
    _given_twice,
    _total_differs,
)
