"""The wire carries bodies of every size as they are."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from vermilion.providers import Wire


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A server that tells what it was sent."""

    async def tell(request: web.Request) -> web.Response:
        content = await request.read()
        length, kind = request.headers.get("Content-Length"), request.headers.get("Content-Type")
        return web.json_response({"length": length, "kind": kind, "size": len(content), "head": content[:20].hex()})

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/", tell)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.mark.parametrize("size_bytes", [0, 1, 70_000, 5 << 20])
async def test_bytes_are_sent_whole_and_with_their_length(echo: str, size_bytes: int) -> None:
    wire = Wire.open()
    answer = await wire.request("PUT", echo, headers={"Content-Type": "image/png"}, data=b"x" * size_bytes)
    await wire.close()
    told = answer.json()
    assert told["size"] == size_bytes
    assert told["length"] == str(size_bytes)
    assert told["kind"] == "image/png"


@pytest.mark.parametrize("body", [{"a": "图"}, {"image": "x" * (3 << 20)}, [], {}, 0, False])
async def test_json_is_sent_as_json(echo: str, body: Any) -> None:
    wire = Wire.open()
    answer = await wire.request("POST", echo, body=body)
    await wire.close()
    told = answer.json()
    sent = json.dumps(body).encode()
    assert (told["size"], told["kind"]) == (len(sent), "application/json")
    assert sent.startswith(bytes.fromhex(told["head"]))


async def test_nothing_is_sent_as_nothing(echo: str) -> None:
    wire = Wire.open()
    answer = await wire.request("GET", echo)
    await wire.close()
    assert answer.json()["size"] == 0
