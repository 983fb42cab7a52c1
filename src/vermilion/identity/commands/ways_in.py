"""Adding, changing and taking away the ways a person signs in: an e-mail address with a password, and a phone.

Each wants a session whose person proved who they are a moment ago (`require_confirmed`), ends the person's other
sessions, and is audited. The table itself keeps one way in, whatever happens at the same moment.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update

from vermilion.db import Tx
from vermilion.identity.actors import Actor
from vermilion.identity.commands.audit import audit
from vermilion.identity.commands.codes import Asked, use_code
from vermilion.identity.commands.people import refusing_taken, wrong_current_password
from vermilion.identity.commands.sessions import end_other_sessions
from vermilion.identity.commands.sms_settings import lock_sms_choice
from vermilion.identity.phones import masked_phone
from vermilion.identity.queries import user_view
from vermilion.identity.tables import SessionRow, UserRow
from vermilion.identity.views import UserView
from vermilion.kit import Conflict, Forbidden, Invalid

CONFIRMED_FOR: Final = timedelta(minutes=5)
"""How long a proof of who one is lasts: signing in is one."""


def confirm_by_password(tx: Tx, actor: Actor, hash_checked: str, now: datetime) -> None:
    """Note that the person gave their password, which was checked against `hash_checked` just now."""
    user = tx.scalars(select(UserRow).where(UserRow.id == actor.user_id).with_for_update()).one()
    if user.password_hash != hash_checked:
        raise wrong_current_password("password")
    _note_confirmed(tx, actor, now)


def confirm_by_code(tx: Tx, actor: Actor, asked: Asked, code_hash: str, now: datetime) -> None:
    """Note that the person holds the phone that is theirs; the code is used up."""
    use_code(tx, asked, code_hash, now)
    _note_confirmed(tx, actor, now)


def require_confirmed(tx: Tx, actor: Actor, now: datetime) -> None:
    """Raise 403 `auth.confirmation_required` unless the person proved who they are within `CONFIRMED_FOR`."""
    proved = func.coalesce(SessionRow.confirmed_at, SessionRow.created_at, type_=SessionRow.created_at.type)
    lately = select(SessionRow.id).where(SessionRow.id == actor.session_id, proved > now - CONFIRMED_FOR)
    if tx.scalar(lately) is None:
        raise Forbidden(
            "auth.confirmation_required",
            "Show first that it is you: with your password, or with a code to your phone.",
        )


def bind_phone(tx: Tx, actor: Actor, asked: Asked, code_hash: str, now: datetime) -> UserView:
    """Give the person the number a code was sent to, in place of any other. Raises 409 `auth.phone_taken`."""
    require_confirmed(tx, actor, now)
    use_code(tx, asked, code_hash, now)
    return _change(tx, actor, "user.bind_phone", {"phone": asked.phone}, now)


def unbind_phone(tx: Tx, actor: Actor, now: datetime) -> UserView:
    """Take the number away. Raises 409 `auth.last_way_in` where it is the only way to sign in."""
    require_confirmed(tx, actor, now)
    return _change(tx, actor, "user.unbind_phone", {"phone": None}, now)


def bind_email(tx: Tx, actor: Actor, email: str, *, password_hash: str | None, now: datetime) -> UserView:
    """Give the person this address, in place of any other, and the password they had none of yet.

    Raises 409 `auth.email_taken`, 422 `auth.password_needed` where there is none, `auth.password_exists` where there
    is one already.
    """
    require_confirmed(tx, actor, now)
    user = tx.scalars(select(UserRow).where(UserRow.id == actor.user_id).with_for_update()).one()
    require_password_fits(user, given=password_hash is not None)
    values = {"email": email} if password_hash is None else {"email": email, "password_hash": password_hash}
    return _change(tx, actor, "user.bind_email", values, now)


def unbind_email(tx: Tx, actor: Actor, now: datetime) -> UserView:
    """Take the address away; the password stays, to confirm things with.

    Raises 409 `auth.last_way_in` where no phone is left that this studio sends codes to.
    """
    require_confirmed(tx, actor, now)
    user = tx.scalars(select(UserRow).where(UserRow.id == actor.user_id).with_for_update()).one()
    # Held until commit, so that codes are not switched off at the same moment.
    if user.phone is None or not lock_sms_choice(tx).reaches(user.phone):
        raise _last_way_in()
    return _change(tx, actor, "user.unbind_email", {"email": None}, now)


def require_password_fits(user: UserRow, *, given: bool) -> None:
    """Raise 422 unless a new password was given exactly where the person has none."""
    if user.password_hash is None and not given:
        raise Invalid(
            "auth.password_needed", "Signing in by e-mail needs a password. Choose one.", field="new_password"
        )
    if user.password_hash is not None and given:
        raise Invalid("auth.password_exists", "There is a password already. Change it by itself.", field="new_password")


def _change(tx: Tx, actor: Actor, action: str, values: dict[str, Any], now: datetime) -> UserView:
    user = tx.scalars(select(UserRow).where(UserRow.id == actor.user_id).with_for_update()).one()
    before = _shown(user)
    left = {"email": user.email, "phone": user.phone} | values
    if left["email"] is None and left["phone"] is None:
        raise _last_way_in()
    with refusing_taken(tx, email=values.get("email"), phone=values.get("phone")):
        tx.execute(update(UserRow).where(UserRow.id == actor.user_id).values(**values))
    after = tx.get_one(UserRow, actor.user_id, populate_existing=True)
    changed = {name: shown for name, shown in _shown(after).items() if shown != before[name]}
    if changed:
        end_other_sessions(tx, actor)
        audit(tx, actor, action, f"user:{actor.user_id}", {name: before[name] for name in changed}, changed, now)
    return user_view(after)


def _last_way_in() -> Conflict:
    return Conflict("auth.last_way_in", "This is your only way to sign in. Add another one first.")


def _shown(user: UserRow) -> dict[str, str | None]:
    """The ways in as the audit tells them: an admin needs to recognise a number, not to call it."""
    return {"email": user.email, "phone": masked_phone(user.phone) if user.phone else None}


def _note_confirmed(tx: Tx, actor: Actor, now: datetime) -> None:
    tx.execute(update(SessionRow).where(SessionRow.id == actor.session_id).values(confirmed_at=now))
