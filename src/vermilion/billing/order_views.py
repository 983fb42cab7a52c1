"""What the outside sends to billing about packages, orders and the gateway, and sees of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from vermilion.billing.tables import PRICE_MAX_MINOR
from vermilion.billing.views import CODE_CREDITS_MAX, Shown
from vermilion.kit import Change, Given

Method = Literal["alipay", "wxpay", "qqpay"]
OrderStatus = Literal["pending", "paid", "expired", "refused"]
Flow = Literal["page", "api"]
"""How a purchase begins: the buyer's browser opens the gateway's page, or the gateway's API is told first."""

Title = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
Amount = Annotated[int, Field(ge=1, le=CODE_CREDITS_MAX, strict=True)]
Price = Annotated[int, Field(ge=1, le=PRICE_MAX_MINOR, strict=True)]
Position = Annotated[int, Field(ge=0, le=10_000, strict=True)]
GatewayText = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class PackageTitle(Given):
    """What a package is called, in both languages."""

    en: Title
    zh: Title


class NewPackage(Given):
    """Credits at a price in the currency's smallest unit; packages are shown by `position`."""

    title: PackageTitle
    amount_credits: Amount
    price_minor: Price
    currency: Literal["CNY"] = "CNY"
    enabled: bool = True
    position: Position = 0


class PackagePatch(Change):
    """A change to a package; what is left out stays. Orders keep what was sold."""

    title: PackageTitle | None = None
    amount_credits: Amount | None = None
    price_minor: Price | None = None
    enabled: bool | None = None
    position: Position | None = None


class PackageView(Shown):
    """A package as everybody sees it."""

    id: UUID
    title: PackageTitle
    amount_credits: int
    price_minor: int
    currency: str


class AdminPackageView(PackageView):
    """A package as admins see it."""

    enabled: bool
    position: int
    managed_by: Literal["sandbox"] | None
    """`sandbox`: an example, sold only while the sandbox takes the money."""


class AdminPackageList(Shown):
    items: list[AdminPackageView]


class OffersView(Shown):
    """What can be bought now, and how it can be paid; nothing of either where credits are not sold."""

    packages: list[PackageView]
    methods: list[Method]
    sandbox: bool
    """Whether the sandbox takes the money: play money."""


class NewOrder(Given):
    """A purchase. `id` is a UUID made by the client: sending the same again is the same order."""

    id: UUID
    package_id: UUID
    method: Method


class OrderView(Shown):
    """An order; `late` says that it was paid after it had expired, and was credited all the same."""

    id: UUID
    number: str
    """What the payment gateway knows it by."""
    package_id: UUID
    title: PackageTitle
    amount_credits: int
    price_minor: int
    currency: str
    method: Method
    status: OrderStatus
    late: bool
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None


class PlacedOrder(Shown):
    """An order, and where it can be paid; nowhere once it was paid."""

    order: OrderView
    pay_url: str | None


class AdminOrderView(OrderView):
    """An order as admins see it."""

    user_id: UUID
    user_email: str | None
    merchant: str
    trade_no: str | None
    note: str | None
    times_asked: int


class GatewayPatch(Change):
    """A change to the gateway; what is left out stays, and so does a key written back as its mask.

    Another `base_url` needs the key again. An empty key switches the gateway off.
    """

    base_url: GatewayText | None = None
    pid: GatewayText | None = None
    key: GatewayText | None = None
    methods: Annotated[list[Method], Field(min_length=1, max_length=3)] | None = None
    flow: Flow | None = None
    enabled: bool | None = None
    allow_private_hosts: bool | None = None


class GatewayView(Shown):
    """The gateway as admins see it: its key masked."""

    configured: bool
    base_url: str
    pid: str
    key: str
    methods: list[Method]
    flow: Flow
    enabled: bool
    allow_private_hosts: bool
    managed_by: Literal["sandbox"] | None
    notify_url: str
    """Where the gateway is told to report payments."""


class GatewayTestView(Shown):
    """What a connection test found; it cost nothing."""

    ok: bool
    latency_ms: int
    account: str | None
    problem: str | None
