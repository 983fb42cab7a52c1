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
from vermilion.identity.addresses import client_ip
from vermilion.identity.api import admin_router, auth_router, me_router, sign_in_from, sign_up_from
from vermilion.identity.bodies import BodyLimit
from vermilion.identity.commands.audit import audit
from vermilion.identity.commands.choices import change_choices
from vermilion.identity.commands.first_admin import claim_first_admin, create_admin, make_first_admin_link
from vermilion.identity.commands.keys import create_api_key, delete_api_key
from vermilion.identity.commands.people import change_user, sign_up
from vermilion.identity.commands.sessions import delete_ended_sessions, end_session
from vermilion.identity.middleware import protect
from vermilion.identity.passwords import PasswordHashing, refuse_weak_password
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
    "CurrentActor",
    "Cursor",
    "Email",
    "House",
    "Limit",
    "Limiter",
    "OptionalActor",
    "PasswordHashing",
    "Quota",
    "Quotas",
    "SessionActor",
    "SignIn",
    "SignUp",
    "UserAdminView",
    "UserRow",
    "UserView",
    "UserWithBalanceView",
    "admin_router",
    "api_keys_of",
    "audit",
    "auth_router",
    "change_choices",
    "change_user",
    "claim_first_admin",
    "client_ip",
    "count_users",
    "create_admin",
    "create_api_key",
    "delete_api_key",
    "delete_ended_sessions",
    "emails_of",
    "end_session",
    "house_of",
    "ip_of",
    "is_still_in",
    "list_users",
    "make_first_admin_link",
    "me_router",
    "needs_first_admin",
    "normalised_email",
    "person",
    "problem_responses",
    "protect",
    "read_choices",
    "refuse_weak_password",
    "require_scope",
    "sign_in_from",
    "sign_up",
    "sign_up_from",
    "write_responses",
]
