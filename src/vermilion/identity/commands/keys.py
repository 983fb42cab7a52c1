"""Making and deleting API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update

from vermilion.db import Tx
from vermilion.identity.actors import API_KEYS_PER_USER_MAX, SEEN_EVERY, Actor
from vermilion.identity.tables import ApiKeyRow, UserRow
from vermilion.identity.tokens import hash_token, new_api_key, shown_prefix
from vermilion.identity.views import Scope
from vermilion.kit import Conflict, Forbidden, NotFound, new_id


def create_api_key(
    tx: Tx, user_id: UUID, name: str, scopes: Sequence[Scope], *, expires_in_days: int | None, now: datetime
) -> tuple[ApiKeyRow, str]:
    """Make a key for a person; the second part of the answer is the key itself, which nobody can ask for again.

    Raises 403 `auth.admin_scope_refused` for scope `admin` on a person who is none, 409
    `auth.too_many_api_keys` beyond `API_KEYS_PER_USER_MAX`.
    """
    # The lock makes the count below true until commit.
    user = tx.scalars(select(UserRow).where(UserRow.id == user_id).with_for_update()).one()
    if "admin" in scopes and user.role != "admin":
        raise Forbidden("auth.admin_scope_refused", "Only an admin's key can have the scope admin.")
    held = tx.scalar(select(func.count()).select_from(ApiKeyRow).where(ApiKeyRow.user_id == user_id)) or 0
    if held >= API_KEYS_PER_USER_MAX:
        raise Conflict(
            "auth.too_many_api_keys",
            f"A person can have {API_KEYS_PER_USER_MAX} API keys. Delete one that is no longer used.",
            extras={"limit": API_KEYS_PER_USER_MAX},
        )
    key_id, key = new_id(), new_api_key()
    tx.execute(
        insert(ApiKeyRow).values(
            id=key_id,
            user_id=user_id,
            name=name,
            prefix=shown_prefix(key),
            secret_hash=hash_token(key),
            scopes=list(dict.fromkeys(scopes)),
            created_at=now,
            expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
        )
    )
    return tx.get_one(ApiKeyRow, key_id), key


def delete_api_key(tx: Tx, actor: Actor, key_id: UUID) -> None:
    """Delete one of the person's own keys; anybody else's looks absent."""
    deleted = tx.execute(
        delete(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.user_id == actor.user_id).returning(ApiKeyRow.id)
    ).one_or_none()
    if deleted is None:
        raise NotFound("auth.api_key_not_found", "There is no such API key.")


def note_key_used(tx: Tx, key_id: UUID, user_id: UUID, now: datetime) -> None:
    """Write down that the key was used now, unless that was done within the last minute."""
    stale = now - SEEN_EVERY
    tx.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.id == key_id, or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at <= stale))
        .values(last_used_at=now)
    )
    tx.execute(
        update(UserRow)
        .where(UserRow.id == user_id, or_(UserRow.last_seen_at.is_(None), UserRow.last_seen_at <= stale))
        .values(last_seen_at=now)
    )
