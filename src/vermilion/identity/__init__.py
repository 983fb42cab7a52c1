"""People: users, sessions, API keys, roles; the operator's choices; the audit; the rim every request passes.

Every room above may come in. A route names its actor (`CurrentActor`, `AdminActor`, …) and declares its problems
(`problem_responses`, `write_responses`); a command that an admin runs calls `audit` in its own transaction. The
house gives what `House` lists, as `app.state.house`.
"""

from vermilion.identity.access import (
    AdminActor,
    CurrentActor,
    House,
    OptionalActor,
    SessionActor,
    house_of,
    ip_of,
    require_scope,
)
from vermilion.identity.actors import Actor
from vermilion.identity.addresses import address_bucket, client_ip
from vermilion.identity.api import (
    admin_router,
    asked_by,
    auth_router,
    bind_email_from,
    bind_phone_from,
    change_sms,
    codes_router,
    confirm_from,
    judge_code,
    me_router,
    phone_is_offered,
    phone_router,
    send_code_from,
    sign_in_by_phone_from,
    sign_in_from,
    sign_up_by_phone_from,
    sign_up_from,
    sms_router,
    sms_view,
    ways_in_router,
)
from vermilion.identity.bodies import BodyLimit
from vermilion.identity.commands.audit import audit
from vermilion.identity.commands.choices import change_choices
from vermilion.identity.commands.codes import forget_codes
from vermilion.identity.commands.first_admin import claim_first_admin, create_admin, make_first_admin_link
from vermilion.identity.commands.keys import create_api_key, delete_api_key
from vermilion.identity.commands.people import change_user, sign_up
from vermilion.identity.commands.sessions import delete_ended_sessions, end_session
from vermilion.identity.commands.sms_settings import disable_sandbox_sms, ensure_sandbox_sms
from vermilion.identity.commands.ways_in import unbind_email, unbind_phone
from vermilion.identity.middleware import protect
from vermilion.identity.passwords import PasswordHashing, refuse_weak_password
from vermilion.identity.phone_views import (
    CodeRequest,
    CodeSent,
    Confirmation,
    EmailBinding,
    PhoneBinding,
    PhoneSignIn,
    PhoneSignUp,
    SmsDraft,
    SmsView,
)
from vermilion.identity.phones import normalised_phone
from vermilion.identity.problems import problem_responses, write_responses
from vermilion.identity.queries import (
    api_keys_of,
    count_users,
    emails_of,
    is_still_in,
    list_users,
    needs_first_admin,
    person,
    read_choices,
)
from vermilion.identity.rates import Limiter, Quota, Quotas
from vermilion.identity.tables import UserRow
from vermilion.identity.views import (
    Choices,
    ChoicesPatch,
    Cursor,
    Email,
    Limit,
    SignIn,
    SignUp,
    UserAdminView,
    UserView,
    UserWithBalanceView,
    normalised_email,
)

__all__ = [
    "Actor",
    "AdminActor",
    "BodyLimit",
    "Choices",
    "ChoicesPatch",
    "CodeRequest",
    "CodeSent",
    "Confirmation",
    "CurrentActor",
    "Cursor",
    "Email",
    "EmailBinding",
    "House",
    "Limit",
    "Limiter",
    "OptionalActor",
    "PasswordHashing",
    "PhoneBinding",
    "PhoneSignIn",
    "PhoneSignUp",
    "Quota",
    "Quotas",
    "SessionActor",
    "SignIn",
    "SignUp",
    "SmsDraft",
    "SmsView",
    "UserAdminView",
    "UserRow",
    "UserView",
    "UserWithBalanceView",
    "address_bucket",
    "admin_router",
    "api_keys_of",
    "asked_by",
    "audit",
    "auth_router",
    "bind_email_from",
    "bind_phone_from",
    "change_choices",
    "change_sms",
    "change_user",
    "claim_first_admin",
    "client_ip",
    "codes_router",
    "confirm_from",
    "count_users",
    "create_admin",
    "create_api_key",
    "delete_api_key",
    "delete_ended_sessions",
    "disable_sandbox_sms",
    "emails_of",
    "end_session",
    "ensure_sandbox_sms",
    "forget_codes",
    "house_of",
    "ip_of",
    "is_still_in",
    "judge_code",
    "list_users",
    "make_first_admin_link",
    "me_router",
    "needs_first_admin",
    "normalised_email",
    "normalised_phone",
    "person",
    "phone_is_offered",
    "phone_router",
    "problem_responses",
    "protect",
    "read_choices",
    "refuse_weak_password",
    "require_scope",
    "send_code_from",
    "sign_in_by_phone_from",
    "sign_in_from",
    "sign_up",
    "sign_up_by_phone_from",
    "sign_up_from",
    "sms_router",
    "sms_view",
    "unbind_email",
    "unbind_phone",
    "ways_in_router",
    "write_responses",
]
