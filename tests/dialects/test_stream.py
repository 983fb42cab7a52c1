"""A service's stream goes on from where a client left off, and tells nobody what is not theirs."""

import asyncio
from typing import Any
from uuid import UUID

from tests.api.studio import Person
from tests.dialects.scene import TO_MAKE, Scene
from vermilion.events import emit, position


async def _events(someone: Person, path: str, after: str | None, *, until: str) -> list[tuple[str, str, str]]:
    """Their stream's messages (number, name, data) up to the first that has `until` in its data."""
    headers = {"Last-Event-ID": after} if after else {}
    found: list[tuple[str, str, str]] = []
    number = name = ""
    async with (
        asyncio.timeout(60),
        someone.client.stream("GET", path, headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            kind, _, value = line.partition(": ")
            if kind == "id":
                number = value
            elif kind == "event":
                name = value
            elif kind == "data":
                found.append((number, name, value))
                if until in value:
                    return found
    raise AssertionError(found)


async def test_a_client_that_was_away_is_told_what_it_missed(scene: Scene) -> None:
    path, body = TO_MAKE["flux"]
    made: list[dict[str, Any]] = []
    for prompt in ("the first fox", "the second fox", "the third fox"):
        created = await scene.owner.post(path, {**body, "prompt": prompt})
        made.append(await scene.ended(scene.owner, "flux", created["id"]))
    everything = await _events(scene.owner, "/flux/stream/user", "0", until=made[2]["id"])
    seen = next(number for number, _, data in everything if made[0]["id"] in data)
    missed = await _events(scene.owner, "/flux/stream/user", seen, until=made[2]["id"])
    told = "".join(data for _, _, data in missed)
    assert made[1]["id"] in told and made[0]["id"] not in told
    assert {name for _, name, _ in everything} <= {"task_update", "task_deleted"}


async def test_a_number_that_was_never_given_means_fetching_anew(scene: Scene) -> None:
    async with (
        asyncio.timeout(30),
        scene.owner.client.stream("GET", "/flux/stream/user", headers={"Last-Event-ID": str(10**9)}) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                assert line == "event: reset"
                return


async def test_what_was_told_before_an_upgrade_ends_no_stream(scene: Scene) -> None:
    house, owner = scene.studio.house, UUID(scene.owner.id)
    task = await scene.task("flux")
    now_told = await scene.owner.get(f"/generations/{task['id']}")

    async def told(data: dict[str, Any], until: str) -> list[str]:
        before = await house.db.read(position, owner)
        await house.db.write(emit, owner, "generation.changed", data, house.clock.now())
        heard = await _events(scene.owner, "/flux/stream/user", str(before), until=until)
        return [name for _, name, _ in heard]

    # Before there were passing pictures, nothing was said of them.
    before_previews = {name: value for name, value in now_told.items() if name != "preview_version"}
    assert await told(before_previews, task["id"]) == ["task_update"]
    # What cannot be read at all is to be fetched anew, and the stream goes on behind it.
    unreadable = {name: value for name, value in now_told.items() if name != "status"}
    assert await told(unreadable, "{}") == ["reset"]
    assert await told(now_told, task["id"]) == ["task_update"]


async def test_others_hear_only_their_own(scene: Scene) -> None:
    path, body = TO_MAKE["flux"]
    await scene.owner.post(path, {**body, "prompt": "a fox of mine"})
    theirs = await scene.other.post(path, {**body, "prompt": "a fox of theirs"})
    heard = await _events(scene.other, "/flux/stream/user", "0", until=theirs["id"])
    told = "".join(data for _, _, data in heard)
    assert "a fox of theirs" in told
    assert "a fox of mine" not in told and scene.owner.id not in told
