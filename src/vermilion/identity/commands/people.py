"""What changes a person: signing up, their profile, their password, and what an admin decides about them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from vermilion.db import Tx
from vermilion.identity.actors import Actor
from vermilion.identity.commands.audit import audit
from vermilion.identity.commands.codes import Asked, use_code
from vermilion.identity.commands.sessions import end_other_sessions
from vermilion.identity.queries import read_choices, user_admin_view, user_view
from vermilion.identity.tables import ApiKeyRow, SessionRow, UserRow
from vermilion.identity.views import ProfilePatch, Role, UserAdminView, UserPatch, UserView
from vermilion.kit import Conflict, Forbidden, Invalid, NotFound, new_id

OnUserCreated = Callable[[Tx, UserRow, datetime], None]
"""Called in the transaction that makes a person: the house opens their account there."""


def sign_up(
    tx: Tx, email: str, *, name: str, password_hash: str, now: datetime, on_user_created: OnUserCreated
) -> UserRow:
    """Make a person who came by themselves; refuses when the operator closed the door or the address is taken."""
    refuse_closed_door(tx)
    return make_user(
        tx, email, name=name, password_hash=password_hash, role="user", now=now, on_user_created=on_user_created
    )


def sign_up_by_phone(
    tx: Tx,
    asked: Asked,
    code_hash: str,
    *,
    name: str,
    password_hash: str | None,
    now: datetime,
    on_user_created: OnUserCreated,
) -> UserRow:
    """Make a person who has the number a code was sent to, and use the code up.

    Raises 422 `auth.wrong_code`, 403 `auth.sign_up_closed`, 409 `auth.phone_taken`.
    """
    use_code(tx, asked, code_hash, now)
    refuse_closed_door(tx)
    return _insert_user(
        tx,
        {"phone": asked.phone, "name": name, "password_hash": password_hash, "role": "user"},
        now=now,
        on_user_created=on_user_created,
    )


def refuse_closed_door(tx: Tx) -> None:
    """Raise 403 `auth.sign_up_closed` unless the operator lets people sign up."""
    if not read_choices(tx).sign_up_open:
        raise Forbidden("auth.sign_up_closed", "This studio does not take new people at the moment. Ask its operator.")


def make_user(
    tx: Tx, email: str, *, name: str, password_hash: str, role: Role, now: datetime, on_user_created: OnUserCreated
) -> UserRow:
    """Insert a person and what the house ties to them; raises 409 `auth.email_taken`.

    `email` must already be normalised (`normalised_email`).
    """
    return _insert_user(
        tx,
        {"email": email, "name": name, "password_hash": password_hash, "role": role},
        now=now,
        on_user_created=on_user_created,
    )


def _insert_user(tx: Tx, values: dict[str, Any], *, now: datetime, on_user_created: OnUserCreated) -> UserRow:
    user_id = new_id()
    with refusing_taken(tx, email=values.get("email"), phone=values.get("phone")):
        tx.execute(insert(UserRow).values(id=user_id, created_at=now, **values))
    user = tx.get_one(UserRow, user_id)
    on_user_created(tx, user, now)
    return user


@contextmanager
def refusing_taken(tx: Tx, *, email: str | None = None, phone: str | None = None) -> Iterator[None]:
    """Within it a person gets an address or a number; 409 `auth.email_taken` or `auth.phone_taken` where it is
    somebody's already, and the transaction can go on."""
    try:
        with tx.begin_nested():
            yield
    except IntegrityError as error:
        if email is not None and tx.scalar(select(UserRow.id).where(UserRow.email == email)) is not None:
            raise Conflict(
                "auth.email_taken", "Somebody already signed up with this e-mail address.", field="email"
            ) from error
        if phone is not None and tx.scalar(select(UserRow.id).where(UserRow.phone == phone)) is not None:
            raise Conflict("auth.phone_taken", "Somebody already has this phone number.", field="phone") from error
        raise


def change_profile(tx: Tx, actor: Actor, patch: ProfilePatch) -> UserView:
    """Change what the person says about themselves; only the fields that were sent."""
    changes = patch.model_dump(exclude_unset=True)
    if changes:
        tx.execute(update(UserRow).where(UserRow.id == actor.user_id).values(**changes))
    return user_view(tx.get_one(UserRow, actor.user_id))


def change_password(tx: Tx, actor: Actor, hash_before: str, hash_after: str) -> None:
    """Set the new password and end every other session.

    `hash_before` is the hash the current password was checked against: when it is no longer the stored one,
    somebody else changed the password meanwhile, and this change is refused.
    """
    changed = tx.execute(
        update(UserRow)
        .where(UserRow.id == actor.user_id, UserRow.password_hash == hash_before)
        .values(password_hash=hash_after)
        .returning(UserRow.id)
    ).one_or_none()
    if changed is None:
        raise wrong_current_password()
    end_other_sessions(tx, actor)


def wrong_current_password(field: str = "current_password") -> Invalid:
    """The answer where somebody who is signed in had to give their password and it is not right."""
    return Invalid("auth.wrong_credentials", "The current password is not right.", field=field)


def change_user(tx: Tx, actor: Actor, user_id: UUID, patch: UserPatch, now: datetime) -> UserAdminView:
    """Change a person's role or name, disable or enable them; audited.

    Disabling ends every session and deletes every key of theirs in the same transaction. Raises 409
    `auth.last_admin` when the house would be left without an admin who can sign in.
    """
    admins = _lock_admins(tx)
    user = tx.scalars(select(UserRow).where(UserRow.id == user_id).with_for_update()).one_or_none()
    if user is None:
        raise NotFound("auth.user_not_found", "There is no such person.")
    before: dict[str, Any] = {"name": user.name, "role": user.role, "disabled": user.disabled_at is not None}
    after = before | patch.model_dump(exclude_unset=True)
    if admins == {user_id} and (after["role"] != "admin" or after["disabled"]):
        raise Conflict("auth.last_admin", "This is the last admin who can sign in. Make somebody else an admin first.")
    if after == before:
        return user_admin_view(user)
    disabled_at = (user.disabled_at or now) if after["disabled"] else None
    tx.execute(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(name=after["name"], role=after["role"], disabled_at=disabled_at)
    )
    if after["disabled"] and not before["disabled"]:
        tx.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
        tx.execute(delete(ApiKeyRow).where(ApiKeyRow.user_id == user_id))
    changed = [key for key in before if before[key] != after[key]]
    audit(
        tx,
        actor,
        "user.change",
        f"user:{user_id}",
        {key: before[key] for key in changed},
        {key: after[key] for key in changed},
        now,
    )
    return user_admin_view(tx.get_one(UserRow, user_id, populate_existing=True))


def _lock_admins(tx: Tx) -> set[UUID]:
    """The admins who can sign in, held until commit: two admins cannot demote each other at the same moment."""
    enabled = select(UserRow.id).where(UserRow.role == "admin", UserRow.disabled_at.is_(None)).order_by(UserRow.id)
    return set(tx.scalars(enabled.with_for_update()))
