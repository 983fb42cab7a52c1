"""Billing over HTTP: `router` for people, the others for admins."""

from vermilion.billing.api.payments import payments_router
from vermilion.billing.api.people import router
from vermilion.billing.api.redemption import redemption_router

__all__ = ["payments_router", "redemption_router", "router"]
