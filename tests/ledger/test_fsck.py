"""The audit finds what got around the tables: each corruption is planted with every guard taken down."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from vermilion import ledger
from vermilion.db import Base, Database, sqlite_path
from vermilion.kit import new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def users(db: Database) -> tuple[UUID, UUID]:
    """Two people with a grant, a settled hold, a released hold and an open hold each."""
    pair = (uuid4(), uuid4())
    for user in pair:
        db.write_now(ledger.open_account, user, NOW)
        db.write_now(ledger.grant, user, 100, reason="welcome", actor_id=None, key="welcome", now=NOW)
        holds = [new_id() for _ in range(3)]
        for hold_id in holds:
            db.write_now(ledger.hold, user, 10, hold_id=hold_id, generation_id=hold_id, now=NOW)
        db.write_now(ledger.settle, holds[0], 4, now=NOW)
        db.write_now(ledger.release, holds[1], reason="failed", now=NOW)
        db.write_now(ledger.take, user, 1, reason="mistake", actor_id=None, key=None, now=NOW)
        db.write_now(ledger.expire, user, 2, reason="old", key=None, now=NOW)
    assert db.read_now(ledger.fsck) == []
    return pair


@pytest.fixture
def unguarded(database_url: str) -> Callable[..., None]:
    """Runs SQL on the database with checks, triggers, foreign keys and unique indexes out of the way.

    `:user` and `:other` are bound to ids as the database stores them.
    """

    def run(*statements: str, user: UUID, other: UUID | None = None) -> None:
        engine = _bare_engine(database_url)
        with engine.begin() as connection:
            _take_down(connection)
            for statement in statements:
                names = {"user": user, "other": other, "new": new_id(), "hold": uuid4()}
                shown = {
                    name: value.hex if connection.dialect.name == "sqlite" and value is not None else value
                    for name, value in names.items()
                    if f":{name}" in statement
                }
                changed = connection.execute(text(statement), shown).rowcount
                assert changed > 0, f"planted nothing: {statement}"
        engine.dispose()

    return run


def _bare_engine(url: str) -> Engine:
    if (path := sqlite_path(url)) is None:
        return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    engine = create_engine(f"sqlite:///{path}")

    def loosen(connection: object, _record: object) -> None:
        connection.execute("pragma foreign_keys=off")  # type: ignore[attr-defined]
        connection.execute("pragma ignore_check_constraints=on")  # type: ignore[attr-defined]

    event.listen(engine, "connect", loosen)
    return engine


def _take_down(connection: Connection) -> None:
    for index in Base.metadata.tables["entry"].indexes:
        if index.unique:
            connection.execute(text(f"drop index {index.name}"))
    if connection.dialect.name == "sqlite":
        for (name,) in connection.execute(text("select name from sqlite_master where type = 'trigger'")).all():
            connection.execute(text(f"drop trigger {name}"))
        return
    connection.execute(text("set local session_replication_role = replica"))
    for table in ("account", "entry"):
        for check in inspect(connection).get_check_constraints(table):
            connection.execute(text(f"alter table {table} drop constraint {check['name']}"))


COPY = """
    insert into entry (id, user_id, number, kind, amount_credits, granted_delta, available_delta, held_delta,
                       spent_delta, expired_delta, available_after, held_after, hold_id, generation_id, key, created_at)
    select :new, user_id, 9, {kind}, amount_credits, granted_delta, available_delta, held_delta, spent_delta,
           expired_delta, available_after, held_after, {hold}, generation_id, key, created_at
    from entry where user_id = :user and kind = {of}
"""
NEWEST = "number = (select max(number) from entry where user_id = :user)"

PLANTED: dict[str, tuple[list[str], set[str]]] = {
    "credits from nowhere": (
        ["update account set available = available + 5 where user_id = :user"],
        {"account_not_conserved", "balance_differs_from_entries", "total_not_conserved"},
    ),
    "credits from nowhere, counted as granted": (
        ["update account set available = available + 5, granted = granted + 5 where user_id = :user"],
        {"balance_differs_from_entries", "total_not_conserved"},
    ),
    "credits moved from one person to another": (
        [
            "update account set available = available - 5, granted = granted - 5 where user_id = :user",
            "update account set available = available + 5, granted = granted + 5 where user_id = :other",
        ],
        {"balance_differs_from_entries"},
    ),
    "a debt": (
        ["update account set available = available - 90, spent = spent + 90 where user_id = :user"],
        {"account_not_conserved", "balance_differs_from_entries", "total_not_conserved"},
    ),
    "held forgotten": (
        ["update account set held = held - 10, available = available + 10 where user_id = :user"],
        {"balance_differs_from_entries", "held_differs_from_open_holds", "total_not_conserved"},
    ),
    "the newest entry lost": (
        [f"delete from entry where user_id = :user and {NEWEST}"],
        {"balance_differs_from_entries", "total_not_conserved"},
    ),
    "an entry in the middle lost": (
        ["delete from entry where user_id = :user and kind = 'take'"],
        {"balance_differs_from_entries", "entry_missing", "running_balance_wrong", "total_not_conserved"},
    ),
    "the end of a hold lost": (
        ["delete from entry where user_id = :user and kind = 'release'"],
        {
            "balance_differs_from_entries",
            "entry_missing",
            "held_differs_from_open_holds",
            "running_balance_wrong",
            "total_not_conserved",
        },
    ),
    "an amount changed": (
        ["update entry set amount_credits = 7 where user_id = :user and kind = 'grant'"],
        {"entry_malformed"},
    ),
    "a grant of nothing": (
        [
            "update entry set amount_credits = 0, granted_delta = 0, available_delta = 0"
            " where user_id = :user and kind = 'take'"
        ],
        {"balance_differs_from_entries", "entry_malformed", "running_balance_wrong", "total_not_conserved"},
    ),
    "an unknown kind": (
        ["update entry set kind = 'gift' where user_id = :user and kind = 'grant'"],
        {"entry_malformed"},
    ),
    "a running balance changed": (
        ["update entry set available_after = available_after + 1 where user_id = :user and kind = 'settle'"],
        {"running_balance_wrong"},
    ),
    "held after changed": (
        ["update entry set held_after = held_after + 1 where user_id = :user and kind = 'settle'"],
        {"running_balance_wrong"},
    ),
    "a hold ended twice": (
        [
            COPY.format(kind="kind", hold="hold_id", of="'release'"),
            "update account set available = available + 10, held = held - 10, entry_count = 9 where user_id = :user",
            f"update entry set available_after = 93, held_after = 0 where user_id = :user and {NEWEST}",
        ],
        {"hold_ended_twice", "held_differs_from_open_holds"},
    ),
    "a hold made twice": (
        [
            COPY.format(kind="kind", hold="hold_id", of="'hold' and number = 2"),
            "update account set available = available - 10, held = held + 10, entry_count = 9 where user_id = :user",
            f"update entry set available_after = 73, held_after = 20 where user_id = :user and {NEWEST}",
        ],
        {"hold_repeated", "held_differs_from_open_holds"},
    ),
    "the end of a hold that was never made": (
        [COPY.format(kind="kind", hold=":hold", of="'release'")],
        {"balance_differs_from_entries", "end_without_its_hold", "running_balance_wrong", "total_not_conserved"},
    ),
    "a hold ended by another generation": (
        ["update entry set generation_id = id where user_id = :user and kind = 'release'"],
        {"end_without_its_hold"},
    ),
    "an entry given to another person": (
        ["update entry set user_id = :other, number = 10 where user_id = :user and kind = 'release'"],
        {
            "balance_differs_from_entries",
            "end_without_its_hold",
            "entry_missing",
            "running_balance_wrong",
        },
    ),
    "a key used twice": (
        ["update entry set key = 'welcome' where user_id = :user and kind = 'take'"],
        {"key_repeated"},
    ),
    "what is given once, given to two": (
        ["update entry set key = 'once:code:1' where kind = 'grant'"],
        {"given_twice"},
    ),
    "an account gone": (
        ["delete from account where user_id = :user"],
        {"account_missing", "total_not_conserved"},
    ),
    "more than an account may hold": (
        [
            "update account set available = available + 2000000000000, granted = granted + 2000000000000"
            " where user_id = :user"
        ],
        {"account_not_conserved", "balance_differs_from_entries", "total_not_conserved"},
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_audit_finds(db: Database, users: tuple[UUID, UUID], unguarded: Callable[..., None], planted: str) -> None:
    statements, codes = PLANTED[planted]
    user, other = users
    unguarded(*statements, user=user, other=other)
    findings = db.read_now(ledger.fsck)
    assert {finding.code for finding in findings} == codes
    assert {finding.user_id for finding in findings} <= {user, other, None}
    assert all(finding.detail.endswith(".") for finding in findings)


def test_the_audit_compares_open_holds_with_the_work_that_has_them(db: Database, users: tuple[UUID, UUID]) -> None:
    held = {hold.hold_id: hold.user_id for hold in db.read_now(ledger.open_holds)}
    assert sorted(held.values()) == sorted(users)
    assert db.read_now(ledger.fsck, open_hold_ids=held.keys()) == []
    idle, ghost = sorted(held)[0], uuid4()
    findings = db.read_now(ledger.fsck, open_hold_ids=held.keys() - {idle} | {ghost})
    assert [(finding.code, finding.user_id) for finding in findings] == [
        ("hold_without_work", held[idle]),
        ("work_without_hold", None),
    ]
    assert str(idle) in findings[0].detail
    assert str(ghost) in findings[1].detail


def test_an_empty_ledger_is_sound(db: Database) -> None:
    assert db.read_now(ledger.fsck) == []
    assert db.read_now(ledger.fsck, open_hold_ids=set()) == []
