"""What the outside sees of models, and what admins may change about them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from vermilion.catalog.entry import Visibility
from vermilion.catalog.param_base import Control
from vermilion.catalog.price import PRICE_MAX_CREDITS
from vermilion.catalog.terms import Continues
from vermilion.kit import Given
from vermilion.providers import LocalText, Makes

UnavailableReason = Literal["no_credential", "disabled"]


class TextView(BaseModel):
    """The same words in both languages."""

    en: str
    zh: str


class PromptView(BaseModel):
    """Whether words are wanted, and how many characters at most; without a label they are the prompt."""

    label: TextView | None
    required: bool
    max_chars: int


class ChoiceView(BaseModel):
    """One value among several; `aspect` is width/height where it is a shape."""

    value: str
    label: TextView
    aspect: float | None = None


class ParamView(BaseModel):
    """One parameter, with what drawing it needs. A null default means that the provider chooses."""

    name: str
    type: Literal["integer", "number", "string", "boolean", "choice", "size"]
    label: TextView
    help: TextView | None
    default: Any
    minimum: float | int | None = None
    maximum: float | int | None = None
    max_length: int | None = None
    step: float | int | None = None
    choices: list[ChoiceView] | None = None
    unit: str | None = None
    control: Control
    advanced: bool
    optional: bool


class InputView(BaseModel):
    """Files the model takes in one role."""

    role: str
    label: TextView
    minimum: int
    maximum: int
    content_types: list[str]
    max_bytes: int


class PriceRowView(BaseModel):
    """Amounts that hold when every parameter in `when` has the value named there."""

    when: dict[str, str | bool]
    base_credits: int
    per_output_credits: int


class PriceView(BaseModel):
    """Credits for a request, for each output, and the least a request can cost; `rows` replace the two first."""

    base_credits: int
    per_output_credits: int
    from_credits: int
    rows: list[PriceRowView]


class FollowUpView(BaseModel):
    """What the model offers to do with an existing picture."""

    label: TextView
    input_role: str


class ModelView(BaseModel):
    """One model, complete: the web app draws its form from this alone."""

    id: str
    name: TextView
    about: TextView
    provider: str
    provider_title: str
    makes: Makes
    aliases: list[str]
    enabled: bool
    available: bool
    unavailable_reason: UnavailableReason | None
    typical_seconds: int
    deadline_seconds: int
    prompt: PromptView | None
    params: list[ParamView]
    params_schema: dict[str, Any]
    inputs: list[InputView]
    outputs_param: str | None
    price: PriceView
    follow_ups: list[FollowUpView]
    continues: Continues


class ModelList(BaseModel):
    """All models."""

    items: list[ModelView]


class OverrideView(BaseModel):
    """What is in force for a model after the admin's changes."""

    enabled: bool
    visibility: Visibility
    price: PriceView


class AdminModelView(ModelView):
    """A model as an admin sees it: what is in force, and what the entry says by itself.

    `own` says that an admin made it, and may replace or delete it.
    """

    own: bool
    override: OverrideView
    default_price: PriceView


class BrokenModelView(BaseModel):
    """A model of this house's own that cannot be read any more, so that nobody is offered it."""

    id: str
    reason: str


class AdminModelList(BaseModel):
    """All models, for an admin; `broken` are of the house's own, to be replaced or deleted."""

    items: list[AdminModelView]
    broken: list[BrokenModelView]


class OverridePatch(Given):
    """A change to a model; a null gives the entry's own value back, `reset` gives all of them back first."""

    enabled: bool | None = None
    base_credits: Annotated[int, Field(ge=0, le=PRICE_MAX_CREDITS, strict=True)] | None = None
    per_output_credits: Annotated[int, Field(ge=0, le=PRICE_MAX_CREDITS, strict=True)] | None = None
    visibility: Visibility | None = None
    reset: bool = False


def text_view(words: LocalText) -> TextView:
    """Words, as JSON."""
    return TextView(en=words.en, zh=words.zh)
