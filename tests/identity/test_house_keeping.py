"""The operator's choices, the audit that nobody can rewrite, and the lists admins read."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.identity.conftest import Browser, SmallHouse, make_admin, sign_up
from vermilion.identity import audit, list_users
from vermilion.identity.commands.sessions import delete_ended_sessions
from vermilion.kit import Invalid, encode_cursor


async def test_choices_have_defaults_and_change_one_by_one(browser: Browser, house: SmallHouse) -> None:
    root = browser()
    await make_admin(house, root)
    defaults = {
        "sign_up_open": True,
        "welcome_credits": 100,
        "studio_name": "Vermilion",
        "default_locale": "en",
        "service_defaults": {},
    }
    assert (await root.get("/admin/choices")).json() == defaults
    changed = await root.patch("/admin/choices", json={"welcome_credits": 0, "studio_name": "朱砂"})
    assert changed.json() == defaults | {"welcome_credits": 0, "studio_name": "朱砂"}
    changed = await root.patch("/admin/choices", json={"welcome_credits": 7.0})
    assert changed.json() == defaults | {"welcome_credits": 7, "studio_name": "朱砂"}
    assert (await root.get("/admin/choices")).json() == changed.json()


@pytest.mark.parametrize(
    "patch",
    [
        {"welcome_credits": -1},
        {"welcome_credits": 1_000_001},
        {"welcome_credits": True},
        {"welcome_credits": 1.5},
        {"welcome_credits": "7"},
        {"welcome_credits": None},
        {"sign_up_open": 1},
        {"studio_name": ""},
        {"studio_name": "x" * 81},
        {"default_locale": "fr"},
        {"service_defaults": {"acme": "acme-one"}},
        {"service_defaults": {"acme.model": ""}},
        {"unknown": 1},
    ],
)
async def test_a_choice_out_of_bounds_changes_nothing(
    browser: Browser, house: SmallHouse, patch: dict[str, object]
) -> None:
    root = browser()
    await make_admin(house, root)
    before = (await root.get("/admin/choices")).json()
    answer = await root.patch("/admin/choices", json={"sign_up_open": False} | patch)
    ((named, value),) = patch.items()
    # What is wrong inside a table is named with its place in it.
    inside = f".{next(iter(value))}" if isinstance(value, dict) else ""
    assert (answer.status_code, answer.json()["field"]) == (422, f"{named}{inside}")
    assert (await root.get("/admin/choices")).json() == before


async def test_a_choice_of_a_newer_release_is_passed_over(browser: Browser, house: SmallHouse) -> None:
    root = browser()
    await make_admin(house, root)
    await root.patch("/admin/choices", json={"welcome_credits": 7})
    await house.db.write(lambda tx: tx.execute(text("update choice set key = 'from_the_future'")))
    assert (await root.get("/admin/choices")).json()["welcome_credits"] == 100


async def test_what_admins_do_is_written_down_with_before_and_after(browser: Browser, house: SmallHouse) -> None:
    root = browser()
    root_id = await make_admin(house, root)
    user = await sign_up(browser())
    await root.patch("/admin/choices", json={"welcome_credits": 5})
    await root.patch("/admin/choices", json={"welcome_credits": 5})
    await root.patch(f"/admin/users/{user['id']}", json={"role": "admin", "name": user["name"]})
    items = (await root.get("/admin/audit")).json()["items"]
    assert [item["action"] for item in items] == ["user.change", "choices.change", "user.create_admin"]
    change, choice, creation = items
    assert (change["target"], change["before"], change["after"]) == (
        f"user:{user['id']}",
        {"role": "user"},
        {"role": "admin"},
    )
    assert (change["actor_email"], change["ip"]) == ("root@example.test", "192.0.2.7")
    assert change["actor_name"] == (await root.get("/me")).json()["user"]["name"]
    assert (change["target_email"], change["target_name"]) == (user["email"], user["name"])
    assert (choice["target_email"], choice["target_name"]) == (None, None)
    assert (choice["before"], choice["after"]) == ({"welcome_credits": 100}, {"welcome_credits": 5})
    assert (creation["target"], creation["actor_email"], creation["before"]) == (f"user:{root_id}", None, None)


@pytest.mark.parametrize("statement", ["update audit set action = 'x'", "delete from audit"])
async def test_the_audit_cannot_be_rewritten(house: SmallHouse, statement: str) -> None:
    await house.db.write(audit, None, "a.b", "c", None, {"d": 1}, house.clock.now())
    with pytest.raises(DBAPIError, match="append-only"):
        await house.db.write(lambda tx: tx.execute(text(statement)))
    assert await house.db.read(lambda tx: tx.scalar(text("select action from audit"))) == "a.b"


async def test_the_audit_cannot_be_truncated(house: SmallHouse) -> None:
    if house.db.dialect == "sqlite":
        # It has no TRUNCATE; `delete` without a condition is what it offers, and that is refused above.
        return
    await house.db.write(audit, None, "a.b", "c", None, None, house.clock.now())
    with pytest.raises(DBAPIError, match="append-only"):
        await house.db.write(lambda tx: tx.execute(text("truncate audit")))


async def test_the_audit_is_read_page_by_page_without_gap_or_repetition(browser: Browser, house: SmallHouse) -> None:
    root = browser()
    await make_admin(house, root)
    for number in range(7):
        await house.db.write(audit, None, "number", str(number), None, None, house.clock.now())
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await root.get("/admin/audit", params=params)).json()
        seen += [item["target"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen[:7] == [str(number) for number in reversed(range(7))]
    assert len(seen) == 8


@pytest.mark.parametrize("cursor", ["x", "bm90LWpzb24", encode_cursor("a"), encode_cursor(1, 2), "W10", "é"])
async def test_a_foreign_cursor_is_refused(browser: Browser, house: SmallHouse, cursor: str) -> None:
    root = browser()
    await make_admin(house, root)
    answer = await root.get("/admin/audit", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")
    with pytest.raises(Invalid):
        await house.db.read(list_users, cursor=cursor)


async def test_limits_of_lists_are_bounded(browser: Browser, house: SmallHouse) -> None:
    root = browser()
    await make_admin(house, root)
    for limit in ("0", "101", "-1", "1.5", "many", "9" * 5000):
        answer = await root.get("/admin/audit", params={"limit": limit})
        assert (answer.status_code, answer.json()["field"]) == (422, "limit"), limit


async def test_people_are_listed_newest_first_and_found_by_address_or_name(browser: Browser, house: SmallHouse) -> None:
    for number in range(5):
        await sign_up(browser(), f"person{number}@example.test", f"Name {number} 张")
    first = await house.db.read(list_users, limit=3)
    assert [user.email for user in first.items] == [f"person{n}@example.test" for n in (4, 3, 2)]
    rest = await house.db.read(list_users, cursor=first.next, limit=3)
    assert [user.email for user in rest.items] == [f"person{n}@example.test" for n in (1, 0)]
    assert rest.next is None
    found = await house.db.read(list_users, q="PERSON3@")
    assert [user.email for user in found.items] == ["person3@example.test"]
    assert len((await house.db.read(list_users, q="张")).items) == 5
    assert len((await house.db.read(list_users, q="name 1")).items) == 1
    # Wildcards are characters like any other.
    assert (await house.db.read(list_users, q="%")).items == []
    assert (await house.db.read(list_users, q="_")).items == []


async def test_ended_sessions_are_swept(browser: Browser, house: SmallHouse) -> None:
    await sign_up(browser(), "one@example.test")
    house.clock.move(days=10)
    await sign_up(browser(), "two@example.test")
    house.clock.move(days=5)
    assert await house.db.write(delete_ended_sessions, house.clock.now()) == 1
    assert await house.db.write(delete_ended_sessions, house.clock.now()) == 0
