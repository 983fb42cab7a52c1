"""Models that admins make: checked like those of the shelf, there at once, and gone without a trace of confusion."""

import copy
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from tests.catalog.conftest import NOW, SECRET, SmallHouse
from tests.catalog.own import own_model
from vermilion.catalog import CatalogBroken, OverridePatch, Shelf, Snapshot, override_model, usable_entry
from vermilion.catalog.shelf import check_names, read_entries
from vermilion.catalog.tables import ModelOverrideRow, OwnModelRow
from vermilion.db import Database
from vermilion.identity.tables import AuditRow
from vermilion.kit import NotFound
from vermilion.providers import Finding, LocalText, Proposal

PARAMS: list[dict[str, Any]] = [
    {
        "type": "integer",
        "name": "steps",
        "label": {"en": "Steps", "zh": "步数"},
        "minimum": 1,
        "maximum": 8,
        "default": 4,
    },
    {
        "type": "integer",
        "name": "num_images",
        "label": {"en": "Pictures", "zh": "张数"},
        "minimum": 1,
        "maximum": 4,
        "default": 2,
    },
]
OWN = own_model(
    "own-neon",
    params=PARAMS,
    outputs_param="num_images",
    price={"per_output_credits": 3},
    options={"graph": {"1": {"says": "hello"}}},
)


def own(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(OWN), **changes}


async def add(admin: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await admin.post("/admin/models", json=own(**changes))
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def credential(admin: httpx.AsyncClient) -> str:
    answer = await admin.post("/admin/providers/fal/credentials", json={"name": "Main", "fields": {"key": SECRET}})
    return str(answer.json()["id"])


async def test_a_model_is_there_for_everybody_as_soon_as_it_was_added(
    person: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    assert (await person.get("/models/own-neon")).status_code == 404
    made = await add(admin)
    assert made["own"] is True
    assert made["default_price"]["per_output_credits"] == 3
    view = (await person.get("/models/own-neon")).json()
    assert [param["name"] for param in view["params"]] == ["steps", "num_images"]
    assert view["provider_title"] == "fal.ai"
    assert view["price"]["from_credits"] == 3
    listed = (await person.get("/models")).json()["items"]
    assert "own-neon" in [item["id"] for item in listed]
    assert "hello" not in str(listed), "what the adapter must know is nobody else's to see"


async def test_it_is_priced_and_accepted_like_any_other(
    admin: httpx.AsyncClient, house: SmallHouse, shelf: Shelf
) -> None:
    await add(admin)
    entry = await house.db.read(usable_entry, shelf, "own-neon", "user")
    accepted = entry.accept("a sign", {"num_images": 4})
    assert entry.quote(accepted.params).price_credits == 12
    assert entry.wire_options()["graph"] == {"1": {"says": "hello"}}
    assert Snapshot.read(Snapshot.of(entry).stored()).options == entry.options


async def test_replacing_it_holds_at_once_and_forgets_what_was_changed_before(
    admin: httpx.AsyncClient, house: SmallHouse, shelf: Shelf
) -> None:
    await add(admin)
    patched = await admin.patch("/admin/models/own-neon", json={"per_output_credits": 9, "enabled": False})
    assert (patched.json()["price"]["per_output_credits"], patched.json()["default_price"]["per_output_credits"]) == (
        9,
        3,
    )
    answer = await admin.put("/admin/models/own-neon", json=own(price={"base_credits": 7}, enabled=True))
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["price"]["base_credits"], view["price"]["per_output_credits"], view["enabled"]) == (7, 0, True)
    assert await house.db.read(lambda tx: list(tx.scalars(select(ModelOverrideRow)))) == []
    assert (await house.db.read(usable_entry, shelf, "own-neon", "user")).price.base_credits == 7


async def test_a_drawing_follows_its_entry(admin: httpx.AsyncClient, person: httpx.AsyncClient) -> None:
    await add(admin)
    await person.get("/models")
    await admin.put(
        "/admin/models/own-neon", json=own(name={"en": "Neon II", "zh": "霓虹二"}, params=[], outputs_param=None)
    )
    view = (await person.get("/models/own-neon")).json()
    assert (view["name"]["en"], view["params"]) == ("Neon II", [])


async def test_deleted_it_is_gone_and_its_id_is_free_again(admin: httpx.AsyncClient, person: httpx.AsyncClient) -> None:
    await add(admin)
    await admin.patch("/admin/models/own-neon", json={"visibility": "admins"})
    assert (await admin.delete("/admin/models/own-neon")).status_code == 204
    assert (await person.get("/models/own-neon")).status_code == 404
    assert (await admin.delete("/admin/models/own-neon")).json()["code"] == "catalog.unknown_model"
    assert (await add(admin))["override"]["visibility"] == "everyone"


async def test_what_is_exported_can_be_added_elsewhere_unchanged(admin: httpx.AsyncClient) -> None:
    await add(admin)
    await admin.patch("/admin/models/own-neon", json={"per_output_credits": 5})
    exported = (await admin.get("/admin/models/own-neon/entry")).json()
    assert exported["price"]["per_output_credits"] == 5
    await admin.delete("/admin/models/own-neon")
    answer = await admin.post("/admin/models", json=exported)
    assert answer.status_code == 201, answer.text
    assert (await admin.get("/admin/models/own-neon/entry")).json() == exported


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"id": "neon"}, 422, "catalog.invalid_model", "id"),
        ({"id": "flux-1-dev"}, 422, "catalog.invalid_model", "id"),
        ({"id": "Own Neon"}, 422, "request.invalid", "id"),
        ({"aliases": ["neon"]}, 422, "catalog.invalid_model", "aliases"),
        ({"provider": "nobody"}, 404, "provider.unknown", "provider"),
        ({"name": {"en": "Neon"}}, 422, "request.invalid", "name"),
        ({"name": {"en": "Neon", "zh": ""}}, 422, "request.invalid", "name"),
        ({"price": {"per_output_credits": 0}}, 422, "request.invalid", None),
        ({"price": {"per_output_credits": 1_000_000}}, 422, "request.invalid", None),
        ({"price": {"per_output_credits": "3"}}, 422, "request.invalid", "price.per_output_credits"),
        ({"typical_seconds": 900}, 422, "request.invalid", None),
        ({"outputs_param": "pictures"}, 422, "request.invalid", None),
        ({"prompt": None}, 422, "request.invalid", None),
        ({"colour": "red"}, 422, "request.invalid", "colour"),
    ],
)
async def test_what_a_catalog_file_would_be_refused_for_is_refused_here(
    admin: httpx.AsyncClient, changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    for path in ("/admin/models", "/admin/models/previews"):
        answer = await admin.post(path, json=own(**changes))
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert field is None or answer.json()["field"] == field, answer.text
    assert not [item for item in (await admin.get("/admin/models")).json()["items"] if item["own"]]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"price": {"per_output_credits": "3"}}, "price.per_output_credits must be a whole number."),
        ({"name": {"en": "Neon", "zh": "霓虹"}, "typical_seconds": "5"}, "typical_seconds must be a whole number."),
        (
            {"id": "Own Neon"},
            "id must be at most 64 small letters, digits, dots and hyphens, and begin with a letter or a digit.",
        ),
        (
            {"params": [{"type": "wheel", "name": "turn"}], "outputs_param": None},
            "params.0.type must be one of integer, number, string, boolean, choice or size.",
        ),
    ],
)
async def test_what_is_wrong_with_a_model_is_said_of_its_field(
    admin: httpx.AsyncClient, changes: dict[str, Any], detail: str
) -> None:
    for path in ("/admin/models", "/admin/models/previews"):
        problem = (await admin.post(path, json=own(**changes))).json()
        assert problem["detail"] == detail
        assert problem["field"] == problem["errors"][0]["field"] == detail.split(" ", maxsplit=1)[0]


async def test_a_model_that_is_no_json_is_refused_as_such(admin: httpx.AsyncClient) -> None:
    plain = {"Content-Type": "text/plain"}
    for path in ("/admin/models", "/admin/models/previews"):
        answer = await admin.post(path, content=b"{}", headers=plain)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid"), answer.text
        assert "Content-Type: application/json" in answer.json()["detail"]


async def test_a_parameter_without_words_is_named(admin: httpx.AsyncClient) -> None:
    silent = {"type": "boolean", "name": "loud", "default": True}
    answer = await admin.post("/admin/models", json=own(params=[silent], outputs_param=None))
    assert (answer.status_code, answer.json()["field"]) == (422, "params.loud.label")


async def test_an_id_is_given_once_and_never_changes(admin: httpx.AsyncClient) -> None:
    await add(admin)
    again = await admin.post("/admin/models", json=own())
    assert (again.status_code, again.json()["code"]) == (409, "catalog.id_taken")
    moved = await admin.put("/admin/models/own-neon", json=own(id="own-other"))
    assert (moved.status_code, moved.json()["field"]) == (422, "id")
    absent = await admin.put("/admin/models/own-nothing", json=own(id="own-nothing"))
    assert (absent.status_code, absent.json()["code"]) == (404, "catalog.unknown_model")


async def test_a_row_that_cannot_be_read_takes_no_other_model_with_it(
    admin: httpx.AsyncClient, person: httpx.AsyncClient, house: SmallHouse
) -> None:
    await add(admin)
    broken = {"id": "own-broken", "digest": "b" * 64, "entry": {"id": "own-broken", "params": "gone"}}
    await house.db.write(lambda tx: tx.execute(insert(OwnModelRow).values(**broken, created_at=NOW, updated_at=NOW)))
    with structlog.testing.capture_logs() as logs:
        assert (await person.get("/models/own-neon")).status_code == 200
        listed = [item["id"] for item in (await person.get("/models")).json()["items"]]
    assert "own-neon" in listed
    assert "own-broken" not in listed
    assert {line["model"] for line in logs if line["event"] == "own_model_unreadable"} == {"own-broken"}


async def test_what_cannot_be_read_is_shown_to_admins_with_the_reason(
    admin: httpx.AsyncClient, house: SmallHouse
) -> None:
    await add(admin)
    assert (await admin.get("/admin/models")).json()["broken"] == []
    good = await house.db.read(lambda tx: tx.scalars(select(OwnModelRow.entry)).one())
    for model, entry in (
        ("own-dear", {**good, "id": "own-dear", "price": {"base_credits": 10**9}}),
        ("own-bare", ["no", "table"]),
    ):
        row = {"id": model, "digest": model[-1] * 64, "entry": entry, "created_at": NOW, "updated_at": NOW}
        await house.db.write(lambda tx, row=row: tx.execute(insert(OwnModelRow).values(**row)))
    listed = (await admin.get("/admin/models")).json()
    assert "own-neon" in [item["id"] for item in listed["items"]]
    bare, dear = listed["broken"]
    assert (bare["id"], dear["id"]) == ("own-bare", "own-dear")
    assert "dictionary" in bare["reason"]
    assert dear["reason"].startswith("price.base_credits: ")
    assert (await admin.delete("/admin/models/own-bare")).status_code == 204
    assert [each["id"] for each in (await admin.get("/admin/models")).json()["broken"]] == ["own-dear"]


async def test_a_row_that_cannot_be_read_can_still_be_replaced_and_deleted(
    admin: httpx.AsyncClient, person: httpx.AsyncClient, house: SmallHouse
) -> None:
    for model, entry in (("own-broken", {"id": "own-broken", "params": "gone"}), ("own-neon", ["no", "table"])):
        row = {"id": model, "digest": model[-1] * 64, "entry": entry, "created_at": NOW, "updated_at": NOW}
        await house.db.write(lambda tx, row=row: tx.execute(insert(OwnModelRow).values(**row)))
    assert (await admin.delete("/admin/models/own-broken")).status_code == 204
    assert (await admin.delete("/admin/models/own-broken")).json()["code"] == "catalog.unknown_model"
    await add(admin, id="own-broken")
    replaced = await admin.put("/admin/models/own-neon", json=own())
    assert replaced.status_code == 200, replaced.text
    assert (await person.get("/models/own-neon")).json()["name"]["en"] == "Neon"
    told = select(AuditRow.action, AuditRow.before).where(AuditRow.action.in_(["model.delete", "model.replace"]))
    audited = dict(await house.db.read(lambda tx: tx.execute(told).all()))
    assert audited == {
        "model.delete": {"readable": False, "digest": "n" * 64},
        "model.replace": {"readable": False, "digest": "n" * 64},
    }


async def test_what_was_shipped_is_not_replaced_or_deleted(admin: httpx.AsyncClient) -> None:
    for answer in (
        await admin.delete("/admin/models/flux-1-dev"),
        await admin.put("/admin/models/flux-1-dev", json=own()),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "catalog.not_own")
    view = next(item for item in (await admin.get("/admin/models")).json()["items"] if item["id"] == "flux-1-dev")
    assert view["own"] is False


async def test_a_preview_is_what_people_would_see_and_leaves_nothing(
    admin: httpx.AsyncClient, person: httpx.AsyncClient
) -> None:
    preview = (await admin.post("/admin/models/previews", json=own())).json()
    assert (await person.get("/models/own-neon")).status_code == 404
    await add(admin)
    assert (await person.get("/models/own-neon")).json() == preview
    other = (await admin.post("/admin/models/previews", json=own(name={"en": "Else", "zh": "别的"}))).json()
    assert other["name"]["en"] == "Else"
    assert (await person.get("/models/own-neon")).json()["name"]["en"] == "Neon"


async def test_every_change_is_in_the_audit_without_the_document(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    await add(admin)
    await admin.put("/admin/models/own-neon", json=own(price={"base_credits": 7}))
    await admin.delete("/admin/models/own-neon")
    rows = await house.db.read(
        lambda tx: [
            (row.action, row.target, row.before, row.after)
            for row in tx.scalars(select(AuditRow).where(AuditRow.target == "model:own-neon").order_by(AuditRow.id))
        ]
    )
    assert [row[0] for row in rows] == ["model.add", "model.replace", "model.delete"]
    assert rows[0][2] is None
    assert (rows[1][2]["per_output_credits"], rows[1][3]["base_credits"]) == (3, 7)
    assert rows[2][3] is None
    assert "hello" not in str(rows)


async def test_a_proposal_is_an_entry_to_be_sent_back(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    table = {key: value for key, value in own().items() if key not in ("id", "provider", "name", "about", "price")}
    spare = {"type": "boolean", "name": "loud", "label": {"en": "Loud", "zh": "响"}, "default": True}
    finding = Finding(LocalText("Too dark.", "太暗。"), "Sign (#1)", "loud", blocks=True)
    house.provider.proposal = Proposal(table, (spare,), (finding,), checked=True)
    body = {"credential_id": await credential(admin), "document": {"1": {}}, "settings": {"loud": False}}
    answer = await admin.post("/admin/models/proposals", json=body)
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert house.provider.asked == [({"1": {}}, {"loud": False})]
    assert view["findings"] == [
        {"message": {"en": "Too dark.", "zh": "太暗。"}, "where": "Sign (#1)", "setting": "loud", "blocks": True}
    ]
    assert view["checked"] is True
    assert [param["name"] for param in view["spare"]] == ["loud"]
    added = await admin.post("/admin/models", json={**view["entry"], "id": "own-proposed"})
    assert added.status_code == 201, added.text


async def test_tables_that_make_no_entry_are_told_as_a_finding(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    house.provider.proposal = Proposal(
        {"endpoint": "x", "makes": "image", "typical_seconds": 5, "deadline_seconds": 60}
    )
    body = {"credential_id": await credential(admin), "document": {"1": {}}}
    view = (await admin.post("/admin/models/proposals", json=body)).json()
    assert view["entry"] is None
    assert "nothing could be asked of it" in view["findings"][0]["message"]["en"]
    assert view["findings"][0]["blocks"] is True


async def test_a_proposal_needs_a_credential_and_one_document(admin: httpx.AsyncClient) -> None:
    absent = {"credential_id": "01900000-0000-7000-8000-000000000000", "document": {"1": {}}}
    answer = await admin.post("/admin/models/proposals", json=absent)
    assert (answer.status_code, answer.json()["code"]) == (404, "credential.unknown")
    mine = await credential(admin)
    for more in ({}, {"document": {"1": {}}, "template": "x"}, {"document": {}}):
        answer = await admin.post("/admin/models/proposals", json={"credential_id": mine, **more})
        assert answer.status_code == 422, answer.text
    answer = await admin.post("/admin/models/proposals", json={"credential_id": mine, "template": "nothing"})
    assert (answer.status_code, answer.json()["code"]) == (404, "catalog.unknown_template")


async def test_a_document_of_any_size_is_not_taken(admin: httpx.AsyncClient) -> None:
    body = {"credential_id": await credential(admin), "document": {"1": {"text": "x" * (1 << 20)}}}
    answer = await admin.post("/admin/models/proposals", json=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_the_shelf_never_ships_an_id_that_is_the_houses_own() -> None:
    file = """
        [provider]
        name = "acme"
        title = "Acme"
        [[model]]
        id = "own-acme"
        endpoint = "x"
        makes = "image"
        name = { en = "x", zh = "x" }
        about = { en = "x", zh = "x" }
        prompt = { max_chars = 10 }
        price = { base_credits = 1 }
        typical_seconds = 1
        deadline_seconds = 10
    """
    _, entries = read_entries("acme.toml", file)
    with pytest.raises(CatalogBroken, match="own-acme"):
        check_names(entries)


@pytest.mark.parametrize(("model", "digest"), [("neon", "0" * 64), ("own-", "0" * 64), ("own-neon", "short")])
def test_the_database_itself_refuses_what_is_not_the_houses_own(db: Database, model: str, digest: str) -> None:
    with pytest.raises(IntegrityError):
        db.write_now(
            lambda tx: tx.execute(
                text(
                    "insert into own_model (id, digest, entry, created_at, updated_at)"
                    " values (:id, :digest, '{}', :now, :now)"
                ),
                {"id": model, "digest": digest, "now": NOW.isoformat() if db.dialect == "sqlite" else NOW},
            )
        )


def test_an_override_of_a_model_that_is_not_there_is_refused(db: Database, shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        db.write_now(override_model, shelf, None, "own-nothing", OverridePatch(enabled=False), now=NOW)
