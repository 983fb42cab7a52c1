"""Identity over HTTP: parse, call, show."""

from vermilion.identity.api.admin import admin_router
from vermilion.identity.api.auth import auth_router, sign_in_from, sign_up_from
from vermilion.identity.api.me import me_router

__all__ = ["admin_router", "auth_router", "me_router", "sign_in_from", "sign_up_from"]
