"""A small house with nothing but people in it, and browsers that visit it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request

from vermilion.db import Database, Tx
from vermilion.identity import (
    Actor,
    BodyLimit,
    CurrentActor,
    Limiter,
    PasswordHashing,
    Quotas,
    UserRow,
    admin_router,
    auth_router,
    codes_router,
    create_admin,
    create_api_key,
    me_router,
    phone_router,
    protect,
    require_scope,
    sms_router,
    ways_in_router,
)
from vermilion.kit.sealed import Sealer
from vermilion.sms import SmsWire

PASSWORD = "a long way home"

PICTURES_BYTES_MAX = 4 * 2**20
"""Of the bodies with pictures in them."""


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.move(seconds=seconds)

    async def wait(self, happening: "asyncio.Future[None]", seconds: float) -> None:
        if not happening.done():
            self.move(seconds=seconds)

    def move(self, **delta: float) -> None:
        self._now += timedelta(**delta)


@dataclass
class SmallHouse:
    db: Database
    clock: MovableClock
    hasher: PasswordHashing
    limiter: Limiter
    secure_cookies: bool = True
    sealer: Sealer = field(default_factory=lambda: Sealer({"k1": b"k" * 32}, "k1"))
    sms_code_key: bytes = b"not a secret"
    sms_wire: SmsWire | None = None
    """For tests of phones alone."""
    public_origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Any, ...] = (ip_network("10.0.0.0/8"),)
    created: list[str | None] = field(default_factory=list)

    def on_user_created(self, tx: Tx, user: UserRow, now: datetime) -> None:
        assert tx.get(UserRow, user.id) is user
        assert now == self.clock.now()
        self.created.append(user.email)

    def credits_of(self, tx: Tx, user_id: UUID) -> dict[str, int]:
        assert tx.get(UserRow, user_id) is not None
        return {"available": 70, "held": 30, "spent": 5}


def _probe_router() -> APIRouter:
    """Routes that stand for those of other rooms."""
    router = APIRouter(include_in_schema=False)

    @router.post("/work")
    async def work(actor: CurrentActor) -> dict[str, str]:
        return {"by": str(actor.user_id)}

    @router.get("/work")
    async def see(actor: CurrentActor) -> dict[str, str]:
        return {"by": str(actor.user_id)}

    @router.post("/quote")
    async def quote(actor: Annotated[Actor, require_scope("read")]) -> dict[str, str]:
        return {"by": str(actor.user_id)}

    @router.post("/echo")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @router.post("/pictures")
    async def pictures(actor: CurrentActor, body: dict[str, Any]) -> dict[str, int]:
        return {name: len(value) for name, value in body.items()}

    @router.post("/upload")
    async def upload(request: Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @router.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the secret is xyzzy")

    return router


@pytest.fixture(scope="session")
def hasher() -> Iterator[PasswordHashing]:
    """Real argon2id with parameters fit for tests."""
    hashing = PasswordHashing(passes=1, memory_kib=64, lanes=1)
    yield hashing
    hashing.close()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def house(db: Database, clock: MovableClock, hasher: PasswordHashing) -> SmallHouse:
    return SmallHouse(db, clock, hasher, Limiter(Quotas.none(), clock))


@pytest.fixture
def app(house: SmallHouse) -> FastAPI:
    app = FastAPI()
    for router in (
        auth_router,
        codes_router,
        phone_router,
        me_router,
        ways_in_router,
        admin_router,
        sms_router,
        _probe_router(),
    ):
        app.include_router(router, prefix="/api/v1")
    limits = [BodyLimit("/api/v1/upload", 4096), BodyLimit("/api/v1/pictures", PICTURES_BYTES_MAX, raw=False)]
    protect(app, body_limits=limits, unmetered_prefixes=["/api/v1/upload"])
    app.state.house = house
    return app


Browser = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    """Makes browsers: clients that keep cookies and say that they come from our own pages."""
    opened: list[httpx.AsyncClient] = []

    def make(*, ip: str = "192.0.2.7", headers: dict[str, str] | None = None, bare: bool = False) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(ip, 40000)),
            base_url="https://studio.test/api/v1",
            headers=headers if headers is not None else ({} if bare else {"Sec-Fetch-Site": "same-origin"}),
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


async def sign_up(client: httpx.AsyncClient, email: str = "ada@example.test", name: str = "Ada") -> dict[str, Any]:
    """Sign up in this browser; the answer is the person."""
    answer = await client.post("/auth/sign-up", json={"email": email, "password": PASSWORD, "name": name})
    assert answer.status_code == 201, answer.text
    user: dict[str, Any] = answer.json()["user"]
    return user


async def sign_in(
    client: httpx.AsyncClient, email: str = "ada@example.test", password: str = PASSWORD
) -> httpx.Response:
    return await client.post("/auth/sign-in", json={"email": email, "password": password})


async def make_admin(house: SmallHouse, client: httpx.AsyncClient, email: str = "root@example.test") -> UUID:
    """Make an admin as the terminal does, and sign them in."""
    user = await house.db.write(
        create_admin,
        email,
        name="Root",
        password_hash=house.hasher.hash_now(PASSWORD),
        now=house.clock.now(),
        on_user_created=house.on_user_created,
    )
    assert (await sign_in(client, email)).status_code == 200
    return user.id


async def make_key(house: SmallHouse, user_id: str | UUID, *scopes: str, days: int | None = None) -> str:
    """A key of this person, as the terminal makes one."""
    _, key = await house.db.write(
        create_api_key,
        UUID(str(user_id)),
        "a program",
        scopes,  # type: ignore[arg-type]
        expires_in_days=days,
        now=house.clock.now(),
    )
    return key
