"""A whole house at work for tests: served by a real server on loopback, with a real sandbox beside it."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from vermilion import billing
from vermilion.app import create_app
from vermilion.catalog import ensure_sandbox_credential
from vermilion.db import Tx
from vermilion.generation import TERMINAL, fsck
from vermilion.generation.tables import AttemptRow
from vermilion.identity import PasswordHashing, create_admin, create_api_key
from vermilion.kit import SystemClock, new_id
from vermilion.settings import Settings
from vermilion.terminal.studio import IDLE_SECONDS
from vermilion.wiring import House, open_house

PASSWORD = "a long way home"
FAL_KEY = "sandbox-fal-key:not-secret"
ENDED = {str(status) for status in TERMINAL}
QUICK = {"exact_size": {"width": 512, "height": 512}}
"""Parameters whose pictures are quick to paint."""

TRUST = ssl.create_default_context()
"""Whom clients trust: reading it takes longer than most requests, so it is read once."""

_numbers = itertools.count(1)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_sandbox(data: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """A sandbox in a process of its own; yields its origin."""
    port = port or free_port()
    arguments = ["--port", str(port), "--data", str(data), *options]
    process = subprocess.Popen([sys.executable, "-m", "vermilion.sandbox", *arguments], env={**os.environ})
    origin = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{origin}/control/health", timeout=5, verify=TRUST).status_code == 200:
                    break
            assert process.poll() is None, "the sandbox ended"
            assert time.monotonic() < until, "the sandbox did not start"
            time.sleep(0.05)
        yield origin
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def fal_fields(origin: str) -> dict[str, str]:
    """A credential's fields for the sandbox at `origin`."""
    return {"key": FAL_KEY, "base_url": f"{origin}/fal", "rest_url": f"{origin}/fal/rest"}


@dataclass
class Person:
    """Somebody with a client of their own."""

    id: str
    email: str
    client: httpx.AsyncClient

    async def get(self, path: str, **more: Any) -> Any:
        """GET that must work; the JSON."""
        answer = await self.client.get(path, **more)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        """POST that must answer `status`; the JSON."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def request(
        self, prompt: str = "a red fox", model: str = "flux-1-schnell", *, inputs: Any = (), **params: Any
    ) -> Any:
        """Request a generation with quick parameters; the view."""
        sized = {} if inputs else QUICK
        body = wanted(prompt, model, params={**sized, **params}, inputs=list(inputs))
        return await self.post("/generations", body, status=202)

    async def made(self, **asked: Any) -> Any:
        """Request a generation (`wanted` says what may be asked) and wait until it has succeeded; the view."""
        body = wanted(**asked)
        await self.post("/generations", body, status=202)
        view = await self.ended(body["id"])
        assert view["status"] == "succeeded", view["failure"]
        return view

    async def ended(self, generation_id: str, *, seconds: float = 60) -> Any:
        """The view of a generation once it has ended."""
        return await self.until(generation_id, lambda view: view["status"] in ENDED, seconds=seconds)

    async def until(self, generation_id: str, is_so: Callable[[Any], bool], *, seconds: float = 60) -> Any:
        """The view of a generation once something is so."""
        view = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    view = await self.get(f"/generations/{generation_id}")
                    if is_so(view):
                        return view
                    await asyncio.sleep(0.05)
        raise AssertionError(f"it never came so: {view}")

    async def balance(self) -> tuple[int, int, int]:
        """Available, held, spent."""
        credits_now = await self.get("/credits")
        return credits_now["available"], credits_now["held"], credits_now["spent"]

    async def upload(self, content: bytes, name: str = "picture.png", *, status: int = 201) -> Any:
        """Upload a file; the asset, or the problem."""
        answer = await self.client.post("/assets", files={"file": (name, content, "application/octet-stream")})
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()


def wanted(prompt: str = "a red fox", model: str = "flux-1-schnell", **more: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"id": str(new_id()), "model": model, "prompt": prompt, "params": {}, "inputs": [], **more}


@dataclass
class Studio:
    """A served house, its sandbox, and the people made so far."""

    house: House
    app: FastAPI
    origin: str
    sandbox: str
    _clients: list[httpx.AsyncClient] = field(default_factory=list)
    _door: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """So many may be signing up at once; the house itself turns a crowd away."""

    @property
    def api(self) -> str:
        """Where the API begins."""
        return f"{self.origin}/api/v1"

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client with these headers; without `Authorization` it is a browser on our own pages."""
        given = {"Sec-Fetch-Site": "same-origin", **{name.replace("_", "-"): value for name, value in headers.items()}}
        client = httpx.AsyncClient(base_url=self.api, headers=given, timeout=60, verify=TRUST)
        self._clients.append(client)
        return client

    async def person(self, *, credits_given: int = 1000) -> Person:
        """Somebody new, signed up over HTTP in a browser of their own, with exactly so many credits."""
        email = f"person{next(_numbers)}@example.test"
        client = self.client()
        async with self._door:
            answer = await client.post("/auth/sign-up", json={"email": email, "password": PASSWORD, "name": "Somebody"})
        assert answer.status_code == 201, answer.text
        someone = Person(answer.json()["user"]["id"], email, client)
        available, _, _ = await someone.balance()
        if credits_given != available:
            admin = await self.admin()
            body = {"amount_credits": credits_given - available, "reason": "for a test"}
            await admin.post(f"/admin/users/{someone.id}/grant", body)
        return someone

    async def admin(self) -> Person:
        """An admin, made as the terminal makes one, with a session."""
        email = f"admin{next(_numbers)}@example.test"
        user = await self.house.db.write(
            create_admin,
            email,
            name="Admin",
            password_hash=self.house.hasher.hash_now(PASSWORD),
            now=self.house.clock.now(),
            on_user_created=self.house.on_user_created,
        )
        client = self.client()
        answer = await client.post("/auth/sign-in", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Person(str(user.id), email, client)

    async def with_key(self, someone: Person, *scopes: str) -> Person:
        """The same person coming in with a new API key."""
        _, key = await self.house.db.write(
            create_api_key,
            UUID(someone.id),
            "a program",
            scopes,  # type: ignore[arg-type]
            expires_in_days=None,
            now=self.house.clock.now(),
        )
        return Person(someone.id, someone.email, self.client(Authorization=f"Bearer {key}"))

    async def told(self, what: str) -> list[Any]:
        """What the sandbox's own controls tell: of its `jobs`, its `logins`."""
        async with httpx.AsyncClient(timeout=30, verify=TRUST) as client:
            return list((await client.get(f"{self.sandbox}/control/{what}")).json()["items"])

    async def connect(self, provider: str, **fields: str) -> None:
        """Give the house the sandbox's own login at this provider, changed where told."""
        login = next(login["fields"] for login in await self.told("logins") if login["provider"] == provider)
        given = {**login, **fields}
        await self.house.db.write(ensure_sandbox_credential, self.house.sealer, provider, given, self.house.clock.now())

    async def jobs(self) -> list[Any]:
        """Every job the sandbox took."""
        return await self.told("jobs")

    async def jobs_of(self, generation_id: str) -> list[Any]:
        """The sandbox's jobs for one generation: those whose callback names one of its attempts."""
        attempts = await self.house.db.read(_attempt_ids, UUID(generation_id))
        return [
            job for job in await self.jobs() if any(attempt.hex in (job["webhook_url"] or "") for attempt in attempts)
        ]

    async def arm(self, kind: str, vendor: str = "fal", **more: Any) -> None:
        """Let the sandbox's vendor fail at what comes next."""
        async with httpx.AsyncClient(timeout=30, verify=TRUST) as client:
            body = {"vendor": vendor, "kind": kind, **more}
            assert (await client.post(f"{self.sandbox}/control/faults", json=body)).status_code == 201

    async def is_sound(self) -> None:
        """The ledger's audit finds nothing, and the open holds are those of the unfinished work."""
        findings = await self.house.db.read(audit_of_everything)
        assert findings == []

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


def _attempt_ids(tx: Tx, generation_id: UUID) -> list[UUID]:
    return list(tx.scalars(select(AttemptRow.id).where(AttemptRow.generation_id == generation_id)))


def audit_of_everything(tx: Tx) -> list[Any]:
    """What `vermilion ledger fsck` finds."""
    return [*fsck(tx, SystemClock().now()), *billing.fsck(tx)]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The test runner keeps its own way with signals."""
        yield


@asynccontextmanager
async def open_studio(
    data: Path, database_url: str, sandbox: str, *, max_concurrent: int = 20, **settings: Any
) -> AsyncIterator[Studio]:
    """Open a house with a credential for the sandbox and serve it; everything ends with the block."""
    port = free_port()
    asked = Settings(data=data, port=port, database_url=database_url, workers=1, **{"rate_limits": False, **settings})
    async with open_house(asked, sandbox=True) as house:
        # Real argon2id with parameters fit for tests.
        house.hasher.close()
        house.hasher = PasswordHashing(passes=1, memory_kib=64, lanes=1)
        now = house.clock.now()
        await house.db.write(
            ensure_sandbox_credential, house.sealer, "fal", fal_fields(sandbox), now, max_concurrent=max_concurrent
        )
        app = create_app(house)
        config = uvicorn.Config(
            app,
            port=port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=2,
            # As the real server has it.
            timeout_keep_alive=IDLE_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve())
        studio = Studio(house, app, f"http://127.0.0.1:{port}", sandbox)
        try:
            async with asyncio.timeout(30):
                while not server.started:  # noqa: ASYNC110 - the server sets no event
                    await asyncio.sleep(0.01)
            yield studio
        finally:
            await studio.close()
            house.hub.stop()
            server.should_exit = True
            await serving
            house.hasher.close()
