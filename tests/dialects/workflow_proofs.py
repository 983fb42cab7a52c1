"""The described `generation` routes: pictures by workflows."""

from typing import Any

from tests.dialects.scene import Scene, data_url, png, proves
from vermilion.dialects import Route

BODY: dict[str, Any] = {"prompt": "a red fox", "model_name": "sd-1.5", "steps": 4}


async def _completed(scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
    created = await scene.owner.post("/generation/create", body)
    ended = await scene.ended(scene.owner, "generation", created["id"])
    assert ended["status"] == "completed", ended
    return ended


@proves("POST /generation/create")
async def a_workflow_makes_a_picture(scene: Scene, route: Route) -> None:
    body = {
        "prompt": "a red fox",
        "modelName": "sd-1.5",
        "negativePrompt": "rain",
        "width": 768,
        "height": 432,
        "steps": 5,
        "cfg": 6.5,
        "seed": 11,
    }
    created = await scene.owner.post(route.path, body)
    described = {"id", "user_id", "prompt", "model_name", "status", "result_id", "error_message", "created_at"}
    assert described | {"completed_at"} <= set(created)
    assert (created["status"], created["result_id"], created["user_id"]) == ("pending", None, scene.owner.id)
    assert (await scene.ended(scene.owner, "generation", created["id"]))["status"] == "completed"
    params = (await scene.owner.get(f"/generations/{created['id']}"))["params"]
    assert (params["aspect_ratio"], params["steps"], params["cfg"], params["seed"]) == ("16:9", 5, 6.5, 11)
    assert params["negative_prompt"] == "rain" and created["ignored_fields"] == []
    alone = await scene.owner.post(route.path, {**BODY, "width": 768})
    assert alone["ignored_fields"] == ["width"], "one side says no size"
    kept = {**BODY, "model_name": "comfyui-upscale", "image": data_url(png(40)), "width": 768, "height": 512}
    ignored = (await scene.owner.post(route.path, kept))["ignored_fields"]
    assert sorted(ignored) == ["height", "prompt", "steps", "width"]
    unknown = await scene.owner.post(route.path, {**BODY, "model_name": "nothing"}, status=400)
    assert unknown["code"] == "catalog.unknown_model"
    elsewhere = await scene.owner.post(route.path, {**BODY, "model_name": "kling-v1"}, status=400)
    assert elsewhere["code"] == "catalog.unknown_model"
    own = await scene.owner.post(route.path, {**BODY, "workflow": {"1": {}}}, status=422)
    assert own["code"] == "dialects.workflow_refused"
    again = await _completed(scene, {**BODY, "model_name": "sd-1.5-image", "image": data_url(png(40))})
    assert again["model_name"] == "sd-1.5-image"


@proves("GET /generation/status/{task_id}", "GET /generation/result/{task_id}")
async def a_task_and_its_result_are_their_owners(scene: Scene, route: Route) -> None:
    task = await _completed(scene, BODY)
    at = route.path.replace("{task_id}", task["id"])
    told = await scene.owner.get(at)
    assert told["result_id"] and told["completed_at"] and told["error_message"] is None
    if "result" in route.path:
        answer = await scene.nobody.get(told["image_url"])
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/")
        assert told["image_urls"] == [told["image_url"]] and told["result_id"] in told["image_url"]
    assert (await scene.other.client.get(at)).status_code == 404
    assert (await scene.nobody.get(at)).status_code == 401
    never = route.path.replace("{task_id}", "01900000-0000-7000-8000-000000000000")
    assert (await scene.owner.client.get(never)).status_code == 404


@proves("GET /generation/history")
async def the_history_comes_by_page(scene: Scene, route: Route) -> None:
    task = await _completed(scene, BODY)
    page = await scene.owner.get(route.path, params={"page": 1, "limit": 1})
    assert page["items"][0]["id"] == task["id"] and page["total"] >= 1
    assert (await scene.admin.get(route.path))["items"] == []


@proves("DELETE /generation/{task_id}")
async def a_task_is_deleted(scene: Scene, route: Route) -> None:
    task = await _completed(scene, BODY)
    at = f"/generation/{task['id']}"
    assert (await scene.other.client.delete(at)).status_code == 404
    assert (await scene.owner.client.delete(at)).json()["status"] == "completed"
    assert (await scene.owner.client.get(f"/generation/status/{task['id']}")).status_code == 404
