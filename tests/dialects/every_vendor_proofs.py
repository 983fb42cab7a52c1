"""What every vendor's service has, proved for each of them."""

from typing import Any

from tests.dialects.scene import TO_MAKE, Scene, listening, proves, service_of
from vermilion.dialects import SERVICES, Route
from vermilion.providers import adapters


@proves("GET /{service}/config")
async def the_configuration_masks_every_secret(scene: Scene, route: Route) -> None:
    config = await scene.admin.get(route.path)
    assert config["service"] == service_of(route)
    assert config["enabled"] is True and config["health"] == "up" and config["credentials"] >= 1
    assert config["base_url"].startswith("http://127.0.0.1")
    assert config["max_concurrent_tasks"] >= 1 and config["task_timeout"] > 0
    assert config["task_timeout_unit"] == ("s" if service_of(route) == "flux" else "ms")
    assert {model["model"] for model in config["models"]} >= {config["default_model"]}
    fields = {
        field.name for field in adapters()[SERVICES[config["service"]].provider].credential_fields if field.secret
    }
    secrets = [config["fields"][name] for name in fields if config["fields"][name]]
    assert secrets and all(secret.startswith("••••") and len(secret) <= 8 for secret in secrets)
    assert config["api_key"] in (*secrets, "")


@proves("POST /{service}/config")
async def the_configuration_changes_logins_prices_and_defaults(scene: Scene, route: Route) -> None:
    at = route.path
    before = await scene.admin.get(at)
    model = before["models"][-1]
    changed = await scene.admin.post(
        at,
        {
            # In the other spelling, and with everything as a client would send it back.
            "maxConcurrentTasks": 7,
            "baseUrl": before["base_url"],
            "apiKey": before["api_key"],
            "defaultModel": model["model"],
            "taskTimeout": before["task_timeout"],
            "models": {model["model"]: {"baseCredits": 31, "perOutputCredits": 2}},
        },
    )
    assert changed["max_concurrent_tasks"] == 7
    assert changed["default_model"] == model["model"]
    assert changed["fields"] == before["fields"] and changed["credentials"] == before["credentials"]
    priced = next(each for each in changed["models"] if each["model"] == model["model"])
    assert (priced["base_credits"], priced["per_output_credits"]) == (31, 2)
    assert await scene.admin.get(at) == changed
    audit = await scene.admin.get("/admin/audit", params={"limit": 10})
    assert {"credential.change", "model.override", "choices.change"} <= {entry["action"] for entry in audit["items"]}
    # The key does not follow to another host by itself, and a timeout is the catalog's.
    moved = await scene.admin.post(at, {"base_url": "https://elsewhere.example"}, status=422)
    assert moved["code"] in {"credential.secret_required", "credential.invalid_field"}
    fixed = await scene.admin.post(at, {"task_timeout": before["task_timeout"] + 1}, status=422)
    assert (fixed["code"], fixed["field"]) == ("dialects.fixed", "task_timeout")
    # An operator's own key never goes into the sandbox's login: it gets a login of its own.
    keyed = await scene.admin.post(
        at, {"api_key": "fake-key-not-secret-0815", "base_url": before["base_url"], "allow_private_hosts": True}
    )
    assert keyed["credentials"] == before["credentials"] + 1 and keyed["managed_by"] is None
    assert keyed["api_key"] == "••••0815"
    # Off is off with every login; on again, it is the operator's.
    assert (await scene.admin.post(at, {"enabled": False}))["enabled"] is False
    again = await scene.admin.post(at, {"enabled": True})
    assert again["enabled"] is True and again["managed_by"] is None
    providers = (await scene.admin.get("/admin/providers"))["items"]
    (made,) = [each for item in providers for each in item["credentials"] if each["name"] == "Described"]
    assert (await scene.admin.client.delete(f"/admin/credentials/{made['id']}")).status_code == 204
    switched_off = await scene.admin.post(at, {"enabled": False})
    assert switched_off["enabled"] is False
    assert (await scene.owner.get(f"{at}/user"))["enabled"] is False
    refused = await scene.owner.post(*TO_MAKE[service_of(route)], status=409)
    assert refused["code"] == "catalog.no_credential"
    await scene.admin.post(
        at,
        {
            "enabled": True,
            "max_concurrent_tasks": before["max_concurrent_tasks"],
            "default_model": before["default_model"],
        },
    )
    await scene.admin.client.patch(f"/admin/models/{model['model']}", json={"reset": True})
    assert await scene.admin.get(at) == before


@proves("GET /{service}/config/user")
async def people_see_prices_and_no_secrets(scene: Scene, route: Route) -> None:
    config = await scene.owner.get(route.path)
    assert config["enabled"] is True
    assert all(model["from_credits"] >= 1 for model in config["models"]) and config["models"]
    assert not {"api_key", "base_url", "fields"} & set(config)


@proves("GET /{service}/test")
async def the_connection_is_tested_for_nothing(scene: Scene, route: Route) -> None:
    before = len(await scene.studio.jobs())
    tested = await scene.admin.get(route.path)
    assert tested["success"] is True and tested["problem"] is None, tested
    assert tested["latency_ms"] >= 0
    assert len(await scene.studio.jobs()) == before


@proves("GET /{service}/health")
async def health_is_told(scene: Scene, route: Route) -> None:
    health = await scene.owner.get(route.path)
    assert health["service"] == service_of(route) and health["status"] == "up" and health["since"]


@proves("GET /{service}/models")
async def the_models_are_the_services_own(scene: Scene, route: Route) -> None:
    models = await scene.owner.get(route.path)
    assert len({model["provider"] for model in models["items"]}) == 1
    assert all(model["available"] or model["unavailable_reason"] == "disabled" for model in models["items"])


@proves("GET /{service}/task/{task_id}")
async def a_task_is_its_owners_and_an_admins(scene: Scene, route: Route) -> None:
    service = service_of(route)
    task = await scene.task(service)
    at = f"/{service}/task/{task['id']}"
    assert (await scene.owner.get(at))["state"] == "succeeded"
    as_admin = await scene.admin.get(at)
    assert as_admin["user_id"] == scene.owner.id and as_admin["image_urls"] == task["image_urls"]
    assert task["progress"] == ("100%" if service == "midjourney" else 100)
    assert task["credits"] > 0 and task["finish_time"] >= task["submit_time"]
    assert (await scene.other.client.get(at)).status_code == 404
    elsewhere = "kling" if service != "kling" else "flux"
    assert (await scene.owner.client.get(f"/{elsewhere}/task/{task['id']}")).status_code == 404


@proves("DELETE /{service}/task/{task_id}")
async def a_task_that_waits_is_canceled_and_one_that_ended_is_deleted(scene: Scene, route: Route) -> None:
    service = service_of(route)
    path, body = TO_MAKE[service]
    before = await scene.other.balance()
    created = await scene.other.client.post(path, json={**body, "prompt": "another fox"})
    if created.status_code == 402:
        await _give(scene, scene.other.id, 1000)
        before = await scene.other.balance()
        created = await scene.other.client.post(path, json={**body, "prompt": "another fox"})
    at = f"/{service}/task/{created.json()['id']}"
    ended = await scene.other.client.delete(at)
    if ended.status_code == 409:
        # It is past the point where its vendor takes it back, and not over yet.
        await scene.ended(scene.other, service, created.json()["id"])
        ended = await scene.other.client.delete(at)
    assert ended.status_code == 200, ended.text
    task = await scene.other.client.get(at)
    if task.status_code == 200:
        over = await scene.ended(scene.other, service, created.json()["id"])
        if over["status"] == "cancelled":
            assert await scene.other.balance() == before
        assert (await scene.other.client.delete(at)).status_code == 200
    assert (await scene.other.client.get(at)).status_code == 404
    # An admin may end anybody's, and that is written down.
    path, body = TO_MAKE["flux"]
    if service == "flux":
        created = await scene.other.client.post(path, json={**body, "prompt": "a third fox"})
        task_id = created.json()["id"]
        await scene.ended(scene.other, "flux", task_id)
        assert (await scene.admin.client.delete(f"/flux/task/{task_id}")).status_code == 200
        audit = await scene.admin.get("/admin/audit", params={"limit": 5})
        assert any(entry["target"] == f"generation:{task_id}" for entry in audit["items"])


@proves("GET /{service}/tasks", "GET /{service}/history")
async def tasks_come_by_page(scene: Scene, route: Route) -> None:
    service = service_of(route)
    task = await scene.task(service)
    first = await scene.owner.get(route.path, params={"page": 1, "limit": 1})
    assert (first["page"], first["limit"], len(first["items"])) == (1, 1, 1)
    assert first["has_more"] == (first["total"] > 1)
    everything = await scene.owner.get(route.path, params={"limit": 100})
    assert task["id"] in {each["id"] for each in everything["items"]}
    assert {each["service"] for each in everything["items"]} == {service}
    beyond = await scene.owner.get(route.path, params={"page": 10_000, "limit": 100})
    assert beyond["items"] == [] and beyond["has_more"] is False
    nobodys = await scene.admin.get(route.path)
    assert task["id"] not in {each["id"] for each in nobodys["items"]}


@proves("GET /{service}/credits")
async def every_service_draws_on_one_balance(scene: Scene, route: Route) -> None:
    credits_now = await scene.owner.get(route.path)
    available, held, spent = await scene.owner.balance()
    assert credits_now["balance"] == credits_now["available"] == available
    assert (credits_now["held"], credits_now["spent"]) == (held, spent)


@proves("POST /{service}/credits/add", "POST /{service}/credits/deduct")
async def admins_give_and_take(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person(credits_given=100)
    body = {"userId": someone.id, "amount": 40, "reason": "for a test"}
    answer = await scene.admin.post(route.path, body)
    expected = 140 if route.path.endswith("add") else 60
    assert answer["balance"] == expected == (await someone.balance())[0]
    audit = await scene.admin.get("/admin/audit", params={"limit": 1})
    assert audit["items"][0]["action"] == "credits.grant"
    if route.path.endswith("deduct"):
        refused = await scene.admin.post(route.path, {**body, "amount": 61}, status=409)
        assert refused["code"] == "credits.insufficient_to_take"


@proves("GET /{service}/stats/user", "GET /{service}/stats/system")
async def figures_are_real(scene: Scene, route: Route) -> None:
    task = await scene.task(service_of(route))
    who = scene.admin if route.path.endswith("system") else scene.owner
    stats = await who.get(route.path, params={"days": 7})
    assert stats["completed"] >= 1 and stats["credits"] >= task["credits"]
    assert stats["total"] == stats["completed"] + stats["failed"] + stats["cancelled"]
    assert 0 < stats["success_rate"] <= 1
    of_model = next(each for each in stats["by_model"] if each["model"] == task["model"])
    assert of_model["completed"] >= 1
    for rows in (stats["by_day"], stats["by_model"]):
        assert sum(row["completed"] for row in rows) == stats["completed"]
        assert sum(row["credits"] for row in rows) == stats["credits"]


@proves("GET /{service}/stream/user")
async def the_stream_tells_of_this_service_alone(scene: Scene, route: Route) -> None:
    service = service_of(route)
    path, body = TO_MAKE[service]
    elsewhere, other_body = TO_MAKE["dreamwork" if service == "flux" else "flux"]
    async with listening(scene.owner, route.path) as heard:
        await scene.owner.post(elsewhere, other_body)
        created = await scene.owner.post(path, {**body, "prompt": "a fox to hear of"})
        told: dict[str, Any] = {}
        seen = []
        while told.get("status") != "completed":
            told = await heard("task_update")
            seen.append(told["id"])
            assert told["service"] == service
        assert set(seen) == {created["id"]}
        await scene.can_be_fetched(told)
        await scene.owner.client.delete(f"/{service}/task/{created['id']}")
        assert (await heard("task_deleted"))["id"] == created["id"]


async def _give(scene: Scene, user_id: str, amount: int) -> None:
    await scene.admin.post("/flux/credits/add", {"user_id": user_id, "amount": amount, "reason": "for a test"})
