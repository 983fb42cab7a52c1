"""A service's stream goes on from where a client left off, and tells nobody what is not theirs."""

import asyncio
from typing import Any

from tests.dialects.scene import TO_MAKE, Scene


async def _events(scene: Scene, path: str, after: str | None, *, until: str) -> list[tuple[str, str, str]]:
    """The stream's messages (number, name, data) up to the first that has `until` in its data."""
    headers = {"Last-Event-ID": after} if after else {}
    found: list[tuple[str, str, str]] = []
    number = name = ""
    async with (
        asyncio.timeout(60),
        scene.owner.client.stream("GET", path, headers=headers) as answer,
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
    everything = await _events(scene, "/flux/stream/user", "0", until=made[2]["id"])
    seen = next(number for number, _, data in everything if made[0]["id"] in data)
    missed = await _events(scene, "/flux/stream/user", seen, until=made[2]["id"])
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


async def test_others_hear_nothing(scene: Scene) -> None:
    path, body = TO_MAKE["flux"]
    await scene.owner.post(path, {**body, "prompt": "a fox of mine"})
    heard = ""
    async with scene.other.client.stream("GET", "/flux/stream/user", headers={"Last-Event-ID": "0"}) as answer:
        try:
            async with asyncio.timeout(2):
                async for piece in answer.aiter_text():
                    heard += piece
        except TimeoutError:
            pass
    assert "a fox of mine" not in heard and scene.owner.id not in heard
