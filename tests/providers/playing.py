"""An adapter that speaks to the sandbox, with a door for callbacks and a place where vendors can fetch files."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import web
from PIL import Image

from tests.serving import serving
from vermilion.providers import Call, Canceled, Done, Login, Pending, Probe, Provider, Ticket, Wire, adapters, power
from vermilion.sandbox import SandboxConfig, create_app


@dataclass
class Door:
    """Where a vendor reaches us: it posts to `callback`, and fetches what lies under `files`."""

    origin: str = ""
    called: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers (their names in small letters) and body of each callback, oldest first."""
    _files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    _rang: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def callback(self) -> str:
        """The address for callbacks, with a token and a query, as the house's have them."""
        return f"{self.origin}/callback/token-not-secret?x=1&y=2"

    def lay_out(self, content: bytes, content_type: str) -> str:
        """The address where this file can be fetched from now on."""
        name = str(len(self._files))
        self._files[name] = content, content_type
        return f"{self.origin}/files/{name}?signature=x"

    async def callbacks(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """All callbacks, once there are so many."""
        async with asyncio.timeout(20):
            while len(self.called) < count:
                self._rang.clear()
                await self._rang.wait()
        return self.called

    async def hear(self, request: web.Request) -> web.Response:
        """Note a callback."""
        self.called.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        self._rang.set()
        return web.Response()

    async def hand_out(self, request: web.Request) -> web.Response:
        """A file that was laid out."""
        content, content_type = self._files[request.match_info["name"]]
        return web.Response(body=content, content_type=content_type)


@dataclass
class Playing:
    """A sandbox and a way to speak to it. A vendor's test adds what it does again and again."""

    origin: str
    fields: Mapping[str, str]
    session: aiohttp.ClientSession
    wire: Wire
    provider: str
    door: Door

    @classmethod
    @asynccontextmanager
    async def open(cls, provider: str, **settings: Any) -> AsyncIterator[Self]:
        """A sandbox inside this loop, two hundred times as quick as the vendor unless told otherwise."""
        config = SandboxConfig(port=0, **{"speed": 200.0, **settings})
        door = Door()
        outside = web.Application()
        outside.router.add_post("/callback/{token}", door.hear)
        outside.router.add_get("/files/{name}", door.hand_out)
        async with AsyncExitStack() as opened:
            origin = await opened.enter_async_context(serving(create_app(config)))
            door.origin = await opened.enter_async_context(serving(outside))
            wire = Wire.open()
            opened.push_async_callback(wire.close)
            session = await opened.enter_async_context(aiohttp.ClientSession())
            async with session.get(f"{origin}/control/logins") as answer:
                told = {item["provider"]: item["fields"] for item in (await answer.json())["items"]}
            yield cls(origin, told[provider], session, wire, provider, door)

    def adapter(self, **fields: str) -> Any:
        """The provider's adapter with the sandbox's login, changed where told."""
        return self.adapter_with({**self.fields, **fields})

    def adapter_with(self, fields: Mapping[str, str]) -> Any:
        """The provider's adapter with a login of just these fields."""
        return adapters()[self.provider](Login("sandbox", fields, allow_private_hosts=True), self.wire)

    def way(self, name: str) -> Any:
        """The adapter that goes one of the ways the vendor can be reached; a vendor with several says which."""
        assert not name
        return self.adapter()

    def asked(self, prompt: str) -> Call:
        """The plainest call with these words."""
        raise NotImplementedError

    async def end(self, ticket: Ticket, adapter: Provider | None = None) -> Done:
        """What a job came to, asked for until it is known."""
        asking = adapter or self.adapter()
        for _ in range(1000):
            answer = await asking.check(ticket)
            if isinstance(answer, Done):
                return answer
            await asyncio.sleep(0.02)
        raise AssertionError("it never ended")

    async def make(self, call: Call, adapter: Provider | None = None) -> Done:
        """What a call came to, at once or later."""
        asking = adapter or self.adapter()
        answer = await asking.submit(call)
        return answer if isinstance(answer, Done) else await self.end(answer, asking)

    async def watch(self, ticket: Ticket, adapter: Provider | None = None) -> list[Pending]:
        """Every answer about a job but the last one."""
        asking = adapter or self.adapter()
        seen: list[Pending] = []
        while isinstance(answer := await asking.check(ticket), Pending):
            seen.append(answer)
            await asyncio.sleep(0.02)
        return seen

    async def cancel(self, ticket: Ticket, adapter: Provider | None = None) -> Canceled:
        """What the adapter says of its cancel."""
        ask = power(adapter or self.adapter(), "cancel")
        assert ask is not None
        said = await ask(ticket)
        assert isinstance(said, Canceled)
        return said

    async def probe(self, **fields: str) -> Probe:
        """The adapter's connection test, with the sandbox's login changed where told."""
        ask = power(self.adapter(**fields), "probe")
        assert ask is not None
        probe = await ask()
        assert isinstance(probe, Probe)
        return probe

    async def jobs(self) -> list[Any]:
        """What the sandbox was asked for, oldest first."""
        async with self.session.get(f"{self.origin}/control/jobs") as answer:
            return list((await answer.json())["items"])

    async def arm(self, kind: str, **more: Any) -> None:
        """Let the vendor fail at what comes next."""
        body = {"vendor": self.provider, "kind": kind, **more}
        async with self.session.post(f"{self.origin}/control/faults", json=body) as answer:
            assert answer.status == 201, await answer.text()

    async def fetch(self, url: str | None) -> tuple[int, bytes]:
        """What lies at an address of a result."""
        assert url is not None
        async with self.session.get(url, allow_redirects=False) as answer:
            return answer.status, await answer.read()


def picture_of(done: Done, index: int = 0) -> Image.Image:
    """One of the pictures that came inside the answer."""
    data = done.outputs[index].data
    assert data is not None
    return Image.open(io.BytesIO(data))
