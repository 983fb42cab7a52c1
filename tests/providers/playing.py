"""An adapter that speaks to the sandbox, asked by way of the catalog."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from vermilion.catalog import Entry, GivenInput, load_shelf
from vermilion.providers import Call, InputFile, Login, Probe, Provider, Wire, adapters, power
from vermilion.sandbox import SandboxConfig, create_app

SHELF = load_shelf()


def entries_of(provider: str) -> list[Entry]:
    """What the catalog has of one provider."""
    return [entry for entry in SHELF.entries() if entry.provider == provider]


def given(role: str, content: bytes, content_type: str = "image/png") -> InputFile:
    """A file as the pipeline hands it over."""

    async def read() -> bytes:
        return content

    return InputFile(role, content_type, f"{role}.{content_type.rpartition('/')[2]}", len(content), read)


def called(model: str, prompt: str, *inputs: InputFile, **params: Any) -> Call:
    """The call that the pipeline would make of a request for this model."""
    entry = SHELF.entry(model)
    seen = [GivenInput(item.role, item.content_type, item.size_bytes) for item in inputs]
    accepted = entry.accept(prompt, params, seen)
    return Call(
        "attempt",
        entry.endpoint,
        entry.makes,
        accepted.prompt,
        entry.wire_params(accepted.params),
        inputs,
        entry.wire_options(),
    )


@dataclass
class Playing:
    """A sandbox and a way to speak to it."""

    origin: str
    fields: Mapping[str, str]
    session: aiohttp.ClientSession
    wire: Wire
    provider: str

    def adapter(self, **fields: str) -> Provider:
        """The provider's adapter with the sandbox's login, changed where told."""
        login = Login("sandbox", {**self.fields, **fields}, allow_private_hosts=True)
        return adapters()[self.provider](login, self.wire)

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

    async def fetch(self, url: str) -> tuple[int, bytes]:
        """What lies at an address."""
        async with self.session.get(url, allow_redirects=False) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def playing(provider: str, **settings: Any) -> AsyncIterator[Playing]:
    """A sandbox inside this loop, two hundred times as quick as the vendor unless told otherwise."""
    config = SandboxConfig(port=0, **{"speed": 200.0, **settings})
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    wire = Wire.open()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{origin}/control/logins") as answer:
            told = {item["provider"]: item["fields"] for item in (await answer.json())["items"]}
        yield Playing(origin, told[provider], session, wire, provider)
    await wire.close()
    await runner.cleanup()
