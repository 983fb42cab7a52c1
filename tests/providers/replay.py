"""A vendor that answers from a recording, and notes what it was sent.

A recording is JSON: `about`, `do` (submit, check, cancel, probe), `exchanges` (what must be sent, what is answered) and
`outcome` (what the adapter must make of it). A `lasting` last exchange may be repeated: HTTP clients ask harmless
questions again by themselves. `{origin}` stands for this server's address everywhere.

A file is one recording, named after it, or a table of several by name. What is asked the same and answered otherwise
need not be written again: `like` names the recording it is like, `answer` is what is answered last instead.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class Replay:
    """Answers one exchange after another; whatever was sent differently is remembered as a difference."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        self._exchanges = list(exchanges)
        self.origin = ""
        self.differences: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        sent = f"{request.method} {request.path}"
        if not self._exchanges:
            self.differences.append(f"nothing more was expected, and came {sent}")
            return web.Response(status=599)
        exchange = json.loads(json.dumps(self._exchanges[0]).replace("{origin}", self.origin))
        if not exchange.get("lasting") or len(self._exchanges) > 1:
            self._exchanges.pop(0)
        else:
            self._exchanges[0]["asked"] = True
        await self._compare(exchange["expect"], request, sent)
        answer = exchange["answer"]
        if answer.get("hang_up"):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        body = json.dumps(answer["json"]).encode() if "json" in answer else answer.get("text", "").encode()
        headers = {"Content-Type": "application/json" if "json" in answer else "text/html"} | answer.get("headers", {})
        response = web.StreamResponse(status=answer["status"], headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: answer.get("cut_after_bytes", len(body))])
        if "cut_after_bytes" in answer:
            assert request.transport is not None
            request.transport.close()
        return response

    async def _compare(self, expected: dict[str, Any], request: web.Request, sent: str) -> None:
        form = await _form(request) if "form" in expected else None
        raw = b"" if form is not None else await request.read()
        got: dict[str, Any] = {
            "method": request.method,
            "path": request.raw_path.partition("?")[0],
            "query": dict(request.query),
            "headers": {name: request.headers.get(name) for name in expected.get("headers", {})},
        }
        wanted = {"query": {}, "headers": {}, **expected}
        if "json" in wanted:
            got["json"] = json.loads(raw) if raw else None
        if "text" in wanted:
            got["text"] = raw.decode()
        if form is not None:
            got["form"] = form
        for part, value in wanted.items():
            if got.get(part) != value:
                self.differences.append(f"{sent}: {part} was {got.get(part)!r}, expected {value!r}")

    def assert_complete(self) -> None:
        """Everything expected was sent, exactly so, and nothing else."""
        assert not self.differences, self.differences
        left = [exchange["expect"] for exchange in self._exchanges if not exchange.get("asked")]
        assert not left, f"never asked: {left}"


async def _form(request: web.Request) -> list[list[Any]]:
    """The parts of a multipart body in order: name, and the text or what the file is."""
    parts: list[list[Any]] = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            content = await asyncio.to_thread(value.file.read)
            file = {
                "filename": value.filename,
                "content_type": value.content_type,
                "content": content.decode("latin-1"),
            }
            parts.append([name, file])
        else:
            parts.append([name, value])
    return parts


@asynccontextmanager
async def replaying(exchanges: list[dict[str, Any]]) -> AsyncIterator[Replay]:
    """A server on loopback that replays these exchanges."""
    replay = Replay(exchanges)
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{tail:.*}", replay.answer)
    server = TestServer(app)
    await server.start_server()
    replay.origin = str(server.make_url("")).rstrip("/")
    try:
        yield replay
    finally:
        await server.close()


@cache
def recordings_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Every recording of a vendor, by name."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        found |= {path.stem: told} if "outcome" in told else told
    return {name: _written_out(found, told) for name, told in found.items()}


def _written_out(found: dict[str, dict[str, Any]], told: dict[str, Any]) -> dict[str, Any]:
    if "like" not in told:
        return told
    model = _written_out(found, found[told["like"]])
    *before, last = model["exchanges"]
    exchanges = [*before, {**last, "answer": told["answer"]}] if "answer" in told else model["exchanges"]
    changes = {name: value for name, value in told.items() if name not in {"like", "answer"}}
    return {**model, "exchanges": exchanges, **changes}
