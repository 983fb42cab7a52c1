"""Midjourney: imagining, what its buttons do, words for pictures, seeds."""

from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy import update

from tests.dialects.scene import TO_MAKE, Scene, data_url, png, proves
from tests.library.files import encoded
from vermilion.db import Tx
from vermilion.dialects import Route
from vermilion.generation.tables import GenerationRow


@proves("POST /midjourney/generate", "POST /midjourney/submit/imagine")
async def pictures_are_imagined(scene: Scene, route: Route) -> None:
    before = await scene.owner.balance()
    task = await scene.completed(
        scene.owner,
        route.path,
        {
            "prompt": "a red fox",
            "negativePrompt": "rain",
            "mode": "relax",
            "referenceImages": [
                {"base64": data_url(png(30)), "weight": 1.5, "type": "normal", "filename": "fox.png"},
                {"base64": data_url(png(31)), "type": "style"},
            ],
            "advancedParams": {
                "chaos": 10,
                "stylize": 250,
                "seed": 42,
                "quality": 2,
                "version": "7",
                "customAspectRatio": {"width": 5, "height": 4},
                "tile": False,
            },
        },
    )
    params = task["properties"]["params"]
    assert (task["model"], task["action"], task["progress"]) == ("midjourney-v7", "IMAGINE", "100%")
    assert (params["speed"], params["without"], params["aspect_ratio"]) == ("relax", "rain", "5:4")
    assert (params["chaos"], params["stylize"], params["seed"], params["quality"]) == (10, 250, 42, "2")
    assert params["image_weight"] == 1.5 and task["ignored_fields"] == []
    assert len(task["image_urls"]) == 4, "a grid is four pictures"
    assert before[0] - (await scene.owner.balance())[0] == task["credits"] == 2
    labels = [button["label"] for button in task["buttons"]]
    assert {"Upscale 1", "Vary 4", "Once more"} <= set(labels), labels
    assert len(labels) == len(set(labels)), labels
    older = await scene.owner.post(route.path, {"prompt": "a fox", "advanced_params": {"version": 6.1}})
    assert older["model"] == "midjourney-v6-1"


@proves("POST /midjourney/submit/blend")
async def pictures_are_blended(scene: Scene, route: Route) -> None:
    body = {"base64Array": [data_url(png(32)), data_url(png(33))], "dimensions": "3:2"}
    task = await scene.completed(scene.owner, route.path, body)
    assert (task["model"], task["action"]) == ("midjourney-blend", "BLEND")
    assert task["properties"]["params"]["dimensions"] == "3:2"
    worded = await scene.owner.post(route.path, {**body, "dimensions": "Portrait"})
    assert worded["properties"]["params"]["dimensions"] == "2:3"
    assert (await scene.owner.client.post(route.path, json={"images": [data_url(png(32))]})).status_code == 422


@proves("POST /midjourney/submit/describe", "POST /midjourney/submit/shorten")
async def words_come_back(scene: Scene, route: Route) -> None:
    body: dict[str, Any] = (
        {"base64": data_url(png(34))} if route.path.endswith("describe") else {"prompt": "a very, very red fox"}
    )
    task = await scene.completed(scene.owner, route.path, body)
    assert task["image_url"] is None and task["properties"]["facts"]["texts"]


@proves("POST /midjourney/submit/action")
async def a_button_is_pressed(scene: Scene, route: Route) -> None:
    grid = await scene.task("midjourney")
    button = next(each for each in grid["buttons"] if each["label"] == "Upscale 2")
    large = await scene.completed(scene.owner, route.path, {"taskId": grid["id"], "customId": button["custom_id"]})
    assert large["model"] == "midjourney-upscale" and len(large["image_urls"]) == 1
    unknown = await scene.owner.post(route.path, {"task_id": grid["id"], "custom_id": "nothing"}, status=404)
    assert unknown["code"] == "dialects.no_such_button"
    # Nobody presses another's buttons, and an admin does so no more than others.
    for stranger in (scene.other, scene.admin):
        pressed = await stranger.client.post(route.path, json={"task_id": grid["id"], "custom_id": button["custom_id"]})
        assert pressed.status_code == 404


@proves("POST /midjourney/submit/modal")
async def a_button_that_asks_is_answered(scene: Scene, route: Route) -> None:
    grid = await scene.task("midjourney")
    upscale = next(each for each in grid["buttons"] if each["label"] == "Upscale 1")
    press = {"task_id": grid["id"], "custom_id": upscale["custom_id"]}
    before = await scene.owner.balance()
    ordinary = await scene.owner.post(route.path, press, status=409)
    assert (ordinary["code"], ordinary["field"]) == ("dialects.button_asks_nothing", "custom_id")
    unasked = await scene.owner.post(route.path, {"task_id": grid["id"]}, status=404)
    assert unasked["code"] == "dialects.no_such_button" and (await scene.owner.balance())[0] == before[0]
    large = await scene.completed(scene.owner, "/midjourney/submit/action", press)
    region = next(each for each in large["buttons"] if each["label"] == "Vary a region")
    asked = await scene.owner.post(
        "/midjourney/submit/action", {"task_id": large["id"], "custom_id": region["custom_id"]}, status=409
    )
    assert (asked["code"], asked["needs"]) == ("dialects.button_asks", ["mask", "prompt"])
    body = {"taskId": large["id"], "customId": region["custom_id"], "prompt": "a hat", "maskBase64": data_url(png(35))}
    # Nothing painted is nothing to change: it is refused, and what came with it is let go.
    nothing = data_url(encoded(Image.new("L", (512, 512)), "PNG"))
    blank = await scene.owner.post(route.path, {**body, "maskBase64": nothing}, status=422)
    assert [error["code"] for error in blank["errors"]] == ["nothing_painted"]
    changed = await scene.completed(scene.owner, route.path, body)
    assert changed["model"] == "midjourney-region" and changed["prompt"] == "a hat"
    # Without a button it is the one that asks for what was given.
    zoomed = await scene.completed(scene.owner, route.path, {"task_id": large["id"], "prompt": "wider"})
    assert zoomed["model"] in {"midjourney-zoom", "midjourney-animate"}


@proves("GET /midjourney/task/{task_id}/image-seed", "POST /midjourney/task/{task_id}/image-seed")
async def a_seed_is_asked_for_and_known(scene: Scene, route: Route) -> None:
    path, body = TO_MAKE["midjourney"]
    grid = await scene.completed(scene.owner, path, body)
    await scene.studio.house.db.write(_untold, UUID(grid["id"]))
    at = f"/midjourney/task/{grid['id']}/image-seed"
    unknown = await scene.owner.client.get(at)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "dialects.no_seed")
    # Asked again before the answer is there, it is the same task, and its price is put aside once.
    available = (await scene.owner.balance())[0]
    asked = await scene.owner.post(at)
    left = (await scene.owner.balance())[0]
    assert (await scene.owner.post(at))["id"] == asked["id"]
    assert (await scene.owner.balance())[0] == left < available
    assert (await scene.ended(scene.owner, "midjourney", asked["id"]))["status"] == "completed"
    told = await scene.owner.get(at)
    assert told["task_id"] == grid["id"] and told["seed"] == grid["properties"]["facts"]["seed"]
    # What is known is told again without a task, and without a price.
    before_again = await scene.owner.balance()
    again = await scene.owner.post(at)
    assert again["id"] == asked["id"] and again["properties"]["facts"]["seed"] == told["seed"]
    assert (await scene.owner.balance())[0] == before_again[0]
    wished = await scene.owner.post("/midjourney/submit/imagine", {"prompt": "a fox", "advanced_params": {"seed": 42}})
    spent = await scene.owner.balance()
    named = await scene.owner.post(f"/midjourney/task/{wished['id']}/image-seed")
    assert named["id"] == wished["id"] and named["properties"]["params"]["seed"] == 42
    assert (await scene.owner.balance())[0] == spent[0] and again["id"] == (await scene.owner.post(at))["id"]
    assert spent[0] < before_again[0], "only what was wished for anew is paid"
    assert (await scene.other.client.get(at)).status_code == 404
    assert (await scene.other.client.post(at)).status_code == 404


def _untold(tx: Tx, task_id: UUID) -> None:
    """As if by a proxy that tells no seeds by itself, which the sandbox's does."""
    tx.execute(update(GenerationRow).where(GenerationRow.id == task_id).values(facts={}))
