"""Credits over HTTP, behind the one door of identity."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import get_args
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI, Request

from vermilion import ledger
from vermilion.db import Database
from vermilion.identity import Actor, CurrentActor
from vermilion.kit import AppError, SystemClock, new_id

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
_DOOR = get_args(CurrentActor)[1].dependency


@pytest.fixture
async def client(db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app with nothing but credits, whose visitors say who they are in a header."""
    app = FastAPI()
    app.include_router(ledger.router, prefix="/api/v1")
    app.state.house = SimpleNamespace(db=db, clock=SystemClock())

    async def named(request: Request) -> Actor:
        return Actor(
            user_id=UUID(request.headers["x-user"]),
            role="user",
            scopes=frozenset({"read"}),
            session_id=None,
            api_key_id=None,
            ip=None,
        )

    app.dependency_overrides[_DOOR] = named
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://studio.example") as visitor:
        yield visitor


def _live(db: Database) -> tuple[UUID, UUID]:
    user, generation_id = uuid4(), new_id()
    db.write_now(ledger.open_account, user, NOW)
    db.write_now(ledger.grant, user, 100, reason="welcome", actor_id=uuid4(), key="welcome", now=NOW)
    db.write_now(ledger.hold, user, 10, hold_id=generation_id, generation_id=generation_id, now=NOW)
    return user, generation_id


async def test_my_balance_includes_what_is_held(db: Database, client: httpx.AsyncClient) -> None:
    user, _ = _live(db)
    answer = await client.get("/api/v1/credits", headers={"x-user": str(user)})
    assert answer.json() == {"granted": 100, "available": 90, "held": 10, "spent": 0, "expired": 0}


async def test_my_statement_tells_each_movement_and_no_internals(db: Database, client: httpx.AsyncClient) -> None:
    user, generation_id = _live(db)
    page = (await client.get("/api/v1/credits/statement?limit=1", headers={"x-user": str(user)})).json()
    (held,) = page["items"]
    assert UUID(held.pop("id"))
    assert held == {
        "kind": "hold",
        "amount_credits": 10,
        "available_delta": -10,
        "available_after": 90,
        "held_after": 10,
        "generation_id": str(generation_id),
        "reason": None,
        "created_at": "2030-01-02T03:04:05Z",
    }
    rest = (
        await client.get("/api/v1/credits/statement", params={"cursor": page["next"]}, headers={"x-user": str(user)})
    ).json()
    assert [(line["kind"], line["amount_credits"]) for line in rest["items"]] == [("grant", 100)]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", f"cursor={'a' * 401}"])
async def test_a_page_is_bounded(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/v1/credits/statement?{query}", headers={"x-user": str(uuid4())})
    assert answer.status_code == 422


async def test_nobody_sees_credits_without_coming_in(db: Database, client: httpx.AsyncClient) -> None:
    user, _ = _live(db)

    async def locked() -> Actor:
        raise AppError("auth.required", "Sign in first.", status=401)

    client._transport.app.dependency_overrides[_DOOR] = locked  # type: ignore[attr-defined]
    for path in ("/api/v1/credits", "/api/v1/credits/statement"):
        with pytest.raises(AppError):
            await client.get(path, headers={"x-user": str(user)})
