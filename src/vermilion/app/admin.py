"""What an admin sees across rooms: the overview, and people with their balances."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from vermilion import ledger
from vermilion.app.public import HouseHere
from vermilion.catalog import provider_states
from vermilion.db import Tx
from vermilion.generation import Status, count_by_status, count_finished_since
from vermilion.identity import (
    Actor,
    AdminActor,
    Cursor,
    Limit,
    UserWithBalanceView,
    count_users,
    list_users,
    problem_responses,
    write_responses,
)
from vermilion.kit import Given, Page
from vermilion.library import stored_bytes
from vermilion.providers import adapters

router = APIRouter(prefix="/admin", tags=["admin"])

GRANT_MAX_CREDITS = 100_000_000


class ProviderStateView(BaseModel):
    """How a provider is; `since` is null where nothing is configured."""

    provider: str
    state: Literal["up", "degraded", "down", "unconfigured"]
    since: datetime | None


class OverviewView(BaseModel):
    """The house at a glance; `today` is since midnight UTC."""

    users: int
    generations_today: int
    succeeded_today: int
    failed_today: int
    running: int
    queued: int
    uncertain: int
    credits_spent_today: int
    storage_bytes: int
    providers: list[ProviderStateView]


class GrantBody(Given):
    """Credits to give (positive) or take away (negative), and why."""

    amount_credits: Annotated[int, Field(ge=-GRANT_MAX_CREDITS, le=GRANT_MAX_CREDITS, strict=True)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class GrantedView(BaseModel):
    """The balance afterwards."""

    available: int
    held: int


@router.get("/overview", responses=problem_responses(401, 403))
async def get_overview(house: HouseHere, actor: AdminActor) -> OverviewView:
    """The house at a glance."""
    del actor
    now = house.clock.now()
    return await house.db.read(_overview, now.replace(hour=0, minute=0, second=0, microsecond=0))


@router.get("/users", responses=problem_responses(401, 403, 422))
async def get_users(
    house: HouseHere,
    actor: AdminActor,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Page[UserWithBalanceView]:
    """People with their balances, newest first."""
    del actor
    return await house.db.read(_users, q, cursor, limit)


@router.post("/users/{user_id}/grant", responses=write_responses(401, 404, 409))
async def post_grant(house: HouseHere, actor: AdminActor, user_id: UUID, body: GrantBody) -> GrantedView:
    """Give credits to a person, or take some away."""
    return await house.db.write(grant_by_admin, actor, user_id, body.amount_credits, body.reason, house.clock.now())


def grant_by_admin(
    tx: Tx, actor: Actor | None, user_id: UUID, amount_credits: int, reason: str, now: datetime
) -> GrantedView:
    """Grant (positive) or take (negative), with the audit and the event; raises `NotFound`, or 409 below zero."""
    balance = ledger.give_by_admin(tx, actor, user_id, amount_credits, reason, now)
    return GrantedView(available=balance.available, held=balance.held)


def _overview(tx: Tx, midnight: datetime) -> OverviewView:
    unfinished = count_by_status(tx)
    finished = count_finished_since(tx, midnight)
    succeeded, failed = finished.get(Status.SUCCEEDED, 0), finished.get(Status.FAILED, 0)
    return OverviewView(
        users=count_users(tx),
        generations_today=sum(finished.values()) + sum(unfinished.values()),
        succeeded_today=succeeded,
        failed_today=failed,
        running=sum(unfinished.get(status, 0) for status in (Status.SUBMITTING, Status.RUNNING, Status.STORING)),
        queued=unfinished.get(Status.QUEUED, 0),
        uncertain=unfinished.get(Status.UNCERTAIN, 0),
        credits_spent_today=ledger.spent_since(tx, midnight),
        storage_bytes=stored_bytes(tx),
        providers=[ProviderStateView(**asdict(state)) for state in provider_states(tx, sorted(adapters()))],
    )


def _users(tx: Tx, q: str | None, cursor: str | None, limit: int) -> Page[UserWithBalanceView]:
    page = list_users(tx, q=q, cursor=cursor, limit=limit)
    balances = ledger.balances(tx, [user.id for user in page.items])
    items = []
    for user in page.items:
        balance = balances[user.id]
        items.append(
            UserWithBalanceView(
                **user.model_dump(), available=balance.available, held=balance.held, spent=balance.spent
            )
        )
    return Page[UserWithBalanceView](items=items, next=page.next)
