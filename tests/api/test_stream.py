"""Live changes over real HTTP: resumed where they broke, the same in two tabs, and ended with the right to listen."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

import vermilion.events
from tests.api.studio import Person, Studio

STREAM = sys.modules[f"{vermilion.events.__name__}.stream"]
"""The module; the package has a function of that name."""


@dataclass
class Tab:
    """What one open stream heard."""

    lines: list[str] = field(default_factory=list)
    events: list[tuple[int | None, str, Any]] = field(default_factory=list)
    has_ended: bool = False

    @property
    def numbers(self) -> list[int]:
        return [number for number, _, _ in self.events if number is not None]

    def named(self, name: str) -> list[Any]:
        return [data for _, told, data in self.events if told == name]

    async def until(self, is_so: Any, *, seconds: float = 40) -> None:
        async with asyncio.timeout(seconds):
            while not is_so(self):  # noqa: ASYNC110 - lines come in one by one
                await asyncio.sleep(0.02)


@asynccontextmanager
async def tab(client: httpx.AsyncClient, **asked: Any) -> AsyncIterator[Tab]:
    """An open stream, read in the background."""
    opened = Tab()
    async with client.stream("GET", "/events", **asked) as answer:
        assert answer.status_code == 200, answer
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"

        async def read() -> None:
            message: dict[str, str] = {}
            async for line in answer.aiter_lines():
                opened.lines.append(line)
                if line:
                    name, _, value = line.partition(": ")
                    message[name] = value
                elif "event" in message:
                    number = int(message["id"]) if "id" in message else None
                    opened.events.append((number, message["event"], json.loads(message["data"])))
                    message = {}
                else:
                    message = {}
            opened.has_ended = True

        reading = asyncio.create_task(read())
        try:
            yield opened
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def finished(opened: Tab) -> bool:
    return any(view["finished_at"] for view in opened.named("generation.changed"))


async def test_two_tabs_hear_the_same(someone: Person) -> None:
    start = (await someone.get("/generations"))["cursor"]
    async with tab(someone.client, params={"after": start}) as one, tab(someone.client, params={"after": start}) as two:
        view = await someone.request()
        await one.until(finished)
        await two.until(finished)
    # A thing that changed twice before somebody looked is told once, in its last state; the ends are the same.
    assert one.named("generation.changed")[-1] == two.named("generation.changed")[-1]
    assert one.named("generation.changed")[-1] == await someone.get(f"/generations/{view['id']}")
    for opened in (one, two):
        assert opened.numbers == sorted(set(opened.numbers))
        assert min(opened.numbers) > start
        assert opened.named("credits.changed")[-1]["held"] == 0


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_broken_stream_goes_on_where_it_broke(someone: Person, by: str) -> None:
    first = await someone.request("[[slow:1]] a fox")
    async with tab(someone.client, params={"after": 0}) as before:
        await before.until(lambda opened: opened.named("generation.changed"))
    seen = before.numbers[-1]
    await someone.ended(first["id"])
    second = await someone.request("a second fox")
    await someone.ended(second["id"])
    # A browser's own header is newer than the address it began with.
    asked = {"headers": {"Last-Event-ID": str(seen)}, "params": {"after": 0}} if by == "header" else {}
    async with tab(someone.client, **(asked or {"params": {"after": seen}})) as after:
        await after.until(
            lambda opened: (
                {view["id"] for view in opened.named("generation.changed") if view["finished_at"]}
                == {first["id"], second["id"]}
            )
        )
    assert min(after.numbers) > seen
    told = {view["id"]: view for view in after.named("generation.changed")}
    for each in (first, second):
        assert told[each["id"]] == await someone.get(f"/generations/{each['id']}")
    assert after.named("reset") == []


async def test_a_number_we_never_issued_means_fetch_again(someone: Person) -> None:
    async with tab(someone.client, params={"after": 10**9}) as opened:
        await opened.until(lambda opened: opened.named("reset"))
    async with tab(someone.client, headers={"Last-Event-ID": "not a number"}) as opened:
        view = await someone.request()
        await opened.until(finished)
    assert opened.named("generation.changed")[-1]["id"] == view["id"]


async def test_deleting_is_told(someone: Person) -> None:
    view = await someone.request()
    await someone.ended(view["id"])
    position = (await someone.get("/generations"))["cursor"]
    async with tab(someone.client, params={"after": position}) as opened:
        assert (await someone.client.delete(f"/generations/{view['id']}")).status_code == 204
        await opened.until(lambda opened: opened.named("generation.deleted"))
    assert opened.named("generation.deleted") == [{"id": view["id"]}]


@pytest.mark.parametrize("how", ["session ended", "key deleted", "disabled", "password changed"])
async def test_a_stream_ends_with_the_right_to_listen(
    studio: Studio, someone: Person, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(STREAM, "HEARTBEAT_SECONDS", 0.3)
    listener = someone.client
    if how == "key deleted":
        made = await someone.post("/me/api-keys", {"name": "a key"}, status=201)
        listener = studio.client(Authorization=f"Bearer {made['key']}")
    elif how == "password changed":
        listener = studio.client()
        credentials = {"email": someone.email, "password": "a long way home"}
        assert (await listener.post("/auth/sign-in", json=credentials)).status_code == 200
    async with tab(listener) as opened:
        await opened.until(lambda opened: ": still here" in opened.lines)
        assert not opened.has_ended
        if how == "session ended":
            (session,) = (await someone.get("/me/sessions"))["items"]
            assert (await someone.client.delete(f"/me/sessions/{session['id']}")).status_code == 204
        elif how == "key deleted":
            assert (await someone.client.delete(f"/me/api-keys/{made['id']}")).status_code == 204
        elif how == "password changed":
            change = {"current_password": "a long way home", "new_password": "another way home"}
            assert (await someone.client.post("/me/password", json=change)).status_code == 204
        else:
            admin = await studio.admin()
            answer = await admin.client.patch(f"/admin/users/{someone.id}", json={"disabled": True})
            assert answer.status_code == 200
        await opened.until(lambda opened: opened.has_ended)


async def test_a_busy_stream_ends_with_the_right_to_listen_too(
    studio: Studio, someone: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is kept busy with events has heartbeats as well: news must not keep a lost session alive."""
    monkeypatch.setattr(STREAM, "HEARTBEAT_SECONDS", 0.5)
    admin = await studio.admin()
    listener = studio.client()
    credentials = {"email": someone.email, "password": "a long way home"}
    assert (await listener.post("/auth/sign-in", json=credentials)).status_code == 200
    async with tab(listener) as opened:
        await opened.until(lambda opened: opened.lines)
        change = {"current_password": "a long way home", "new_password": "another way home"}
        assert (await someone.client.post("/me/password", json=change)).status_code == 204
        async with asyncio.timeout(20):
            while not opened.has_ended:
                await admin.post(f"/admin/users/{someone.id}/grant", {"amount_credits": 1, "reason": "news"})
                await asyncio.sleep(0.1)


async def test_nobody_opens_more_streams_than_anybody_needs(studio: Studio) -> None:
    someone = await studio.person()
    clients = [studio.client() for _ in range(21)]
    for client in clients:
        client.cookies.update(someone.client.cookies)
    async with asyncio.timeout(60):
        stack = [tab(client) for client in clients[:20]]
        opened = [await each.__aenter__() for each in stack]
        for each in opened:
            await each.until(lambda opened: opened.lines)
        answer = await clients[20].get("/events")
        assert (answer.status_code, answer.json()["code"]) == (429, "events.too_many_streams")
        for each in stack:
            await each.__aexit__(None, None, None)
