"""What the outside sends to billing about codes, and sees of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from vermilion.billing.codes import TYPED_MAX_CHARS
from vermilion.billing.tables import PURPOSE_MAX_CHARS
from vermilion.kit import Given

CODES_AT_ONCE_MAX = 1000
CODE_CREDITS_MAX = 100_000_000

CodeState = Literal["enabled", "disabled", "used", "expired"]
"""What can be done with a code; `expired` is one that was never used and no longer can be."""


def _of_this_age(value: datetime) -> datetime:
    if not 2000 <= value.year < 2200:
        raise ValueError("must lie between the years 2000 and 2200")
    return value


SomeDay = Annotated[AwareDatetime, AfterValidator(_of_this_age)]
Purpose = Annotated[str, Field(max_length=PURPOSE_MAX_CHARS, pattern=r"^[^\x00-\x1f\x7f]*$")]
TypedCode = Annotated[str, Field(min_length=1, max_length=TYPED_MAX_CHARS)]


class Shown(BaseModel):
    """Output."""

    model_config = ConfigDict(frozen=True)


class RedeemBody(Given):
    """A code, as somebody typed it."""

    code: TypedCode


class RedeemedView(Shown):
    """What a code gave, and what is available now."""

    amount_credits: int
    available: int
    held: int


class NewCodes(Given):
    """So many codes of so many credits each; without `expires_at` they never expire."""

    count: Annotated[int, Field(ge=1, le=CODES_AT_ONCE_MAX, strict=True)]
    amount_credits: Annotated[int, Field(ge=1, le=CODE_CREDITS_MAX, strict=True)]
    expires_at: SomeDay | None = None
    purpose: Purpose = ""


class NewCodeView(Shown):
    """A code as it is shown once."""

    id: UUID
    code: str


class NewCodesView(Shown):
    """A batch that was just made."""

    batch_id: UUID
    amount_credits: int
    expires_at: datetime | None
    purpose: str
    codes: list[NewCodeView]


class CodePatch(Given):
    """A change to codes nobody used; null for `expires_at` means never. Of a used one only the purpose changes."""

    enabled: bool = Field(default_factory=bool)
    expires_at: SomeDay | None = None
    purpose: Purpose = Field(default_factory=str)


class RedemptionCodeView(Shown):
    """A code as admins see it: never whole."""

    id: UUID
    batch_id: UUID
    ending: str
    """Its last four characters."""
    amount_credits: int
    purpose: str
    state: CodeState
    expires_at: datetime | None
    created_at: datetime
    received_by: UUID | None
    received_by_email: str | None
    received_at: datetime | None


class CodesAsked(Given):
    """Which codes are meant; all of them where nothing is said."""

    batch_id: UUID | None = None
    state: CodeState | None = None


class ChangedCodesView(Shown):
    """How many codes a change of a batch reached; used ones are left alone."""

    changed: int
