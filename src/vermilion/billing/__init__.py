"""Selling and giving credits: packages, orders, payment gateways, redemption codes.

`app` mounts the routers, `dialects` comes in for the same commands in other people's shapes, `wiring` for what lives
long. The house gives what `BillingHouse` lists, as `app.state.house`. Credits move by the ledger's verbs alone.
"""

from vermilion.billing.api import payments_router, redemption_router, router
from vermilion.billing.api.redemption import CSV_ANSWER, csv_of_codes
from vermilion.billing.buying import buy_for
from vermilion.billing.commands.gateway import disable_sandbox_gateway, ensure_sandbox_gateway
from vermilion.billing.commands.redemption import change_code, delete_code, id_of_code, make_codes
from vermilion.billing.epay import NAME as GATEWAY
from vermilion.billing.fsck import fsck
from vermilion.billing.house import BillingHouse
from vermilion.billing.order_views import Method, NewOrder, OffersView, OrderView, PlacedOrder
from vermilion.billing.payments import NOTICE_MAX_BYTES, NOTIFY_PATH, PaymentDesk
from vermilion.billing.queries import numbered_codes
from vermilion.billing.redeeming import redeem_for
from vermilion.billing.selling import offers
from vermilion.billing.views import (
    CodePatch,
    CodesAsked,
    CodeState,
    NewCodes,
    NewCodesView,
    Purpose,
    RedeemedView,
    RedemptionCodeView,
    SomeDay,
)

__all__ = [
    "CSV_ANSWER",
    "GATEWAY",
    "NOTICE_MAX_BYTES",
    "NOTIFY_PATH",
    "BillingHouse",
    "CodePatch",
    "CodeState",
    "CodesAsked",
    "Method",
    "NewCodes",
    "NewCodesView",
    "NewOrder",
    "OffersView",
    "OrderView",
    "PaymentDesk",
    "PlacedOrder",
    "Purpose",
    "RedeemedView",
    "RedemptionCodeView",
    "SomeDay",
    "buy_for",
    "change_code",
    "csv_of_codes",
    "delete_code",
    "disable_sandbox_gateway",
    "ensure_sandbox_gateway",
    "fsck",
    "id_of_code",
    "make_codes",
    "numbered_codes",
    "offers",
    "payments_router",
    "redeem_for",
    "redemption_router",
    "router",
]
