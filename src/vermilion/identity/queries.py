"""Questions about people, sessions, keys, choices and the audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, String, bindparam, func, or_, select

from vermilion.db import PerDialect, Tx
from vermilion.identity.actors import SESSION_IDLE, Actor, scopes_of_key, scopes_of_session
from vermilion.identity.tables import ApiKeyRow, AuditRow, ChoiceRow, FirstAdminTokenRow, SessionRow, UserRow
from vermilion.identity.tokens import hash_token
from vermilion.identity.views import (
    ApiKeyView,
    AuditView,
    Choices,
    Locale,
    Role,
    Scope,
    SessionView,
    Theme,
    UserAdminView,
    UserView,
)
from vermilion.kit import Invalid, NotFound, Page, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose cookie or key opened, and when it was last written down as used."""

    user_id: UUID
    role: Role
    scopes: frozenset[Scope]
    way_in: Literal["session", "api_key"]
    way_in_id: UUID
    last_used_at: datetime | None


_USERS = UserRow.__table__.c
_SESSIONS = SessionRow.__table__.c
_KEYS = ApiKeyRow.__table__.c

# Asked for every request, so spelled once.
_WHO_HAS_SESSION = PerDialect(
    lambda _: (
        select(_SESSIONS.id, _SESSIONS.last_used_at, _SESSIONS.user_id, _USERS.role)
        .join_from(SessionRow.__table__, UserRow.__table__, _USERS.id == _SESSIONS.user_id)
        .where(
            _SESSIONS.token_hash == bindparam("token_hash"),
            _SESSIONS.expires_at > bindparam("now"),
            _SESSIONS.last_used_at > bindparam("idle_since"),
            _USERS.disabled_at.is_(None),
        )
    )
)
_WHO_HAS_KEY = PerDialect(
    lambda _: (
        select(_KEYS.id, _KEYS.last_used_at, _KEYS.scopes, _KEYS.user_id, _USERS.role)
        .join_from(ApiKeyRow.__table__, UserRow.__table__, _USERS.id == _KEYS.user_id)
        .where(
            _KEYS.secret_hash == bindparam("secret_hash"),
            or_(_KEYS.expires_at.is_(None), _KEYS.expires_at > bindparam("now")),
            _USERS.disabled_at.is_(None),
        )
    )
)


def who_has_session(tx: Tx, token: str, now: datetime) -> Known | None:
    """Whose live session this token opens, by one look-up in the unique index; disabled people have none."""
    asked = {"token_hash": hash_token(token), "now": now, "idle_since": now - SESSION_IDLE}
    row = _WHO_HAS_SESSION.run(tx, asked).one_or_none()
    if row is None:
        return None
    role = cast(Role, row.role)
    return Known(row.user_id, role, scopes_of_session(role), "session", row.id, row.last_used_at)


def who_has_key(tx: Tx, key: str, now: datetime) -> Known | None:
    """Whose live API key this is, by one look-up in the unique index; disabled people have none."""
    row = _WHO_HAS_KEY.run(tx, {"secret_hash": hash_token(key), "now": now}).one_or_none()
    if row is None:
        return None
    role = cast(Role, row.role)
    return Known(row.user_id, role, scopes_of_key(row.scopes, role), "api_key", row.id, row.last_used_at)


def is_still_in(tx: Tx, actor: Actor, now: datetime) -> bool:
    """Whether the actor's session or key still opens, with the same role; long-lived streams ask this again."""
    if actor.session_id is not None:
        question: Select[str] = (
            select(UserRow.role)
            .join(SessionRow, SessionRow.user_id == UserRow.id)
            .where(SessionRow.id == actor.session_id, *_session_lives(now))
        )
    else:
        question = (
            select(UserRow.role)
            .join(ApiKeyRow, ApiKeyRow.user_id == UserRow.id)
            .where(ApiKeyRow.id == actor.api_key_id, *_key_lives(now))
        )
    return tx.scalar(question) == actor.role


def password_of(tx: Tx, email: str) -> tuple[UUID, str] | None:
    """The id and password hash of whoever has this (normalised) address."""
    row = tx.execute(select(UserRow.id, UserRow.password_hash).where(UserRow.email == email)).one_or_none()
    # Whoever has an address has a password: the table sees to it.
    return None if row is None or row.password_hash is None else (row.id, row.password_hash)


def person(tx: Tx, user_id: UUID) -> UserRow:
    """The person's row; raises 404 `auth.user_not_found`."""
    user = tx.get(UserRow, user_id)
    if user is None:
        raise NotFound("auth.user_not_found", "There is no such person.")
    return user


def sessions_of(tx: Tx, actor: Actor, now: datetime) -> list[SessionView]:
    """The person's live sessions, the one used last first."""
    rows = tx.scalars(
        select(SessionRow)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(SessionRow.user_id == actor.user_id, *_session_lives(now))
        .order_by(SessionRow.last_used_at.desc(), SessionRow.id.desc())
    )
    return [
        SessionView(
            id=row.id,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            user_agent=row.user_agent,
            ip=row.ip,
            current=row.id == actor.session_id,
        )
        for row in rows
    ]


def api_keys_of(tx: Tx, actor: Actor) -> list[ApiKeyView]:
    """The person's keys, the newest first; those that expired are shown until they are deleted."""
    rows = tx.scalars(select(ApiKeyRow).where(ApiKeyRow.user_id == actor.user_id).order_by(ApiKeyRow.id.desc()))
    return [api_key_view(row) for row in rows]


def needs_first_admin(tx: Tx) -> bool:
    """Whether nobody is an admin yet (a disabled admin counts: the house is not up for taking)."""
    return tx.scalar(select(UserRow.id).where(UserRow.role == "admin").limit(1)) is None


def is_first_admin_token(tx: Tx, token: str) -> bool:
    """Whether this is the one-time token of the last start."""
    question = select(FirstAdminTokenRow.id).where(FirstAdminTokenRow.token_hash == hash_token(token))
    return tx.scalar(question) is not None


def read_choices(tx: Tx) -> Choices:
    """What the operator chose, defaults where nothing was; keys a newer release knows are passed over."""
    stored = {row.key: row.value for row in tx.execute(select(ChoiceRow.key, ChoiceRow.value))}
    return Choices.model_validate({key: value for key, value in stored.items() if key in Choices.model_fields})


def list_users(tx: Tx, *, q: str | None = None, cursor: str | None = None, limit: int = 50) -> Page[UserAdminView]:
    """People, the newest first, for admins; `q` is looked for in address, number and name."""
    question = select(UserRow).order_by(UserRow.id.desc()).limit(limit + 1)
    if q:
        question = question.where(
            or_(*(told.icontains(q, autoescape=True) for told in (UserRow.email, UserRow.phone, UserRow.name)))
        )
    if cursor is not None:
        question = question.where(UserRow.id < _uuid_of(cursor))
    rows = list(tx.scalars(question))
    following = encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
    return Page(items=[user_admin_view(row) for row in rows[:limit]], next=following)


def list_audit(tx: Tx, *, cursor: str | None = None, limit: int = 50) -> Page[AuditView]:
    """What admins did, the latest first, for admins."""
    question = (
        select(AuditRow, _known_as(), UserRow.name)
        .outerjoin(UserRow, UserRow.id == AuditRow.actor_id)
        .order_by(AuditRow.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        question = question.where(AuditRow.id < decode_cursor(cursor, int)[0])
    rows = list(tx.execute(question))
    following = encode_cursor(rows[limit - 1][0].id) if len(rows) > limit else None
    people = _people_among(tx, [row[0].target for row in rows[:limit]])
    return Page(items=[_audit_view(row, people) for row in rows[:limit]], next=following)


def _people_among(tx: Tx, targets: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Those of the targets that are people, each with what they are known by and called."""
    ids = {UUID(target.removeprefix("user:")) for target in targets if target.startswith("user:")}
    found = tx.execute(select(UserRow.id, _known_as(), UserRow.name).where(UserRow.id.in_(ids)))
    return {f"user:{user_id}": (known_as, name) for user_id, known_as, name in found}


def user_view(user: UserRow) -> UserView:
    """A person as they see themselves."""
    return UserView(
        id=user.id,
        email=user.email,
        phone=user.phone,
        has_password=user.password_hash is not None,
        name=user.name,
        role=cast(Role, user.role),
        locale=cast(Locale | None, user.locale),
        theme=cast(Theme | None, user.theme),
        created_at=user.created_at,
    )


def user_admin_view(user: UserRow) -> UserAdminView:
    """A person as an admin sees them."""
    return UserAdminView(
        id=user.id,
        email=user.email,
        phone=user.phone,
        name=user.name,
        role=cast(Role, user.role),
        disabled=user.disabled_at is not None,
        created_at=user.created_at,
        last_seen_at=user.last_seen_at,
    )


def api_key_view(row: ApiKeyRow) -> ApiKeyView:
    """A key as its owner sees it ever after."""
    return ApiKeyView(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _audit_view(row: Row[AuditRow, str, str], people: Mapping[str, tuple[str, str]]) -> AuditView:
    entry, actor_email, actor_name = row
    target_email, target_name = people.get(entry.target, (None, None))
    return AuditView(
        id=entry.id,
        actor_email=actor_email,
        actor_name=actor_name,
        action=entry.action,
        target=entry.target,
        target_email=target_email,
        target_name=target_name,
        before=entry.before,
        after=entry.after,
        ip=entry.ip,
        created_at=entry.created_at,
    )


def _session_lives(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        SessionRow.expires_at > now,
        SessionRow.last_used_at > now - SESSION_IDLE,
        UserRow.disabled_at.is_(None),
    )


def _key_lives(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now), UserRow.disabled_at.is_(None)


def _uuid_of(cursor: str) -> UUID:
    try:
        return UUID(decode_cursor(cursor, str)[0])
    except ValueError as error:
        raise Invalid("paging.bad_cursor", "This cursor was not issued by this list.", field="cursor") from error


def _known_as() -> ColumnElement[str]:
    """What an admin knows a person by: the e-mail address, else the number."""
    return func.coalesce(UserRow.email, UserRow.phone, type_=String())


def emails_of(tx: Tx, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The e-mail addresses of these people, or their numbers where they have none, for an admin's eyes."""
    found = tx.execute(select(UserRow.id, _known_as().label("email")).where(UserRow.id.in_(list(user_ids))))
    return {row.id: row.email for row in found}


def count_users(tx: Tx) -> int:
    """How many people there are."""
    return tx.scalar(select(func.count()).select_from(UserRow)) or 0
