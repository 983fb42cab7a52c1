"""What the database itself refuses, tried with plain SQL past every command."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from vermilion import ledger
from vermilion.db import Base, Database, Tx
from vermilion.kit import new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


@pytest.fixture
def user(db: Database) -> UUID:
    """Somebody with 100 credits, 10 of them held."""
    user_id = uuid4()
    db.write_now(ledger.open_account, user_id, NOW)
    db.write_now(ledger.grant, user_id, 100, reason="welcome", actor_id=None, key="welcome", now=NOW)
    db.write_now(ledger.hold, user_id, 10, hold_id=user_id, generation_id=user_id, now=NOW)
    return user_id


ACCOUNT_CHANGES = [
    {"available": -1, "granted": 9},
    {"held": -1, "granted": 89},
    {"spent": -1, "available": 91},
    {"expired": -1, "available": 91},
    {"granted": 101},
    {"available": 91},
    {"available": 10**12 + 1, "granted": 10**12 + 11},
    {"granted": None},
    {"entry_count": -1},
]


@pytest.mark.parametrize("change", ACCOUNT_CHANGES)
def test_an_account_that_does_not_add_up_is_refused(db: Database, user: UUID, change: dict[str, Any]) -> None:
    account = _table("account")
    with pytest.raises(DBAPIError):
        db.write_now(lambda tx: tx.execute(update(account).where(account.c.user_id == user).values(change)))
    assert db.read_now(ledger.fsck) == []


@pytest.mark.parametrize("value", ["0.5", "'many'", "x'00'", "1e30"])
def test_only_whole_numbers_are_stored(db: Database, user: UUID, value: str) -> None:
    statement = f"update account set available = available + 0, spent = {value}, granted = 100 + {value}"
    if db.dialect == "postgresql":
        # PostgreSQL rounds a fraction to the column's type; the counters then no longer add up.
        statement = f"update account set spent = {value}"
    with pytest.raises(DBAPIError):
        db.write_now(lambda tx: tx.execute(text(statement)))
    assert db.read_now(ledger.fsck) == []


def _entry(user: UUID, **changes: Any) -> dict[str, Any]:
    """A sound entry: a grant of 5 to the account of `user`."""
    entry = {
        "id": new_id(),
        "user_id": user,
        "number": 3,
        "kind": "grant",
        "amount_credits": 5,
        "granted_delta": 5,
        "available_delta": 5,
        "held_delta": 0,
        "spent_delta": 0,
        "expired_delta": 0,
        "available_after": 95,
        "held_after": 10,
        "created_at": NOW,
    }
    return entry | changes


def _insert(db: Database, entry: Mapping[str, Any], *, account: Mapping[str, Any] | None = None) -> None:
    """Move the account as its own entry would, then write the entry."""
    table = _table("account")
    deltas = {name: entry[f"{name}_delta"] for name in ("granted", "available", "held", "spent", "expired")}
    values = {name: table.c[name] + delta for name, delta in deltas.items()} if account is None else account

    def run(tx: Tx) -> None:
        tx.execute(
            update(table)
            .where(table.c.user_id == entry["user_id"])
            .values(**values, entry_count=table.c.entry_count + 1)
        )
        tx.execute(insert(_table("entry")).values(entry))

    db.write_now(run)


def _settle(user: UUID, **changes: Any) -> dict[str, Any]:
    """A sound end of the hold of `user`: 4 spent, 6 returned."""
    return (
        _entry(
            user,
            kind="settle",
            amount_credits=4,
            granted_delta=0,
            available_delta=6,
            held_delta=-10,
            spent_delta=4,
            available_after=96,
            held_after=0,
            hold_id=user,
            generation_id=user,
        )
        | changes
    )


def _release(user: UUID, **changes: Any) -> dict[str, Any]:
    return (
        _settle(user, kind="release", amount_credits=10, available_delta=10, spent_delta=0, available_after=100)
        | changes
    )


def _hold(user: UUID, **changes: Any) -> dict[str, Any]:
    hold_id = uuid4()
    deltas = {"granted_delta": 0, "available_delta": -5, "held_delta": 5, "available_after": 85, "held_after": 15}
    return _entry(user, kind="hold", hold_id=hold_id, generation_id=hold_id, **deltas) | changes


@pytest.mark.parametrize("make", [_entry, _hold, _settle, _release])
def test_the_sound_entries_that_the_bad_ones_below_differ_from_are_accepted(
    db: Database, user: UUID, make: Any
) -> None:
    _insert(db, make(user))
    assert db.read_now(ledger.fsck) == []


BAD_ENTRIES: list[tuple[Any, dict[str, Any]]] = [
    (_entry, {"kind": "gift"}),
    (_entry, {"amount_credits": 0, "granted_delta": 0, "available_delta": 0, "available_after": 90}),
    (_entry, {"amount_credits": -5, "granted_delta": -5, "available_delta": -5, "available_after": 85}),
    (_entry, {"amount_credits": 10**9 + 1, "granted_delta": 10**9 + 1, "available_delta": 10**9 + 1}),
    (_entry, {"amount_credits": 6}),
    (_entry, {"granted_delta": 4, "available_delta": 4, "available_after": 94}),
    (_entry, {"available_delta": 0, "held_delta": 5, "available_after": 90, "held_after": 15}),
    (_entry, {"kind": "take"}),
    (_entry, {"kind": "hold"}),
    (_entry, {"kind": "expire"}),
    (_entry, {"kind": "settle"}),
    (_entry, {"kind": "release"}),
    (_entry, {"number": 2}),
    (_entry, {"number": 4}),
    (_entry, {"available_after": 96}),
    (_entry, {"held_after": 9}),
    (_entry, {"hold_id": uuid4()}),
    (_entry, {"generation_id": uuid4()}),
    (_entry, {"hold_id": uuid4(), "generation_id": uuid4()}),
    (_entry, {"key": ""}),
    (_entry, {"key": "k" * 201}),
    (_entry, {"key": "welcome"}),
    (_entry, {"reason": "r" * 201}),
    (_entry, {"created_at": None}),
    (_hold, {"hold_id": None}),
    (_hold, {"generation_id": None}),
    (_hold, {"hold_id": None, "generation_id": None}),
    (_hold, {"key": "a key"}),
    (_hold, {"amount_credits": 4}),
    (_settle, {"spent_delta": 5}),
    (_settle, {"amount_credits": 5}),
    (_settle, {"amount_credits": 12, "spent_delta": 12, "available_delta": -2, "available_after": 88}),
    # Only part of the hold returned, the rest still held.
    (_settle, {"held_delta": -9, "available_delta": 5, "available_after": 95, "held_after": 1}),
    (_settle, {"hold_id": uuid4()}),
    (_settle, {"generation_id": uuid4()}),
    (_release, {"amount_credits": 9}),
    (_release, {"amount_credits": 9, "held_delta": -9, "available_delta": 9, "available_after": 99, "held_after": 1}),
    (_release, {"hold_id": uuid4()}),
]


@pytest.mark.parametrize(("make", "changes"), BAD_ENTRIES)
def test_an_entry_that_contradicts_its_kind_its_account_or_its_hold_is_refused(
    db: Database, user: UUID, make: Any, changes: dict[str, Any]
) -> None:
    with pytest.raises(DBAPIError):
        _insert(db, make(user, **changes))
    assert db.read_now(ledger.fsck) == []


def test_an_entry_without_movement_is_refused(db: Database, user: UUID) -> None:
    with pytest.raises(DBAPIError):
        _insert(db, _entry(user), account={})
    assert db.read_now(ledger.fsck) == []


def test_a_second_hold_or_end_of_the_same_id_is_refused(db: Database, user: UUID) -> None:
    with pytest.raises(DBAPIError):
        _insert(db, _hold(user, hold_id=user, generation_id=user))
    db.write_now(ledger.settle, user, 10, now=NOW)
    db.write_now(ledger.hold, user, 10, hold_id=uuid4(), generation_id=uuid4(), now=NOW)
    for second in (_settle, _release):
        with pytest.raises(DBAPIError):
            _insert(db, second(user, number=5))
    assert db.read_now(ledger.fsck) == []


def test_nobody_ends_the_hold_of_another(db: Database, user: UUID) -> None:
    other = uuid4()
    db.write_now(ledger.open_account, other, NOW)
    db.write_now(ledger.grant, other, 100, reason="", actor_id=None, key=None, now=NOW)
    db.write_now(ledger.hold, other, 10, hold_id=other, generation_id=other, now=NOW)
    with pytest.raises(DBAPIError):
        _insert(db, _settle(other, hold_id=user, generation_id=user))
    assert db.read_now(ledger.fsck) == []


def test_an_entry_without_an_account_is_refused(db: Database) -> None:
    with pytest.raises(DBAPIError):
        db.write_now(lambda tx: tx.execute(insert(_table("entry")).values(_entry(uuid4()))))


def test_entries_never_change(db: Database, user: UUID) -> None:
    entry = _table("entry")
    statements = [
        update(entry).values(reason="another"),
        update(entry).where(entry.c.user_id == user).values(amount_credits=entry.c.amount_credits),
        delete(entry),
        delete(entry).where(entry.c.kind == "hold"),
    ]
    if db.dialect == "postgresql":
        statements.append(text("truncate entry cascade"))  # type: ignore[arg-type]
    for statement in statements:
        with pytest.raises(DBAPIError):
            db.write_now(lambda tx, statement=statement: tx.execute(statement))
    assert db.read_now(ledger.fsck) == []
    assert len(db.read_now(ledger.statement, user).items) == 2


@pytest.mark.parametrize("same", ["id", "number", "key", "hold_id"])
def test_an_entry_is_not_replaced_either(db: Database, user: UUID, same: str) -> None:
    if db.dialect != "sqlite":
        pytest.skip("only SQLite has `insert or replace`")
    granted, held = reversed(db.read_now(ledger.statement, user).items)
    changes: dict[str, Any] = {
        "id": {"id": granted.id},
        "number": {"number": 2, "kind": "grant"},
        "key": {"key": "welcome"},
        "hold_id": {},
    }[same]
    row = _hold(user, hold_id=user, generation_id=user) if same == "hold_id" else _entry(user, **changes)

    def replace(tx: Tx) -> None:
        account = _table("account")
        tx.execute(
            update(account).values(
                granted=account.c.granted + row["granted_delta"],
                available=account.c.available + row["available_delta"],
                held=account.c.held + row["held_delta"],
                entry_count=row["number"],
            )
        )
        tx.execute(insert(_table("entry")).prefix_with("or replace").values(row))

    with pytest.raises(DBAPIError):
        db.write_now(replace)
    assert [line.id for line in db.read_now(ledger.statement, user).items] == [held.id, granted.id]


def test_an_account_with_history_is_not_deleted(db: Database, user: UUID) -> None:
    account = _table("account")
    with pytest.raises(DBAPIError):
        db.write_now(lambda tx: tx.execute(delete(account).where(account.c.user_id == user)))


def _refusal(db: Database, make: Any, user: UUID, changes: dict[str, Any]) -> str:
    with pytest.raises(DBAPIError) as caught:
        _insert(db, make(user, **changes))
    return str(caught.value.orig)


IMPLIED = {
    # Amounts are bounded and tied to the deltas, so these speak only if that tie is ever loosened.
    "ck_entry_granted_delta_bounded",
    "ck_entry_available_delta_bounded",
    "ck_entry_held_delta_bounded",
    "ck_entry_spent_delta_bounded",
    "ck_entry_expired_delta_bounded",
    # The account beside the entry refuses the same first.
    "ck_entry_available_after_bounded",
    "ck_entry_held_after_bounded",
    "ck_entry_number_bounded",
}


def test_every_guard_of_an_entry_has_been_seen_to_refuse(db: Database, user: UUID) -> None:
    heard = " ".join(_refusal(db, make, user, changes) for make, changes in BAD_ENTRIES)
    # These two contradict only themselves: the account beside them has been bent to agree.
    one_credit_lost = _settle(user, available_delta=5)
    negative_spending = _settle(user, amount_credits=-1, spent_delta=-1, available_delta=11, available_after=101)
    for bad, account in (
        (one_credit_lost, {"available": 96, "held": 0, "spent": 4}),
        (negative_spending, {"available": 101, "held": 0, "granted": 101}),
    ):
        with pytest.raises(DBAPIError) as caught:
            _insert(db, bad, account=account)
        heard += str(caught.value.orig)
    # PostgreSQL's column type says it before the check does.
    heard = heard.replace("value too long for type character varying(200)", "ck_entry_reason_bounded")
    checks = {str(check.name) for check in _table("entry").constraints if str(check.name).startswith("ck_")}
    assert {name for name in checks if name not in heard} <= IMPLIED
    for sentence in ("an entry must agree with its account", "an end must give back what its hold took"):
        assert sentence in heard
