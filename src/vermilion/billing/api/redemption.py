"""Redemption codes, for admins."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from vermilion.billing.commands.redemption import (
    change_batch,
    change_code,
    delete_batch,
    delete_code,
    export_codes,
    make_codes,
)
from vermilion.billing.house import BillingHouse, HouseHere
from vermilion.billing.queries import list_codes
from vermilion.billing.views import (
    ChangedCodesView,
    CodePatch,
    CodesAsked,
    CodeState,
    NewCodes,
    NewCodesView,
    RedemptionCodeView,
)
from vermilion.identity import Actor, AdminActor, Cursor, Limit, problem_responses, write_responses
from vermilion.kit import Page

redemption_router = APIRouter(prefix="/admin", tags=["admin"])

Ending = Annotated[str, Query(pattern=r"^[0-9A-Za-z]{4}$", description="The last four characters of a code.")]
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The codes as a table."}
}


@redemption_router.get("/redemption-codes", responses=problem_responses(401, 403), summary="Redemption codes")
async def get_redemption_codes(
    house: HouseHere,
    _actor: AdminActor,
    batch_id: UUID | None = None,
    state: CodeState | None = None,
    ending: Ending | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Page[RedemptionCodeView]:
    """Codes without their secret part, the newest first."""
    asked = CodesAsked(batch_id=batch_id, state=state)
    return await house.db.read(
        list_codes,
        asked,
        house.clock.now(),
        ending=ending.upper() if ending else None,
        cursor=cursor,
        limit=limit,
    )


@redemption_router.post(
    "/redemption-codes", status_code=201, responses=write_responses(401), summary="Make redemption codes"
)
async def post_redemption_codes(house: HouseHere, actor: AdminActor, body: NewCodes) -> NewCodesView:
    """Make a batch. Its codes are in the answer; afterwards an export has them."""
    return await house.db.write(make_codes, house.sealer, house.code_key, actor, body, house.clock.now())


@redemption_router.post(
    "/redemption-codes/export",
    responses={**write_responses(401), **CSV_ANSWER},
    response_class=Response,
    summary="Redemption codes as a table",
)
async def post_redemption_codes_export(house: HouseHere, actor: AdminActor, body: CodesAsked) -> Response:
    """The codes meant, whole, as CSV; audited."""
    return await csv_of_codes(house, actor, body)


@redemption_router.patch(
    "/redemption-codes/{code_id}", responses=write_responses(401, 404, 409), summary="Change a redemption code"
)
async def patch_redemption_code(
    house: HouseHere, actor: AdminActor, code_id: UUID, body: CodePatch
) -> RedemptionCodeView:
    """Switch a code on or off, or change its expiry or purpose."""
    return await house.db.write(change_code, actor, code_id, body, house.clock.now())


@redemption_router.delete(
    "/redemption-codes/{code_id}",
    status_code=204,
    responses=write_responses(401, 404, 409),
    summary="Delete a redemption code",
)
async def remove_redemption_code(house: HouseHere, actor: AdminActor, code_id: UUID) -> None:
    """Delete a code that nobody used; used ones stay."""
    await house.db.write(delete_code, actor, code_id, house.clock.now())


@redemption_router.patch(
    "/redemption-batches/{batch_id}", responses=write_responses(401, 404), summary="Change a batch of codes"
)
async def patch_redemption_batch(
    house: HouseHere, actor: AdminActor, batch_id: UUID, body: CodePatch
) -> ChangedCodesView:
    """Change every unused code of a batch."""
    return ChangedCodesView(changed=await house.db.write(change_batch, actor, batch_id, body, house.clock.now()))


@redemption_router.delete(
    "/redemption-batches/{batch_id}", responses=write_responses(401, 404), summary="Delete a batch's unused codes"
)
async def remove_redemption_batch(house: HouseHere, actor: AdminActor, batch_id: UUID) -> ChangedCodesView:
    """Delete every code of a batch that nobody used."""
    return ChangedCodesView(changed=await house.db.write(delete_batch, actor, batch_id, house.clock.now()))


async def csv_of_codes(house: BillingHouse, actor: Actor, asked: CodesAsked) -> Response:
    """An export as a file to download."""
    table = await house.db.write(export_codes, house.sealer, actor, asked, house.clock.now())
    name = f"redemption-codes-{house.clock.now():%Y%m%d-%H%M}.csv"
    return Response(table, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})
