"""Selling and giving credits: packages, orders, payment gateways, redemption codes.

`app` mounts the routers, `dialects` comes in for the same commands in other people's shapes, `wiring` for what lives
long. The house gives what `BillingHouse` lists, as `app.state.house`. Credits move by the ledger's verbs alone.
"""

from vermilion.billing.api import admin_router, router
from vermilion.billing.api.admin import CSV_ANSWER, csv_of_codes
from vermilion.billing.commands.redemption import change_code, delete_code, id_of_code, make_codes
from vermilion.billing.fsck import fsck
from vermilion.billing.house import BillingHouse
from vermilion.billing.queries import numbered_codes
from vermilion.billing.redeeming import redeem_for
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
    "BillingHouse",
    "CodePatch",
    "CodeState",
    "CodesAsked",
    "NewCodes",
    "NewCodesView",
    "Purpose",
    "RedeemedView",
    "RedemptionCodeView",
    "SomeDay",
    "admin_router",
    "change_code",
    "csv_of_codes",
    "delete_code",
    "fsck",
    "id_of_code",
    "make_codes",
    "numbered_codes",
    "redeem_for",
    "router",
]
