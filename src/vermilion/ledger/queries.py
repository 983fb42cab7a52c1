"""Questions about balances, statements and holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Subquery, exists, func, literal_column, select

from vermilion.db import Tx
from vermilion.kit import Page, decode_cursor, encode_cursor
from vermilion.ledger.movement import account, balance_of, entry, is_end, is_hold
from vermilion.ledger.tables import ONCE, EntryRow
from vermilion.ledger.views import NOTHING, Balance, StatementEntry


@dataclass(frozen=True, slots=True)
class OpenHold:
    """Credits set aside for work that has not ended."""

    hold_id: UUID
    user_id: UUID
    generation_id: UUID
    amount_credits: int
    created_at: datetime


def balance(tx: Tx, user_id: UUID) -> Balance:
    """The person's balance; nothing of everything for somebody without an account."""
    return balances(tx, [user_id])[user_id]


def balances(tx: Tx, user_ids: Iterable[UUID]) -> dict[UUID, Balance]:
    """The balance of each of these people, in one question."""
    asked = list(user_ids)
    rows = tx.execute(select(account).where(account.c.user_id.in_(asked)))
    found = {row.user_id: balance_of(row) for row in rows}
    return {user_id: found.get(user_id, NOTHING) for user_id in asked}


def statement(tx: Tx, user_id: UUID, *, cursor: str | None = None, limit: int = 50) -> Page[StatementEntry]:
    """The person's entries, newest first, `limit` at a time; raises `Invalid` for a foreign cursor."""
    question = select(EntryRow).where(EntryRow.user_id == user_id).order_by(EntryRow.number.desc()).limit(limit + 1)
    if cursor is not None:
        (before,) = decode_cursor(cursor, int)
        question = question.where(EntryRow.number < before)
    rows = tx.scalars(question).all()
    return Page(
        items=[StatementEntry.model_validate(row) for row in rows[:limit]],
        next=encode_cursor(rows[limit - 1].number) if len(rows) > limit else None,
    )


def numbered_statement(tx: Tx, user_id: UUID, *, page: int, limit: int) -> tuple[list[StatementEntry], int]:
    """The page of that number of the person's entries, newest first, and how many entries there are in all.

    Entries are numbered without gaps, so any page is found at once.
    """
    total = tx.scalar(select(account.c.entry_count).where(account.c.user_id == user_id)) or 0
    newest = total - (page - 1) * limit
    rows = tx.scalars(
        select(EntryRow)
        .where(EntryRow.user_id == user_id, EntryRow.number <= newest, EntryRow.number > newest - limit)
        .order_by(EntryRow.number.desc())
    )
    return [StatementEntry.model_validate(row) for row in rows], total


def entries_of(tx: Tx, user_id: UUID, generation_id: UUID) -> list[StatementEntry]:
    """What the person's generation moved, in order: the receipt."""
    rows = tx.scalars(
        select(EntryRow)
        .where(EntryRow.generation_id == generation_id, EntryRow.user_id == user_id)
        .order_by(EntryRow.number)
    )
    return [StatementEntry.model_validate(row) for row in rows]


def spent_since(tx: Tx, since: datetime) -> int:
    """The credits everybody together spent at or after this instant."""
    spent = tx.scalar(
        # The kind is literal, as in the partial index: a bound value would miss it.
        select(func.coalesce(func.sum(entry.c.spent_delta), 0)).where(
            entry.c.kind == literal_column("'settle'"), entry.c.created_at >= since
        )
    )
    return int(spent or 0)


def open_holds(tx: Tx) -> list[OpenHold]:
    """Every hold that has no end yet, oldest first; reads all holds, so it is for audits."""
    end = entry.alias("ending")
    rows = tx.execute(
        select(entry.c.hold_id, entry.c.user_id, entry.c.generation_id, entry.c.amount_credits, entry.c.created_at)
        .where(
            is_hold(entry.c.kind),
            ~exists().where(end.c.hold_id == entry.c.hold_id, is_end(end.c.kind)),
        )
        .order_by(entry.c.created_at, entry.c.id)
    )
    return [OpenHold(*row) for row in rows]


def ended_holds() -> Subquery:
    """Every hold that ended, for the audits of those who hold: `hold_id`, `user_id`, `generation_id`,
    `held_credits`, `kind` (settle or release), `spent_credits`."""
    ending = entry.alias("end_of_hold")
    return (
        select(
            ending.c.hold_id,
            ending.c.user_id,
            ending.c.generation_id,
            (-ending.c.held_delta).label("held_credits"),
            ending.c.kind,
            ending.c.spent_delta.label("spent_credits"),
        )
        .where(is_end(ending.c.kind))
        .subquery("ended_hold")
    )


def given_once() -> Subquery:
    """Every entry whose key is used once for all accounts, for the audits of those who give: `key`, `user_id`,
    `kind`, `amount_credits`."""
    return (
        select(entry.c.key, entry.c.user_id, entry.c.kind, entry.c.amount_credits)
        # In the literal words of the partial index: a bound value would miss it.
        .where(literal_column(f"substr(entry.key, 1, {len(ONCE)})") == literal_column(f"'{ONCE}'"))
        .subquery("given_once")
    )
