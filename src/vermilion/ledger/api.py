"""Credits over HTTP: one's own balance and statement."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from vermilion.identity import CurrentActor, Cursor, Limit, house_of, problem_responses
from vermilion.kit import Page
from vermilion.ledger.queries import balance, statement
from vermilion.ledger.views import Balance, StatementEntry

router = APIRouter(prefix="/credits", tags=["credits"])


@router.get("", responses=problem_responses(401, 403), summary="My balance")
async def get_credits(actor: CurrentActor, request: Request) -> Balance:
    """What is available, held for work under way, spent, and was granted in all."""
    return await house_of(request).db.read(balance, actor.user_id)


@router.get("/statement", responses=problem_responses(401, 403), summary="My statement")
async def get_statement(
    actor: CurrentActor,
    request: Request,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[StatementEntry]:
    """Every movement of my credits, the latest first."""
    return await house_of(request).db.read(statement, actor.user_id, cursor=cursor, limit=limit)
