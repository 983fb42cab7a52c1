"""Who may do what: scopes of keys, admins, disabled people, and the one admin that always remains."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.identity.conftest import PASSWORD, Browser, MovableClock, SmallHouse, make_admin, make_key, sign_in, sign_up
from vermilion.identity import Actor, is_still_in
from vermilion.identity.queries import who_has_key


def _program(browser: Browser, key: str) -> httpx.AsyncClient:
    return browser(headers={"Authorization": f"Bearer {key}"})


async def test_a_key_is_shown_once_and_known_by_its_prefix_after(browser: Browser) -> None:
    client = browser()
    await sign_up(client)
    made = (await client.post("/me/api-keys", json={"name": "laptop"})).json()
    assert made["key"].startswith("vk_")
    assert len(made["key"]) == 46
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) == 9
    assert made["scopes"] == ["read", "generate"]
    listed = await client.get("/me/api-keys")
    assert made["key"] not in listed.text
    assert listed.json()["items"] == [{k: v for k, v in made.items() if k != "key"}]
    assert (await _program(browser, made["key"]).get("/me")).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ({"read"}, {"GET /work", "POST /quote"}),
        ({"generate"}, {"POST /work"}),
        ({"read", "generate"}, {"GET /work", "POST /work", "POST /quote"}),
    ],
)
async def test_a_key_does_what_its_scopes_say(
    browser: Browser, house: SmallHouse, scopes: set[str], allowed: set[str]
) -> None:
    user = await sign_up(browser())
    program = _program(browser, await make_key(house, user["id"], *scopes))
    for route in ("GET /work", "POST /work", "POST /quote"):
        answer = await program.request(*route.split())
        if route in allowed:
            assert answer.status_code == 200, route
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope_required"), route


async def test_a_key_cannot_touch_keys_sessions_password_or_profile(browser: Browser, house: SmallHouse) -> None:
    admin_id = await make_admin(house, browser())
    program = _program(browser, await make_key(house, admin_id, "read", "generate", "admin"))
    for method, path, body in (
        ("GET", "/me/api-keys", None),
        ("POST", "/me/api-keys", {"name": "child", "scopes": ["admin"]}),
        ("DELETE", f"/me/api-keys/{uuid4()}", None),
        ("GET", "/me/sessions", None),
        ("DELETE", f"/me/sessions/{uuid4()}", None),
        ("POST", "/me/password", {"current_password": PASSWORD, "new_password": "another long way"}),
        ("PATCH", "/me", {"name": "Program"}),
    ):
        answer = await program.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.session_required"), path
    assert (await program.get("/admin/choices")).status_code == 200


async def test_an_admin_key_needs_the_scope_and_the_person(browser: Browser, house: SmallHouse) -> None:
    root, person = browser(), browser()
    root_id = await make_admin(house, root)
    user = await sign_up(person)
    without = await _program(browser, await make_key(house, root_id, "read", "generate")).get("/admin/audit")
    assert (without.status_code, without.json()["code"]) == (403, "auth.scope_required")
    refused = await person.post("/me/api-keys", json={"name": "x", "scopes": ["admin"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.admin_scope_refused")

    assert (await root.patch(f"/admin/users/{user['id']}", json={"role": "admin"})).status_code == 200
    program = _program(browser, await make_key(house, user["id"], "read", "admin"))
    assert (await program.get("/admin/audit")).status_code == 200
    assert (await root.patch(f"/admin/users/{user['id']}", json={"role": "user"})).status_code == 200
    demoted = await program.get("/admin/audit")
    assert (demoted.status_code, demoted.json()["code"]) == (403, "auth.admin_required")


async def test_keys_expire_and_are_deleted_by_their_owner_only(browser: Browser, house: SmallHouse) -> None:
    ada, eve = browser(), browser()
    user = await sign_up(ada)
    await sign_up(eve, "eve@example.test")
    brief = _program(browser, await make_key(house, user["id"], "read", days=1))
    lasting = _program(browser, await make_key(house, user["id"], "read"))
    assert (await brief.get("/me")).status_code == 200
    house.clock.move(days=1)
    assert (await brief.get("/me")).status_code == 401
    assert (await lasting.get("/me")).status_code == 200
    for item in (await ada.get("/me/api-keys")).json()["items"]:
        stolen = await eve.delete(f"/me/api-keys/{item['id']}")
        assert (stolen.status_code, stolen.json()["code"]) == (404, "auth.api_key_not_found")
        assert (await ada.delete(f"/me/api-keys/{item['id']}")).status_code == 204
    refused = await lasting.get("/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")
    assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_persons_number_of_keys_is_bounded(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    user = await sign_up(client)
    for _ in range(50):
        await make_key(house, user["id"], "read")
    answer = await client.post("/me/api-keys", json={"name": "one more"})
    assert (answer.status_code, answer.json()["code"]) == (409, "auth.too_many_api_keys")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer vk_", "Bearer vk_guess", "bearer " + "x" * 9000, "Bearer \xff\xfe"],
)
async def test_a_bad_authorization_is_nobody_even_beside_a_good_cookie(browser: Browser, authorization: str) -> None:
    client = browser()
    await sign_up(client)
    answer = await client.get("/me", headers={"Authorization": authorization.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


async def test_the_whole_key_counts_not_its_beginning(browser: Browser, house: SmallHouse) -> None:
    user = await sign_up(browser())
    key = await make_key(house, user["id"], "read")
    for wrong in (key[:-1], key + "x", key[:10], key.swapcase(), "%" * 46, "vk_' or 1=1 --"):
        assert await house.db.read(who_has_key, wrong, house.clock.now()) is None
    assert await house.db.read(who_has_key, key, house.clock.now()) is not None


async def test_disabling_ends_every_session_and_key_at_once_and_for_good(browser: Browser, house: SmallHouse) -> None:
    root, ada = browser(), browser()
    await make_admin(house, root)
    user = await sign_up(ada)
    program = _program(browser, await make_key(house, user["id"], "read"))
    assert (await program.get("/me")).status_code == 200
    answer = await root.patch(f"/admin/users/{user['id']}", json={"disabled": True})
    assert answer.json()["disabled"] is True
    assert answer.json()["available"] == 70
    assert (await ada.get("/me")).status_code == 401
    assert (await program.get("/me")).status_code == 401
    refused = await sign_in(browser())
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.account_disabled")
    # Whoever does not know the password does not learn of it.
    assert (await sign_in(browser(), password="not the password")).status_code == 401

    assert (await root.patch(f"/admin/users/{user['id']}", json={"disabled": False})).status_code == 200
    assert (await ada.get("/me")).status_code == 401
    assert (await program.get("/me")).status_code == 401
    assert (await sign_in(ada)).status_code == 200


async def test_a_long_stream_can_learn_that_its_way_in_is_gone(browser: Browser, house: SmallHouse) -> None:
    root, ada = browser(), browser()
    await make_admin(house, root)
    user = await sign_up(ada)
    key = await make_key(house, user["id"], "read")
    known = await house.db.read(who_has_key, key, house.clock.now())
    assert known is not None
    actor = Actor(known.user_id, known.role, known.scopes, None, known.way_in_id, None)
    assert await house.db.read(is_still_in, actor, house.clock.now())
    await root.patch(f"/admin/users/{user['id']}", json={"disabled": True})
    assert not await house.db.read(is_still_in, actor, house.clock.now())


async def test_people_are_kept_out_of_the_admins_rooms(browser: Browser) -> None:
    client = browser()
    user = await sign_up(client)
    for method, path, body in (
        ("GET", "/admin/choices", None),
        ("PATCH", "/admin/choices", {"welcome_credits": 1_000_000}),
        ("GET", "/admin/audit", None),
        ("PATCH", f"/admin/users/{user['id']}", {"role": "admin"}),
    ):
        answer = await client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.admin_required"), path
        assert (await browser().request(method, path, json=body)).status_code == 401, path


@pytest.mark.parametrize("patch", [{"role": "user"}, {"disabled": True}, {"role": "user", "disabled": False}])
async def test_the_last_admin_stays(browser: Browser, house: SmallHouse, patch: dict[str, object]) -> None:
    root, second = browser(), browser()
    root_id = await make_admin(house, root)
    second_id = await make_admin(house, second, "second@example.test")
    assert (await root.patch(f"/admin/users/{second_id}", json={"disabled": True})).status_code == 200
    answer = await root.patch(f"/admin/users/{root_id}", json=patch)
    assert (answer.status_code, answer.json()["code"]) == (409, "auth.last_admin")
    assert (await root.get("/admin/choices")).status_code == 200
    renamed = await root.patch(f"/admin/users/{root_id}", json={"name": "Still Root"})
    assert (renamed.status_code, renamed.json()["role"]) == (200, "admin")


async def test_two_admins_cannot_demote_each_other_at_the_same_moment(browser: Browser, house: SmallHouse) -> None:
    for turn in range(5):
        one, two = browser(), browser()
        one_id = await make_admin(house, one, f"one{turn}@example.test")
        two_id = await make_admin(house, two, f"two{turn}@example.test")
        # A former turn's survivor steps back, so that these two are the only ones.
        for former in range(turn):
            for name in ("one", "two"):
                await _demote_by_email(house, one, f"{name}{former}@example.test")
        answers = await asyncio.gather(
            one.patch(f"/admin/users/{two_id}", json={"role": "user"}),
            two.patch(f"/admin/users/{one_id}", json={"role": "user"}),
        )
        assert sorted(answer.status_code for answer in answers)[0] == 200
        assert sorted(answer.status_code for answer in answers)[1] in {403, 409}


async def _demote_by_email(house: SmallHouse, admin: httpx.AsyncClient, email: str) -> None:
    from vermilion.identity import list_users

    page = await house.db.read(list_users, q=email)
    for user in page.items:
        assert (await admin.patch(f"/admin/users/{user.id}", json={"role": "user"})).status_code == 200


async def test_an_unknown_person_is_a_404_and_an_unknown_field_a_422(browser: Browser, house: SmallHouse) -> None:
    root = browser()
    root_id = await make_admin(house, root)
    answer = await root.patch(f"/admin/users/{uuid4()}", json={"name": "X"})
    assert (answer.status_code, answer.json()["code"]) == (404, "auth.user_not_found")
    for body in ({"email": "x@y.test"}, {"role": "god"}, {"disabled": "yes"}, {"disabled": None}, []):
        assert (await root.patch(f"/admin/users/{root_id}", json=body)).status_code == 422
    assert (await root.patch("/admin/users/7", json={"name": "X"})).status_code == 422


async def test_a_program_may_carry_a_session_and_it_ends_like_any_other(
    browser: Browser, house: SmallHouse, clock: MovableClock
) -> None:
    signed_in = browser()
    user = await sign_up(signed_in)
    token = signed_in.cookies["__Host-vermilion"]
    program = _program(browser, token)
    assert (await program.get("/me")).json()["user"] == user
    # Wherever it comes from: no page can make a browser send this header.
    assert (await program.patch("/me", json={"name": "Ada L."})).status_code == 200
    # The header alone counts, also beside a cookie that would open.
    beside = browser(headers={"Authorization": "Bearer not-a-session", "Cookie": f"__Host-vermilion={token}"})
    assert (await beside.get("/me")).status_code == 401
    # What looks like a key is no session, and the other way round.
    key = await make_key(house, user["id"], "read")
    assert (await _program(browser, key.removeprefix("vk_")).get("/me")).status_code == 401
    assert (await _program(browser, f"vk_{token}").get("/me")).status_code == 401
    clock.move(days=14, seconds=1)
    assert (await program.get("/me")).status_code == 401
