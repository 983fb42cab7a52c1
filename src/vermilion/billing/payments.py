"""The desk where money is received: it sends buyers to the gateway, hears its notices, and asks it about orders.

Whether an order is paid is what the gateway answers when asked, and nothing else: a notice or the buyer's return only
makes the house ask. So notice, return page and the sweep may race; one conditional update decides who credits.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from vermilion.billing import epay
from vermilion.billing.commands.orders import (
    Placed,
    ask_soon,
    note_asked,
    place_order,
    refuse_order,
    refuse_payment,
    settle_order,
)
from vermilion.billing.epay import Merchant, Payment, Purchase
from vermilion.billing.gateway import known_merchant
from vermilion.billing.order_views import GatewayTestView, NewOrder, PlacedOrder
from vermilion.billing.problems import (
    PaymentRefused,
    forged_notice,
    not_ready,
    unconfirmed,
    unknown_order,
    unreachable_gateway,
    wrong_payment,
)
from vermilion.billing.selling import due_orders, order_of
from vermilion.billing.tables import OrderRow
from vermilion.db import Database, Tx
from vermilion.kit import AppError, Clock
from vermilion.kit.sealed import Sealer
from vermilion.providers import Ambiguous, Drifted, ProviderError, Unreachable, Wire

log = structlog.get_logger(__name__)

NOTIFY_PATH: Final = "/api/v1/credit/callback"
NOTICE_MAX_BYTES: Final = 64 * 1024
SWEEP_SECONDS: Final = 15.0
SWEPT_AT_ONCE: Final = 50

_NUMBER: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the house knows of an order when the gateway speaks of it."""

    id: UUID
    number: str
    merchant: str
    price_minor: int
    status: str


class PaymentDesk:
    """Receives payments for the whole house.

    `reachable` is where the gateway reaches the house, `address` where people do.
    """

    def __init__(self, db: Database, clock: Clock, wire: Wire, sealer: Sealer, *, reachable: str, address: str) -> None:
        self._db = db
        self._clock = clock
        self._wire = wire
        self._sealer = sealer
        self._address = address.rstrip("/")
        self.notify_url = reachable.rstrip("/") + NOTIFY_PATH

    async def buy(self, user_id: UUID, wanted: NewOrder, *, ip: str, device: str) -> PlacedOrder:
        """Place an order and say where it is paid; the same again says it again.

        Raises what `place_order` raises, `PaymentRefused`, and `Conflict` (`payment.wrong`) where it turns out that
        another sum was paid.
        """
        now = self._clock.now()
        placed = await self._db.write(place_order, self._sealer, user_id, wanted, now)
        if placed.order.status == "paid":
            return PlacedOrder(order=placed.order, pay_url=None)
        pay_url = await self._pay_url(placed, ip, device)
        if placed.is_new:
            return PlacedOrder(order=placed.order, pay_url=pay_url)
        # Announcing it again may have shown that it was paid.
        order = await self._db.read(order_of, user_id, wanted.id)
        return PlacedOrder(order=order, pay_url=None if order.status == "paid" else pay_url)

    async def receive(self, parameters: Sequence[tuple[str, str]]) -> None:
        """Hear a notice. Returns when the payment it tells of is credited and committed, now or before.

        Raises `Forbidden` (`payment.notice_refused`) for what is not the gateway's, `NotFound` (`order.unknown`),
        `Conflict` (`payment.wrong`) where another sum or merchant was paid, and 503 `payment.unconfirmed` or
        `payment.unreachable`, after which the gateway repeats the notice.
        """
        merchant = await self._merchant()
        if merchant is None:
            raise forged_notice()
        notice = epay.read_notice(merchant, parameters)
        order = await self._db.read(_numbered, notice.number)
        if not notice.is_paid:
            return
        if (notice.pid, notice.price_minor) != (order.merchant, order.price_minor) or order.merchant != merchant.pid:
            log.warning("payment.wrong", order_id=str(order.id), pid=notice.pid, price_minor=notice.price_minor)
            raise wrong_payment(_sum(notice.price_minor), _sum(order.price_minor))
        if order.status == "paid":
            return
        try:
            is_paid = await self._ask(merchant, order)
        except ProviderError as error:
            await self._db.write(ask_soon, order.id, self._clock.now())
            raise unreachable_gateway() from error
        if not is_paid:
            await self._db.write(ask_soon, order.id, self._clock.now())
            raise unconfirmed()

    async def look(self, order_id: UUID) -> None:
        """Ask the gateway about an order that is not paid, and credit it if it is; silent where nothing is heard."""
        order = await self._db.read(_ordered, order_id)
        merchant = await self._merchant()
        if order.status == "paid":
            return
        is_answered = merchant is None or merchant.pid != order.merchant
        if merchant is not None and not is_answered:
            try:
                if await self._ask(merchant, order):
                    return
                is_answered = True
            except ProviderError as error:
                log.warning("payment.not_answered", order_id=str(order_id), reason=error.message)
        await self._db.write(note_asked, order_id, self._clock.now(), is_answered=is_answered)

    async def sweep(self) -> int:
        """Ask about every order that is due; how many there were."""
        due = await self._db.read(due_orders, self._clock.now(), SWEPT_AT_ONCE)
        for order_id in due:
            # One that was paid wrongly ends there, and says so; the others must not wait for somebody to see it.
            with contextlib.suppress(AppError):
                await self.look(order_id)
        return len(due)

    async def keep_sweeping(self) -> None:
        """Sweep every so often, for as long as the house is open."""
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception:
                # The outermost rim of a background loop: it must outlive a database that is away.
                log.exception("payment.sweep_failed")

    async def test(self) -> GatewayTestView:
        """Ask the gateway whether merchant and key are right; it costs nothing.

        Raises `Conflict` (`payment.not_configured`) where there is nothing to test.
        """
        merchant = await self._merchant()
        if merchant is None:
            raise not_ready()
        begun = self._clock.monotonic()
        account, problem = None, None
        try:
            found = await epay.probe(self._wire, merchant)
            account, problem = found.account, found.problem
        except ProviderError as error:
            problem = error.message
        latency_ms = round((self._clock.monotonic() - begun) * 1000)
        return GatewayTestView(ok=problem is None, latency_ms=latency_ms, account=account, problem=problem)

    async def _pay_url(self, placed: Placed, ip: str, device: str) -> str:
        order, gateway = placed.order, placed.gateway
        purchase = Purchase(
            number=order.number,
            price_minor=order.price_minor,
            amount_credits=order.amount_credits,
            method=order.method,
            notify_url=self.notify_url,
            return_url=f"{self._address}/credits/orders/{order.id}",
        )
        page = epay.page_address(gateway.merchant, purchase)
        if gateway.flow == "page":
            return page
        try:
            return await epay.create(self._wire, gateway.merchant, purchase, ip=ip, device=device) or page
        except PaymentRefused as refused:
            if not placed.is_new:
                # Gateways refuse a number that was paid, and some every number they know: only asking tells.
                await self.look(order.id)
                return page
            why = str(refused.extras.get("gateway_message") or "refused")
            await self._db.write(refuse_order, order.id, why, self._clock.now())
            raise
        except (Ambiguous, Drifted, Unreachable) as error:
            # Whether it knows the order or not: its page takes the same number, and asks for the money once.
            log.warning("payment.page_instead", order_id=str(order.id), reason=error.message)
            return page

    async def _merchant(self) -> Merchant | None:
        return await self._db.read(known_merchant, self._sealer)

    async def _ask(self, merchant: Merchant, order: Ordered) -> bool:
        """Whether the gateway says that it is paid; credited then. Raises `Conflict` (`payment.wrong`)."""
        payment = await epay.ask(self._wire, merchant, order.number)
        if payment is None or not payment.is_paid:
            return False
        if not _is_the_same(payment, merchant, order):
            log.warning("payment.wrong", order_id=str(order.id), pid=payment.pid, price_minor=payment.price_minor)
            paid = "an unreadable sum" if payment.price_minor is None else epay.money(payment.price_minor)
            why = f"paid {paid} instead of {epay.money(order.price_minor)}, to merchant {payment.pid or merchant.pid}"
            await self._db.write(refuse_payment, order.id, why, self._clock.now())
            raise wrong_payment(_sum(payment.price_minor), _sum(order.price_minor))
        first = await self._db.write(settle_order, order.id, payment.trade_no, self._clock.now())
        if first:
            log.info("payment.credited", order_id=str(order.id), trade_no=payment.trade_no)
        return True


def _sum(price_minor: int | None) -> str:
    """A sum for people: `12.50 CNY`."""
    return "An unreadable sum" if price_minor is None else f"{epay.money(price_minor)} CNY"


def _is_the_same(payment: Payment, merchant: Merchant, order: Ordered) -> bool:
    return (
        payment.price_minor == order.price_minor
        and payment.pid in (None, merchant.pid)
        and payment.number in (None, order.number)
    )


def _ordered(tx: Tx, order_id: UUID) -> Ordered:
    return _known(tx.get(OrderRow, order_id))


def _numbered(tx: Tx, number: str) -> Ordered:
    if not _NUMBER.fullmatch(number):
        raise unknown_order()
    return _known(tx.scalars(select(OrderRow).where(OrderRow.number == number)).one_or_none())


def _known(row: OrderRow | None) -> Ordered:
    if row is None:
        raise unknown_order()
    return Ordered(row.id, row.number, row.merchant, row.price_minor, row.status)
