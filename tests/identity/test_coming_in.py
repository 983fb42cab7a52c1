"""Signing up, in and out, and what a session is worth."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, text

from tests.identity.conftest import PASSWORD, Browser, SmallHouse, make_admin, sign_in, sign_up
from vermilion.identity import ChoicesPatch, PasswordHashing, change_choices, make_first_admin_link, needs_first_admin
from vermilion.identity.tables import SessionRow, UserRow
from vermilion.identity.tokens import hash_token

COOKIE = "__Host-vermilion"


async def test_signing_up_makes_a_person_a_session_and_an_account(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    user = await sign_up(client, "Ada@Example.TEST", "  Ada Lovelace ")
    assert user["email"] == "ada@example.test"
    assert user["name"] == "Ada Lovelace"
    assert user["role"] == "user"
    assert house.created == ["ada@example.test"]
    me = await client.get("/me")
    assert me.json() == {"user": user, "credits": {"available": 70, "held": 30}}


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    answer = await browser().post(
        "/auth/sign-up", json={"email": "ada@example.test", "password": PASSWORD, "name": "Ada"}
    )
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {attribute.lower() for attribute in attributes} == {
        "httponly",
        "secure",
        "samesite=lax",
        "path=/",
        f"max-age={90 * 86400}",
    }


async def test_on_plain_http_the_cookie_has_another_name_and_no_secure(browser: Browser, house: SmallHouse) -> None:
    house.secure_cookies = False
    client = browser()
    await sign_up(client)
    assert list(client.cookies) == ["vermilion_session"]
    assert (await client.get("/me")).status_code == 200


async def test_only_hashes_of_secrets_are_stored(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    await sign_up(client)
    token = client.cookies[COOKIE]
    assert len(token) == 43
    stored = await house.db.read(lambda tx: tx.scalars(select(SessionRow)).one())
    assert stored.token_hash == hash_token(token) != token
    user = await house.db.read(lambda tx: tx.scalars(select(UserRow)).one())
    assert user.password_hash.startswith("$argon2id$")


async def test_an_address_can_be_taken_once_however_it_is_spelt(browser: Browser, house: SmallHouse) -> None:
    await sign_up(browser())
    answer = await browser().post(
        "/auth/sign-up", json={"email": "ADA@example.test", "password": PASSWORD, "name": "Eve"}
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "auth.email_taken"
    assert answer.json()["field"] == "email"
    assert "set-cookie" not in answer.headers
    assert house.created == ["ada@example.test"]


async def test_a_closed_door_lets_nobody_sign_up(browser: Browser, house: SmallHouse) -> None:
    await house.db.write(change_choices, None, ChoicesPatch(sign_up_open=False), house.clock.now())
    answer = await browser().post("/auth/sign-up", json={"email": "a@b.test", "password": PASSWORD, "name": "A"})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.sign_up_closed")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("password123", "auth.password_too_common"),
        ("PassWord123", "auth.password_too_common"),
        ("woaini1314", "auth.password_too_common"),
        ("ada@example.test", "auth.password_too_common"),
        ("zzzzzzzzzzzz", "auth.password_too_common"),
        ("short", "request.invalid"),
        ("x" * 129, "request.invalid"),
    ],
)
async def test_weak_passwords_are_refused_by_name(browser: Browser, password: str, code: str) -> None:
    answer = await browser().post(
        "/auth/sign-up", json={"email": "ada@example.test", "password": password, "name": "Ada"}
    )
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, "password")


@pytest.mark.parametrize("password", ["        x", "ünïcödé", "密码密码密码密码", "x9" * 64])
async def test_any_characters_make_a_password(browser: Browser, password: str) -> None:
    client = browser()
    body = {"email": "ada@example.test", "password": password.ljust(8, "ß"), "name": "Ada"}
    assert (await client.post("/auth/sign-up", json=body)).status_code == 201
    assert (await sign_in(browser(), password=body["password"])).status_code == 200


async def test_a_wrong_password_and_an_unknown_address_look_alike(browser: Browser) -> None:
    await sign_up(browser())
    wrong = await sign_in(browser(), password="not the password")
    unknown = await sign_in(browser(), email="nobody@example.test")
    assert wrong.status_code == unknown.status_code == 401
    for answer in (wrong, unknown):
        assert answer.json().pop("request_id")
        assert "set-cookie" not in answer.headers
    assert {k: v for k, v in wrong.json().items() if k != "request_id"} == {
        k: v for k, v in unknown.json().items() if k != "request_id"
    }


async def test_an_unknown_address_costs_a_whole_verification(
    browser: Browser, house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = house.hasher._hash.verify_and_update

    def count(password: str, password_hash: str) -> tuple[bool, str | None]:
        checked.append(password_hash)
        return verify(password, password_hash)

    monkeypatch.setattr(house.hasher._hash, "verify_and_update", count)
    await sign_up(browser())
    await sign_in(browser(), password="not the password")
    await sign_in(browser(), email="nobody@example.test")
    known, unknown = checked
    # Same algorithm, passes, memory and lanes, same lengths: the same work.
    assert known.split("$")[:4] == unknown.split("$")[:4]
    assert [len(part) for part in known.split("$")] == [len(part) for part in unknown.split("$")]
    assert known != unknown


async def test_a_hash_with_old_parameters_is_renewed_at_sign_in(browser: Browser, house: SmallHouse) -> None:
    await sign_up(browser())
    house.hasher = PasswordHashing(passes=2, memory_kib=64, lanes=1)
    assert (await sign_in(browser())).status_code == 200
    stored = await house.db.read(lambda tx: tx.scalars(select(UserRow.password_hash)).one())
    assert "t=2" in stored
    assert (await sign_in(browser())).status_code == 200
    house.hasher.close()


async def test_a_session_token_planted_before_sign_in_is_worth_nothing_after_it(browser: Browser) -> None:
    await sign_up(browser())
    victim = browser(headers={"Sec-Fetch-Site": "same-origin", "Cookie": f"{COOKIE}=planted-by-somebody-else"})
    answer = await sign_in(victim)
    assert answer.status_code == 200
    assert "planted-by-somebody-else" not in answer.headers["set-cookie"]
    thief = browser(headers={"Cookie": f"{COOKIE}=planted-by-somebody-else"})
    assert (await thief.get("/me")).status_code == 401


async def test_signing_in_again_ends_the_browsers_former_session(browser: Browser) -> None:
    client = browser()
    await sign_up(client)
    former = client.cookies[COOKIE]
    await sign_in(client)
    assert client.cookies[COOKIE] != former
    assert (await browser(headers={"Cookie": f"{COOKIE}={former}"}).get("/me")).status_code == 401


async def test_signing_out_ends_the_session_in_the_house_not_only_in_the_browser(browser: Browser) -> None:
    client = browser()
    await sign_up(client)
    token = client.cookies[COOKIE]
    answer = await client.post("/auth/sign-out")
    assert answer.status_code == 204
    assert list(client.cookies) == []
    assert (await browser(headers={"Cookie": f"{COOKIE}={token}"}).get("/me")).status_code == 401
    assert (await client.post("/auth/sign-out")).status_code == 204


async def test_a_session_ends_after_two_weeks_of_rest(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    await sign_up(client)
    house.clock.move(days=13, hours=23)
    assert (await client.get("/me")).status_code == 200
    house.clock.move(days=13, hours=23)
    assert (await client.get("/me")).status_code == 200
    house.clock.move(days=14)
    refused = await client.get("/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")


async def test_a_session_ends_after_ninety_days_however_much_it_is_used(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    await sign_up(client)
    for _ in range(8):
        house.clock.move(days=11)
        assert (await client.get("/me")).status_code == 200
    house.clock.move(days=2)
    assert (await client.get("/me")).status_code == 401


async def test_last_use_is_written_at_most_once_a_minute(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    await sign_up(client)

    async def last_used() -> timedelta:
        row = await house.db.read(lambda tx: tx.scalars(select(SessionRow)).one())
        return house.clock.now() - row.last_used_at

    house.clock.move(seconds=59)
    await client.get("/me")
    assert await last_used() == timedelta(seconds=59)
    house.clock.move(seconds=1)
    await client.get("/me")
    assert await last_used() == timedelta(0)


async def test_changing_the_password_ends_every_other_session(browser: Browser) -> None:
    here, there = browser(), browser()
    await sign_up(here)
    await sign_in(there)
    change = {"current_password": PASSWORD, "new_password": "another long way"}
    assert (await here.post("/me/password", json=change)).status_code == 204
    assert (await here.get("/me")).status_code == 200
    assert (await there.get("/me")).status_code == 401
    assert (await sign_in(there)).status_code == 401
    assert (await sign_in(there, password="another long way")).status_code == 200


async def test_changing_the_password_needs_the_current_one(browser: Browser) -> None:
    client = browser()
    await sign_up(client)
    change = {"current_password": "not the password", "new_password": "another long way"}
    answer = await client.post("/me/password", json=change)
    assert (answer.status_code, answer.json()["code"]) == (422, "auth.wrong_credentials")
    assert answer.json()["field"] == "current_password"
    weak = await client.post("/me/password", json={"current_password": PASSWORD, "new_password": "password123"})
    assert (weak.status_code, weak.json()["field"]) == (422, "new_password")
    assert (await sign_in(browser())).status_code == 200


async def test_people_see_and_end_their_own_sessions_only(browser: Browser) -> None:
    here = browser(headers={"Sec-Fetch-Site": "same-origin", "User-Agent": "Here/1"})
    there, eve = browser(), browser()
    await sign_up(here)
    await sign_in(there)
    await sign_up(eve, "eve@example.test", "Eve")
    sessions = (await here.get("/me/sessions")).json()["items"]
    assert len(sessions) == 2
    mine = next(session for session in sessions if session["current"])
    other = next(session for session in sessions if not session["current"])
    assert (mine["user_agent"], mine["ip"]) == ("Here/1", "192.0.2.7")
    stolen = await eve.delete(f"/me/sessions/{other['id']}")
    assert (stolen.status_code, stolen.json()["code"]) == (404, "auth.session_not_found")
    assert (await there.get("/me")).status_code == 200
    assert (await here.delete(f"/me/sessions/{other['id']}")).status_code == 204
    assert (await there.get("/me")).status_code == 401
    assert (await here.delete(f"/me/sessions/{mine['id']}")).status_code == 204
    assert list(here.cookies) == []


async def test_a_person_has_a_bounded_number_of_sessions(browser: Browser, house: SmallHouse) -> None:
    first = browser()
    await sign_up(first)
    for _ in range(105):
        house.clock.move(seconds=1)
        await sign_in(browser())
    count = await house.db.read(lambda tx: tx.scalar(text("select count(*) from session")))
    assert count == 100
    assert (await first.get("/me")).status_code == 401


async def test_the_one_time_link_makes_one_admin_and_no_second(browser: Browser, house: SmallHouse) -> None:
    stale = await house.db.write(make_first_admin_link, house.clock.now())
    token = await house.db.write(make_first_admin_link, house.clock.now())
    assert token is not None and token != stale
    body = {"token": token, "email": "root@example.test", "password": PASSWORD, "name": "Root"}
    for wrong in (stale, "guess"):
        refused = await browser().post("/auth/first-admin", json=body | {"token": wrong})
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.first_admin_refused")
    client = browser()
    answer = await client.post("/auth/first-admin", json=body)
    assert answer.status_code == 201
    assert answer.json()["user"]["role"] == "admin"
    assert (await client.get("/admin/choices")).status_code == 200
    again = await browser().post("/auth/first-admin", json=body | {"email": "two@example.test"})
    assert again.status_code == 403
    assert await house.db.write(make_first_admin_link, house.clock.now()) is None
    assert not await house.db.read(needs_first_admin)


async def test_a_taken_address_does_not_use_up_the_link(browser: Browser, house: SmallHouse) -> None:
    await sign_up(browser(), "root@example.test")
    token = await house.db.write(make_first_admin_link, house.clock.now())
    body = {"token": token, "email": "root@example.test", "password": PASSWORD, "name": "Root"}
    assert (await browser().post("/auth/first-admin", json=body)).status_code == 409
    answer = await browser().post("/auth/first-admin", json=body | {"email": "other@example.test"})
    assert answer.status_code == 201


async def test_an_admin_made_by_the_terminal_closes_the_link(browser: Browser, house: SmallHouse) -> None:
    token = await house.db.write(make_first_admin_link, house.clock.now())
    await make_admin(house, browser())
    body = {"token": token, "email": "eve@example.test", "password": PASSWORD, "name": "Eve"}
    assert (await browser().post("/auth/first-admin", json=body)).status_code == 403


async def test_a_profile_changes_only_what_is_sent(browser: Browser) -> None:
    client = browser()
    user = await sign_up(client)
    changed = await client.patch("/me", json={"theme": "ink", "locale": "zh"})
    assert changed.json()["user"] == user | {"theme": "ink", "locale": "zh"}
    changed = await client.patch("/me", json={"locale": None, "name": "Ada L."})
    assert changed.json()["user"] == user | {"theme": "ink", "name": "Ada L."}
    assert (await client.patch("/me", json={})).json() == changed.json()
    for forbidden in ({"role": "admin"}, {"email": "x@y.test"}, {"name": None}, {"theme": "neon"}, {"name": " \t"}):
        assert (await client.patch("/me", json=forbidden)).status_code == 422, forbidden
    assert (await client.get("/me")).json()["user"] == changed.json()["user"]


@pytest.mark.parametrize(
    "email", ["", "ada", "@example.test", "ada@", "a b@c.test", "ada@-x.test", "ada@x..test", "a" * 65 + "@b.test", 7]
)
async def test_what_is_not_an_address_is_refused(browser: Browser, email: object) -> None:
    answer = await browser().post("/auth/sign-up", json={"email": email, "password": PASSWORD, "name": "A"})
    assert (answer.status_code, answer.json()["field"]) == (422, "email")


async def test_a_flood_of_sign_ins_is_turned_away_instead_of_queued(house: SmallHouse) -> None:
    import asyncio

    from vermilion.kit import AppError

    hashing = PasswordHashing(passes=1, memory_kib=64, lanes=1, waiting_max=3)
    answers = await asyncio.gather(*(hashing.hash("x") for _ in range(10)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, AppError)]
    assert len(refused) == 7
    assert {(error.status, error.code, error.headers["Retry-After"]) for error in refused} == {
        (429, "rate.limited", "3")
    }
    assert await hashing.hash("x")
    hashing.close()


async def test_two_people_cannot_take_one_address_at_the_same_moment(browser: Browser, house: SmallHouse) -> None:
    import asyncio

    body = {"email": "ada@example.test", "password": PASSWORD, "name": "Ada"}
    clients: list[httpx.AsyncClient] = [browser() for _ in range(8)]
    answers = await asyncio.gather(*(client.post("/auth/sign-up", json=body) for client in clients))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
