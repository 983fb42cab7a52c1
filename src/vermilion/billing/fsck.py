"""The audit of billing against the ledger: what was received was given once, to the same person, in the same amount."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, String, Subquery, cast, func, literal, or_, select

from vermilion import ledger
from vermilion.billing.commands.orders import ONCE_ORDER
from vermilion.billing.commands.redemption import ONCE_CODE
from vermilion.billing.epay import NAME
from vermilion.billing.tables import OrderRow, RedemptionCodeRow
from vermilion.db import Tx
from vermilion.ledger import Finding


def fsck(tx: Tx) -> list[Finding]:
    """Everything wrong between codes, orders and the ledger; changes nothing."""
    return [finding for begins, due in _DUE.items() for finding in _disagreements(tx, begins, due())]


def _disagreements(tx: Tx, begins: str, due: Subquery) -> Iterator[Finding]:
    given = ledger.given_once()
    unpaid = tx.execute(
        select(due.c.key, due.c.user_id, due.c.amount_credits)
        .join(given, given.c.key == due.c.key, isouter=True)
        .where(
            or_(
                given.c.key.is_(None),
                given.c.kind != "grant",
                given.c.user_id != due.c.user_id,
                given.c.amount_credits != due.c.amount_credits,
            )
        )
    )
    for row in unpaid:
        yield Finding(
            "received_without_credits",
            row.user_id,
            f"{row.key} is worth {row.amount_credits} credits, and the ledger did not give them to this person.",
        )
    undue = tx.execute(
        select(given.c.key, given.c.user_id, given.c.amount_credits)
        .join(due, due.c.key == given.c.key, isouter=True)
        .where(func.substr(given.c.key, 1, len(begins)) == begins, due.c.key.is_(None))
    )
    for row in undue:
        yield Finding(
            "credits_without_receipt",
            row.user_id,
            f"{row.amount_credits} credits were given for {row.key}, which was neither redeemed nor paid.",
        )


def _codes() -> Subquery:
    row = RedemptionCodeRow
    return (
        select(_key(ONCE_CODE, row.id), row.received_by.label("user_id"), row.amount_credits)
        .where(row.status == "used")
        .subquery("received_code")
    )


def _orders() -> Subquery:
    row = OrderRow
    return (
        select(_key(f"{ONCE_ORDER}{NAME}:", row.id), row.user_id, row.amount_credits)
        .where(row.status == "paid")
        .subquery("paid_order")
    )


def _key(begins: str, row_id: Any) -> ColumnElement[str]:
    """A row's key in the ledger: one database stores an id without dashes, the other shows it with them."""
    return (literal(begins) + func.replace(cast(row_id, String), "-", "")).label("key")


_DUE: Final = {ONCE_CODE: _codes, ONCE_ORDER: _orders}
"""What each kind of key was given for."""
