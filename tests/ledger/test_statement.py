"""What a statement shows."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from vermilion import ledger
from vermilion.db import Database, Tx
from vermilion.kit import Invalid, encode_cursor, new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def _live(tx: Tx, user: UUID, lines: int) -> None:
    ledger.open_account(tx, user, NOW)
    for n in range(lines):
        # The clock runs backwards; the order of a statement does not.
        ledger.grant(tx, user, n + 1, reason=f"gift {n}", actor_id=None, key=None, now=NOW - timedelta(hours=n))


def test_pages_follow_each_other_without_gap_or_overlap_while_lines_are_added(db: Database) -> None:
    user = uuid4()
    db.write_now(_live, user, 23)
    seen: list[ledger.StatementEntry] = []
    cursor = None
    for _ in range(3):
        page = db.read_now(ledger.statement, user, cursor=cursor, limit=10)
        seen += page.items
        cursor = page.next
        db.write_now(ledger.grant, user, 1, reason="late", actor_id=None, key=None, now=NOW)
    assert cursor is None
    assert [line.amount_credits for line in seen] == list(range(23, 0, -1))
    assert [line.available_after for line in seen] == [n * (n + 1) // 2 for n in range(23, 0, -1)]


def test_a_statement_that_fills_a_page_exactly_has_no_next(db: Database) -> None:
    user = uuid4()
    db.write_now(_live, user, 10)
    page = db.read_now(ledger.statement, user, limit=10)
    assert (len(page.items), page.next) == (10, None)


@pytest.mark.parametrize("cursor", ["", "!", "bm9uc2Vuc2U", encode_cursor("5"), encode_cursor(1, 2)])
def test_a_foreign_cursor_is_refused(db: Database, cursor: str) -> None:
    with pytest.raises(Invalid):
        db.read_now(ledger.statement, uuid4(), cursor=cursor)


def test_nobody_sees_the_entries_of_another(db: Database) -> None:
    owner, other, generation_id = uuid4(), uuid4(), new_id()
    for user in (owner, other):
        db.write_now(_live, user, 4)
    db.write_now(ledger.hold, owner, 1, hold_id=new_id(), generation_id=generation_id, now=NOW)
    assert len(db.read_now(ledger.statement, owner).items) == 5
    assert len(db.read_now(ledger.statement, other).items) == 4
    assert len(db.read_now(ledger.entries_of, owner, generation_id)) == 1
    assert db.read_now(ledger.entries_of, other, generation_id) == []


def test_many_balances_are_one_question_and_strangers_have_nothing(db: Database) -> None:
    rich, poor, stranger = uuid4(), uuid4(), uuid4()
    db.write_now(_live, rich, 3)
    db.write_now(_live, poor, 0)
    found = db.read_now(ledger.balances, [rich, poor, stranger])
    assert {user: balance.available for user, balance in found.items()} == {rich: 6, poor: 0, stranger: 0}
    assert db.read_now(ledger.balances, []) == {}


def test_open_holds_are_those_without_an_end(db: Database) -> None:
    user, generation_id = uuid4(), new_id()
    db.write_now(_live, user, 10)
    holds = [new_id() for _ in range(3)]
    for hold_id in holds:
        db.write_now(ledger.hold, user, 2, hold_id=hold_id, generation_id=generation_id, now=NOW)
    db.write_now(ledger.settle, holds[0], 1, now=NOW)
    db.write_now(ledger.release, holds[2], reason="canceled", now=NOW)
    assert db.read_now(ledger.open_holds) == [ledger.OpenHold(holds[1], user, generation_id, 2, NOW)]


def test_what_everybody_spent_is_counted_from_an_instant_on(db: Database) -> None:
    assert db.read_now(ledger.spent_since, NOW) == 0
    for hours_ago, spent in ((30, 1), (2, 2), (1, 3)):
        user, hold_id = uuid4(), new_id()
        db.write_now(_live, user, 5)
        db.write_now(ledger.hold, user, 5, hold_id=hold_id, generation_id=hold_id, now=NOW - timedelta(hours=40))
        db.write_now(ledger.settle, hold_id, spent, now=NOW - timedelta(hours=hours_ago))
    assert db.read_now(ledger.spent_since, NOW - timedelta(hours=2)) == 5
    assert db.read_now(ledger.spent_since, NOW - timedelta(days=2)) == 6
