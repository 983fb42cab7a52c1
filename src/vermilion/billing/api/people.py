"""Redeeming and buying, for people."""

from uuid import UUID

from fastapi import APIRouter, Request

from vermilion.billing.buying import buy_for, look_for
from vermilion.billing.house import HouseHere
from vermilion.billing.order_views import NewOrder, OffersView, OrderView, PlacedOrder
from vermilion.billing.redeeming import redeem_for
from vermilion.billing.selling import offers, order_of, orders_of
from vermilion.billing.views import RedeemBody, RedeemedView
from vermilion.identity import CurrentActor, Cursor, Limit, SessionActor, problem_responses, write_responses
from vermilion.kit import Page

router = APIRouter(prefix="/credits", tags=["credits"])


@router.post("/redemptions", responses=write_responses(401, 404, 409), summary="Redeem a code")
async def post_redemption(house: HouseHere, actor: SessionActor, body: RedeemBody) -> RedeemedView:
    """Receive the credits of a code, once."""
    return await redeem_for(house, actor, body.code)


@router.get("/offers", responses=problem_responses(401, 403), summary="What can be bought")
async def get_offers(house: HouseHere, _actor: CurrentActor) -> OffersView:
    """Packages of credits, and how they can be paid; nothing of either where credits are not sold."""
    return await house.db.read(offers, house.sealer)


@router.get("/orders", responses=problem_responses(401, 403), summary="My orders")
async def get_orders(
    house: HouseHere, actor: CurrentActor, cursor: Cursor | None = None, limit: Limit = 50
) -> Page[OrderView]:
    """My purchases, the latest first."""
    return await house.db.read(orders_of, actor.user_id, cursor=cursor, limit=limit)


@router.post("/orders", status_code=201, responses=write_responses(401, 404, 409, 502), summary="Buy credits")
async def post_order(house: HouseHere, actor: SessionActor, body: NewOrder, request: Request) -> PlacedOrder:
    """Order a package; the answer says where to pay. The same order again says it again."""
    return await buy_for(house, actor, body, request)


@router.get("/orders/{order_id}", responses=problem_responses(401, 403, 404), summary="One of my orders")
async def get_order(house: HouseHere, actor: CurrentActor, order_id: UUID) -> OrderView:
    """One purchase."""
    return await house.db.read(order_of, actor.user_id, order_id)


@router.post("/orders/{order_id}/look", responses=write_responses(401, 404, 409), summary="Ask about an order")
async def post_order_look(house: HouseHere, actor: SessionActor, order_id: UUID) -> OrderView:
    """Ask the gateway about an order now, instead of waiting for its notice."""
    return await look_for(house, actor, await house.db.read(order_of, actor.user_id, order_id))
