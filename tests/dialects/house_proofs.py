"""Accounts, storage, credit and what the studio says of itself."""

import itertools
from typing import Any

from tests.api.studio import PASSWORD
from tests.dialects.scene import Scene, png, proves
from vermilion.dialects import Route

_numbers = itertools.count(1)


def _new_email() -> str:
    return f"described{next(_numbers)}@example.test"


@proves("GET /api/config")
async def the_studio_says_truthfully_what_it_has(scene: Scene, route: Route) -> None:
    answer = await scene.nobody.get(f"{scene.studio.origin}/api/config")
    assert answer.status_code == 200
    told = answer.json()
    assert told["name"] and told["version"] and told["default_locale"] in {"en", "zh"}
    assert told["sign_in_methods"] == ["password", "phone"]
    # The scene sends codes and sells credits; its files lie in its own folder.
    assert told["features"]["enable_phone_signin"] and told["features"]["enable_email_binding"]
    assert told["features"]["enable_redemption_codes"] and told["features"]["enable_credit_buying"]
    assert told["features"]["enable_cloud_storage"] is False
    assert told["features"]["enable_signup"] and told["features"]["enable_api_key"]


@proves("POST /auths/signup", "POST /auths/signin", "POST /auths/signout")
async def a_program_signs_up_in_and_out_with_a_token(scene: Scene, route: Route) -> None:
    email = _new_email()
    program = scene.studio.client()
    up = await program.post("/auths/signup", json={"email": email, "password": PASSWORD, "name": "A program"})
    assert up.status_code == 200, up.text
    assert up.json()["token_type"] == "Bearer" and up.json()["email"] == email
    assert "set-cookie" not in up.headers
    wrong = await program.post("/auths/signin", json={"email": email, "password": "another long way"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.wrong_credentials")
    entered = await program.post("/auths/signin", json={"email": email, "password": PASSWORD})
    token = entered.json()["token"]
    # Without a cookie and from no page at all, as programs come.
    signed_in = scene.studio.client(Authorization=f"Bearer {token}")
    assert (await signed_in.get("/me")).json()["user"]["email"] == email
    assert (await signed_in.get("/flux/credits")).json()["user_id"] == up.json()["id"]
    assert (await signed_in.post("/auths/signout")).json() == {"status": True}
    assert (await signed_in.get("/me")).status_code == 401
    still = scene.studio.client(Authorization=f"Bearer {up.json()['token']}")
    assert (await still.get("/me")).status_code == 200


@proves("GET /auths/api_key", "POST /auths/api_key", "DELETE /auths/api_key")
async def there_is_one_key_shown_once(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person()
    assert await someone.get("/auths/api_key") == {"api_key": None}
    first = (await someone.post("/auths/api_key"))["api_key"]
    second = (await someone.post("/auths/api_key"))["api_key"]
    shown = (await someone.get("/auths/api_key"))["api_key"]
    assert shown.endswith("…") and second.startswith(shown[:-1]) and len(shown) < 12
    assert (await scene.studio.client(Authorization=f"Bearer {first}").get("/me")).status_code == 401
    by_key = scene.studio.client(Authorization=f"Bearer {second}")
    assert (await by_key.get("/me")).status_code == 200
    # A key makes no keys.
    assert (await by_key.post("/auths/api_key")).status_code == 403
    assert (await someone.client.delete("/auths/api_key")).json() == {"api_key": None}
    assert (await someone.client.delete("/auths/api_key")).status_code == 404
    assert (await by_key.get("/me")).status_code == 401


@proves("GET /storage/stats")
async def storage_is_counted(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person()
    assert (await someone.get(route.path))["total_files"] == 0
    content = png(20)
    await someone.upload(content)
    stats = await someone.get(route.path)
    assert stats["total_files"] == 1 and stats["total_size_bytes"] == len(content)
    assert stats["by_kind"] == [{"source": "uploaded", "kind": "image", "files": 1, "size_bytes": len(content)}]


@proves(
    "GET /files/generated",
    "DELETE /files/generated/{asset_id}",
    "GET /storage/files/generated",
    "DELETE /storage/files/generated/{asset_id}",
)
async def what_was_made_is_listed_and_deleted(scene: Scene, route: Route) -> None:
    at = route.path.removesuffix("/{asset_id}")
    someone = await scene.studio.person()
    await someone.upload(png(21))
    body = {"prompt": "a fox", "model": "fal-ai/flux-1/schnell", "num_images": 2}
    task = await scene.completed(someone, "/flux/text-to-image", body)
    listed = await someone.get(at, params={"limit": 1})
    assert (listed["total"], listed["has_more"], len(listed["items"])) == (2, True, 1)
    both = await someone.get(at)
    assert {item["task_id"] for item in both["items"]} == {task["id"]}
    file = both["items"][0]
    assert (await scene.nobody.get(file["url"])).status_code == 200
    assert (await scene.other.client.delete(f"{at}/{file['id']}")).status_code == 404
    gone = await someone.client.delete(f"{at}/{file['id']}")
    assert gone.json() == {"id": file["id"], "deleted": True}
    assert (await scene.nobody.get(file["url"])).status_code == 404
    assert (await someone.get(at))["total"] == 1


@proves("GET /credit/config")
async def credits_are_explained(scene: Scene, route: Route) -> None:
    told = await scene.owner.get(route.path)
    poor = await scene.studio.person(credits_given=1)
    refused = await poor.post("/flux/text-to-image", {"prompt": "a fox"}, status=402)
    assert refused["code"] == told["no_credit_code"]
    assert told["can_buy"] is True and told["can_redeem"] is True


@proves("GET /credit/logs")
async def the_statement_comes_by_page(scene: Scene, route: Route) -> None:
    await scene.task("flux")
    whole = (await scene.owner.get("/credits/statement", params={"limit": 100}))["items"]
    paged = []
    page = 1
    while len(paged) < min(30, len(whole)):
        answer = await scene.owner.get(route.path, params={"page": page, "limit": 7})
        assert answer["has_more"] == (page * 7 < answer["total"])
        paged += answer["items"]
        page += 1
    assert [entry["id"] for entry in paged] == [entry["id"] for entry in whole][: len(paged)]
    assert paged[0]["balance"] == whole[0]["available_after"]
    # What a task cost is told by the line that settled it, though the credits had been set aside before.
    task = await scene.task("flux")
    told = {entry["kind"]: entry for entry in await _log(scene, route) if entry["task_id"] == task["id"]}
    held, settled = told["hold"], told["settle"]
    assert settled["amount"] == task["credits"] > 0 and settled["credit"] + held["credit"] == -task["credits"]


async def _log(scene: Scene, route: Route) -> list[dict[str, Any]]:
    """The whole statement, page by page."""
    entries: list[dict[str, Any]] = []
    while True:
        answer = await scene.owner.get(route.path, params={"page": len(entries) // 100 + 1, "limit": 100})
        entries += answer["items"]
        if not answer["has_more"]:
            return entries


@proves("GET /credit/models/price", "PUT /credit/models/price")
async def models_are_priced(scene: Scene, route: Route) -> None:
    before = {item["model"]: item for item in (await scene.owner.get("/credit/models/price"))["items"]}
    model = "flux-2-turbo"
    changes = {"models": {model: {"per_output_credits": 9}, "fal-ai/flux-2/flash": {"perOutputCredits": 8}}}
    answer = await scene.admin.client.put("/credit/models/price", json=changes)
    assert answer.status_code == 200, answer.text
    after = {item["model"]: item for item in answer.json()["items"]}
    assert (after[model]["per_output_credits"], after["flux-2-flash"]["per_output_credits"]) == (9, 8)
    assert {name for name in after if after[name] != before[name]} == {model, "flux-2-flash"}
    # All or none.
    broken = {"models": {"flux-2": {"per_output_credits": 1}, "nothing": {"per_output_credits": 1}}}
    assert (await scene.admin.client.put("/credit/models/price", json=broken)).status_code == 404
    for shape in (
        {model: 7},
        {"models": {model: 7}},
        [{"model": model, "credits": 7}],
        {"models": [{"model": model, "base_credits": 7, "perOutputCredits": 0}]},
    ):
        await scene.admin.client.patch(f"/admin/models/{model}", json={"reset": True})
        answer = await scene.admin.client.put("/credit/models/price", json=shape)
        assert answer.status_code == 200, answer.text
        priced = {item["model"]: item for item in answer.json()["items"]}[model]
        assert (priced["base_credits"], priced["per_output_credits"]) == (7, 0), shape
    for wrong, said in (
        (5, "Prices are a list of"),
        ({model: "many"}, f"The price of {model} is a whole number"),
        ([{"credits": 5}], "names its model"),
        ([{"model": model, "credits": 5}] * 2, "twice"),
        ([{"model": model}], "say what it costs"),
        ({model: {"credits": 5, "base_credits": 5}}, "not both"),
        ({model: -1}, f"models.{model}.credits"),
    ):
        answer = await scene.admin.client.put("/credit/models/price", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
        assert said in answer.json()["detail"] and "Value error" not in answer.text, answer.text
    for name in (model, "flux-2-flash"):
        await scene.admin.client.patch(f"/admin/models/{name}", json={"reset": True})
    prices = {item["model"]: item for item in (await scene.owner.get("/credit/models/price"))["items"]}
    assert prices == before


@proves("POST /credit/statistics")
async def what_was_spent_is_counted(scene: Scene, route: Route) -> None:
    task = await scene.task("flux")
    stats = await scene.admin.post(route.path, {"days": 3})
    assert stats["credits"] >= task["credits"] and stats["completed"] >= 1
    assert task["model"] in {row["model"] for row in stats["by_model"]}
