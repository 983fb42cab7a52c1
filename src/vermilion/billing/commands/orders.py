"""Placing an order, and what ends it: a payment, a refusal, time."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from sqlalchemy import Table, update

from vermilion import ledger
from vermilion.billing import epay
from vermilion.billing.gateway import OpenGateway, open_gateway
from vermilion.billing.order_views import NewOrder, OrderView
from vermilion.billing.problems import (
    not_ready,
    reused_order,
    stale_order,
    too_many_orders,
    unknown_method,
    unknown_order,
    unknown_package,
)
from vermilion.billing.selling import ASKED_LATE, count_open, offered_package, order_view
from vermilion.billing.tables import GatewayRow, OrderRow
from vermilion.db import Tx
from vermilion.events import emit
from vermilion.kit.sealed import Sealer

REASON: Final = "purchase"
"""What a statement says of credits that were bought."""

ONCE_ORDER: Final = f"{ledger.ONCE}order:"
"""What the key of the ledger's entry for an order begins with; the gateway's number for it follows."""

ORDER_LIFE: Final = timedelta(hours=2)
"""How long an order is waited for. One that is paid later is credited all the same."""

FIRST_ASKED: Final = timedelta(seconds=30)
ASKED_EVERY_MAX: Final = timedelta(minutes=10)
ENDED_ASKED_EVERY_MIN: Final = timedelta(minutes=30)
OPEN_MAX: Final = 20

_orders: Final = cast(Table, OrderRow.__table__)


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as it is now, and the gateway it is paid through; `is_new` where it was not there before."""

    order: OrderView
    gateway: OpenGateway
    is_new: bool


def place_order(tx: Tx, sealer: Sealer, user_id: UUID, wanted: NewOrder, now: datetime) -> Placed:
    """Write the order down as `pending`: before anybody asks for money for it. The same again is the same order.

    Raises `Conflict` (`payment.not_configured`, `order.id_reused`, `order.stale`, `order.too_many_open`), `Invalid`
    (`payment.unknown_method`) and `NotFound` (`package.unknown`, or `order.unknown` for an id that is another's).
    """
    # Whoever changes the gateway waits, and then sees this order.
    tx.get(GatewayRow, epay.NAME, with_for_update={"read": True})
    gateway = open_gateway(tx, sealer)
    if gateway is None:
        raise not_ready()
    # The account first, as everywhere; it also makes the count of open orders true until the end.
    ledger.lock_accounts(tx, (user_id,))
    known = tx.get(OrderRow, wanted.id)
    if known is not None:
        if known.user_id != user_id:
            raise unknown_order()
        if (known.package_id, known.method) != (wanted.package_id, wanted.method):
            raise reused_order()
        if known.status != "paid" and not _is_payable(known, gateway, now):
            raise stale_order()
        return Placed(order_view(known), gateway, is_new=False)
    if wanted.method not in gateway.methods:
        raise unknown_method(list(gateway.methods))
    package = offered_package(tx, wanted.package_id, examples=gateway.is_sandbox)
    if package is None:
        raise unknown_package()
    if count_open(tx, user_id) >= OPEN_MAX:
        raise too_many_orders(OPEN_MAX)
    row = OrderRow(
        id=wanted.id,
        number=secrets.token_hex(16),
        user_id=user_id,
        package_id=package.id,
        title_en=package.title_en,
        title_zh=package.title_zh,
        amount_credits=package.amount_credits,
        price_minor=package.price_minor,
        currency=package.currency,
        gateway=epay.NAME,
        merchant=gateway.merchant.pid,
        method=wanted.method,
        status="pending",
        note=None,
        trade_no=None,
        created_at=now,
        expires_at=now + ORDER_LIFE,
        paid_at=None,
        ask_at=now + FIRST_ASKED,
        times_asked=0,
    )
    tx.add(row)
    tx.flush()
    return Placed(_told(tx, row, now), gateway, is_new=True)


def settle_order(tx: Tx, order_id: UUID, trade_no: str, now: datetime) -> bool:
    """Credit a payment, once for ever; whether this was the time that did.

    An order that expired or was refused is credited too: the money was paid. Whoever calls has compared merchant and
    sum with the order's. Raises `NotFound` (`order.unknown`).
    """
    row = tx.get(OrderRow, order_id)
    if row is None:
        raise unknown_order()
    ledger.lock_accounts(tx, (row.user_id,))
    won = tx.execute(
        update(_orders)
        .where(_orders.c.id == order_id, _orders.c.status != "paid")
        .values(status="paid", paid_at=now, trade_no=trade_no, note="paid late" if now > row.expires_at else None)
        .returning(_orders.c.id)
    ).one_or_none()
    if won is None:
        return False
    balance = ledger.grant(
        tx, row.user_id, row.amount_credits, reason=REASON, actor_id=None, key=once_key(row.gateway, order_id), now=now
    )
    emit(tx, row.user_id, "credits.changed", {"available": balance.available, "held": balance.held}, now)
    tx.refresh(row)
    _told(tx, row, now)
    return True


def refuse_order(tx: Tx, order_id: UUID, why: str, now: datetime) -> None:
    """The gateway refused it; a payment that comes all the same is credited."""
    _end(tx, order_id, "refused", now, note=why[:200])


def refuse_payment(tx: Tx, order_id: UUID, why: str, now: datetime) -> None:
    """Something else was paid than was ordered: a person has to look at it, and the gateway is not asked again."""
    row = tx.get(OrderRow, order_id)
    if row is None:
        return
    is_known = (row.status, row.note) == ("refused", why[:200])
    refused = tx.execute(
        update(_orders)
        .where(_orders.c.id == order_id, _orders.c.status != "paid")
        .values(status="refused", note=why[:200], ask_at=row.expires_at + ASKED_LATE)
        .returning(_orders.c.id)
    ).one_or_none()
    if refused is not None and not is_known:
        tx.refresh(row)
        _told(tx, row, now)


def note_asked(tx: Tx, order_id: UUID, now: datetime, *, is_answered: bool) -> None:
    """The gateway was asked, and it is not paid: ask again later, or let it expire.

    It expires only on an answer, or where none came for a day after its time. Then it is asked about ever more
    rarely.
    """
    row = tx.get(OrderRow, order_id)
    if row is None:
        return
    if row.status == "pending" and now >= row.expires_at + (timedelta() if is_answered else timedelta(days=1)):
        _end(tx, order_id, "expired", now)
        return
    tx.execute(
        update(_orders)
        .where(_orders.c.id == order_id, _orders.c.status == row.status)
        .values(ask_at=_asked_next(row, now), times_asked=_orders.c.times_asked + 1)
    )


def ask_soon(tx: Tx, order_id: UUID, now: datetime) -> None:
    """Something was heard of it that could not be confirmed: let the gateway be asked next."""
    tx.execute(update(_orders).where(_orders.c.id == order_id, _orders.c.status == "pending").values(ask_at=now))


def once_key(gateway: str, order_id: UUID) -> str:
    """The key of the ledger's entry for an order."""
    return f"{ONCE_ORDER}{gateway}:{order_id.hex}"


def _is_payable(row: OrderRow, gateway: OpenGateway, now: datetime) -> bool:
    """Whether a buyer may yet be sent to pay: what ended would be paid at a price of another time.

    At another merchant it would be somebody else's payment.
    """
    return row.status == "pending" and now < row.expires_at and row.merchant == gateway.merchant.pid


def _asked_next(row: OrderRow, now: datetime) -> datetime:
    if row.status != "pending":
        return now + max(now - row.expires_at, ENDED_ASKED_EVERY_MIN)
    pause = min(max((now - row.created_at) / 4, FIRST_ASKED), ASKED_EVERY_MAX)
    # The last time is the moment it expires, not some minutes later.
    return min(now + pause, row.expires_at) if now < row.expires_at else now + pause


def _end(tx: Tx, order_id: UUID, status: str, now: datetime, *, note: str | None = None) -> None:
    ended = tx.execute(
        update(_orders)
        .where(_orders.c.id == order_id, _orders.c.status == "pending")
        .values(status=status, note=note, ask_at=now + ENDED_ASKED_EVERY_MIN)
        .returning(_orders.c.id)
    ).one_or_none()
    row = tx.get(OrderRow, order_id)
    if ended is not None and row is not None:
        tx.refresh(row)
        _told(tx, row, now)


def _told(tx: Tx, row: OrderRow, now: datetime) -> OrderView:
    """The order as it is now, which its buyer is told of."""
    view = order_view(row)
    emit(tx, row.user_id, "order.changed", view.model_dump(mode="json"), now)
    return view
