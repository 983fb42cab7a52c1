"""A small house with a catalog, an admin's and a person's browser, and a provider that needs no network."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from vermilion.catalog import Shelf, load_shelf, own_models_router
from vermilion.catalog import admin_router as catalog_admin_router
from vermilion.catalog import router as catalog_router
from vermilion.db import Database, Tx
from vermilion.identity import Limiter, PasswordHashing, Quotas, UserRow, auth_router, create_admin, protect
from vermilion.kit import SystemClock
from vermilion.kit.sealed import Sealer
from vermilion.providers import Login, Misconfigured, Probe, Proposal

PASSWORD = "a long way home"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "key-id:fal-key-not-secret-abcd"


class Questioned:
    """A provider that answers and proposes what the test wants; it keeps the logins it was opened with."""

    def __init__(self) -> None:
        self.answer: Probe | Exception = Probe(account="studio")
        self.logins: list[Login] = []
        self.proposal: Proposal | None = None
        self.asked: list[tuple[Any, Any]] = []

    async def probe(self) -> Probe:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def propose(self, document: Any, settings: Any) -> Proposal:
        self.asked.append((document, settings))
        assert self.proposal is not None
        return self.proposal


@dataclass
class SmallHouse:
    db: Database
    clock: SystemClock
    hasher: PasswordHashing
    limiter: Limiter
    shelf: Shelf
    sealer: Sealer
    provider: Questioned = field(default_factory=Questioned)
    secure_cookies: bool = True
    public_origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Any, ...] = ()

    def on_user_created(self, tx: Tx, user: UserRow, now: datetime) -> None: ...

    def credits_of(self, tx: Tx, user_id: UUID) -> dict[str, int]:
        return {"available": 0, "held": 0, "spent": 0}

    def adapter(self, provider: str, login: Login) -> Any:
        assert provider == "fal"
        self.provider.logins.append(login)
        return self.provider

    def in_flight(self, credential_id: UUID) -> int:
        return 3


@pytest.fixture
def sealer() -> Sealer:
    return Sealer({"k1": secrets.token_bytes(32)}, "k1")


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    return load_shelf()


@pytest.fixture
def house(db: Database, shelf: Shelf, sealer: Sealer) -> Iterator[SmallHouse]:
    hasher = PasswordHashing(passes=1, memory_kib=64, lanes=1)
    clock = SystemClock()
    yield SmallHouse(db, clock, hasher, Limiter(Quotas.none(), clock), shelf, sealer)
    hasher.close()


@pytest.fixture
def app(house: SmallHouse) -> FastAPI:
    app = FastAPI()
    for router in (auth_router, catalog_router, catalog_admin_router, own_models_router):
        app.include_router(router, prefix="/api/v1")
    protect(app)
    app.state.house = house
    return app


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody in particular."""
    async with _browser(app) as browser:
        yield browser


@pytest.fixture
async def person(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody signed in."""
    async with _browser(app) as browser:
        body = {"email": "ada@example.test", "password": PASSWORD, "name": "Ada"}
        assert (await browser.post("/auth/sign-up", json=body)).status_code == 201
        yield browser


@pytest.fixture
async def admin(app: FastAPI, house: SmallHouse) -> AsyncIterator[httpx.AsyncClient]:
    """An admin, signed in."""
    await house.db.write(
        create_admin,
        "root@example.test",
        name="Root",
        password_hash=house.hasher.hash_now(PASSWORD),
        now=house.clock.now(),
        on_user_created=house.on_user_created,
    )
    async with _browser(app) as browser:
        answer = await browser.post("/auth/sign-in", json={"email": "root@example.test", "password": PASSWORD})
        assert answer.status_code == 200
        yield browser


def _browser(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="https://studio.test/api/v1",
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def refusing() -> Exception:
    return Misconfigured("The provider refuses this key.")
