"""The ledger against a pure model: whatever is asked in whatever order, both say the same and the audit is clean."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from vermilion import ledger
from vermilion.db import Database, Tx
from vermilion.kit import AppError, new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
AMOUNTS = st.one_of(st.integers(1, 30), st.integers(-3, 10**9 + 3))
KEYS = st.one_of(st.none(), st.sampled_from(["one", "two", "three"]))
PEOPLE = st.integers(0, 2)
PICK = st.integers(0, 10**6)


@dataclass
class Person:
    """What the model knows of one account."""

    granted: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0
    expired: int = 0
    entries: int = 0
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)


@dataclass
class Hold:
    """What the model knows of one hold."""

    owner: int
    amount: int
    end: tuple[str, int] | None = None


class LedgerModel(RuleBasedStateMachine):
    """Rules do the same to the ledger and to the model and compare the answers."""

    db: Database

    @initialize()
    def open_accounts(self) -> None:
        # One database serves all examples: each opens accounts of its own, and the audit covers them all.
        self.users = [uuid4() for _ in range(3)]
        self.people = [Person() for _ in range(3)]
        self.holds: dict[UUID, Hold] = {}
        for user in self.users:
            self.db.write_now(ledger.open_account, user, NOW)

    def _code(self, command: object, *args: object, **kwargs: object) -> str | object:
        try:
            return self.db.write_now(command, *args, **kwargs)  # type: ignore[arg-type]
        except AppError as error:
            return error.code

    def _remove_or_give(self, verb: str, who: int, amount: int, key: str | None) -> None:
        person = self.people[who]
        command = {"grant": ledger.grant, "take": ledger.take, "expire": ledger.expire}[verb]
        given = {} if verb == "expire" else {"actor_id": None}
        answer = self._code(command, self.users[who], amount, reason="why", key=key, now=NOW, **given)
        if not 1 <= amount <= 10**9:
            assert answer == "credits.bad_amount"
        elif key in person.keys and person.keys[key] != (verb, amount):
            assert answer == "credits.key_reused"
        elif key in person.keys:
            assert answer == self._expected(who)
        elif verb != "grant" and amount > person.available:
            assert answer == f"credits.insufficient_to_{verb}"
        elif verb == "grant" and person.granted + amount > 10**12:
            assert answer == "credits.account_full"
        else:
            sign = 1 if verb == "grant" else -1
            person.available += sign * amount
            if verb == "expire":
                person.expired += amount
            else:
                person.granted += sign * amount
            person.entries += 1
            if key is not None:
                person.keys[key] = (verb, amount)
            assert answer == self._expected(who)

    @rule(who=PEOPLE, amount=AMOUNTS, key=KEYS)
    def grant(self, who: int, amount: int, key: str | None) -> None:
        self._remove_or_give("grant", who, amount, key)

    @rule(who=PEOPLE, amount=AMOUNTS, key=KEYS)
    def take(self, who: int, amount: int, key: str | None) -> None:
        self._remove_or_give("take", who, amount, key)

    @rule(who=PEOPLE, amount=AMOUNTS, key=KEYS)
    def expire(self, who: int, amount: int, key: str | None) -> None:
        self._remove_or_give("expire", who, amount, key)

    @rule(who=PEOPLE)
    def open_again(self, who: int) -> None:
        self.db.write_now(ledger.open_account, self.users[who], NOW)

    @rule(who=PEOPLE, amount=AMOUNTS)
    def hold(self, who: int, amount: int) -> None:
        self._hold(who, amount, new_id())

    @precondition(lambda self: self.holds)
    @rule(who=PEOPLE, amount=AMOUNTS, pick=PICK)
    def hold_again(self, who: int, amount: int, pick: int) -> None:
        self._hold(who, amount, self._picked(pick))

    def _hold(self, who: int, amount: int, hold_id: UUID) -> None:
        person = self.people[who]
        answer = self._code(ledger.hold, self.users[who], amount, hold_id=hold_id, generation_id=hold_id, now=NOW)
        if not 1 <= amount <= 10**9:
            assert answer == "credits.bad_amount"
        elif hold_id in self.holds:
            assert answer == "credits.hold_reused"
        elif amount > person.available:
            assert answer == "credits.insufficient"
        else:
            person.available -= amount
            person.held += amount
            person.entries += 1
            self.holds[hold_id] = Hold(who, amount)
            assert answer == self._expected(who)

    @precondition(lambda self: self.holds)
    @rule(pick=PICK, share=st.floats(0, 1.3))
    def settle(self, pick: int, share: float) -> None:
        hold_id = self._picked(pick)
        spent = round(self.holds[hold_id].amount * share)
        if spent > 10**9:
            assert self._code(ledger.settle, hold_id, spent, now=NOW) == "credits.bad_amount"
        elif spent > self.holds[hold_id].amount and self.holds[hold_id].end is None:
            assert self._code(ledger.settle, hold_id, spent, now=NOW) == "credits.settle_exceeds_hold"
        else:
            self._end(hold_id, ("settle", spent), self._code(ledger.settle, hold_id, spent, now=NOW))

    @precondition(lambda self: self.holds)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        hold_id = self._picked(pick)
        self._end(hold_id, ("release", 0), self._code(ledger.release, hold_id, reason="failed", now=NOW))

    @rule(amount=st.integers(0, 5))
    def end_what_was_never_held(self, amount: int) -> None:
        assert self._code(ledger.settle, uuid4(), amount, now=NOW) == "credits.unknown_hold"
        assert self._code(ledger.release, uuid4(), reason="", now=NOW) == "credits.unknown_hold"

    @precondition(lambda self: self.holds)
    @rule(pick=PICK, who=PEOPLE, amount=st.integers(1, 20))
    def fail_after_moving(self, pick: int, who: int, amount: int) -> None:
        """A transaction that moves credits and then fails moved nothing."""

        def move_and_fail(tx: Tx) -> None:
            ledger.grant(tx, self.users[who], amount, reason="", actor_id=None, key=None, now=NOW)
            ledger.hold(tx, self.users[who], amount, hold_id=new_id(), generation_id=new_id(), now=NOW)
            ledger.release(tx, self._picked(pick), reason="", now=NOW)
            raise LookupError("on purpose")

        full = self.people[who].granted + amount > 10**12
        with pytest.raises(AppError if full else LookupError):
            self.db.write_now(move_and_fail)

    def _end(self, hold_id: UUID, wanted: tuple[str, int], answer: object) -> None:
        hold = self.holds[hold_id]
        person = self.people[hold.owner]
        first = hold.end is None
        if first:
            hold.end = wanted
            person.held -= hold.amount
            person.spent += wanted[1]
            person.available += hold.amount - wanted[1]
            person.entries += 1
        assert hold.end is not None
        kind, spent = hold.end
        assert answer == ledger.End(
            first=first,
            kind=kind,  # type: ignore[arg-type]
            spent_credits=spent,
            returned_credits=hold.amount - spent,
            user_id=self.users[hold.owner],
            balance=self._expected(hold.owner),
        )

    def _picked(self, pick: int) -> UUID:
        return sorted(self.holds)[pick % len(self.holds)]

    def _expected(self, who: int) -> ledger.Balance:
        person = self.people[who]
        return ledger.Balance(
            granted=person.granted,
            available=person.available,
            held=person.held,
            spent=person.spent,
            expired=person.expired,
        )

    @invariant()
    def both_agree_and_the_audit_is_clean(self) -> None:
        mine = {hold_id for hold_id, hold in self.holds.items() if hold.end is None}

        def look(tx: Tx) -> tuple[object, ...]:
            return (
                ledger.fsck(tx),
                {hold.hold_id for hold in ledger.open_holds(tx) if hold.user_id in self.users},
                ledger.balances(tx, self.users),
                [ledger.statement(tx, user, limit=10**4) for user in self.users],
            )

        findings, still_open, balances, statements = self.db.read_now(look)
        assert findings == []
        assert still_open == mine
        assert balances == {user: self._expected(who) for who, user in enumerate(self.users)}
        for person, statement in zip(self.people, statements, strict=True):  # type: ignore[call-overload]
            assert len(statement.items) == person.entries
            assert sum(line.available_delta for line in statement.items) == person.available


def test_the_ledger_does_what_the_model_does(db: Database) -> None:
    machine = type("LedgerModelOnDatabase", (LedgerModel,), {"db": db})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("VERMILION_TEST_EXAMPLES", "40")),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
