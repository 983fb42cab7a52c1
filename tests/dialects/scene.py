"""A studio with a login everywhere, and how programs of the described system go about in it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.studio import Person, Studio
from tests.library.files import encoded, picture
from vermilion.billing import GATEWAY
from vermilion.dialects import ROUTES, Route
from vermilion.dialects.table import VENDOR_SERVICES
from vermilion.providers import adapters
from vermilion.sms import KINDS

ENDED = {"completed", "failed", "cancelled"}


def logins_at(sandbox: str) -> list[dict[str, Any]]:
    """What to enter at each vendor to reach the sandbox."""
    told = httpx.get(f"{sandbox}/control/logins").json()["items"]
    return [login for login in told if login["provider"] in adapters()]


def sms_login_at(sandbox: str) -> dict[str, str]:
    """What to enter where codes are sent from, to send them to the sandbox."""
    told = httpx.get(f"{sandbox}/control/logins").json()["items"]
    (fields,) = (login["fields"] for login in told if login["provider"] in KINDS)
    return dict(fields)


def gateway_at(sandbox: str) -> dict[str, str]:
    """What to enter for the sandbox to take the money."""
    told = httpx.get(f"{sandbox}/control/logins").json()["items"]
    return next(login["fields"] for login in told if login["provider"] == GATEWAY)


def png(seed: int = 1, width: int = 512, height: int = 512) -> bytes:
    """A picture."""
    return encoded(picture(width, height, seed=seed), "PNG")


def data_url(content: bytes, kind: str = "image/png") -> str:
    """A file as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


TO_MAKE: dict[str, tuple[str, dict[str, Any]]] = {
    "midjourney": ("/midjourney/submit/imagine", {"prompt": "a red fox", "mode": "fast"}),
    "flux": ("/flux/text-to-image", {"model": "fal-ai/flux-1/schnell", "prompt": "a red fox", "num_images": 1}),
    "dreamwork": ("/dreamwork/submit/text-to-image", {"prompt": "a red fox", "size": "1K"}),
    "kling": ("/kling/submit/text-to-video", {"prompt": "a red fox runs", "model_name": "kling-v1-6"}),
    "jimeng": ("/jimeng/submit/text-to-video", {"prompt": "a red fox runs"}),
}
"""What each service is asked for where any task will do: where, and with which body."""


@dataclass
class Scene:
    """Somebody with credits, somebody else, an admin and nobody."""

    studio: Studio
    owner: Person
    other: Person
    admin: Person
    nobody: httpx.AsyncClient
    _made: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def completed(self, someone: Person, path: str, body: Any, *, service: str | None = None) -> dict[str, Any]:
        """Create a task, poll it until it is completed, and fetch what it made as anybody could."""
        created = await someone.post(path, body)
        assert created["status"] in {"pending", "processing"}, created
        task = await self.ended(someone, service or path.split("/")[1], created["id"])
        assert task["status"] == "completed", task
        await self.can_be_fetched(task)
        return task

    async def ended(self, someone: Person, service: str, task_id: str, *, seconds: float = 90) -> dict[str, Any]:
        """The task once it has ended, asked for as clients do: again and again."""
        at = f"/generation/status/{task_id}" if service == "generation" else f"/{service}/task/{task_id}"
        async with asyncio.timeout(seconds):
            while True:
                task: dict[str, Any] = await someone.get(at)
                if task["status"] in ENDED:
                    return task
                await asyncio.sleep(0.1)

    async def can_be_fetched(self, task: dict[str, Any]) -> None:
        """Every address in the task leads to a file of its kind, for whoever has the address."""
        addresses = [(url, "image/") for url in task["image_urls"]] + [(url, "video/") for url in task["video_urls"]]
        assert addresses or task["audio_url"] or task["properties"]["facts"].get("texts"), task
        for url, kind in addresses:
            answer = await self.nobody.get(url)
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith(kind)

    async def task(self, service: str) -> dict[str, Any]:
        """A completed task of the owner's, made once per service."""
        if service not in self._made:
            path, body = TO_MAKE[service]
            self._made[service] = await self.completed(self.owner, path, body)
        return self._made[service]


Proof = Callable[[Scene, Route], Awaitable[None]]

PROOFS: dict[str, Proof] = {}
"""By a route's name, what proves that it does what it says."""


def proves(*names: str) -> Callable[[Proof], Proof]:
    """Enter a proof for these routes; `{service}` stands for every vendor's service."""

    def enter(proof: Proof) -> Proof:
        for name in names:
            for full in _each(name):
                assert full in ROUTES, f"{full} is no described route"
                assert full not in PROOFS, f"{full} is proved twice"
                PROOFS[full] = proof
        return proof

    return enter


def _each(name: str) -> Iterator[str]:
    method, _, path = name.partition(" ")
    full = path if path.startswith("/api/") else f"/api/v1{path}"
    if "{service}" not in full:
        yield f"{method} {full}"
        return
    for service in VENDOR_SERVICES:
        yield f"{method} {full.replace('{service}', service.name)}"


def service_of(route: Route) -> str:
    """The service a route belongs to: the first word of its path."""
    return route.path.split("/")[1]


@asynccontextmanager
async def listening(someone: Person, path: str) -> AsyncIterator[Callable[[str], Awaitable[dict[str, Any]]]]:
    """A stream of events, open; call it with a name to have the next event of that name."""
    async with someone.client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()

        async def heard(name: str) -> dict[str, Any]:
            event = ""
            async with asyncio.timeout(60):
                async for line in lines:
                    if line.startswith("event: "):
                        event = line.removeprefix("event: ")
                    elif line.startswith("data: ") and event == name:
                        told: dict[str, Any] = json.loads(line.removeprefix("data: "))
                        return told
            raise AssertionError(f"the stream ended without {name}")

        yield heard
