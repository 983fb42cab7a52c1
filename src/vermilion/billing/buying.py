"""Buying for whoever asks over HTTP."""

from fastapi import Request

from vermilion.billing.house import BillingHouse
from vermilion.billing.order_views import NewOrder, OrderView, PlacedOrder
from vermilion.billing.selling import order_of
from vermilion.identity import Actor


async def buy_for(house: BillingHouse, actor: Actor, wanted: NewOrder, request: Request) -> PlacedOrder:
    """Place an order and say where to pay; raises what the desk's `buy` raises."""
    device = "mobile" if "Mobi" in request.headers.get("user-agent", "") else "pc"
    return await house.payments.buy(actor.user_id, wanted, ip=actor.ip or "127.0.0.1", device=device)


async def look_for(house: BillingHouse, actor: Actor, order: OrderView) -> OrderView:
    """The order after the gateway was asked about it; raises 429 `rate.limited` for who asks too often."""
    if order.status == "paid":
        return order
    house.limiter.require(house.limiter.quotas.payment_looks_per_actor, str(actor.user_id))
    await house.payments.look(order.id)
    return await house.db.read(order_of, actor.user_id, order.id)
