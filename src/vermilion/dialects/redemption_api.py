"""The described redemption codes: made, listed, changed, exported by admins, received by people."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Path, Response
from pydantic import AliasChoices, BaseModel, Field, ModelWrapValidatorHandler, model_validator

from vermilion.billing import (
    CSV_ANSWER,
    CodePatch,
    CodesAsked,
    CodeState,
    NewCodes,
    Purpose,
    RedemptionCodeView,
    SomeDay,
    change_code,
    csv_of_codes,
    delete_code,
    id_of_code,
    make_codes,
    numbered_codes,
    redeem_for,
)
from vermilion.db import Tx
from vermilion.dialects.bodies import Body
from vermilion.dialects.house import House, HouseHere
from vermilion.dialects.numbered import PageNumber, PageSize
from vermilion.dialects.routes import Route, face
from vermilion.dialects.spelling import snake
from vermilion.dialects.telling import called
from vermilion.identity import Actor, AdminActor, SessionActor

Named = Annotated[str, Path(max_length=100, description="A code, written whole, or for admins its id.")]

_ALL = "/credit/redemption_codes"
_ONE = f"{_ALL}/{{code}}"


class ExpiryBody(Body):
    """A body with an expiry, that remembers which of its two names it was sent under."""

    _expiry_name: str = "expired_at"

    @model_validator(mode="wrap")
    @classmethod
    def _remembers(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        body = handler(given)
        keys = {snake(str(key)) for key in given} if isinstance(given, dict) else set()
        if "expires_at" in keys and "expired_at" not in keys:
            body._expiry_name = "expires_at"
        return body

    @property
    def names(self) -> dict[str, str]:
        """By what the house calls its fields: what the client called them."""
        return {"expires_at": self._expiry_name}


class CodesBody(ExpiryBody):
    """How many codes, of how many credits (`amount`, or `credits`), until when (`expired_at`, or `expires_at`)."""

    amount: Annotated[int, Field(ge=1, le=100_000_000, validation_alias=AliasChoices("amount", "credits"))]
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    purpose: Purpose = ""
    expired_at: Annotated[SomeDay | None, Field(validation_alias=AliasChoices("expired_at", "expires_at"))] = None


class CodeBody(ExpiryBody):
    """What changes about a code; `expired_at` of null means never."""

    enabled: bool = Field(default_factory=bool)
    purpose: Purpose = Field(default_factory=str)
    expired_at: Annotated[SomeDay | None, Field(validation_alias=AliasChoices("expired_at", "expires_at"))] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("say what changes: enabled, purpose or expired_at")
        return self

    def patch(self) -> CodePatch:
        """It in the house's words."""
        sent = self.model_dump(exclude_unset=True)
        return CodePatch.model_validate({"expires_at" if name == "expired_at" else name: sent[name] for name in sent})


class CodeItem(BaseModel):
    """A code; whole where it was just made, and elsewhere its last four characters."""

    id: UUID
    code: str
    amount: int
    purpose: str
    status: CodeState
    user_id: UUID | None
    created_at: datetime
    expired_at: datetime | None
    received_at: datetime | None


class CodePage(BaseModel):
    """A page of codes, newest first."""

    items: list[CodeItem]
    page: int
    limit: int
    has_more: bool


class CodeList(BaseModel):
    """Codes that were just made."""

    items: list[CodeItem]


class DeletedCode(BaseModel):
    """A code that is gone."""

    id: UUID
    deleted: bool


class ReceivedView(BaseModel):
    """What a code gave, and what is available now."""

    status: bool
    amount: int
    credits: int


@face(Route("GET", _ALL, "admin", "Redemption codes"))
async def get_codes(
    house: HouseHere, _actor: AdminActor, status: CodeState | None = None, page: PageNumber = 1, limit: PageSize = 20
) -> CodePage:
    """Codes by page, the newest first, their secret part left out."""
    asked = CodesAsked(state=status)
    items, more = await house.db.read(numbered_codes, asked, house.clock.now(), page=page, limit=limit)
    return CodePage(items=[_item(each) for each in items], page=page, limit=limit, has_more=more)


@face(
    Route("GET", f"{_ALL}/export", "admin", "Redemption codes as a table"),
    response_class=Response,
    responses=CSV_ANSWER,
)
async def get_codes_export(house: HouseHere, actor: AdminActor, status: CodeState | None = None) -> Response:
    """The codes whole, as CSV. That they were taken is audited: the one thing a GET writes down here."""
    return await csv_of_codes(house, actor, CodesAsked(state=status))


@face(Route("POST", _ALL, "admin", "Make redemption codes"))
async def post_codes(house: HouseHere, actor: AdminActor, body: CodesBody) -> CodeList:
    """Make codes; they are told here, and afterwards only by an export."""
    wanted = NewCodes(count=body.count, amount_credits=body.amount, purpose=body.purpose, expires_at=body.expired_at)
    now = house.clock.now()
    with called(body.names):
        batch = await house.db.write(make_codes, house.sealer, house.code_key, actor, wanted, now)
    return CodeList(
        items=[
            CodeItem(
                id=each.id,
                code=each.code,
                amount=batch.amount_credits,
                purpose=batch.purpose,
                status="enabled",
                user_id=None,
                created_at=now,
                expired_at=batch.expires_at,
                received_at=None,
            )
            for each in batch.codes
        ]
    )


@face(Route("PUT", _ONE, "admin", "Change a redemption code"), refusals=(409,))
async def put_code(house: HouseHere, actor: AdminActor, code: Named, body: CodeBody) -> CodeItem:
    """Switch a code on or off, or change its purpose or expiry; it is named by its id or written whole."""
    with called(body.names):
        return _item(await house.db.write(_change, house.code_key, actor, code, body.patch(), house.clock.now()))


@face(Route("DELETE", _ONE, "admin", "Delete a redemption code"), refusals=(409,))
async def delete_one_code(house: HouseHere, actor: AdminActor, code: Named) -> DeletedCode:
    """Delete a code nobody used; it is named by its id or written whole."""
    return DeletedCode(id=await house.db.write(_delete, house, actor, code), deleted=True)


@face(Route("POST", f"{_ONE}/receive", "user", "Redeem a code"), refusals=(409,))
async def post_receive(house: HouseHere, actor: SessionActor, code: Named) -> ReceivedView:
    """Receive the credits of a code, once."""
    redeemed = await redeem_for(house, actor, code)
    return ReceivedView(status=True, amount=redeemed.amount_credits, credits=redeemed.available)


def _change(tx: Tx, code_key: bytes, actor: Actor, code: str, patch: CodePatch, now: datetime) -> RedemptionCodeView:
    return change_code(tx, actor, id_of_code(tx, code_key, code), patch, now)


def _delete(tx: Tx, house: House, actor: Actor, code: str) -> UUID:
    code_id = id_of_code(tx, house.code_key, code)
    delete_code(tx, actor, code_id, house.clock.now())
    return code_id


def _item(view: RedemptionCodeView) -> CodeItem:
    return CodeItem(
        id=view.id,
        code=f"…{view.ending}",
        amount=view.amount_credits,
        purpose=view.purpose,
        status=view.state,
        user_id=view.received_by,
        created_at=view.created_at,
        expired_at=view.expires_at,
        received_at=view.received_at,
    )
