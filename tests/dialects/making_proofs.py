"""The routes that make something, each from the request to the file."""

import base64
from typing import Any

from tests.dialects.scene import Scene, data_url, png, proves
from tests.library.files import sound
from vermilion.dialects import Route


@proves("POST /flux/text-to-image")
async def flux_paints_from_words(scene: Scene, route: Route) -> None:
    task = await scene.completed(
        scene.owner,
        route.path,
        {
            "model": "fal-ai/flux-1/schnell",
            "prompt": "a red fox",
            "numImages": 2,
            "aspectRatio": "16:9",
            "numInferenceSteps": 4,
            "seed": 7,
            "syncMode": False,
            "strength": 0.9,
        },
    )
    assert len(task["image_urls"]) == 2 and task["model"] == "flux-1-schnell"
    assert task["cloud_image_url"] == task["image_url"] and task["generation_time"] >= 0
    assert task["properties"]["params"]["aspect_ratio"] == "16:9" and task["properties"]["params"]["seed"] == 7
    created = await scene.owner.post(route.path, {"prompt": "a fox", "strength": 0.9})
    assert created["model"] == "flux-1-dev" and created["ignored_fields"] == ["strength"]
    # What was told at the submit is told for as long as the task is.
    ended = await scene.ended(scene.owner, "flux", created["id"])
    listed = (await scene.owner.get("/flux/tasks"))["items"]
    assert ended["ignored_fields"] == ["strength"]
    assert next(each for each in listed if each["id"] == created["id"])["ignored_fields"] == ["strength"]
    sized = {"model": "flux-1-schnell", "prompt": "a fox"}
    exact = await scene.completed(scene.owner, route.path, {**sized, "image_size": {"width": 640, "height": 512}})
    assert exact["properties"]["params"]["exact_size"] == {"width": 640, "height": 512}
    small = await scene.owner.post(route.path, {**sized, "image_size": {"width": 640, "height": 480}})
    assert small["properties"]["params"]["aspect_ratio"] == "4:3", "fewer pixels than the model takes"
    worded = await scene.owner.post(route.path, {**sized, "image_size": "landscape_4_3"})
    assert worded["properties"]["params"]["exact_size"] == {"width": 1024, "height": 768}
    for wrong in ("huge", "7:123"):
        refused = await scene.owner.post(route.path, {**sized, "image_size": wrong}, status=422)
        assert refused["field"] == "image_size" and refused["detail"].startswith("image_size must be"), wrong
    for far, field in (
        ("99999x99999", "image_size"),
        ("00x1024", "image_size"),
        ({"width": 99_999, "height": 1024}, "image_size.width"),
        ({"width": 1024, "height": 0}, "image_size.height"),
    ):
        refused = await scene.owner.post(route.path, {**sized, "image_size": far}, status=422)
        assert refused["field"] == field and "pixels" in refused["detail"], (far, refused)
    twice = await scene.owner.post(route.path, {**sized, "num_images": 2, "numImages": 3}, status=422)
    assert twice["field"] == "num_images" and "numImages" in twice["detail"], twice


@proves("POST /flux/image-to-image")
async def flux_paints_from_a_picture(scene: Scene, route: Route) -> None:
    task = await scene.completed(
        scene.owner, route.path, {"prompt": "a fox", "inputImageUrl": data_url(png()), "strength": 0.5}
    )
    assert task["model"] == "flux-1-dev-image-to-image"
    # What a task made can be given to the next one by the address it told.
    again = await scene.completed(
        scene.owner,
        route.path,
        {"model": "fal-ai/flux-pro/kontext", "prompt": "a hat", "input_image_url": task["image_url"]},
    )
    assert again["model"] == "flux-kontext-pro"
    redux = await scene.completed(
        scene.owner,
        route.path,
        {"model": "fal-ai/flux-1/dev/redux", "prompt": "ignored", "image_urls": [task["asset_ids"][0]]},
    )
    assert redux["model"] == "flux-1-dev-redux"


@proves("POST /flux/multi-image-edit")
async def flux_paints_from_several_pictures(scene: Scene, route: Route) -> None:
    pictures = [data_url(png(2)), base64.b64encode(png(3)).decode()]
    task = await scene.completed(scene.owner, route.path, {"prompt": "both", "image_urls": pictures})
    assert task["model"] == "flux-kontext-max-multi"
    # What is wrong with a file, and that one is missing, is said of the field it belongs in.
    for images in (["not base64!", pictures[0]], []):
        refused = await scene.owner.post(route.path, {"prompt": "both", "image_urls": images}, status=422)
        assert refused["field"] == "image_urls", refused
    # Also where the operator's usual model begins with nothing.
    await scene.admin.post("/flux/config", {"default_model": "flux-1-dev"})
    refused = await scene.owner.post(route.path, {"prompt": "both"}, status=422)
    assert refused["field"] == "image_urls", refused


@proves("POST /flux/upload-image")
async def a_picture_is_uploaded(scene: Scene, route: Route) -> None:
    files = {"file": ("mine.png", png(4), "image/png")}
    answer = await scene.owner.client.post(route.path, files=files)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert (kept["width"], kept["height"], kept["filename"]) == (512, 512, "mine.png")
    assert (await scene.nobody.get(kept["url"])).content == png(4)
    refused = await scene.owner.client.post(route.path, files={"file": ("a.svg", b"<svg/>" * 100, "image/svg+xml")})
    assert (refused.status_code, refused.json()["code"]) == (415, "asset.type_refused")
    assert (await scene.owner.client.post(route.path, files={"other": ("a.png", png(4))})).status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await scene.owner.client.post(route.path, content=b"y", headers=broken)).status_code in {400, 422}


@proves("POST /flux/upload-images")
async def several_pictures_are_uploaded(scene: Scene, route: Route) -> None:
    files = [("files", (f"{seed}.png", png(seed), "image/png")) for seed in (5, 6)]
    answer = await scene.owner.client.post(route.path, files=files)
    assert answer.status_code == 201, answer.text
    assert answer.json()["urls"] == [kept["url"] for kept in answer.json()["files"]]
    assert len(answer.json()["files"]) == 2
    eight = [("files", (f"{seed}.png", png(seed), "image/png")) for seed in range(8)]
    assert sum(len(part[1][1]) for part in eight) > 2**20, "more than a body without files may have"
    assert (await scene.owner.client.post(route.path, files=eight)).status_code == 201
    before = await scene.owner.get("/assets")
    spoilt = [*files, ("files", ("a.svg", b"<svg/>" * 100, "image/svg+xml"))]
    assert (await scene.owner.client.post(route.path, files=spoilt)).status_code == 415
    assert (await scene.owner.get("/assets"))["items"] == before["items"], "all of them or none"
    many = [("files", (f"{seed}.png", png(seed), "image/png")) for seed in range(9)]
    assert (await scene.owner.client.post(route.path, files=many)).status_code == 400


@proves("POST /dreamwork/submit/text-to-image")
async def dreamwork_paints_from_words(scene: Scene, route: Route) -> None:
    task = await scene.completed(
        scene.owner,
        route.path,
        {
            "model": "doubao-seedream-3-0-t2i-250415",
            "prompt": "a red fox",
            "size": "1024x768",
            "seed": -1,
            "guidanceScale": 2.5,
            "watermark": False,
            "n": 1,
        },
    )
    assert task["model"] == "seedream-3.0"
    assert task["properties"]["params"]["exact_size"] == {"width": 1024, "height": 768}
    two = await scene.completed(scene.owner, route.path, {"prompt": "foxes", "n": 2, "size": "1K"})
    assert two["model"] == "seedream-4.0" and two["properties"]["params"]["resolution"] == "1K"
    # What is refused or left out is called what the client called it.
    refused = await scene.owner.post(route.path, {"prompt": "a fox", "size": "16:99"}, status=422)
    assert refused["field"] == "size" and refused["detail"].startswith("size must be one of")
    assert {fault["field"] for fault in refused["errors"]} == {"size"}
    older = {"model": "seedream-3.0", "prompt": "a fox", "size": "2K"}
    assert (await scene.owner.post(route.path, older))["ignored_fields"] == ["size"]
    assert 1 <= len(two["image_urls"]) <= 2


@proves("POST /dreamwork/submit/image-to-image")
async def dreamwork_paints_from_pictures(scene: Scene, route: Route) -> None:
    body = {"prompt": "in winter", "image": [data_url(png(7)), data_url(png(8))], "size": "1K"}
    task = await scene.completed(scene.owner, route.path, body)
    assert task["model"] == "seedream-4.0"
    edit = {"model": "doubao-seededit-3-0-i2i-250628", "prompt": "in winter", "image": data_url(png(7))}
    assert (await scene.completed(scene.owner, route.path, edit))["model"] == "seededit-3.0"


@proves("POST /kling/submit/text-to-video", "POST /jimeng/submit/text-to-video")
async def a_video_is_made_from_words(scene: Scene, route: Route) -> None:
    service = route.path.split("/")[1]
    body: dict[str, Any] = {"prompt": "a fox runs", "duration": 5, "aspectRatio": "1:1", "cfg_scale": 0.5}
    if service == "kling":
        body |= {
            "model_name": "kling-v1",
            "mode": "std",
            "negative_prompt": "rain",
            "camera_control": {"type": "simple", "config": {"horizontal": 0, "zoom": -5}},
        }
    task = await scene.completed(scene.owner, route.path, body)
    params = task["properties"]["params"]
    assert params["duration"] == "5" and params["aspect_ratio"] == "1:1"
    assert task["video_url"] == task["video_urls"][0] and task["image_url"] is None
    if service == "kling":
        assert task["model"] == "kling-v1"
        assert (params["camera_move"], params["camera_amount"]) == ("zoom", -5)
        later = await scene.owner.post(route.path, {**body, "model_name": "kling-v2-master"})
        assert set(later["ignored_fields"]) == {"camera_control", "mode", "cfg_scale"}


@proves("POST /kling/submit/image-to-video", "POST /jimeng/submit/image-to-video")
async def a_video_is_made_from_pictures(scene: Scene, route: Route) -> None:
    service = route.path.split("/")[1]
    name = "kling-v1-6" if service == "kling" else "jimeng-video-3.0-720p"
    body = {"model_name": name, "prompt": "it moves", "image": data_url(png(9)), "duration": "5"}
    one = await scene.completed(scene.owner, route.path, body)
    assert one["model"] == ("kling-v1-6-image" if service == "kling" else "jimeng-video-3.0-720p-first-frame")
    both = {**body, "imageTail": data_url(png(10)), **({"mode": "pro"} if service == "kling" else {})}
    two = await scene.completed(scene.owner, route.path, both)
    assert two["model"] == ("kling-v1-6-image" if service == "kling" else "jimeng-video-3.0-720p-first-last")


@proves("POST /kling/submit/lip-sync")
async def a_face_speaks(scene: Scene, route: Route) -> None:
    film = await scene.task("kling")
    spoken = {"task_id": film["id"], "mode": "text", "text": "Good evening.", "voice": "genshin_vindi2", "speed": 1.2}
    task = await scene.completed(scene.owner, route.path, spoken)
    assert task["model"] == "kling-lip-sync"
    assert task["properties"]["params"]["voice"] == "zh:genshin_vindi2"
    assert task["properties"]["params"]["voice_speed"] == 1.2
    made = await scene.completed(
        scene.owner,
        route.path,
        {"video": film["video_url"], "mode": "audio", "audio": data_url(_hum(scene), "audio/mpeg"), "voice_id": "x"},
    )
    # What one mode speaks and the other follows is not guessed: a request has one of them.
    both = await scene.owner.post(route.path, {**spoken, "audio": "not base64!"}, status=422)
    assert both["field"] == "audio" and "mode" in both["detail"], both
    followed = {"task_id": film["id"], "mode": "audio", "audio": data_url(_hum(scene), "audio/mpeg"), "text": "Hm."}
    both = await scene.owner.post(route.path, followed, status=422)
    assert both["field"] == "text" and "mode" in both["detail"], both
    assert made["model"] == "kling-lip-sync-audio"
    assert (await scene.owner.post(route.path, {"text": "no video"}, status=422))["code"] == "request.invalid"
    assert (await scene.other.client.post(route.path, json=spoken)).status_code == 404


def _hum(scene: Scene) -> bytes:
    return sound(scene.studio.house.keeper.spool_dir / "hum.mp3", seconds=3.0)
