"""The door every request comes through: who is asking, and may they.

A route names its actor: `CurrentActor` for anybody signed in, `SessionActor` where a key may never come in,
`AdminActor` for admins, `OptionalActor` where nobody is welcome too. With an API key, `CurrentActor` asks for the
scope `read` on safe methods and `generate` on all others; `require_scope` names another one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

from fastapi import Depends, Request
from fastapi.openapi.models import APIKey as CookieModel
from fastapi.openapi.models import APIKeyIn
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase

from vermilion.db import Database, Tx
from vermilion.identity.actors import SEEN_EVERY, Actor
from vermilion.identity.addresses import Networks, client_ip
from vermilion.identity.commands.keys import note_key_used
from vermilion.identity.commands.sessions import note_session_used
from vermilion.identity.passwords import PasswordHashing
from vermilion.identity.queries import Known, who_has_key, who_has_session
from vermilion.identity.rates import Allowance, Limiter
from vermilion.identity.tables import UserRow
from vermilion.identity.tokens import API_KEY_MARK
from vermilion.identity.views import Scope
from vermilion.kit import AppError, Clock, Forbidden
from vermilion.kit.sealed import Sealer
from vermilion.sms import SmsWire

SECURE_COOKIE = "__Host-vermilion"
PLAIN_COOKIE = "vermilion_session"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

ALLOWANCES = "vermilion.allowances"
"""Where in the ASGI scope the quotas a request touched are kept, for its `RateLimit` headers."""

_AUTHORIZATION_CHARS_MAX = 4096


class House(Protocol):
    """What identity needs of the house; it is read from `request.app.state.house`."""

    @property
    def db(self) -> Database: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def hasher(self) -> PasswordHashing: ...

    @property
    def limiter(self) -> Limiter: ...

    @property
    def sealer(self) -> Sealer: ...

    @property
    def sms_wire(self) -> SmsWire: ...

    @property
    def sms_code_key(self) -> bytes:
        """What codes to phones are hashed with."""
        ...

    @property
    def secure_cookies(self) -> bool:
        """Whether people reach the house by TLS: `__Host-` cookies, and HSTS."""
        ...

    @property
    def public_origins(self) -> frozenset[str]:
        """The origins (`https://studio.example`) the web app is served from; empty: whatever host is asked."""
        ...

    @property
    def trusted_proxies(self) -> Networks:
        """Whose `X-Forwarded-For` is believed."""
        ...

    @property
    def on_user_created(self) -> Callable[[Tx, UserRow, datetime], None]:
        """Called in the transaction that makes a person."""
        ...

    @property
    def credits_of(self) -> Callable[[Tx, UUID], dict[str, int]]:
        """A person's `available`, `held` and `spent` credits, read in the caller's transaction."""
        ...


def house_of(request: Request) -> House:
    """The house this app was opened with."""
    return cast(House, request.app.state.house)


def cookie_name(house: House) -> str:
    """The session cookie's name; browsers keep a `__Host-` cookie only with TLS, so plain http has another."""
    return SECURE_COOKIE if house.secure_cookies else PLAIN_COOKIE


def ip_of(request: Request) -> str | None:
    """The client's address."""
    return client_ip(request.scope, house_of(request).trusted_proxies)


async def who_is_asking(request: Request) -> Known | None:
    """Whose cookie or key came with the request; one with `Authorization` is judged by that alone.

    Nothing is counted or written down for it: `optional_actor` does.
    """
    house = house_of(request)
    now = house.clock.now()
    authorization = request.headers.get("authorization")
    if authorization is not None:
        kind, _, key = authorization.partition(" ")
        if kind.lower() != "bearer" or not key.strip() or len(key) > _AUTHORIZATION_CHARS_MAX:
            return None
        # A program may also carry a session, opened with a password: keys are told apart by their mark.
        question = who_has_key if key.strip().startswith(API_KEY_MARK) else who_has_session
        return await house.db.read(question, key.strip(), now)
    token = request.cookies.get(cookie_name(house))
    if not token:
        return None
    return await house.db.read(who_has_session, token, now)


async def optional_actor(request: Request) -> Actor | None:
    """Whoever is asking, or None."""
    house = house_of(request)
    known = await who_is_asking(request)
    if known is None:
        return None
    _count(request, house, known)
    await _note_used(house, known, house.clock.now())
    return Actor(
        user_id=known.user_id,
        role=known.role,
        scopes=known.scopes,
        session_id=known.way_in_id if known.way_in == "session" else None,
        api_key_id=known.way_in_id if known.way_in == "api_key" else None,
        ip=ip_of(request),
    )


class _Cookie(SecurityBase):
    """Says in the API's description that a session's cookie opens too; what it says is read by the door itself."""

    model = CookieModel(
        name=SECURE_COOKIE,
        description=f"Set by signing in; `{PLAIN_COOKIE}` where the house is served by plain http.",
        **{"in": APIKeyIn.cookie},  # type: ignore[arg-type]  # `in` is a word of Python
    )
    scheme_name = "session"

    async def __call__(self) -> None:
        return None


class Door(SecurityBase):
    """A dependency that lets in whom `allow` lets in; it raises 401 `auth.required` when nobody is signed in.

    Who is asking, and what may be asked with it, is one dependency on purpose, and its own entry in the API's
    description: FastAPI's walk through a chain of them cost more than the look at the key.
    """

    model = BearerModel(description="An API key, `vk_…`, or a session's token.")
    scheme_name = "apiKey"

    def __init__(self, allow: Callable[[Request, Actor], None]) -> None:
        self._allow = allow

    async def __call__(self, request: Request, _cookie: Annotated[None, Depends(_Cookie())]) -> Actor:
        actor = await optional_actor(request)
        if actor is None:
            raise nobody(request)
        self._allow(request, actor)
        return actor


def nobody(request: Request) -> AppError:
    """401 `auth.required`, in words for how it was tried."""
    if "authorization" in request.headers:
        detail = "This API key is unknown, expired or deleted."
    else:
        detail = "Sign in first, or send an API key as `Authorization: Bearer vk_…`."
    return AppError("auth.required", detail, status=401, headers={"WWW-Authenticate": 'Bearer realm="vermilion"'})


def _current(request: Request, actor: Actor) -> None:
    """Anybody whose key (if it is one) may read, or on unsafe methods generate."""
    _require(actor, "read" if request.method in SAFE_METHODS else "generate")


def _with_session(_: Request, actor: Actor) -> None:
    """Somebody signed in with a session; raises 403 `auth.session_required` for keys."""
    if actor.session_id is None:
        raise Forbidden("auth.session_required", "An API key cannot do this. Sign in with your password.")


def _admin(_: Request, actor: Actor) -> None:
    """An admin; raises 403 `auth.admin_required`, or `auth.scope_required` for an admin's key without the scope."""
    if actor.role != "admin":
        raise Forbidden("auth.admin_required", "Only an admin of this studio can do this.")
    _require(actor, "admin")


def require_scope(scope: Scope) -> Any:
    """A dependency like `CurrentActor` that asks for this scope: `actor: Annotated[Actor, require_scope("read")]`."""
    return Depends(Door(_admin if scope == "admin" else lambda _, actor: _require(actor, scope)))


CurrentActor = Annotated[Actor, Depends(Door(_current))]
SessionActor = Annotated[Actor, Depends(Door(_with_session))]
AdminActor = Annotated[Actor, Depends(Door(_admin))]
OptionalActor = Annotated[Actor | None, Depends(optional_actor)]


def _require(actor: Actor, scope: Scope) -> None:
    if scope not in actor.scopes:
        raise Forbidden("auth.scope_required", f"This API key lacks the scope {scope}.", extras={"scope": scope})


def _count(request: Request, house: House, known: Known) -> None:
    """Take one request from the person's quota; however many keys they have, it is one quota."""
    quotas = house.limiter.quotas
    quota = quotas.reads_per_actor if request.method in SAFE_METHODS else quotas.writes_per_actor
    allowance = house.limiter.require(quota, str(known.user_id))
    if allowance is not None:
        touched: list[Allowance] = request.scope.setdefault(ALLOWANCES, [])
        touched.append(allowance)


async def _note_used(house: House, known: Known, now: datetime) -> None:
    if known.last_used_at is not None and now - known.last_used_at < SEEN_EVERY:
        return
    note = note_session_used if known.way_in == "session" else note_key_used
    await house.db.write(note, known.way_in_id, known.user_id, now)
