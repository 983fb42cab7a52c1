"""Many at once: nothing is held twice, ended twice, lost or stuck."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from vermilion import ledger
from vermilion.db import Database, Tx
from vermilion.kit import new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def _rich(db: Database, amount_credits: int) -> UUID:
    user = uuid4()
    db.write_now(ledger.open_account, user, NOW)
    db.write_now(ledger.grant, user, amount_credits, reason="welcome", actor_id=None, key=None, now=NOW)
    return user


async def test_of_a_thousand_holds_on_a_balance_for_ten_exactly_ten_are_accepted(db: Database) -> None:
    user = _rich(db, 10 * 7 + 6)
    answers = await asyncio.gather(
        *(db.write(ledger.hold, user, 7, hold_id=new_id(), generation_id=new_id(), now=NOW) for _ in range(1000)),
        return_exceptions=True,
    )
    accepted = [answer for answer in answers if isinstance(answer, ledger.Balance)]
    refused = [answer for answer in answers if isinstance(answer, ledger.InsufficientCredits)]
    assert (len(accepted), len(refused)) == (10, 990)
    assert sorted(balance.held for balance in accepted) == [7 * n for n in range(1, 11)]
    after = await db.read(ledger.balance, user)
    assert (after.available, after.held) == (6, 70)
    assert await db.read(ledger.fsck) == []


async def test_one_hold_asked_for_at_once_by_many_is_made_once(db: Database) -> None:
    users = [_rich(db, 100) for _ in range(4)]
    hold_id = new_id()
    answers = await asyncio.gather(
        *(db.write(ledger.hold, users[n % 4], 5, hold_id=hold_id, generation_id=hold_id, now=NOW) for n in range(40)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, ledger.Balance) for answer in answers) == 1
    assert sum(isinstance(answer, ledger.ReusedHold) for answer in answers) == 39
    assert await db.read(ledger.fsck) == []


async def test_a_hold_settled_and_released_at_once_has_one_first_end(db: Database) -> None:
    user = _rich(db, 10 * 30)
    spent = 0
    for _ in range(30):
        hold_id = new_id()
        await db.write(ledger.hold, user, 10, hold_id=hold_id, generation_id=hold_id, now=NOW)
        ends = await asyncio.gather(
            *(
                db.write(ledger.settle, hold_id, 3 + n, now=NOW)
                if n % 2
                else db.write(ledger.release, hold_id, reason="canceled", now=NOW)
                for n in range(6)
            )
        )
        (first,) = (end for end in ends if end.first)
        assert {(end.kind, end.spent_credits, end.returned_credits) for end in ends} == {
            (first.kind, first.spent_credits, first.returned_credits)
        }
        spent += first.spent_credits
    after = await db.read(ledger.balance, user)
    assert (after.available, after.held, after.spent) == (300 - spent, 0, spent)
    assert await db.read(ledger.fsck) == []


async def test_one_key_used_at_once_by_many_gives_once(db: Database) -> None:
    user = _rich(db, 1)
    answers = await asyncio.gather(
        *(db.write(ledger.grant, user, 9, reason="gift", actor_id=None, key="gift", now=NOW) for _ in range(60))
    )
    assert {answer.available for answer in answers} == {10}
    assert await db.read(ledger.fsck) == []


async def test_an_account_opened_at_once_by_many_is_one(db: Database) -> None:
    user = uuid4()
    await asyncio.gather(*(db.write(ledger.open_account, user, NOW) for _ in range(30)))
    assert (await db.read(ledger.balance, user)).granted == 0


async def test_work_of_many_people_never_waits_in_a_circle(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transaction is about one person and locks the account first, so none is ever rolled back to be retried."""
    # One try: a deadlock would surface as an error instead of being run again.
    monkeypatch.setattr("vermilion.db.postgresql_lane.TRIES_MAX", 1)
    users = [_rich(db, 100) for _ in range(3)]

    def live(tx: Tx, user: UUID) -> None:
        hold_id = new_id()
        ledger.hold(tx, user, 2, hold_id=hold_id, generation_id=hold_id, now=NOW)
        ledger.grant(tx, user, 1, reason="", actor_id=None, key=str(hold_id), now=NOW)
        ledger.settle(tx, hold_id, 1, now=NOW)
        ledger.take(tx, user, 1, reason="", actor_id=None, key=None, now=NOW)

    await asyncio.gather(*(db.write(live, users[n % 3]) for n in range(180)))
    for balance in (await db.read(ledger.balances, users)).values():
        assert (balance.granted, balance.available, balance.held, balance.spent) == (100, 40, 0, 60)
    assert await db.read(ledger.fsck) == []


async def test_transactions_about_two_people_in_opposite_order_lock_them_in_one_order(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vermilion.db.postgresql_lane.TRIES_MAX", 1)
    one, two = _rich(db, 10), _rich(db, 10)

    def give(tx: Tx, first: UUID, second: UUID) -> None:
        ledger.lock_accounts(tx, (first, second))
        for user in (first, second):
            ledger.grant(tx, user, 1, reason="", actor_id=None, key=None, now=NOW)

    await asyncio.gather(*(db.write(give, *((one, two) if n % 2 else (two, one))) for n in range(60)))
    assert {balance.available for balance in (await db.read(ledger.balances, [one, two])).values()} == {70}
    assert await db.read(ledger.fsck) == []
