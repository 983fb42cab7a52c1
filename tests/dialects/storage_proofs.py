"""Where files lie: chosen, tested and migrated by the described routes, against the sandbox's bucket."""

import asyncio
from typing import Any

from tests.clouds import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.dialects.scene import Scene, png, proves
from vermilion.dialects import Route


def _settings(scene: Scene, prefix: str) -> dict[str, Any]:
    return {
        "provider": "tencent-cos",
        "enabled": True,
        "bucket": BUCKET,
        "region": "ap-guangzhou",
        "endpoint": f"{scene.studio.sandbox}/cos",
        "basePath": prefix,
        "secretId": ACCESS_KEY,
        "secretKey": SECRET_KEY,
        "allowPrivateHosts": True,
    }


async def _migrated(scene: Scene) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            config: dict[str, Any] = await scene.admin.get("/storage/config")
            if config["migration"]["status"] != "processing":
                return config["migration"]
            await asyncio.sleep(0.05)


async def _home(scene: Scene) -> None:
    """Everything back into the studio's own folder."""
    await scene.admin.post("/storage/config", {"enabled": False})
    await scene.admin.post("/files/migrate")
    assert (await _migrated(scene))["failed"] == 0


@proves("GET /storage/config", "POST /storage/config")
async def where_new_files_go_is_chosen(scene: Scene, route: Route) -> None:
    at = "/storage/config"
    before = await scene.admin.get(at)
    assert (before["enabled"], before["provider"], before["configurable"]) == (False, "local", True)
    empty = await scene.admin.post(at, {}, status=422)
    assert [fault["field"] for fault in empty["errors"]] == ["provider", "bucket", "secret_id", "secret_key"]
    half = await scene.admin.post(at, {"provider": "s3", "bucket": "a-bucket"}, status=422)
    assert [fault["field"] for fault in half["errors"]] == ["secret_id", "secret_key"], half
    chosen = await scene.admin.post(at, _settings(scene, f"chosen/{route.method.lower()}"))
    assert (chosen["enabled"], chosen["provider"], chosen["bucket"]) == (True, "tencent-cos", BUCKET)
    assert chosen["secret_key"] == f"••••{SECRET_KEY[-4:]}" and SECRET_KEY not in str(chosen)
    assert await scene.admin.get(at) == chosen
    features = (await scene.nobody.get(f"{scene.studio.origin}/api/config")).json()["features"]
    assert features["enable_cloud_storage"] is True
    asset = await scene.owner.upload(png(40))
    assert (await scene.owner.client.get(f"/assets/{asset['id']}/file")).content == png(40)
    # What is left out stays, and another address wants its login typed again.
    assert await scene.admin.post(at, {"secret_id": chosen["secret_id"], "secret_key": chosen["secret_key"]}) == chosen
    refused = await scene.admin.post(at, {"bucket": "another-1250000000"}, status=422)
    assert (refused["code"], refused["field"]) == ("storage.secret_required", "secret_id")
    wrong = await scene.admin.post(at, {**_settings(scene, "x"), "secretKey": "wrong"}, status=422)
    assert (wrong["code"], wrong["reason"], wrong["step"]) == ("storage.not_usable", "wrong_secret", "write")
    assert await scene.admin.get(at) == chosen
    local = await scene.admin.post(at, {"enabled": False})
    assert (local["enabled"], local["provider"], local["secret_key"]) == (False, "local", "")
    # The file lies where it was put, and can be read.
    assert (await scene.owner.client.get(f"/assets/{asset['id']}/file")).content == png(40)
    await _home(scene)


@proves("POST /storage/test")
async def storage_is_tested(scene: Scene, route: Route) -> None:
    here = await scene.admin.post(route.path)
    assert here["success"] is True and here["step"] is None
    there = await scene.admin.post(route.path, _settings(scene, "tested"))
    assert there["success"] is True and there["latency_ms"] >= 0
    for change, said in (
        ({"secretKey": "wrong"}, "secret key"),
        ({"bucket": "another-1250000000"}, "no bucket"),
        ({"endpoint": "http://127.0.0.1:1"}, "could not be reached"),
    ):
        failed = await scene.admin.post(route.path, {**_settings(scene, "tested"), **change})
        assert failed["success"] is False and said in failed["message"] and failed["step"] == "write"
    private = await scene.admin.post(route.path, {**_settings(scene, "t"), "allowPrivateHosts": False}, status=422)
    assert (private["code"], private["field"]) == ("storage.invalid_field", "endpoint")
    assert (await scene.admin.get("/storage/config"))["provider"] == "local"


@proves("POST /files/migrate", "POST /storage/files/migrate")
async def every_file_is_moved_there_and_back(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person()
    contents = [png(50 + n, 64, 64) for n in range(3)]
    assets = [await someone.upload(content) for content in contents]

    async def all_can_be_read() -> None:
        for asset, content in zip(assets, contents, strict=True):
            assert (await someone.client.get(f"/assets/{asset['id']}/file")).content == content
            assert (await someone.client.get(f"/assets/{asset['id']}/thumbnail")).status_code == 200

    await scene.admin.post("/storage/config", _settings(scene, f"moved/{len(route.path)}"))
    begun = await scene.admin.post(route.path)
    assert begun["status"] == "processing" and begun["total"] >= 6
    await all_can_be_read()
    done = await _migrated(scene)
    assert (done["id"], done["status"], done["failed"]) == (begun["id"], "completed", 0)
    assert done["migrated"] == done["total"]
    await all_can_be_read()
    held = {item["place"]: item for item in (await scene.admin.get("/admin/storage/files"))["items"]}
    assert None not in held and len(held) == 1
    await _home(scene)
    await all_can_be_read()
    held = {item["place"]: item for item in (await scene.admin.get("/admin/storage/files"))["items"]}
    assert held.keys() == {None}
