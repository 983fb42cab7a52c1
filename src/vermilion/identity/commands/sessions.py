"""Opening, using and ending sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update

from vermilion.db import Tx
from vermilion.identity.actors import (
    SEEN_EVERY,
    SESSION_ABSOLUTE,
    SESSION_IDLE,
    SESSIONS_PER_USER_MAX,
    Actor,
)
from vermilion.identity.commands.codes import Asked, use_code
from vermilion.identity.tables import SessionRow, UserRow
from vermilion.identity.tokens import hash_token, new_token
from vermilion.kit import AppError, Forbidden, NotFound, new_id

USER_AGENT_CHARS_MAX = 300


def sign_in(tx: Tx, user_id: UUID, hash_checked: str, hash_renewed: str | None, now: datetime) -> None:
    """Let in a person whose password was just checked against `hash_checked`; `open_session` follows.

    `hash_renewed` replaces the stored hash (its parameters were old). Refuses when the password changed
    meanwhile (as wrong credentials) and when the person is disabled.
    """
    user = tx.execute(
        update(UserRow)
        .where(UserRow.id == user_id, UserRow.password_hash == hash_checked)
        .values(password_hash=hash_renewed or hash_checked, last_seen_at=now)
        .returning(UserRow.disabled_at)
    ).one_or_none()
    if user is None:
        raise wrong_credentials()
    _refuse_disabled(user.disabled_at)


def sign_in_by_phone(tx: Tx, asked: Asked, code_hash: str, now: datetime) -> UUID:
    """Let in whoever has the number a code was sent to, and use the code up; `open_session` follows.

    Raises 422 `auth.wrong_code`, 403 `auth.account_disabled`, and 404 `auth.phone_unknown`: who holds the phone may
    know that nobody signed up with it.
    """
    use_code(tx, asked, code_hash, now)
    user = tx.execute(
        update(UserRow)
        .where(UserRow.phone == asked.phone)
        .values(last_seen_at=now)
        .returning(UserRow.id, UserRow.disabled_at)
    ).one_or_none()
    if user is None:
        raise NotFound("auth.phone_unknown", "Nobody signed up with this number yet. Sign up with it.", field="phone")
    _refuse_disabled(user.disabled_at)
    user_id: UUID = user.id
    return user_id


def _refuse_disabled(disabled_at: datetime | None) -> None:
    if disabled_at is not None:
        raise Forbidden("auth.account_disabled", "This account is disabled. Ask the operator of this studio.")


def wrong_credentials() -> AppError:
    """The one answer to a wrong password and to an unknown address."""
    return AppError("auth.wrong_credentials", "The e-mail address or the password is not right.", status=401)


def open_session(
    tx: Tx, user_id: UUID, *, replaces_token: str | None, user_agent: str | None, ip: str | None, now: datetime
) -> str:
    """Open a session and return its token, always a new one; `replaces_token` is the browser's former session.

    The person's sessions that are over are deleted on the way, and the oldest beyond `SESSIONS_PER_USER_MAX`.
    """
    if replaces_token is not None:
        tx.execute(delete(SessionRow).where(SessionRow.token_hash == hash_token(replaces_token)))
    tx.execute(
        delete(SessionRow).where(
            SessionRow.user_id == user_id,
            or_(SessionRow.expires_at <= now, SessionRow.last_used_at <= now - SESSION_IDLE),
        )
    )
    surplus = (
        select(SessionRow.id)
        .where(SessionRow.user_id == user_id)
        .order_by(SessionRow.last_used_at.desc(), SessionRow.id.desc())
        .offset(SESSIONS_PER_USER_MAX - 1)
    )
    tx.execute(delete(SessionRow).where(SessionRow.id.in_(tx.scalars(surplus).all())))
    token = new_token()
    tx.execute(
        insert(SessionRow).values(
            id=new_id(),
            user_id=user_id,
            token_hash=hash_token(token),
            created_at=now,
            last_used_at=now,
            expires_at=now + SESSION_ABSOLUTE,
            user_agent=user_agent[:USER_AGENT_CHARS_MAX] if user_agent else None,
            ip=ip,
        )
    )
    return token


def note_session_used(tx: Tx, session_id: UUID, user_id: UUID, now: datetime) -> None:
    """Write down that the session was used now, unless that was done within the last minute."""
    stale = now - SEEN_EVERY
    tx.execute(
        update(SessionRow).where(SessionRow.id == session_id, SessionRow.last_used_at <= stale).values(last_used_at=now)
    )
    tx.execute(
        update(UserRow)
        .where(UserRow.id == user_id, or_(UserRow.last_seen_at.is_(None), UserRow.last_seen_at <= stale))
        .values(last_seen_at=now)
    )


def end_session(tx: Tx, actor: Actor, session_id: UUID) -> None:
    """End one of the person's own sessions; anybody else's looks absent."""
    ended = tx.execute(
        delete(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.user_id == actor.user_id)
        .returning(SessionRow.id)
    ).one_or_none()
    if ended is None:
        raise NotFound("auth.session_not_found", "There is no such session.")


def end_session_of_token(tx: Tx, token: str) -> None:
    """End the session this cookie opens, if there is one."""
    tx.execute(delete(SessionRow).where(SessionRow.token_hash == hash_token(token)))


def end_other_sessions(tx: Tx, actor: Actor) -> None:
    """End all of the person's sessions but the one they are asking from."""
    others = delete(SessionRow).where(SessionRow.user_id == actor.user_id)
    if actor.session_id is not None:
        others = others.where(SessionRow.id != actor.session_id)
    tx.execute(others)


def delete_ended_sessions(tx: Tx, now: datetime) -> int:
    """Delete every session that is over, and say how many: housekeeping, since ended sessions open nothing."""
    ended = tx.execute(
        delete(SessionRow)
        .where(or_(SessionRow.expires_at <= now, SessionRow.last_used_at <= now - SESSION_IDLE))
        .returning(SessionRow.id)
    )
    return len(ended.all())
