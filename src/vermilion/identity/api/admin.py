"""What an admin decides about people and the house, and what admins did. The list of people is composed above."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from vermilion.db import Tx
from vermilion.identity.access import AdminActor, house_of
from vermilion.identity.actors import Actor
from vermilion.identity.commands.choices import change_choices
from vermilion.identity.commands.people import change_user
from vermilion.identity.problems import problem_responses, write_responses
from vermilion.identity.queries import list_audit, read_choices
from vermilion.identity.views import (
    AuditView,
    Choices,
    ChoicesPatch,
    Cursor,
    Limit,
    UserPatch,
    UserWithBalanceView,
)
from vermilion.kit import Page

admin_router = APIRouter(prefix="/admin", tags=["admin"])


@admin_router.patch("/users/{user_id}", responses=write_responses(401, 404, 409), summary="Change a person")
async def patch_user(user_id: UUID, body: UserPatch, actor: AdminActor, request: Request) -> UserWithBalanceView:
    """Change somebody's role or name, disable or enable them. Disabling ends every session and deletes every key."""
    house = house_of(request)
    return await house.db.write(_change_user, actor, user_id, body, now=house.clock.now(), credits_of=house.credits_of)


@admin_router.get("/choices", responses=problem_responses(401, 403), summary="The operator's choices")
async def get_choices(_actor: AdminActor, request: Request) -> Choices:
    """What the operator chose."""
    return await house_of(request).db.read(read_choices)


@admin_router.patch("/choices", responses=write_responses(401), summary="Choose")
async def patch_choices(body: ChoicesPatch, actor: AdminActor, request: Request) -> Choices:
    """Change choices; effective at once on every node."""
    house = house_of(request)
    return await house.db.write(change_choices, actor, body, house.clock.now())


@admin_router.get("/audit", responses=problem_responses(401, 403), summary="What admins did")
async def get_audit(
    _actor: AdminActor,
    request: Request,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[AuditView]:
    """The latest entry first."""
    return await house_of(request).db.read(list_audit, cursor=cursor, limit=limit)


def _change_user(
    tx: Tx,
    actor: Actor,
    user_id: UUID,
    patch: UserPatch,
    *,
    now: datetime,
    credits_of: Callable[[Tx, UUID], dict[str, int]],
) -> UserWithBalanceView:
    user = change_user(tx, actor, user_id, patch, now)
    balance = credits_of(tx, user_id)
    return UserWithBalanceView(
        **user.model_dump(), available=balance["available"], held=balance["held"], spent=balance["spent"]
    )
