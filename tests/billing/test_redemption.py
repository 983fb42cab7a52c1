"""Codes: made once, told once, redeemed once, whoever asks how often at the same time."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from tests.billing.conftest import CODE_KEY, NOW
from vermilion import billing, ledger
from vermilion.billing.codes import ALPHABET, hash_of, new_code
from vermilion.billing.commands.redemption import (
    change_batch,
    change_code,
    delete_batch,
    delete_code,
    export_codes,
    id_of_code,
    make_codes,
    redeem,
)
from vermilion.billing.queries import list_codes
from vermilion.billing.tables import RedemptionCodeRow
from vermilion.billing.views import CodePatch, CodesAsked, NewCodes, NewCodesView, RedeemedView
from vermilion.db import Database
from vermilion.identity import Actor
from vermilion.identity.tables import AuditRow
from vermilion.kit import AppError, Conflict, NotFound
from vermilion.kit.sealed import Sealer


def made(db: Database, sealer: Sealer, count: int = 1, amount_credits: int = 50, **more: Any) -> NewCodesView:
    """A batch."""
    wanted = NewCodes(count=count, amount_credits=amount_credits, **more)
    return db.write_now(make_codes, sealer, CODE_KEY, None, wanted, NOW)


def refusal(db: Database, person: UUID, code: str, *, now: Any = NOW) -> str:
    """The problem's code that redeeming ends in."""
    with pytest.raises(AppError) as refused:
        db.write_now(redeem, CODE_KEY, person, code, now)
    return refused.value.code


def is_sound(db: Database) -> None:
    """Neither audit finds anything."""
    assert db.read_now(ledger.fsck) + db.read_now(billing.fsck) == []


def test_codes_have_a_hundred_random_bits_and_no_two_are_alike() -> None:
    codes = [new_code() for _ in range(2000)]
    assert len(set(codes)) == 2000
    assert len(ALPHABET) == 32 and all(len(code.replace("-", "")) * 5 >= 100 for code in codes)
    used = {char for code in codes for char in code.replace("-", "")}
    assert used == set(ALPHABET)


def test_a_code_is_known_however_it_is_typed() -> None:
    code = "01ABC-DEFGH-JKMNP-QRST0"
    known = hash_of(CODE_KEY, code)
    for typed in (
        "01abcdefghjkmnpqrst0",
        " OIABC DEFGH JKMNP QRSTO ",
        "olabc—defgh–jkmnp_qrsto",
        "０１ＡＢＣ－ＤＥＦＧＨ－ＪＫＭＮＰ－ＱＲＳＴ０",
    ):
        assert hash_of(CODE_KEY, typed) == known, typed
    assert hash_of(b"another key", code) != known
    for wrong in ("", "01ABC", code + "1", "01ABC-DEFGH-JKMNP-QRSU!", "\ud800", "x" * 10_000):
        with pytest.raises(NotFound):
            hash_of(CODE_KEY, wrong)


def test_the_store_holds_no_code(db: Database, sealer: Sealer) -> None:
    batch = made(db, sealer, 5)
    rows = db.read_now(lambda tx: [str(tuple(row)) for row in tx.execute(select(*RedemptionCodeRow.__table__.columns))])
    for each in batch.codes:
        plain = each.code.replace("-", "")
        assert not any(each.code in row or plain in row for row in rows)
        assert any(each.code[-4:] in row for row in rows)


def test_a_code_gives_its_credits_once(db: Database, sealer: Sealer, new_person: Callable[[], UUID]) -> None:
    first, second = new_person(), new_person()
    code = made(db, sealer, amount_credits=70).codes[0].code
    assert db.write_now(redeem, CODE_KEY, first, code, NOW) == RedeemedView(amount_credits=70, available=70, held=0)
    assert refusal(db, first, code) == "redemption.already_received"
    assert refusal(db, second, code) == "redemption.used"
    assert [db.read_now(ledger.balance, user).available for user in (first, second)] == [70, 0]
    (entry,) = db.read_now(ledger.statement, first).items
    assert (entry.kind, entry.amount_credits, entry.reason) == ("grant", 70, "redemption")
    is_sound(db)


def test_every_refusal_says_why(db: Database, sealer: Sealer, person: UUID) -> None:
    batch = made(db, sealer, 2, expires_at=NOW + timedelta(days=1))
    late, off = batch.codes
    db.write_now(change_code, None, off.id, CodePatch(enabled=False), NOW)
    assert refusal(db, person, late.code, now=NOW + timedelta(days=1)) == "redemption.expired"
    assert refusal(db, person, off.code) == "redemption.disabled"
    assert refusal(db, person, new_code()) == "redemption.unknown"
    assert refusal(db, person, "not a code") == "redemption.unknown"
    assert db.read_now(ledger.balance, person).available == 0
    assert db.write_now(redeem, CODE_KEY, person, late.code, NOW + timedelta(hours=23)).available == 50
    db.write_now(change_code, None, off.id, CodePatch(enabled=True), NOW)
    assert db.write_now(redeem, CODE_KEY, person, off.code, NOW).available == 100


async def test_of_fifty_who_redeem_one_code_at_once_exactly_one_wins(
    db: Database, sealer: Sealer, new_person: Callable[[], UUID]
) -> None:
    people = [new_person() for _ in range(10)]
    for code in (each.code for each in made(db, sealer, 4, amount_credits=9).codes):
        answers = await asyncio.gather(
            *(db.write(redeem, CODE_KEY, people[n % 10], code, NOW) for n in range(50)), return_exceptions=True
        )
        assert sum(isinstance(answer, RedeemedView) for answer in answers) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 49
    assert sum(balance.available for balance in db.read_now(ledger.balances, people).values()) == 36
    is_sound(db)


async def test_one_person_redeems_many_codes_at_once(db: Database, sealer: Sealer, person: UUID) -> None:
    codes = [each.code for each in made(db, sealer, 30, amount_credits=3).codes]
    await asyncio.gather(*(db.write(redeem, CODE_KEY, person, code, NOW) for code in codes))
    assert db.read_now(ledger.balance, person).available == 90
    is_sound(db)


def test_a_code_stays_unused_when_the_account_cannot_take_it(db: Database, sealer: Sealer, person: UUID) -> None:
    most = ledger.BALANCE_MAX_CREDITS // ledger.AMOUNT_MAX_CREDITS
    for _ in range(most):
        db.write_now(ledger.grant, person, ledger.AMOUNT_MAX_CREDITS, reason="", actor_id=None, key=None, now=NOW)
    code = made(db, sealer).codes[0].code
    assert refusal(db, person, code) == "credits.account_full"
    assert db.read_now(list_codes, CodesAsked(), NOW).items[0].state == "enabled"
    is_sound(db)


def test_used_codes_stay_as_they_are(db: Database, sealer: Sealer, person: UUID) -> None:
    batch = made(db, sealer, 3)
    used = batch.codes[0]
    db.write_now(redeem, CODE_KEY, person, used.code, NOW)
    for change in (CodePatch(enabled=False), CodePatch(expires_at=NOW + timedelta(days=1))):
        with pytest.raises(Conflict):
            db.write_now(change_code, None, used.id, change, NOW)
    assert db.write_now(change_code, None, used.id, CodePatch(purpose="spring"), NOW).purpose == "spring"
    with pytest.raises(Conflict):
        db.write_now(delete_code, None, used.id, NOW)
    assert db.write_now(change_batch, None, batch.batch_id, CodePatch(enabled=False), NOW) == 2
    assert db.write_now(delete_batch, None, batch.batch_id, NOW) == 2
    assert [item.state for item in db.read_now(list_codes, CodesAsked(), NOW).items] == ["used"]
    is_sound(db)


def test_a_change_touches_what_was_sent_alone(db: Database, sealer: Sealer) -> None:
    until = NOW + timedelta(days=3)
    code = made(db, sealer, expires_at=until, purpose="spring").codes[0]
    changed = db.write_now(change_code, None, code.id, CodePatch.model_validate({"expires_at": None}), NOW)
    assert (changed.expires_at, changed.purpose, changed.state) == (None, "spring", "enabled")
    assert db.write_now(change_code, None, code.id, CodePatch(), NOW) == changed
    with pytest.raises(AppError) as refused:
        db.write_now(change_code, None, code.id, CodePatch(expires_at=NOW), NOW)
    assert refused.value.code == "redemption.bad_expiry"


def test_codes_are_listed_by_page_and_state(db: Database, sealer: Sealer, person: UUID) -> None:
    old = made(db, sealer, 3, expires_at=NOW + timedelta(days=1))
    new = made(db, sealer, 4)
    db.write_now(redeem, CODE_KEY, person, new.codes[0].code, NOW)
    db.write_now(change_code, None, new.codes[1].id, CodePatch(enabled=False), NOW)
    later = NOW + timedelta(days=2)

    def listed(**asked: Any) -> list[UUID]:
        found, cursor = [], None
        while True:
            page = db.read_now(list_codes, CodesAsked(**asked), later, cursor=cursor, limit=2)
            found += [item.id for item in page.items]
            cursor = page.next
            if cursor is None:
                return found

    assert listed() == [each.id for each in reversed([*old.codes, *new.codes])]
    assert sorted(listed(state="expired")) == [each.id for each in old.codes]
    assert listed(state="used") == [new.codes[0].id]
    assert listed(state="disabled") == [new.codes[1].id]
    assert sorted(listed(state="enabled", batch_id=new.batch_id)) == [each.id for each in new.codes[2:]]
    shown = db.read_now(list_codes, CodesAsked(state="used"), later).items[0]
    assert shown.received_by == person and shown.received_by_email == f"{person.hex}@example.test"
    ending = old.codes[1].code[-4:]
    assert old.codes[1].id in [item.id for item in db.read_now(list_codes, CodesAsked(), NOW, ending=ending).items]


def test_an_export_has_the_codes_and_is_audited(db: Database, sealer: Sealer, person: UUID) -> None:
    admin = Actor(person, "admin", frozenset({"admin"}), None, None, None)
    batch = made(db, sealer, 3, purpose="=1+1")
    made(db, sealer, 1)
    told = db.write_now(export_codes, sealer, admin, CodesAsked(batch_id=batch.batch_id), NOW)
    rows = list(csv.DictReader(io.StringIO(told.removeprefix("\ufeff"))))
    assert [row["code"] for row in rows] == [each.code for each in batch.codes]
    assert {row["purpose"] for row in rows} == {"'=1+1"}, "a spreadsheet would take it for a formula"
    entries = db.read_now(lambda tx: [(row.action, row.after) for row in tx.scalars(select(AuditRow))])
    assert entries[-1] == ("redemption_codes.export", {"codes": 3, "batch_id": str(batch.batch_id)})
    assert not any(each.code in str(entries) for each in batch.codes)


def test_a_code_is_named_by_its_id_or_by_itself(db: Database, sealer: Sealer) -> None:
    code = made(db, sealer).codes[0]
    assert db.read_now(id_of_code, CODE_KEY, str(code.id)) == code.id
    assert db.read_now(id_of_code, CODE_KEY, code.code.lower()) == code.id
    with pytest.raises(NotFound):
        db.read_now(id_of_code, CODE_KEY, new_code())


def test_the_audit_finds_credits_without_a_code_and_codes_without_credits(
    db: Database, sealer: Sealer, person: UUID
) -> None:
    codes = made(db, sealer, 2).codes
    db.write_now(redeem, CODE_KEY, person, codes[0].code, NOW)
    is_sound(db)
    row = RedemptionCodeRow
    db.write_now(
        lambda tx: tx.execute(
            update(row).where(row.id == codes[1].id).values(status="used", received_by=person, received_at=NOW)
        )
    )
    assert [finding.code for finding in db.read_now(billing.fsck)] == ["received_without_credits"]
    db.write_now(lambda tx: tx.execute(text("delete from redemption_code")))
    assert [finding.code for finding in db.read_now(billing.fsck)] == ["credits_without_receipt"]


def test_what_is_given_once_is_given_to_one_account_alone(db: Database, new_person: Callable[[], UUID]) -> None:
    first, second = new_person(), new_person()
    same = {"reason": "redemption", "actor_id": None, "key": f"{ledger.ONCE}code:1", "now": NOW}
    db.write_now(ledger.grant, first, 5, **same)
    assert db.write_now(ledger.grant, first, 5, **same).available == 5
    with pytest.raises(Exception, match=r"(?i)unique"):
        db.write_now(ledger.grant, second, 5, **same)
    assert db.read_now(ledger.balance, second).available == 0
