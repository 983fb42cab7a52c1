"""Questions about packages and orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import func, select

from vermilion.billing.gateway import open_gateway
from vermilion.billing.order_views import (
    AdminOrderView,
    AdminPackageView,
    Method,
    OffersView,
    OrderStatus,
    OrderView,
    PackageTitle,
    PackageView,
)
from vermilion.billing.problems import unknown_order
from vermilion.billing.queries import uuid_of
from vermilion.billing.tables import OrderRow, PackageRow
from vermilion.db import Tx
from vermilion.identity import emails_of
from vermilion.kit import Page, encode_cursor
from vermilion.kit.sealed import Sealer

ASKED_LATE: Final = timedelta(days=2)
"""How long after its time an order that ended is asked about: at least a day, for it ends a day late at the latest."""


def offers(tx: Tx, sealer: Sealer) -> OffersView:
    """What can be bought now, and how."""
    gateway = open_gateway(tx, sealer)
    if gateway is None:
        return OffersView(packages=[], methods=[], sandbox=False)
    question = select(PackageRow).where(PackageRow.enabled).order_by(PackageRow.position, PackageRow.id)
    if not gateway.is_sandbox:
        question = question.where(PackageRow.managed_by.is_(None))
    return OffersView(
        packages=[PackageView(**_package(row)) for row in tx.scalars(question)],
        methods=[cast(Method, method) for method in gateway.methods],
        sandbox=gateway.is_sandbox,
    )


def offered_package(tx: Tx, package_id: UUID, *, examples: bool) -> PackageRow | None:
    """A package somebody may buy now; `examples` are sold for play money alone."""
    row = tx.get(PackageRow, package_id)
    if row is None or not row.enabled or (row.managed_by is not None and not examples):
        return None
    return row


def all_packages(tx: Tx) -> list[AdminPackageView]:
    """Every package, in the order they are shown."""
    rows = tx.scalars(select(PackageRow).order_by(PackageRow.position, PackageRow.id))
    return [admin_package_view(row) for row in rows]


def order_of(tx: Tx, user_id: UUID, order_id: UUID) -> OrderView:
    """One of the person's orders; anybody else's looks absent. Raises `NotFound` (`order.unknown`)."""
    row = tx.get(OrderRow, order_id)
    if row is None or row.user_id != user_id:
        raise unknown_order()
    return order_view(row)


def orders_of(tx: Tx, user_id: UUID, *, cursor: str | None = None, limit: int = 50) -> Page[OrderView]:
    """The person's orders, the newest first."""
    question = select(OrderRow).where(OrderRow.user_id == user_id).order_by(OrderRow.id.desc()).limit(limit + 1)
    if cursor is not None:
        question = question.where(OrderRow.id < uuid_of(cursor))
    rows = list(tx.scalars(question))
    return Page(items=[order_view(row) for row in rows[:limit]], next=_next(rows, limit))


def all_orders(
    tx: Tx, *, status: OrderStatus | None = None, cursor: str | None = None, limit: int = 50
) -> Page[AdminOrderView]:
    """Everybody's orders, the newest first, for admins."""
    question = select(OrderRow).order_by(OrderRow.id.desc()).limit(limit + 1)
    if status is not None:
        question = question.where(OrderRow.status == status)
    if cursor is not None:
        question = question.where(OrderRow.id < uuid_of(cursor))
    rows = list(tx.scalars(question))
    emails = emails_of(tx, {row.user_id for row in rows})
    items = [
        AdminOrderView(
            **_order(row),
            user_id=row.user_id,
            user_email=emails.get(row.user_id),
            merchant=row.merchant,
            trade_no=row.trade_no,
            note=row.note,
            times_asked=row.times_asked,
        )
        for row in rows[:limit]
    ]
    return Page(items=items, next=_next(rows, limit))


def due_orders(tx: Tx, now: datetime, most: int) -> Sequence[UUID]:
    """The orders the gateway is to be asked about now, the longest overdue first: pending ones, then what ended."""
    question = select(OrderRow.id).where(OrderRow.ask_at <= now).order_by(OrderRow.ask_at)
    pending = tx.scalars(question.where(OrderRow.status == "pending").limit(most)).all()
    ended = question.where(OrderRow.status.in_(("expired", "refused")), OrderRow.expires_at > now - ASKED_LATE)
    return [*pending, *tx.scalars(ended.limit(most - len(pending)))]


def count_open(tx: Tx, user_id: UUID) -> int:
    """How many of the person's orders wait to be paid."""
    question = select(func.count()).where(OrderRow.user_id == user_id, OrderRow.status == "pending")
    return tx.scalar(question) or 0


def count_pending(tx: Tx, merchant: str) -> int:
    """How many orders of anybody's may yet be paid to this merchant."""
    question = select(func.count()).where(OrderRow.status == "pending", OrderRow.merchant == merchant)
    return tx.scalar(question) or 0


def order_view(row: OrderRow) -> OrderView:
    """An order as its buyer sees it."""
    return OrderView(**_order(row))


def admin_package_view(row: PackageRow) -> AdminPackageView:
    """A package as an admin sees it."""
    return AdminPackageView(
        **_package(row), enabled=row.enabled, position=row.position, managed_by=cast(Any, row.managed_by)
    )


def _package(row: PackageRow) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "title": PackageTitle(en=row.title_en, zh=row.title_zh),
        "amount_credits": row.amount_credits,
        "price_minor": row.price_minor,
        "currency": row.currency,
    }


def _order(row: OrderRow) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "package_id": row.package_id,
        "title": PackageTitle(en=row.title_en, zh=row.title_zh),
        "amount_credits": row.amount_credits,
        "price_minor": row.price_minor,
        "currency": row.currency,
        "method": row.method,
        "status": row.status,
        "late": row.paid_at is not None and row.paid_at > row.expires_at,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "paid_at": row.paid_at,
    }


def _next(rows: Sequence[OrderRow], limit: int) -> str | None:
    return encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
