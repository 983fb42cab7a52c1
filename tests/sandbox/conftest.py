"""A running sandbox for each test, and a client that speaks to it without any vendor's SDK."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from vermilion.sandbox import SandboxConfig, create_app

KEY = {"Authorization": "Key sandbox-fal-key:not-secret"}
SCHNELL = "fal-ai/flux-1/schnell"


@dataclasses.dataclass
class Reply:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Plain HTTP against one sandbox."""

    def __init__(self, origin: str, session: aiohttp.ClientSession, stop: Callable[[], Awaitable[None]]) -> None:
        self.origin = origin
        self.stop = stop
        self.fal = f"{origin}/fal"
        self._session = session

    async def ask(self, method: str, url: str, *, key: bool = True, **kwargs: Any) -> Reply:
        headers = {**(KEY if key else {}), **kwargs.pop("headers", {})}
        url = url if url.startswith("http") else self.origin + url
        async with self._session.request(method, url, headers=headers, allow_redirects=False, **kwargs) as response:
            return Reply(response.status, response.headers, await response.read())

    async def submit(self, prompt: str = "a red fox", model: str = SCHNELL, **body: Any) -> Any:
        query = body.pop("query", {})
        headers = body.pop("headers", {})
        reply = await self.ask("POST", f"/fal/{model}", json={"prompt": prompt, **body}, params=query, headers=headers)
        assert reply.status == 200, reply.body
        return reply.json

    async def finish(self, ticket: Any) -> Reply:
        """Wait for the end, then ask for the result."""
        for _ in range(400):
            status = await self.ask("GET", ticket["status_url"])
            if status.json["status"] == "COMPLETED":
                return await self.ask("GET", ticket["response_url"])
            await asyncio.sleep(0.02)
        raise AssertionError("the job never ended")

    async def made(self, prompt: str = "a red fox", model: str = SCHNELL, **body: Any) -> Reply:
        return await self.finish(await self.submit(prompt, model, **body))

    async def arm(self, kind: str, *, vendor: str = "fal", **more: Any) -> None:
        reply = await self.ask("POST", "/control/faults", json={"vendor": vendor, "kind": kind, **more})
        assert reply.status == 201, reply.body

    async def leave(self, asking: Coroutine[Any, Any, object]) -> Any:
        """Ask, go away as soon as there is a job, and return what became of it."""
        caller = asyncio.create_task(asking)
        while not await self.jobs():  # noqa: ASYNC110 - the sandbox tells when asked
            await asyncio.sleep(0.01)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        while (job := (await self.jobs())[0])["state"] != "finished":  # noqa: ASYNC110 - the sandbox tells when asked
            await asyncio.sleep(0.02)
        return job

    async def jobs(self) -> list[Any]:
        return list((await self.ask("GET", "/control/jobs")).json["items"])


Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start sandboxes; quick by default. A client's `stop` ends its sandbox early."""
    runners: list[web.AppRunner] = []
    sessions: list[aiohttp.ClientSession] = []

    async def begin(**settings: Any) -> Client:
        settings.setdefault("speed", 100.0)
        runner = web.AppRunner(create_app(SandboxConfig(port=0, **settings)), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        session = aiohttp.ClientSession()
        runners.append(runner)
        sessions.append(session)
        port = runner.addresses[0][1]
        return Client(f"http://127.0.0.1:{port}", session, runner.cleanup)

    yield begin
    for session in sessions:
        await session.close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def sandbox(start: Start) -> Client:
    return await start()
