"""Making admins and granting credits, for whoever owns the data folder."""

import sys
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from sqlalchemy import select

from vermilion.app import grant_by_admin
from vermilion.db import Tx
from vermilion.identity import (
    Email,
    PasswordHashing,
    UserRow,
    create_admin,
    create_api_key,
    normalised_email,
    refuse_weak_password,
)
from vermilion.settings import Settings
from vermilion.terminal.data import open_data
from vermilion.terminal.problem import EXIT_EXISTS, Problem
from vermilion.wiring import welcome

KEY_NAME: Final = "terminal"


def make_admin(
    settings: Settings,
    email: str,
    password: str | None,
    name: str | None,
    grant_credits: int,
    with_api_key: bool,
    quiet: bool,
) -> None:
    """Make an admin, with credits and an API key on request; the key is the last line of standard output.

    Raises `Problem` with exit code 3 when the address is taken, so that scripts can go on.
    """
    email = _email(email)
    secret = password if password is not None else _ask_password()
    refuse_weak_password(secret, email=email, field="password")
    password_hash = PasswordHashing().hash_now(secret)
    shown_name = name or email.partition("@")[0]

    def make(tx: Tx) -> str | None:
        if tx.scalar(select(UserRow.id).where(UserRow.email == email)) is not None:
            raise Problem(f"{email} has signed up already; nothing was changed.", exit_code=EXIT_EXISTS)
        now = datetime.now(UTC)
        user = create_admin(tx, email, name=shown_name, password_hash=password_hash, now=now, on_user_created=welcome)
        if grant_credits:
            grant_by_admin(tx, None, user.id, grant_credits, "granted at the terminal", now)
        if not with_api_key:
            return None
        _, key = create_api_key(tx, user.id, KEY_NAME, ["generate", "read", "admin"], expires_in_days=None, now=now)
        return key

    with open_data(settings, must_exist=False) as database:
        key = database.write_now(make)
    console = Console(highlight=False)
    if not quiet:
        console.print(f"{email} is an admin now." + (" Their key, shown this once:" if key else ""))
    if key is not None:
        sys.stdout.write(f"{key}\n")


def grant(settings: Settings, email: str, amount_credits: int, reason: str) -> None:
    """Give a person credits, or take some (a negative amount), audited like an admin's grant."""
    email = _email(email)

    def move(tx: Tx) -> int:
        user_id = tx.scalar(select(UserRow.id).where(UserRow.email == email))
        if user_id is None:
            raise Problem(f"Nobody signed up as {email}.")
        return grant_by_admin(tx, None, user_id, amount_credits, reason, datetime.now(UTC)).available

    with open_data(settings) as database:
        available = database.write_now(move)
    Console(highlight=False).print(f"{email} has {available} credits available.")


def _email(text: str) -> str:
    try:
        return normalised_email(TypeAdapter(Email).validate_python(text))
    except ValidationError as error:
        raise Problem(f"{text!r} is not an e-mail address.") from error


def _ask_password() -> str:
    import getpass

    if not sys.stdin.isatty():
        raise Problem("A password is needed: --password, or run this at a terminal to be asked.")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise Problem("The two were not the same.")
    return first
