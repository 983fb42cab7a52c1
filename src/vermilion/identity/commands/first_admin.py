"""The first admin: made by a one-time link or by the terminal; there is no default password."""

from datetime import datetime

from sqlalchemy import delete, insert

from vermilion.db import Tx
from vermilion.identity.commands.audit import audit
from vermilion.identity.commands.people import OnUserCreated, make_user
from vermilion.identity.queries import is_first_admin_token, needs_first_admin
from vermilion.identity.tables import FirstAdminTokenRow, UserRow
from vermilion.identity.tokens import hash_token, new_token
from vermilion.kit import Forbidden


def make_first_admin_link(tx: Tx, now: datetime) -> str | None:
    """A new one-time token for `/first-admin#token=…`, in place of any earlier one; None when an admin exists."""
    tx.execute(delete(FirstAdminTokenRow))
    if not needs_first_admin(tx):
        return None
    token = new_token()
    tx.execute(insert(FirstAdminTokenRow).values(id=1, token_hash=hash_token(token), created_at=now))
    return token


def refuse_wrong_first_admin_token(tx: Tx, token: str) -> None:
    """Raise 403 `auth.first_admin_refused` unless the token is the current one and no admin exists."""
    if not (needs_first_admin(tx) and is_first_admin_token(tx, token)):
        raise _refused()


def claim_first_admin(
    tx: Tx,
    token: str,
    *,
    email: str,
    name: str,
    password_hash: str,
    now: datetime,
    on_user_created: OnUserCreated,
) -> UserRow:
    """Make the first admin and use up the token; of two claims at once, one wins."""
    used = tx.execute(
        delete(FirstAdminTokenRow)
        .where(FirstAdminTokenRow.token_hash == hash_token(token))
        .returning(FirstAdminTokenRow.id)
    ).one_or_none()
    if used is None or not needs_first_admin(tx):
        raise _refused()
    user = make_user(
        tx, email, name=name, password_hash=password_hash, role="admin", now=now, on_user_created=on_user_created
    )
    audit(tx, None, "user.first_admin", f"user:{user.id}", None, {"email": email, "role": "admin"}, now)
    return user


def create_admin(
    tx: Tx, email: str, *, name: str, password_hash: str, now: datetime, on_user_created: OnUserCreated
) -> UserRow:
    """Make an admin from the terminal, whose user owns the database anyway; an open one-time link dies."""
    tx.execute(delete(FirstAdminTokenRow))
    user = make_user(
        tx, email, name=name, password_hash=password_hash, role="admin", now=now, on_user_created=on_user_created
    )
    audit(tx, None, "user.create_admin", f"user:{user.id}", None, {"email": email, "role": "admin"}, now)
    return user


def _refused() -> Forbidden:
    return Forbidden(
        "auth.first_admin_refused",
        "This link was used or replaced. If the studio has an admin, sign in; if not, use the link that the server "
        "printed at its last start.",
    )
