"""Identity over HTTP: parse, call, show."""

from vermilion.identity.api.admin import admin_router
from vermilion.identity.api.auth import auth_router, sign_in_from, sign_up_from
from vermilion.identity.api.codes import asked_by, codes_router, judge_code, send_code_from, sign_in_methods
from vermilion.identity.api.me import me_router
from vermilion.identity.api.phone import phone_router, sign_in_by_phone_from, sign_up_by_phone_from
from vermilion.identity.api.sms import change_sms, sms_router, sms_view
from vermilion.identity.api.ways_in import bind_email_from, bind_phone_from, confirm_from, ways_in_router

__all__ = [
    "admin_router",
    "asked_by",
    "auth_router",
    "bind_email_from",
    "bind_phone_from",
    "change_sms",
    "codes_router",
    "confirm_from",
    "judge_code",
    "me_router",
    "phone_router",
    "send_code_from",
    "sign_in_by_phone_from",
    "sign_in_from",
    "sign_in_methods",
    "sign_up_by_phone_from",
    "sign_up_from",
    "sms_router",
    "sms_view",
    "ways_in_router",
]
