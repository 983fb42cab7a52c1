"""Who is asking, and with which powers."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from vermilion.identity.views import Role, Scope

SESSION_IDLE = timedelta(days=14)
"""A session that nobody used for so long is over."""

SESSION_ABSOLUTE = timedelta(days=90)
"""No session lives longer, however much it is used."""

SEEN_EVERY = timedelta(minutes=1)
"""How often "last used" is written down at most: it is for people's eyes, and each write costs a commit."""

SESSIONS_PER_USER_MAX = 100
API_KEYS_PER_USER_MAX = 50


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request, and how they came in: exactly one of `session_id` and `api_key_id` is set."""

    user_id: UUID
    role: Role
    scopes: frozenset[Scope]
    session_id: UUID | None
    api_key_id: UUID | None
    ip: str | None

    @property
    def is_admin(self) -> bool:
        """Whether this request may use an admin's powers: the person is one, and the key, if any, says so."""
        return self.role == "admin" and "admin" in self.scopes


def scopes_of_session(role: Role) -> frozenset[Scope]:
    """A session may do whatever its person may."""
    return frozenset[Scope]({"read", "generate", "admin"} if role == "admin" else {"read", "generate"})


def scopes_of_key(scopes: list[Scope], role: Role) -> frozenset[Scope]:
    """A key may do what it was made for, and never more than its person may at this moment."""
    return frozenset(scopes) & scopes_of_session(role)
