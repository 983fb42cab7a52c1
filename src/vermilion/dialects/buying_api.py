"""The described purchase: a ticket for a package of credits, and where the payment gateway reports."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Self
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Request
from fastapi.responses import PlainTextResponse
from pydantic import AliasChoices, BaseModel, Field, model_validator

from vermilion.billing import Method, NewOrder, OffersView, buy_for, offers
from vermilion.dialects.bodies import Body
from vermilion.dialects.house import HouseHere
from vermilion.dialects.routes import Route, face
from vermilion.identity import SessionActor
from vermilion.kit import Forbidden, NotFound, new_id

_CALLBACK: Final = "/credit/callback"
_PARAMETERS_MAX: Final = 30


class TicketBody(Body):
    """Which package, named by its id or by what it costs (`amount`, in yuan), and how it is paid."""

    package_id: UUID | None = None
    amount: Annotated[Decimal, Field(gt=0, le=10_000_000, decimal_places=2)] | None = None
    method: Annotated[
        Method | None, Field(validation_alias=AliasChoices("method", "pay_type", "payment_type", "type"))
    ] = None
    id: UUID | None = None
    """Made by the client: the same ticket asked for again is the same ticket."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.package_id is None) == (self.amount is None):
            raise ValueError("say what to buy: package_id, or amount")
        return self


class TicketView(BaseModel):
    """A ticket: open `pay_url` to pay. `amount` is in yuan."""

    id: UUID
    package_id: UUID
    amount: str
    currency: str
    credits: int
    status: str
    pay_url: str | None
    created_at: datetime
    expired_at: datetime


@face(Route("POST", "/credit/tickets", "user", "Buy credits"), refusals=(404, 409, 502))
async def post_ticket(house: HouseHere, actor: SessionActor, body: TicketBody, request: Request) -> TicketView:
    """Order a package of credits, and where to pay for it."""
    offered = await house.db.read(offers, house.sealer)
    wanted = NewOrder(
        id=body.id or new_id(),
        package_id=body.package_id or _package_at(offered, body.amount or Decimal()),
        method=body.method or (offered.methods[0] if offered.methods else "alipay"),
    )
    placed = await buy_for(house, actor, wanted, request)
    order = placed.order
    return TicketView(
        id=order.id,
        package_id=order.package_id,
        amount=f"{order.price_minor // 100}.{order.price_minor % 100:02d}",
        currency=order.currency,
        credits=order.amount_credits,
        status=order.status,
        pay_url=placed.pay_url,
        created_at=order.created_at,
        expired_at=order.expires_at,
    )


@face(
    Route("GET", _CALLBACK, "anybody", "Where the payment gateway reports"),
    refusals=(403, 404, 409, 503),
    response_class=PlainTextResponse,
)
async def get_callback(house: HouseHere, request: Request) -> PlainTextResponse:
    """A notice of the gateway, told by GET because that is its protocol. `success` once the payment is credited.

    It is believed in nothing: its signature, merchant, order and sum are compared, and then the gateway is asked.
    """
    return await _hear(house, request.url.query)


@face(
    Route("POST", _CALLBACK, "anybody", "The same, for gateways that report by POST"),
    refusals=(403, 404, 409, 503),
    response_class=PlainTextResponse,
)
async def post_callback(house: HouseHere, request: Request) -> PlainTextResponse:
    """A notice as a form."""
    # Most escape what they send; some send a name in Chinese as it is.
    form = (await request.body()).decode("utf-8", "replace")
    return await _hear(house, "&".join(filter(None, (request.url.query, form))))


async def _hear(house: HouseHere, encoded: str) -> PlainTextResponse:
    try:
        parameters = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX)
    except ValueError as error:
        raise Forbidden("payment.notice_refused", "This is no notice of this studio's payment gateway.") from error
    await house.payments.receive(parameters)
    return PlainTextResponse("success")


def _package_at(offered: OffersView, amount: Decimal) -> UUID:
    found = next((package.id for package in offered.packages if package.price_minor == amount * 100), None)
    if found is None:
        raise NotFound("package.unknown", "No package of credits costs this.", field="amount")
    return found
