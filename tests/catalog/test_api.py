"""The catalog over HTTP: who sees what, what admins may do, and a form that can be drawn from the answer alone."""

from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.catalog.conftest import SECRET, SmallHouse, refusing
from vermilion.providers import Balance, Probe

CONTROLS = {"ratio", "slider", "segmented", "seed", "switch", "text", "select", "size"}
DRAFT = {"name": "Main", "fields": {"key": SECRET}}


async def add(admin: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await admin.post("/admin/providers/fal/credentials", json={**DRAFT, **more})
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def credentials(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Those of the provider that `add` adds to."""
    providers = (await admin.get("/admin/providers")).json()["items"]
    found: list[dict[str, Any]] = next(each["credentials"] for each in providers if each["provider"] == "fal")
    return found


async def model(browser: httpx.AsyncClient, name: str = "flux-1-dev") -> dict[str, Any]:
    answer = await browser.get(f"/models/{name}")
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def test_a_form_can_be_drawn_from_every_model_alone(person: httpx.AsyncClient) -> None:
    items = (await person.get("/models")).json()["items"]
    assert len(items) >= 40
    for item in items:
        assert item["name"]["en"] and item["name"]["zh"] and item["about"]["en"] and item["about"]["zh"]
        defaults = {param["name"]: param["default"] for param in item["params"]}
        assert jsonschema_rs.Draft202012Validator(item["params_schema"]).is_valid(defaults)
        assert 1 <= item["price"]["from_credits"] <= 1_000_000
        for param in item["params"]:
            assert param["control"] in CONTROLS
            assert param["label"]["zh"]
            if param["control"] == "ratio":
                assert all(choice["label"]["zh"] for choice in param["choices"])
                assert sum(choice["aspect"] is not None for choice in param["choices"]) >= len(param["choices"]) - 1


async def test_the_outside_sees_no_wire_words(person: httpx.AsyncClient) -> None:
    assert "wire" not in (await person.get("/models")).text


async def test_words_that_are_no_description_are_called_by_the_models_own_label(person: httpx.AsyncClient) -> None:
    assert (await model(person, "kling-lip-sync"))["prompt"]["label"] == {"en": "Words to speak", "zh": "要说的话"}
    assert (await model(person))["prompt"]["label"] is None


async def test_a_model_is_found_by_its_vendors_name_too(person: httpx.AsyncClient) -> None:
    assert (await model(person, "fal-ai/flux-pro/kontext/max/multi"))["id"] == "flux-kontext-max-multi"
    missing = await person.get("/models/fal-ai/flux-9")
    assert (missing.status_code, missing.json()["code"]) == (404, "catalog.unknown_model")


async def test_a_model_is_available_once_its_provider_has_a_credential(
    person: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    assert (await model(person))["unavailable_reason"] == "no_credential"
    credential = await add(admin)
    assert (await model(person))["available"] is True
    await admin.patch(f"/admin/credentials/{credential['id']}", json={"enabled": False})
    assert (await model(person))["available"] is False


async def test_an_admins_change_shows_at_once_with_the_default_beside_it(
    person: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    answer = await admin.patch("/admin/models/flux-1-dev", json={"per_output_credits": 9, "enabled": False})
    assert answer.status_code == 200
    view = answer.json()
    assert (view["price"]["per_output_credits"], view["default_price"]["per_output_credits"]) == (9, 3)
    assert view["override"] == {"enabled": False, "visibility": "everyone", "price": view["price"]}
    seen = await model(person)
    assert (seen["price"]["from_credits"], seen["enabled"], seen["unavailable_reason"]) == (9, False, "disabled")
    await admin.patch("/admin/models/flux-1-dev", json={"visibility": "admins"})
    assert (await person.get("/models/flux-1-dev")).status_code == 404
    assert "flux-1-dev" not in {item["id"] for item in (await person.get("/models")).json()["items"]}
    assert "flux-1-dev" in {item["id"] for item in (await admin.get("/admin/models")).json()["items"]}


@pytest.mark.parametrize(
    "body",
    [{"base_credits": -1}, {"base_credits": 1.5}, {"per_output_credits": True}, {"visibility": "nobody"}, {"x": 1}],
)
async def test_a_bad_override_is_a_422(admin: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await admin.patch("/admin/models/flux-1-dev", json=body)).status_code == 422


ADMIN_ROUTES = [
    ("GET", "/admin/models"),
    ("PATCH", "/admin/models/flux-1-dev"),
    ("GET", "/admin/providers"),
    ("POST", "/admin/providers/fal/credentials"),
    ("PATCH", "/admin/credentials/00000000-0000-0000-0000-000000000000"),
    ("DELETE", "/admin/credentials/00000000-0000-0000-0000-000000000000"),
    ("POST", "/admin/credentials/00000000-0000-0000-0000-000000000000/test"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
async def test_only_admins_come_in(
    person: httpx.AsyncClient, visitor: httpx.AsyncClient, method: str, path: str
) -> None:
    assert (await person.request(method, path, json={})).status_code == 403
    assert (await visitor.request(method, path, json={})).status_code == 401
    assert (await visitor.get("/models")).status_code == 401


async def test_a_provider_says_what_it_needs_and_shows_its_credentials_masked(admin: httpx.AsyncClient) -> None:
    await add(admin)
    (fal,) = [item for item in (await admin.get("/admin/providers")).json()["items"] if item["provider"] == "fal"]
    assert [(field["name"], field["secret"]) for field in fal["credential_fields"]] == [
        ("key", True), ("base_url", False), ("scheme", False), ("rest_url", False), ("platform_url", False)
    ]  # fmt: skip
    (credential,) = fal["credentials"]
    assert credential["fields"]["key"] == "••••abcd"
    assert credential["in_flight"] == 3
    assert credential["health"]["state"] == "up"
    assert "not-secret" not in str(fal)


async def test_a_credential_is_changed_and_deleted(admin: httpx.AsyncClient) -> None:
    credential = await add(admin)
    path = f"/admin/credentials/{credential['id']}"
    changed = await admin.patch(path, json={"weight": 5, "fields": {"key": "••••abcd"}})
    assert (changed.status_code, changed.json()["weight"]) == (200, 5)
    refused = await admin.patch(path, json={"fields": {"base_url": "https://elsewhere.example"}})
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        422, "credential.secret_required", "fields.key"
    )  # fmt: skip
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.delete(path)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "", "fields": {}}, {"name": "x", "fields": {"key": "a\nb"}}, {"name": "x", "fields": {"key": 5}},
     {**DRAFT, "weight": 0}, {**DRAFT, "weight": 101}, {**DRAFT, "max_concurrent": 0},
     {**DRAFT, "managed_by": "sandbox"}, {**DRAFT, "fields": {"key": "x" * 5000}},
     {**DRAFT, "fields": {"key": SECRET, "base_url": "http://127.0.0.1"}}],
)  # fmt: skip
async def test_a_bad_credential_is_a_422_and_stores_nothing(admin: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await admin.post("/admin/providers/fal/credentials", json=body)).status_code == 422
    assert all(not item["credentials"] for item in (await admin.get("/admin/providers")).json()["items"])


async def test_an_unknown_provider_is_not_found(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/admin/providers/acme/credentials", json=DRAFT)
    assert (answer.status_code, answer.json()["code"]) == (404, "provider.unknown")


async def test_a_connection_test_says_what_it_found_and_the_health_follows(
    admin: httpx.AsyncClient, house: SmallHouse
) -> None:
    credential = await add(admin)
    path = f"/admin/credentials/{credential['id']}"
    found = (await admin.post(f"{path}/test")).json()
    assert (found["ok"], found["account"], found["problem"]) == (True, "studio", None)
    assert found["latency_ms"] >= 0
    assert house.provider.logins[0].fields["key"] == SECRET

    for answer in (refusing(), Probe(problem="The provider refuses this key.")):
        house.provider.answer = answer
        found = (await admin.post(f"{path}/test")).json()
        assert (found["ok"], found["problem"]) == (False, "The provider refuses this key.")
        (credential,) = await credentials(admin)
        assert credential["health"]["state"] == "down"
        assert credential["health"]["last_error"] == "The provider refuses this key."

    house.provider.answer = Probe()
    assert (await admin.post(f"{path}/test")).json()["ok"] is True
    (credential,) = await credentials(admin)
    assert (credential["health"]["state"], credential["health"]["last_error"]) == ("up", None)


async def test_the_last_balance_a_provider_told_is_kept_until_the_key_changes(
    admin: httpx.AsyncClient, house: SmallHouse
) -> None:
    credential = await add(admin)
    assert credential["balance"] is None
    path = f"/admin/credentials/{credential['id']}"
    house.provider.answer = Probe(account="studio", balance=Balance("24.5", "USD"))
    found = (await admin.post(f"{path}/test")).json()
    assert found["balance"] == {"amount": "24.5", "unit": "USD"}
    (told,) = await credentials(admin)
    assert (told["balance"]["amount"], told["balance"]["unit"]) == ("24.5", "USD")

    for silent in (Probe(), refusing()):
        house.provider.answer = silent
        assert (await admin.post(f"{path}/test")).json()["balance"] is None
        assert (await credentials(admin))[0]["balance"] == told["balance"], "it is the last one known, with its time"

    changed = await admin.patch(path, json={"fields": {"key": "another:fal-key-not-secret"}})
    assert changed.json()["balance"] is None, "another key is another account"


async def test_a_field_with_choices_takes_nothing_else(admin: httpx.AsyncClient) -> None:
    providers = (await admin.get("/admin/providers")).json()["items"]
    fields = {
        field["name"]: field for each in providers if each["provider"] == "kling" for field in each["credential_fields"]
    }
    assert [choice["value"] for choice in fields["generation"]["choices"]] == ["auto", "1", "2"]
    assert fields["api_key"]["choices"] == []

    draft = {"name": "Main", "fields": {"api_key": SECRET, "generation": "third"}}
    refused = await admin.post("/admin/providers/kling/credentials", json=draft)
    assert (refused.status_code, refused.json()["field"]) == (422, "fields.generation")
    draft["fields"] = {"api_key": SECRET, "generation": "AUTO"}
    added = await admin.post("/admin/providers/kling/credentials", json=draft)
    assert added.json()["fields"]["generation"] == "auto"
    assert added.json()["health"]["cooldown_until"] is None
