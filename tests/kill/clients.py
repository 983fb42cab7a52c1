"""People of a kill run: they request with ids of their own, ask again until answered, and follow the event stream.

A person knows what was accepted from answers alone, and what became of it from events alone; afterwards both are
held against what the house says.
"""

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

from vermilion.kit import new_id

ENDED = {"succeeded", "failed", "canceled"}
TROUBLES = {
    "": 60,
    "[[lost-answer]]": 5,
    "[[lost-answer]][[webhook-lost]]": 2,
    "[[webhook-lost]]": 5,
    "[[webhook-duplicate:5]]": 3,
    "[[webhook-early]]": 2,
    "[[fail-once]]": 3,
    "[[fail:content_policy]]": 3,
    "[[throttle]]": 1,
    "[[cut-short]]": 3,
    "[[partial]]": 3,
    "[[truncated-json]]": 3,
    "[[html-502]]": 1,
    "[[slow-drip:2]]": 3,
}
"""Markers for the sandbox, and how often each is asked for; a vendor lets those be that are not its own."""

LEADING_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ")
"""What a prompt begins with: whose it is."""


class Work(NamedTuple):
    """Something people ask for: a model with parameters that are quick to make, and how often it is asked for."""

    model: str
    params: dict[str, Any]
    often: int


WORK = (
    Work("flux-1-schnell", {"exact_size": {"width": 512, "height": 512}, "num_images": 1}, 24),
    Work("flux-1-schnell", {"exact_size": {"width": 512, "height": 512}, "num_images": 2}, 8),
    Work("gpt-image-1-mini", {}, 8),
    Work("seedream-3.0", {}, 10),
    Work("kling-image-v2-1", {"n": 1}, 8),
    Work("kling-image-v2-1", {"n": 2}, 4),
    Work("kling-v1", {}, 1),
    Work("jimeng-image-3.0", {}, 10),
    Work("jimeng-video-3.0-720p", {}, 1),
    Work("midjourney-v7", {}, 6),
    # One at a time, as a graphics card works: more would wait for longer than a run has.
    Work("sd-1.5", {}, 2),
)
"""Every vendor has a part in it."""

_REQUEST_SECONDS = 15.0
_PAUSE_SECONDS = 0.7


@dataclass
class Client:
    """One person; `accepted` are the ids the house answered 202 for, `views` what events said last of each."""

    api: str
    key: str
    session: aiohttp.ClientSession
    chance: random.Random
    accepted: set[str] = field(default_factory=set)
    requested: int = 0
    repeated: int = 0
    streams: int = 0
    refusals: list[str] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)
    seen_uncertain: set[str] = field(default_factory=set)
    position: int = 0

    @property
    def in_flight(self) -> int:
        """Accepted and, as far as events told, not ended."""
        return sum(1 for each in self.accepted if self.views.get(each, {}).get("status") not in ENDED)

    async def request(self) -> None:
        """Request one generation, however often the house dies over it."""
        work = self.chance.choices(WORK, [work.often for work in WORK])[0]
        wanted = str(new_id())
        body: dict[str, Any] = {
            "id": wanted,
            "model": work.model,
            "prompt": prompt(self.chance, wanted),
            "params": work.params,
            "inputs": [],
        }
        self.requested += 1
        status, answer = await self.ask("POST", "/generations", body)
        if status == 202:
            self.accepted.add(body["id"])
        else:
            self.refusals.append(f"{status} {answer}")

    async def cancel_one(self) -> None:
        """Change one's mind about something under way."""
        under_way = [each for each in self.accepted if self.views.get(each, {}).get("can_cancel")]
        if under_way:
            status, answer = await self.ask("POST", f"/generations/{self.chance.choice(under_way)}/cancel")
            if status not in (200, 409):
                self.refusals.append(f"{status} {answer}")

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request, sent again with the same body until somebody answers it."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                async with self.session.request(
                    method,
                    f"{self.api}{path}",
                    json=body,
                    headers={"Authorization": f"Bearer {self.key}"},
                    timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS),
                ) as answer:
                    return answer.status, await answer.json(content_type=None)
            self.repeated += 1
            await asyncio.sleep(self.chance.uniform(0.5, 1.5) * _PAUSE_SECONDS)

    async def listen(self) -> None:
        """Follow the events for ever, from where the last connection broke."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                await self._listen_once()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen_once(self) -> None:
        async with self.session.get(
            f"{self.api}/events",
            headers={"Authorization": f"Bearer {self.key}", "Last-Event-ID": str(self.position)},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30),
        ) as answer:
            if answer.status != 200:
                return
            self.streams += 1
            message: dict[str, str] = {}
            # Lines may be as long as a view; read until the blank one.
            buffer = b""
            async for piece in answer.content.iter_any():
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    if line:
                        name, _, value = line.decode().partition(": ")
                        message[name] = value
                    else:
                        self._hear(message)
                        message = {}

    def _hear(self, message: dict[str, str]) -> None:
        if "event" not in message:
            return
        if message["event"] == "reset":
            self.refusals.append("an event position we issued was not known any more")
        if "id" not in message:
            return
        number, data = int(message["id"]), json.loads(message["data"])
        if number <= self.position:
            self.refusals.append(f"event {number} came after {self.position}")
        self.position = number
        if message["event"] == "generation.changed":
            self.views[data["id"]] = data
            if data["status"] == "uncertain":
                self.seen_uncertain.add(data["id"])


def prompt(chance: random.Random, generation_id: str) -> str:
    """A prompt that takes the vendor a while, and sometimes asks for trouble; it tells whose it is."""
    trouble = chance.choices(list(TROUBLES), list(TROUBLES.values()))[0]
    slow = "" if "early" in trouble else f"[[slow:{chance.uniform(0.2, 6):.2f}]]"
    return f"{generation_id} {slow}{trouble}"


async def keep_busy(
    people: list[Client], in_flight: int, is_over: Callable[[], bool], one_more: Callable[[], Awaitable[None]]
) -> None:
    """Request until it is over, so that about `in_flight` are always under way."""
    while not is_over():
        missing = in_flight - sum(person.in_flight for person in people)
        if missing > 0:
            await asyncio.gather(*(one_more() for _ in range(min(missing, 50))))
        await asyncio.sleep(0.1)
