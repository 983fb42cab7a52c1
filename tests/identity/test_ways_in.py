"""Coming in by phone, and adding, changing and taking away the ways a person signs in."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests.identity.conftest import PASSWORD, Browser, SmallHouse, make_admin, make_key, sign_in, sign_up
from tests.identity.phones import E164, PHONE, Vendor, ask, choose, sign_up_by_phone
from tests.identity.phones import vendor as vendor  # noqa: PLC0414 - a fixture
from vermilion.identity import ChoicesPatch, change_choices, normalised_phone
from vermilion.identity.phone_views import SmsDraft
from vermilion.identity.phones import masked_phone
from vermilion.identity.tables import AuditRow, SessionRow, UserRow
from vermilion.kit import Invalid

OTHER = "13900139000"


async def bind_phone(
    client: httpx.AsyncClient, vendor: Vendor, phone: str = PHONE, *, status: int = 200
) -> dict[str, Any]:
    """Bind a number with the code that was sent to it; the JSON."""
    await ask(client, "bind", phone)
    answer = await client.put("/me/phone", json={"phone": phone, "code": await vendor.code(phone)})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(
    "given",
    [
        "13800138000",
        "+8613800138000",
        "+86 138 0013 8000",
        "0086-138-0013-8000",
        " (138) 0013.8000 ",
        "１３８００１３８０００",
        "＋８６１３８００１３８０００",
    ],
)
def test_a_number_has_one_spelling(given: str) -> None:
    assert normalised_phone(given) == "+8613800138000"


@pytest.mark.parametrize(
    ("given", "phone"), [("+44 7700 900123", "+447700900123"), ("001 202 555 0143", "+12025550143")]
)
def test_numbers_of_other_countries_say_which(given: str, phone: str) -> None:
    assert normalised_phone(given) == phone


@pytest.mark.parametrize(
    "given",
    ["", "12800138000", "1380013800", "138001380001", "+8612800138000", "+86138001380001", "+0123456789", "+12345",
     "+1234567890123456", "7700900123", "١٣٨٠٠١٣٨٠٠٠", "+86１38x0138000", "ada@example.test"],
)  # fmt: skip
def test_what_is_no_number_is_refused(given: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalised_phone(given)
    assert (refused.value.code, refused.value.field) == ("auth.bad_phone", "phone")


@pytest.mark.parametrize(("phone", "shown"), [("+8613800138000", "+86138••••8000"), ("+1234567", "••••4567")])
def test_a_masked_number_cannot_be_called(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown


async def test_signing_up_by_phone_makes_a_person_without_an_address(
    browser: Browser, vendor: Vendor, house: SmallHouse
) -> None:
    client = browser()
    user = await sign_up_by_phone(client, vendor)
    assert (user["phone"], user["email"], user["has_password"], user["name"]) == (E164, None, False, "Ada")
    assert house.created == [None]
    assert (await client.get("/me")).json()["user"] == user
    house.clock.move(minutes=2)
    again = browser()
    await ask(again, "login")
    answer = await again.post("/auth/sign-in/phone", json={"phone": PHONE, "code": await vendor.code()})
    assert answer.json()["user"] == user and "HttpOnly" in answer.headers["set-cookie"]


async def test_a_number_is_one_persons(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    await sign_up_by_phone(browser(), vendor)
    house.clock.move(minutes=2)
    eve = browser()
    await ask(eve, "register")
    body = {"phone": PHONE, "code": await vendor.code(), "name": "Eve"}
    taken = await eve.post("/auth/sign-up/phone", json=body)
    assert (taken.status_code, taken.json()["code"], taken.json()["field"]) == (409, "auth.phone_taken", "phone")
    await sign_up(eve)
    assert (await bind_phone_after(house, eve, vendor, status=409))["code"] == "auth.phone_taken"


async def bind_phone_after(house: SmallHouse, client: httpx.AsyncClient, vendor: Vendor, **more: Any) -> dict[str, Any]:
    """A minute later."""
    house.clock.move(seconds=61)
    return await bind_phone(client, vendor, **more)


async def test_a_closed_door_is_closed_to_phones_too(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    client = browser()
    await ask(client, "register")
    await house.db.write(change_choices, None, ChoicesPatch(sign_up_open=False), house.clock.now())
    body = {"phone": PHONE, "code": await vendor.code(), "name": "Ada"}
    assert (await client.post("/auth/sign-up/phone", json=body)).json()["code"] == "auth.sign_up_closed"
    house.clock.move(minutes=2)
    assert (await ask(client, "register", status=403))["code"] == "auth.sign_up_closed"
    assert len(await vendor.messages()) == 1


async def test_somebody_disabled_does_not_come_in_by_phone(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    user = await sign_up_by_phone(browser(), vendor)
    admin = browser()
    await make_admin(house, admin)
    assert (await admin.patch(f"/admin/users/{user['id']}", json={"disabled": True})).json()["phone"] == E164
    house.clock.move(minutes=2)
    client = browser()
    await ask(client, "login")
    refused = await client.post("/auth/sign-in/phone", json={"phone": PHONE, "code": await vendor.code()})
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.account_disabled")
    assert "set-cookie" not in refused.headers


async def test_a_number_is_no_password(browser: Browser, vendor: Vendor) -> None:
    client = browser()
    await ask(client, "register")
    for password in (PHONE, E164, "password123"):
        body = {"phone": PHONE, "code": await vendor.code(), "name": "Ada", "password": password}
        refused = await client.post("/auth/sign-up/phone", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "auth.password_too_common")
    # None of them was a try.
    body = {"phone": PHONE, "code": await vendor.code(), "name": "Ada", "password": PASSWORD}
    answer = await client.post("/auth/sign-up/phone", json=body)
    assert answer.json()["user"]["has_password"] is True


async def test_a_phone_is_bound_and_both_ways_lead_in(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    client = browser()
    user = await sign_up(client)
    assert (user["phone"], user["has_password"]) == (None, True)
    bound = await bind_phone(client, vendor)
    assert bound["user"] == {**user, "phone": E164}
    assert (await sign_in(browser())).status_code == 200
    house.clock.move(minutes=2)
    other = browser()
    await ask(other, "login")
    answer = await other.post("/auth/sign-in/phone", json={"phone": PHONE, "code": await vendor.code()})
    assert answer.json()["user"]["id"] == user["id"]


async def test_a_change_wants_to_be_confirmed(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    client = browser()
    await sign_up(client)
    await bind_phone(client, vendor)
    house.clock.move(minutes=5)
    tried = [
        ("PUT", "/me/phone", {"phone": OTHER, "code": "000000"}),
        ("DELETE", "/me/phone", None),
        ("PUT", "/me/email", {"email": "new@example.test"}),
        ("DELETE", "/me/email", None),
    ]
    for method, path, body in tried:
        refused = await client.request(method, path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.confirmation_required"), path
    wrong = await client.post("/me/confirm", json={"password": "not the password"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "auth.wrong_credentials")
    assert (await client.delete("/me/phone")).status_code == 403
    assert (await client.post("/me/confirm", json={"password": PASSWORD})).status_code == 204
    house.clock.move(minutes=4, seconds=59)
    changed = await client.put("/me/email", json={"email": "New@example.test"})
    assert changed.json()["user"]["email"] == "new@example.test"
    house.clock.move(seconds=1)
    assert (await client.delete("/me/phone")).status_code == 403


async def test_a_code_to_ones_own_number_confirms_too(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    client = browser()
    await sign_up_by_phone(client, vendor)
    house.clock.move(minutes=10)
    new = {"email": "ada@example.test", "new_password": PASSWORD}
    assert (await client.put("/me/email", json=new)).status_code == 403
    await ask(client, "change")
    for body in ({}, {"password": "x", "code": "000000"}):
        unclear = await client.post("/me/confirm", json=body)
        assert (unclear.status_code, unclear.json()["code"]) == (422, "auth.confirmation_unclear")
    assert (await client.post("/me/confirm", json={"password": PASSWORD})).status_code == 422
    code = {"code": await vendor.code()}
    assert (await client.post("/me/confirm", json=code)).status_code == 204
    assert (await client.post("/me/confirm", json=code)).json()["code"] == "auth.wrong_code"
    assert (await client.put("/me/email", json=new)).status_code == 200


async def test_a_confirmation_is_the_sessions_that_gave_it(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    left_open, here = browser(), browser()
    await sign_up(left_open)
    await sign_in(here)
    house.clock.move(minutes=10)
    assert (await here.post("/me/confirm", json={"password": PASSWORD})).status_code == 204
    refused = await left_open.put("/me/email", json={"email": "eve@example.test"})
    assert refused.json()["code"] == "auth.confirmation_required"


async def test_a_key_changes_no_way_in(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    user = await sign_up(browser())
    key = await make_key(house, user["id"], "read", "generate")
    program = browser(headers={"Authorization": f"Bearer {key}"})
    for method, path in (("POST", "/me/confirm"), ("DELETE", "/me/phone"), ("DELETE", "/me/email")):
        refused = await program.request(method, path, json={"password": PASSWORD} if method == "POST" else None)
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.session_required")
    assert (await ask(program, "bind", status=403))["code"] == "auth.session_required"


@pytest.mark.parametrize("path", ["/me/phone", "/me/email"])
async def test_every_other_session_ends(browser: Browser, vendor: Vendor, path: str) -> None:
    client, other = browser(), browser()
    await sign_up(client)
    await sign_in(other)
    await bind_phone(client, vendor)
    assert (await other.get("/me")).status_code == 401
    await sign_in(other)
    assert (await client.delete(path)).status_code == 200
    assert (await other.get("/me")).status_code == 401
    assert (await client.get("/me")).status_code == 200


@pytest.mark.parametrize("first", ["phone", "email"])
async def test_one_way_in_always_stays(browser: Browser, vendor: Vendor, first: str) -> None:
    client = browser()
    await sign_up(client)
    await bind_phone(client, vendor)
    second = {"phone": "email", "email": "phone"}[first]
    assert (await client.delete(f"/me/{first}")).json()["user"][first] is None
    refused = await client.delete(f"/me/{second}")
    assert (refused.status_code, refused.json()["code"]) == (409, "auth.last_way_in")
    assert (await client.get("/me")).json()["user"][second] is not None


@pytest.mark.parametrize(
    ("phone", "chosen"), [(PHONE, {"enabled": False}), ("+14155552671", {"countries": "mainland"})]
)
async def test_a_phone_that_no_code_reaches_is_no_way_in(
    browser: Browser, vendor: Vendor, house: SmallHouse, phone: str, chosen: dict[str, Any]
) -> None:
    client = browser()
    await sign_up(client)
    await bind_phone(client, vendor, phone)
    await choose(house, vendor, **chosen)
    refused = await client.delete("/me/email")
    assert (refused.status_code, refused.json()["code"]) == (409, "auth.last_way_in")
    await choose(house, vendor, enabled=True, countries="all")
    assert (await client.delete("/me/email")).status_code == 200


async def test_codes_stay_on_while_no_admin_could_come_in_otherwise(
    browser: Browser, vendor: Vendor, house: SmallHouse
) -> None:
    client = browser()
    await make_admin(house, client)
    await bind_phone(client, vendor)
    assert (await client.delete("/me/email")).status_code == 200
    chosen = (await client.get("/admin/sms")).json()
    draft = {name: chosen[name] for name in SmsDraft.model_fields}
    refused = await client.put("/admin/sms", json={**draft, "enabled": False})
    assert (refused.status_code, refused.json()["code"]) == (409, "auth.last_admin")
    assert (await client.get("/admin/sms")).json() == chosen
    assert (await client.put("/admin/sms", json={**draft, "countries": "mainland"})).status_code == 200


async def test_one_way_in_stays_when_both_are_taken_at_the_same_moment(browser: Browser, vendor: Vendor) -> None:
    client = browser()
    await sign_up(client)
    await bind_phone(client, vendor)
    answers = await asyncio.gather(*(client.delete(f"/me/{way}") for way in ("phone", "email", "phone", "email")))
    assert 409 in {answer.status_code for answer in answers}
    user = (await client.get("/me")).json()["user"]
    assert (user["phone"] is None) != (user["email"] is None)


@pytest.mark.parametrize("values", ["email = null, phone = null", "password_hash = null", "phone = '13800138000'"])
async def test_the_table_itself_keeps_a_way_in(browser: Browser, house: SmallHouse, values: str) -> None:
    await sign_up(browser())
    with pytest.raises(IntegrityError):
        await house.db.write(lambda tx: tx.execute(text(f'update "user" set {values}')))


async def test_an_address_comes_with_a_password(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    client = browser()
    await sign_up_by_phone(client, vendor)
    email = "ada@example.test"
    needed = await client.put("/me/email", json={"email": email})
    assert (needed.status_code, needed.json()["code"]) == (422, "auth.password_needed")
    weak = await client.put("/me/email", json={"email": email, "new_password": email})
    assert weak.json()["code"] == "auth.password_too_common"
    bound = await client.put("/me/email", json={"email": email, "new_password": PASSWORD})
    assert bound.json()["user"]["has_password"] is True
    assert (await sign_in(browser())).status_code == 200
    second = await client.put("/me/email", json={"email": email, "new_password": PASSWORD})
    assert (second.status_code, second.json()["code"]) == (422, "auth.password_exists")
    eve = browser()
    await sign_up(eve, "eve@example.test")
    taken = await eve.put("/me/email", json={"email": email})
    assert (taken.status_code, taken.json()["code"], taken.json()["field"]) == (409, "auth.email_taken", "email")


async def test_who_has_no_password_signs_in_with_none(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    await sign_up_by_phone(browser(), vendor)
    for email in ("13800138000@example.test", "nobody@example.test"):
        assert (await sign_in(browser(), email)).status_code == 401
    client = browser()
    house.clock.move(minutes=2)
    await ask(client, "login")
    await client.post("/auth/sign-in/phone", json={"phone": PHONE, "code": await vendor.code()})
    refused = await client.post("/me/password", json={"current_password": "x", "new_password": "quite a new one"})
    assert refused.status_code == 422


async def test_what_changed_is_audited_without_the_number(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    client, admin = browser(), browser()
    user = await sign_up(client)
    await bind_phone(client, vendor)
    await client.put("/me/email", json={"email": "new@example.test"})
    await client.delete("/me/email")
    entries = await house.db.read(lambda tx: tx.scalars(select(AuditRow).order_by(AuditRow.id)).all())
    mine = [(entry.action, entry.before, entry.after) for entry in entries if entry.target == f"user:{user['id']}"]
    assert mine == [
        ("user.bind_phone", {"phone": None}, {"phone": "+86138••••8000"}),
        ("user.bind_email", {"email": "ada@example.test"}, {"email": "new@example.test"}),
        ("user.unbind_email", {"email": "new@example.test"}, {"email": None}),
    ]
    # An admin knows whoever has no address by the number.
    await make_admin(house, admin)
    audit = (await admin.get("/admin/audit")).json()["items"]
    assert {entry["actor_email"] for entry in audit if entry["action"].startswith("user.bind")} == {E164}
    told = await house.db.read(lambda tx: tx.scalars(select(UserRow.phone)).all())
    assert E164 in told
    assert await house.db.read(lambda tx: tx.scalars(select(SessionRow.confirmed_at)).all())
