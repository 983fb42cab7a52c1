"""The wire carries bodies of every size as they are."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from tests.serving import serving
from vermilion.providers import Unreachable, Wire


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A server that tells what it was sent."""

    async def tell(request: web.Request) -> web.Response:
        content = await request.read()
        length, kind = request.headers.get("Content-Length"), request.headers.get("Content-Type")
        return web.json_response({"length": length, "kind": kind, "size": len(content), "head": content[:20].hex()})

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/", tell)
    async with serving(app) as origin:
        yield f"{origin}/"


@pytest.mark.parametrize("size_bytes", [0, 1, 70_000, 5 << 20])
async def test_bytes_are_sent_whole_and_with_their_length(wire: Wire, echo: str, size_bytes: int) -> None:
    answer = await wire.request("PUT", echo, headers={"Content-Type": "image/png"}, data=b"x" * size_bytes)
    told = answer.json()
    assert told["size"] == size_bytes
    assert told["length"] == str(size_bytes)
    assert told["kind"] == "image/png"


@pytest.mark.parametrize("body", [{"a": "图"}, {"image": "x" * (3 << 20)}, [], {}, 0, False])
async def test_json_is_sent_as_json(wire: Wire, echo: str, body: Any) -> None:
    answer = await wire.request("POST", echo, body=body)
    told = answer.json()
    sent = json.dumps(body).encode()
    assert (told["size"], told["kind"]) == (len(sent), "application/json")
    assert sent.startswith(bytes.fromhex(told["head"]))


async def test_nothing_is_sent_as_nothing(wire: Wire, echo: str) -> None:
    answer = await wire.request("GET", echo)
    assert answer.json()["size"] == 0


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve one handler at any address; yields where."""
    async with AsyncExitStack() as served:

        async def begin(handler: Handler) -> str:
            app = web.Application()
            app.router.add_route("*", "/{tail:.*}", handler)
            return await served.enter_async_context(serving(app))

        yield begin


async def test_a_socket_hears_text_and_bytes_until_the_other_side_closes(wire: Wire, serve: Serve) -> None:
    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        told = await socket.receive_json()
        await socket.send_json([told, request.headers.get("Authorization"), request.headers.get("Origin")])
        await socket.send_bytes(b"\x00\x01")
        await socket.close()
        return socket

    origin = await serve(talk)
    async with wire.socket(f"{origin}/ws", headers={"Authorization": "Bearer key-not-secret"}) as socket:
        await socket.send({"hello": "there"})
        heard = [message async for message in socket.messages()]
    assert heard == [json.dumps([{"hello": "there"}, "Bearer key-not-secret", None]), b"\x00\x01"]


async def test_a_line_that_breaks_is_unreachable(wire: Wire, serve: Serve) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("one")
        assert request.transport is not None
        request.transport.abort()
        return socket

    origin = await serve(break_off)
    heard = []
    with pytest.raises(Unreachable):
        async with wire.socket(origin) as socket:
            async for message in socket.messages():
                heard.append(message)
    assert heard == ["one"]


async def test_a_message_beyond_the_limit_ends_the_line(wire: Wire, serve: Serve) -> None:
    async def shout(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_bytes(b"x" * 5000)
        await socket.receive()
        return socket

    origin = await serve(shout)
    with pytest.raises(Unreachable):
        async with wire.socket(origin, message_max_bytes=4096) as socket:
            async for _ in socket.messages():
                pytest.fail("it was too large")


async def test_no_other_host_hears_the_key(wire: Wire, serve: Serve) -> None:
    asked: list[Any] = []

    async def eavesdrop(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.headers))
        return web.Response()

    elsewhere = await serve(eavesdrop)

    async def send_away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(f"{elsewhere}/ws")

    origin = await serve(send_away)
    with pytest.raises(Unreachable):
        async with wire.socket(f"{origin}/ws", headers={"X-API-Key": "key-not-secret"}):
            pytest.fail("it was redirected")
    assert asked == []


@pytest.mark.parametrize("status", [200, 401, 404, 502])
async def test_a_door_without_a_socket_behind_it_is_unreachable(wire: Wire, serve: Serve, status: int) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    origin = await serve(refuse)
    with pytest.raises(Unreachable):
        async with wire.socket(origin):
            pytest.fail("there is nothing to listen to")


async def test_what_goes_wrong_inside_the_block_is_its_own(wire: Wire, serve: Serve) -> None:
    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    origin = await serve(talk)
    with pytest.raises(KeyError):
        async with wire.socket(origin):
            raise KeyError("ours")
