"""One job at each vendor of pictures from its submit to its files, in the vendor's own words, so that one test can
walk over all of them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from .conftest import Client, Reply

Place = Callable[[], Awaitable[Reply]]


@dataclass
class Seen:
    """What a client saw of one job. `files` are as many as the answer names or holds."""

    submit: Reply
    end: Reply
    words: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    files: list[Reply] = field(default_factory=list)

    @property
    def is_made(self) -> bool:
        """Whether there is a picture, whatever may be wrong with its file."""
        return bool(self.files or self.addresses)


class Scene:
    """A client of one vendor."""

    name: ClassVar[str]
    asks: ClassVar[bool] = True
    """Whether there is a job to ask about; others answer a submit with what was made."""
    ends: ClassVar[Sequence[str]] = ()
    """The words for a job that is over, well or badly."""

    def __init__(self, sandbox: Client) -> None:
        self.sandbox = sandbox

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        raise NotImplementedError

    def ticket(self, reply: Reply) -> Any:
        """What to ask by; raises `KeyError` or `TypeError` for a refusal."""
        raise NotImplementedError

    async def look(self, ticket: Any) -> Reply:
        """The question how a job is."""
        raise NotImplementedError

    async def result(self, ticket: Any) -> Reply:
        """The question what it made."""
        return await self.look(ticket)

    def word(self, reply: Reply) -> str:
        """Its word for how the job is, or what it says of one it does not know."""
        raise NotImplementedError

    def made(self, body: Any) -> list[str]:
        """The addresses of what was made, or the base64; raises what comes of an answer that is not as documented."""
        raise NotImplementedError

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        return await self.sandbox.ask(method, path, key=False, **more)

    async def run(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Seen:
        """A job from beginning to end, and its files."""
        sent = await self.submit(prompt, count=count, hook=hook)
        seen = Seen(sent, sent)
        if self.asks:
            try:
                ticket = self.ticket(sent)
            except (KeyError, TypeError, ValueError):
                return seen
            seen.words = await self.follow(ticket)
            seen.end = await self.result(ticket)
        try:
            seen.addresses = self.made(seen.end.json)
        except (KeyError, TypeError, IndexError, ValueError):
            return seen
        for address in seen.addresses:
            if urlsplit(address[:300]).hostname in {None, "127.0.0.1"}:
                seen.files.append(await self.file(address))
        return seen

    async def follow(self, ticket: Any) -> list[str]:
        """Every word for the job, until one that ends it."""
        words: list[str] = []
        async with asyncio.timeout(20):
            while not words or words[-1] not in self.ends:
                word = self.word(await self.look(ticket))
                if not words or words[-1] != word:
                    words.append(word)
                await asyncio.sleep(0.005)
        return words

    async def file(self, address: str) -> Reply:
        if address.startswith("http"):
            return await self.ask("GET", address)
        try:
            return Reply(200, {}, base64.b64decode(address, validate=True))
        except binascii.Error:
            return Reply(200, {}, address.encode())

    async def places(self) -> Mapping[str, Place]:
        """An exchange for each place where the wire can be struck, each of them with the work before it done."""
        await self.sandbox.ask("POST", "/control/reset")
        done = await self.run("a fox")
        going: dict[str, Place] = {
            "submit": lambda: self.submit("a fox"),
            "download": lambda: self.file(self.address_of(done)),
            "probe": self.probe,
        }
        if self.asks:
            running = self.ticket(await self.submit("a heron [[slow:60]]"))
            over = self.ticket(done.submit)
            going |= {"status": lambda: self.look(running), "result": lambda: self.result(over)}
        return going

    def address_of(self, done: Seen) -> str:
        return done.addresses[0]

    async def probe(self) -> Reply:
        raise NotImplementedError
