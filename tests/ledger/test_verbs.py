"""What each verb of the ledger does, and what it refuses."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from vermilion import ledger
from vermilion.db import Database
from vermilion.kit import AppError, Conflict, Invalid, NotFound, new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def user(db: Database) -> UUID:
    """Somebody with 100 credits."""
    user_id = uuid4()
    db.write_now(ledger.open_account, user_id, NOW)
    db.write_now(ledger.grant, user_id, 100, reason="welcome", actor_id=None, key=None, now=NOW)
    return user_id


def _hold(db: Database, user: UUID, amount: Any = 10) -> tuple[UUID, UUID]:
    hold_id, generation_id = new_id(), new_id()
    db.write_now(ledger.hold, user, amount, hold_id=hold_id, generation_id=generation_id, now=NOW)
    return hold_id, generation_id


def _balance(db: Database, user: UUID) -> ledger.Balance:
    assert db.read_now(ledger.fsck) == []
    return db.read_now(ledger.balance, user)


def test_opening_an_account_again_leaves_it_as_it_is(db: Database, user: UUID) -> None:
    db.write_now(ledger.open_account, user, NOW)
    assert _balance(db, user).available == 100


def test_somebody_without_an_account_has_nothing_and_cannot_hold(db: Database) -> None:
    stranger = uuid4()
    assert _balance(db, stranger) == ledger.Balance(granted=0, available=0, held=0, spent=0, expired=0)
    with pytest.raises(ledger.InsufficientCredits):
        _hold(db, stranger)
    with pytest.raises(NotFound) as caught:
        db.write_now(ledger.grant, stranger, 5, reason="", actor_id=None, key=None, now=NOW)
    assert caught.value.code == "credits.unknown_account"


def test_a_hold_sets_credits_aside_and_says_so_at_once(db: Database, user: UUID) -> None:
    after = db.write_now(ledger.hold, user, 30, hold_id=new_id(), generation_id=new_id(), now=NOW)
    assert (after.available, after.held, after.spent) == (70, 30, 0)
    assert _balance(db, user) == after


def test_a_price_above_the_balance_names_what_is_missing(db: Database, user: UUID) -> None:
    with pytest.raises(ledger.InsufficientCredits) as caught:
        _hold(db, user, 130)
    assert caught.value.status == 402
    assert caught.value.code == "credits.insufficient"
    assert caught.value.extras == {"price_credits": 130, "available_credits": 100, "missing_credits": 30}
    assert _balance(db, user).held == 0


def test_a_hold_id_holds_once_whoever_asks(db: Database, user: UUID) -> None:
    other = uuid4()
    db.write_now(ledger.open_account, other, NOW)
    db.write_now(ledger.grant, other, 100, reason="welcome", actor_id=None, key=None, now=NOW)
    hold_id, generation_id = _hold(db, user)
    for somebody in (user, other):
        with pytest.raises(ledger.ReusedHold) as caught:
            db.write_now(ledger.hold, somebody, 10, hold_id=hold_id, generation_id=generation_id, now=NOW)
        assert caught.value.code == "credits.hold_reused"
    assert _balance(db, user).held == 10
    assert _balance(db, other).held == 0


def test_settling_part_of_a_hold_returns_the_rest_in_the_same_entry(db: Database, user: UUID) -> None:
    hold_id, generation_id = _hold(db, user, 10)
    end = db.write_now(ledger.settle, hold_id, 4, now=NOW)
    assert (end.first, end.kind, end.spent_credits, end.returned_credits, end.user_id) == (True, "settle", 4, 6, user)
    assert _balance(db, user) == end.balance
    assert (end.balance.available, end.balance.held, end.balance.spent) == (96, 0, 4)
    receipt = db.read_now(ledger.entries_of, user, generation_id)
    assert [(line.kind, line.amount_credits, line.available_delta) for line in receipt] == [
        ("hold", 10, -10),
        ("settle", 4, 6),
    ]


def test_settling_for_nothing_returns_everything(db: Database, user: UUID) -> None:
    hold_id, _ = _hold(db, user, 10)
    end = db.write_now(ledger.settle, hold_id, 0, now=NOW)
    assert (end.kind, end.spent_credits, end.returned_credits) == ("settle", 0, 10)
    assert _balance(db, user).available == 100


def test_a_second_end_changes_nothing_and_tells_what_the_first_did(db: Database, user: UUID) -> None:
    settled, _ = _hold(db, user, 10)
    released, _ = _hold(db, user, 20)
    db.write_now(ledger.settle, settled, 7, now=NOW)
    db.write_now(ledger.release, released, reason="failed", now=NOW)
    before = _balance(db, user)
    for hold_id, kind, spent, returned in ((settled, "settle", 7, 3), (released, "release", 0, 20)):
        for again in (
            db.write_now(ledger.settle, hold_id, 5, now=NOW),
            db.write_now(ledger.settle, hold_id, 10**9, now=NOW),
            db.write_now(ledger.release, hold_id, reason="again", now=NOW),
        ):
            assert (again.first, again.kind, again.spent_credits, again.returned_credits, again.user_id) == (
                False,
                kind,
                spent,
                returned,
                user,
            )
            assert again.balance == before
    assert _balance(db, user) == before


def test_more_than_was_held_is_never_spent(db: Database, user: UUID) -> None:
    hold_id, _ = _hold(db, user, 10)
    with pytest.raises(Invalid) as caught:
        db.write_now(ledger.settle, hold_id, 11, now=NOW)
    assert caught.value.code == "credits.settle_exceeds_hold"
    assert _balance(db, user).held == 10


def test_a_hold_that_was_never_made_cannot_end(db: Database, user: UUID) -> None:
    for end in (
        lambda: db.write_now(ledger.settle, uuid4(), 1, now=NOW),
        lambda: db.write_now(ledger.release, uuid4(), reason="", now=NOW),
    ):
        with pytest.raises(NotFound) as caught:
            end()
        assert caught.value.code == "credits.unknown_hold"


def test_an_awkward_reason_never_keeps_credits_held(db: Database, user: UUID) -> None:
    hold_id, generation_id = _hold(db, user)
    db.write_now(ledger.release, hold_id, reason="\0\ud800" + "r" * 500, now=NOW)
    assert _balance(db, user).held == 0
    assert db.read_now(ledger.entries_of, user, generation_id)[1].reason == ("?" + "r" * 199)


def test_taking_lowers_what_was_granted_and_never_goes_below_nothing(db: Database, user: UUID) -> None:
    _hold(db, user, 30)
    after = db.write_now(ledger.take, user, 50, reason="mistake", actor_id=uuid4(), key=None, now=NOW)
    assert (after.granted, after.available, after.held) == (50, 20, 30)
    with pytest.raises(Conflict) as caught:
        db.write_now(ledger.take, user, 21, reason="mistake", actor_id=None, key=None, now=NOW)
    assert caught.value.code == "credits.insufficient_to_take"
    assert caught.value.extras == {"available_credits": 20}
    assert _balance(db, user) == after


def test_expired_credits_stay_on_record(db: Database, user: UUID) -> None:
    after = db.write_now(ledger.expire, user, 40, reason="a year has passed", key="2030", now=NOW)
    assert (after.granted, after.available, after.expired) == (100, 60, 40)
    assert db.write_now(ledger.expire, user, 40, reason="a year has passed", key="2030", now=NOW) == after
    with pytest.raises(Conflict) as caught:
        db.write_now(ledger.expire, user, 61, reason="", key=None, now=NOW)
    assert caught.value.code == "credits.insufficient_to_expire"
    assert _balance(db, user) == after


def test_a_key_gives_once_and_refuses_another_body(db: Database, user: UUID) -> None:
    first = db.write_now(ledger.grant, user, 5, reason="gift", actor_id=None, key="gift-1", now=NOW)
    assert db.write_now(ledger.grant, user, 5, reason="gift", actor_id=None, key="gift-1", now=NOW) == first
    for verb, amount, reason in (
        (ledger.grant, 6, "gift"),
        (ledger.take, 5, "gift"),
        (ledger.grant, 5, "another gift"),
    ):
        with pytest.raises(Conflict) as caught:
            db.write_now(verb, user, amount, reason=reason, actor_id=None, key="gift-1", now=NOW)
        assert caught.value.code == "credits.key_reused"
    assert _balance(db, user) == first


def test_keys_belong_to_one_person(db: Database, user: UUID) -> None:
    other = uuid4()
    db.write_now(ledger.open_account, other, NOW)
    for somebody in (user, other):
        db.write_now(ledger.grant, somebody, 5, reason="gift", actor_id=None, key="same", now=NOW)
    assert (_balance(db, user).granted, _balance(db, other).granted) == (105, 5)


def test_an_account_holds_no_more_than_its_limit(db: Database, user: UUID) -> None:
    for _ in range(999):
        db.write_now(ledger.grant, user, 10**9, reason="", actor_id=None, key=None, now=NOW)
    with pytest.raises(Conflict) as caught:
        db.write_now(ledger.grant, user, 10**9, reason="", actor_id=None, key=None, now=NOW)
    assert caught.value.code == "credits.account_full"
    assert _balance(db, user).granted == 999 * 10**9 + 100


BAD_AMOUNTS = [0, -1, 10**9 + 1, 2**63, True, 1.0, 1.5, float("nan"), "5", None]


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_an_amount_is_a_bounded_whole_number(db: Database, user: UUID, amount: Any) -> None:
    hold_id, _ = _hold(db, user)
    before = _balance(db, user)
    given = {"reason": "", "key": None, "now": NOW}
    attempts = [
        lambda: db.write_now(ledger.grant, user, amount, actor_id=None, **given),
        lambda: db.write_now(ledger.take, user, amount, actor_id=None, **given),
        lambda: db.write_now(ledger.expire, user, amount, **given),
        lambda: _hold(db, user, amount),
    ]
    if amount != 0:
        attempts.append(lambda: db.write_now(ledger.settle, hold_id, amount, now=NOW))
    for attempt in attempts:
        with pytest.raises(Invalid) as caught:
            attempt()
        assert (caught.value.code, caught.value.field) == ("credits.bad_amount", "amount_credits")
    assert _balance(db, user) == before


@pytest.mark.parametrize(
    ("reason", "key", "code"),
    [
        ("r" * 201, None, "credits.bad_reason"),
        ("a\0b", None, "credits.bad_reason"),
        ("\ud800", None, "credits.bad_reason"),
        ("", "", "credits.bad_key"),
        ("", "k" * 201, "credits.bad_key"),
        ("", "k\0", "credits.bad_key"),
    ],
)
def test_text_that_a_database_refuses_is_refused_first(
    db: Database, user: UUID, reason: str, key: str | None, code: str
) -> None:
    with pytest.raises(AppError) as caught:
        db.write_now(ledger.grant, user, 1, reason=reason, actor_id=None, key=key, now=NOW)
    assert caught.value.code == code
    assert _balance(db, user).granted == 100


def test_a_refusal_inside_a_transaction_leaves_what_was_done_before_it(db: Database, user: UUID) -> None:
    known, _ = _hold(db, user, 10)

    def try_and_go_on(tx: Any) -> None:
        ledger.grant(tx, user, 1, reason="", actor_id=None, key=None, now=NOW)
        with pytest.raises(ledger.ReusedHold):
            ledger.hold(tx, user, 10, hold_id=known, generation_id=new_id(), now=NOW)
        with pytest.raises(ledger.InsufficientCredits):
            ledger.hold(tx, user, 1000, hold_id=new_id(), generation_id=new_id(), now=NOW)
        with pytest.raises(Invalid):
            ledger.settle(tx, known, 11, now=NOW)
        ledger.settle(tx, known, 10, now=NOW)

    db.write_now(try_and_go_on)
    after = _balance(db, user)
    assert (after.granted, after.available, after.held, after.spent) == (101, 91, 0, 10)
