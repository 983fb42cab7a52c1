"""A whole studio whose files lie in a cloud: chosen by an admin, filled by generations, moved, and stopped half way."""

import asyncio
import hashlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.studio import Person, Studio, open_studio, running_sandbox
from tests.clouds import ACCESS_KEY, SECRET_KEY, Cloud
from tests.conftest import database_copy
from tests.library.files import encoded, picture
from vermilion.generation import missing_files
from vermilion.library import StorageDraft
from vermilion.library.places.moves import start_move


def png(seed: int) -> bytes:
    return encoded(picture(48, 48, seed=seed), "PNG")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), "--speed", "100") as origin:
        yield origin


@pytest.fixture
async def studio(database_template: str, sandbox: str, tmp_path: Path) -> AsyncIterator[Studio]:
    with database_copy(database_template, tmp_path) as url:
        async with open_studio(tmp_path / "house", url, sandbox) as opened:
            yield opened
    await Cloud(sandbox).reset()


def settings(studio: Studio, **changed: Any) -> dict[str, Any]:
    """What an admin types in."""
    return {"kind": "cos", "allow_private_hosts": True, **Cloud(studio.sandbox).fields("cos"), **changed}


async def choose(admin: Person, body: dict[str, Any], *, status: int = 200) -> Any:
    answer = await admin.client.put("/admin/storage", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def moved(admin: Person) -> Any:
    """The move, once it has ended."""
    move = None
    for _ in range(600):
        move = (await admin.get("/admin/storage"))["move"]
        if move["state"] != "running":
            return move
        await asyncio.sleep(0.05)
    raise AssertionError(f"it never ended: {move}")


async def read(someone: Person, asset: Any) -> bytes:
    answer = await someone.client.get(f"/assets/{asset['id']}/file")
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_pictures_are_made_into_a_cloud_and_given_out_with_the_same_rights(studio: Studio) -> None:
    admin, someone, other = await studio.admin(), await studio.person(), await studio.person()
    chosen = await choose(admin, settings(studio))
    assert chosen["kind"] == "cos" and SECRET_KEY not in json.dumps(chosen) and ACCESS_KEY not in json.dumps(chosen)
    made = await someone.made()
    asset = made["assets"][0]
    content = await read(someone, asset)
    assert len(content) == asset["size_bytes"]
    assert list((studio.house.settings.data / "files").glob("sha256/**/*.*")) == []
    assert [path for path in (studio.house.settings.data / "files/sha256").rglob("*") if path.is_file()] == []
    part = await someone.client.get(f"/assets/{asset['id']}/file", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    for size in ("320", "640"):
        assert (await someone.client.get(f"/assets/{asset['id']}/thumbnail?size={size}")).status_code == 200
    assert (await other.client.get(f"/assets/{asset['id']}/file")).status_code == 404
    assert (await studio.client().get(f"/assets/{asset['id']}/file")).status_code == 401
    # A picture from the cloud is an input like any other.
    models = (await someone.get("/models"))["items"]
    provider = next(model["provider"] for model in models if model["id"] == made["model"])
    takes = next(
        model["id"]
        for model in models
        if model["provider"] == provider
        and [(each["role"], each["minimum"]) for each in model["inputs"]] == [("image", 1)]
    )
    again = await someone.made(model=takes, inputs=[{"role": "image", "asset_id": asset["id"]}])
    assert again["status"] == "succeeded"
    assert await missing_files(studio.house.db, studio.house.storage) == []
    await studio.is_sound()


async def test_a_cloud_that_is_away_is_one_finding_that_says_how_many_files_it_keeps(studio: Studio) -> None:
    admin, someone = await studio.admin(), await studio.person()
    await choose(admin, settings(studio))
    assets = [await someone.upload(encoded(picture(64, 64, seed=seed), "PNG")) for seed in (1, 2)]
    await Cloud(studio.sandbox).arm("unauthorized", at="probe", count=1000)
    (finding,) = await missing_files(studio.house.db, studio.house.storage)
    assert (finding.code, finding.user_id) == ("file_not_checked", None)
    count = re.match(r"(\d+) files cannot be looked for\. ", finding.detail)
    assert count is not None and int(count[1]) >= len(assets), finding.detail
    assert any(asset["id"] in finding.detail for asset in assets) and "127.0.0.1" in finding.detail
    await Cloud(studio.sandbox).disarm()


async def test_nobody_pays_while_the_cloud_is_away_and_the_picture_is_kept_when_it_is_back(studio: Studio) -> None:
    admin, someone = await studio.admin(), await studio.person()
    await choose(admin, settings(studio))
    cloud = Cloud(studio.sandbox)
    await cloud.arm("error-503", at="upload", count=1000)
    view = await someone.request()
    await someone.until(view["id"], lambda seen: seen["status"] == "storing")
    await asyncio.sleep(1.5)
    assert (await someone.get(f"/generations/{view['id']}"))["status"] == "storing"
    _, held, spent = await someone.balance()
    assert held > 0 and spent == 0
    refused = await someone.client.post("/assets", files={"file": ("a.png", png(1), "image/png")})
    assert (refused.status_code, refused.json()["code"]) == (503, "asset.storage_unavailable")
    await cloud.disarm()
    ended = await someone.ended(view["id"])
    assert ended["status"] == "succeeded"
    assert len(await read(someone, ended["assets"][0])) == ended["assets"][0]["size_bytes"]
    _, held_after, spent_after = await someone.balance()
    assert held_after == 0 and spent_after == held
    await studio.is_sound()


async def test_settings_are_checked_tested_masked_and_audited(studio: Studio) -> None:
    admin = await studio.admin()
    for change, field in (
        ({"bucket": "No Bucket"}, "bucket"),
        ({"region": "", "endpoint_url": ""}, "region"),
        ({"root": "../up"}, "root"),
        ({"endpoint_url": "ftp://example.com"}, "endpoint_url"),
        ({"allow_private_hosts": False}, "endpoint_url"),
        ({"access_key": ""}, "access_key"),
    ):
        problem = await choose(admin, settings(studio, **change), status=422)
        assert (problem["code"], problem["field"]) == ("storage.invalid_field", field), problem
    wrong = await choose(admin, settings(studio, secret_key="wrong-key-not-secret"), status=422)
    assert (wrong["code"], wrong["reason"]) == ("storage.not_usable", "wrong_secret")
    assert (await admin.get("/admin/storage"))["kind"] == "local"
    first = await choose(admin, settings(studio))
    place = first["places"][0]
    masks = {"access_key": place["access_key"], "secret_key": place["secret_key"]}
    assert masks["secret_key"] == f"••••{SECRET_KEY[-4:]}"
    assert (await choose(admin, settings(studio, **masks)))["places"] == first["places"]
    moved_away = await choose(admin, settings(studio, root="elsewhere", **masks), status=422)
    assert moved_away["code"] == "storage.secret_required"
    second = await choose(admin, settings(studio, root="elsewhere"))
    assert [each["receiving"] for each in second["places"]] == [False, True]
    in_use = await admin.client.delete(f"/admin/storage/places/{second['place']}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "storage.place_in_use")
    assert (await admin.client.delete(f"/admin/storage/places/{place['id']}")).status_code == 204
    entries = (await admin.get("/admin/audit"))["items"]
    told = [entry for entry in entries if entry["action"].startswith("storage.")]
    assert [entry["action"] for entry in told[:4]] == [
        "storage.forget",
        "storage.change",
        "storage.change",
        "storage.change",
    ]
    assert told[-1]["before"] == {"kind": "local"} and SECRET_KEY not in json.dumps(told)


async def test_another_address_of_a_known_place_makes_no_second_one(studio: Studio) -> None:
    admin, someone = await studio.admin(), await studio.person()
    first = await choose(admin, settings(studio))
    asset = await someone.upload(png(1))
    again = await choose(admin, settings(studio, kind="s3"))
    assert [place["id"] for place in again["places"]] == [first["place"]] == [again["place"]]
    assert (again["kind"], again["places"][0]["kind"]) == ("s3", "s3")
    assert await read(someone, asset) == png(1)
    await admin.post("/admin/storage/move", status=202)
    assert (await moved(admin))["failed_files"] == 0
    assert await read(someone, asset) == png(1)
    elsewhere = await choose(admin, settings(studio, root="elsewhere"))
    assert len(elsewhere["places"]) == 2


async def test_a_move_goes_on_past_what_cannot_be_moved_and_waits_for_a_cloud_that_is_away(studio: Studio) -> None:
    admin, someone = await studio.admin(), await studio.person()
    assets = [await someone.upload(png(n)) for n in range(4)]
    damaged = assets[0]
    key = hashlib.sha256(png(0)).hexdigest()
    path = studio.house.storage.folder.local_path(f"sha256/{key[:2]}/{key[2:4]}/{key}")
    path.write_bytes(b"damaged")
    await choose(admin, settings(studio))
    await Cloud(studio.sandbox).arm("unauthorized", at="upload", count=1000)
    begun = await admin.post("/admin/storage/move", status=202)
    assert (begun["state"], begun["total_files"]) == ("running", 8)
    again = await admin.client.post("/admin/storage/move")
    assert (again.status_code, again.json()["code"]) == (409, "storage.move_running")
    await Cloud(studio.sandbox).disarm()
    studio.house.mover.start()
    done = await moved(admin)
    if done["failed_files"] > 1:
        # It had begun before the cloud was back: some files were listed, and another move takes them.
        await admin.post("/admin/storage/move", status=202)
        done = await moved(admin)
    assert (done["state"], done["done_files"], done["failed_files"]) == ("done", 7, 1)
    assert [(failure["key"][-64:], failure["reason"]) for failure in done["failures"]] == [(key, "damaged")]
    for number, asset in enumerate(assets[1:], start=1):
        assert await read(someone, asset) == png(number)
    assert damaged["id"] and path.read_bytes() == b"damaged"


async def test_a_move_to_where_every_file_lies_already_ends_at_once_and_counts_none(studio: Studio) -> None:
    admin, someone = await studio.admin(), await studio.person()
    await someone.upload(png(1))
    in_the_folder = await admin.post("/admin/storage/move", status=202)
    await choose(admin, settings(studio))
    assert (await admin.post("/admin/storage/move", status=202))["total_files"] == 2
    assert (await moved(admin))["done_files"] == 2
    in_the_cloud = await admin.post("/admin/storage/move", status=202)
    for move in (in_the_folder, in_the_cloud):
        assert (move["state"], move["total_files"], move["done_files"]) == ("done", 0, 0)
    await someone.upload(png(2))
    await choose(admin, {"kind": "local"})
    assert (await admin.post("/admin/storage/move", status=202))["total_files"] == 4
    assert (await moved(admin))["done_files"] == 4


async def test_a_move_outlives_what_nobody_expected_and_asking_again_wakes_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, someone = await studio.admin(), await studio.person()
    asset = await someone.upload(png(1))
    await choose(admin, settings(studio))
    places = studio.house.storage

    async def broken(*_args: Any) -> None:
        raise LookupError("nobody expected this")

    monkeypatch.setattr(places, "move", broken)
    await admin.post("/admin/storage/move", status=202)
    for _ in range(200):
        move = (await admin.get("/admin/storage"))["move"]
        if move["problem"] is not None:
            break
        await asyncio.sleep(0.05)
    assert move["state"] == "running" and "unexpected" in move["problem"]
    monkeypatch.undo()
    again = await admin.client.post("/admin/storage/move")
    assert (again.status_code, again.json()["code"]) == (409, "storage.move_running")
    done = await moved(admin)
    assert (done["state"], done["done_files"], done["failed_files"]) == ("done", 2, 0)
    assert await read(someone, asset) == png(1)


async def test_a_mover_that_stopped_is_woken_by_asking_again(studio: Studio) -> None:
    admin, someone = await studio.admin(), await studio.person()
    await someone.upload(png(1))
    await choose(admin, settings(studio))
    await studio.house.db.write(start_move, None, studio.house.clock.now())
    assert (await admin.client.post("/admin/storage/move")).status_code == 409
    assert (await moved(admin))["state"] == "done"


@pytest.mark.parametrize("seed", range(3))
async def test_a_studio_killed_in_the_middle_of_a_move_loses_nothing_and_goes_on(
    database_template: str, sandbox: str, tmp_path: Path, seed: int
) -> None:
    data = tmp_path / "house"
    files = {n: png(1000 * seed + n) for n in range(40)}
    with database_copy(database_template, tmp_path) as url:
        async with open_studio(data, url, sandbox) as studio:
            admin, someone = await studio.admin(), await studio.person()
            assets = {n: await someone.upload(content) for n, content in files.items()}
            await choose(admin, settings(studio, root=f"killed/{seed}"))
            draft = StorageDraft.model_validate(settings(studio, root=f"killed/{seed}"))
            assert draft.kind == "cos"
        environment = {
            **os.environ,
            "VERMILION_DATA": str(data),
            "VERMILION_DATABASE_URL": url,
            "VERMILION_WORKERS": "1",
        }
        script = Path(__file__).parent / "moving_child.py"
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(script), env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None and await child.stdout.readline() == b"moving\n"
        await asyncio.sleep(0.1 + 0.25 * seed)
        child.kill()
        await child.wait()
        async with open_studio(data, url, sandbox) as studio:
            admin = await studio.admin()
            for n, asset in assets.items():
                answer = await admin.client.get(f"/assets/{asset['id']}/file")
                assert answer.status_code == 200 and answer.content == files[n]
            done = await moved(admin)
            assert (done["state"], done["failed_files"]) == ("done", 0), done
            assert done["done_files"] == done["total_files"] == 80
            held = (await admin.get("/admin/storage/files"))["items"]
            assert [(item["files"], item["place"] is None) for item in held] == [(40, False)]
            for n, asset in assets.items():
                answer = await admin.client.get(f"/assets/{asset['id']}/file")
                assert answer.content == files[n]
            assert await missing_files(studio.house.db, studio.house.storage) == []
