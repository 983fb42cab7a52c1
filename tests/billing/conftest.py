"""People with accounts, and what codes are sealed and hashed with."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from vermilion import ledger
from vermilion.db import Database, Tx
from vermilion.identity.tables import UserRow
from vermilion.kit import new_id
from vermilion.kit.sealed import Sealer

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
CODE_KEY = b"a key for tests, not secret at all"


@pytest.fixture
def sealer() -> Sealer:
    """A sealer with a key of its own."""
    return Sealer({"k1": bytes(range(32))}, "k1")


@pytest.fixture
def new_person(db: Database) -> Callable[[], UUID]:
    """Makes somebody with an empty account."""

    def make() -> UUID:
        user_id = new_id()
        db.write_now(sign_up, user_id)
        return user_id

    return make


@pytest.fixture
def person(new_person: Callable[[], UUID]) -> UUID:
    """Somebody."""
    return new_person()


def sign_up(tx: Tx, user_id: UUID) -> None:
    """Somebody with an empty account."""
    tx.add(
        UserRow(
            id=user_id,
            email=f"{user_id.hex}@example.test",
            name="Somebody",
            password_hash="not a hash",
            role="user",
            created_at=NOW,
        )
    )
    tx.flush()
    ledger.open_account(tx, user_id, NOW)
