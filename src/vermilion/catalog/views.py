"""What the outside sees of models, and what admins may change about them."""

from collections import OrderedDict
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vermilion.catalog.choices import ChoiceParam, SizeParam
from vermilion.catalog.entry import Entry, Input, Prompt, Visibility
from vermilion.catalog.own_models import OWN_MODELS_MAX
from vermilion.catalog.param_base import Control
from vermilion.catalog.params import Param
from vermilion.catalog.price import PRICE_MAX_CREDITS
from vermilion.catalog.shelf import OWN_PREFIX, Shelf
from vermilion.catalog.terms import Continues
from vermilion.providers import LocalText, Makes, adapters

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


class AdminModelList(BaseModel):
    """All models, for an admin."""

    items: list[AdminModelView]


class OverridePatch(BaseModel):
    """A change to a model; a null gives the entry's own value back, `reset` gives all of them back first."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    base_credits: Annotated[int, Field(ge=0, le=PRICE_MAX_CREDITS, strict=True)] | None = None
    per_output_credits: Annotated[int, Field(ge=0, le=PRICE_MAX_CREDITS, strict=True)] | None = None
    visibility: Visibility | None = None
    reset: bool = False


def model_view(shelf: Shelf, entry: Entry, *, has_credential: bool) -> ModelView:
    """The view of an entry of this shelf whose overrides are applied."""
    reason: UnavailableReason | None = None if has_credential else "no_credential"
    if not entry.enabled:
        reason = "disabled"
    return _drawing(shelf, entry).model_copy(
        update={
            "enabled": entry.enabled,
            "available": reason is None,
            "unavailable_reason": reason,
            "price": price_view(entry),
        }
    )


def admin_model_view(shelf: Shelf, entry: Entry, declared: Entry, *, has_credential: bool) -> AdminModelView:
    """The view of an entry with overrides, beside the price it was declared with."""
    view = model_view(shelf, entry, has_credential=has_credential)
    override = OverrideView(enabled=entry.enabled, visibility=entry.visibility, price=view.price)
    own = entry.id.startswith(OWN_PREFIX)
    return AdminModelView(**dict(view), own=own, override=override, default_price=price_view(declared))


@lru_cache(maxsize=2)
def _drawn(shelf: Shelf) -> dict[str, ModelView]:
    """All that overrides cannot change, drawn once: doing it for each request would hold up everybody else."""
    titles = shelf.providers()
    return {entry.id: _draw(entry, titles[entry.provider]) for entry in shelf.entries()}


def preview_view(entry: Entry, *, has_credential: bool) -> ModelView:
    """What people would see of an entry that is not stored."""
    reason: UnavailableReason | None = None if has_credential else "no_credential"
    return _draw_own(entry).model_copy(update={"available": has_credential, "unavailable_reason": reason})


_own_drawings: OrderedDict[str, tuple[Any, ModelView]] = OrderedDict()
"""By id, with the options of the entry that was drawn: the very object, which its copies share and no other has."""


def _drawing(shelf: Shelf, entry: Entry) -> ModelView:
    drawn = _drawn(shelf).get(entry.id)
    if drawn is not None:
        return drawn
    known = _own_drawings.get(entry.id)
    if known is not None and known[0] is entry.options:
        return known[1]
    drawn = _draw_own(entry)
    _own_drawings[entry.id] = (entry.options, drawn)
    while len(_own_drawings) > OWN_MODELS_MAX:
        _own_drawings.popitem(last=False)
    return drawn


def _draw_own(entry: Entry) -> ModelView:
    adapter = adapters().get(entry.provider)
    return _draw(entry, adapter.title if adapter else entry.provider)


def _draw(entry: Entry, provider_title: str) -> ModelView:
    return ModelView(
        id=entry.id,
        name=text_view(entry.name),
        about=text_view(entry.about),
        provider=entry.provider,
        provider_title=provider_title,
        makes=entry.makes,
        aliases=list(entry.aliases),
        enabled=entry.enabled,
        available=False,
        unavailable_reason="no_credential",
        typical_seconds=entry.typical_seconds,
        deadline_seconds=entry.deadline_seconds,
        prompt=_prompt_view(entry.prompt) if entry.prompt else None,
        params=[_param_view(param) for param in entry.params],
        params_schema=entry.params_schema(),
        inputs=[_input_view(given) for given in entry.inputs],
        outputs_param=entry.outputs_param,
        price=price_view(entry),
        follow_ups=[
            FollowUpView(label=text_view(follow_up.label), input_role=follow_up.input_role)
            for follow_up in entry.follow_ups
        ],
        continues=entry.continues,
    )


def _input_view(given: Input) -> InputView:
    return InputView(
        role=given.role,
        label=text_view(given.label),
        minimum=given.minimum,
        maximum=given.maximum,
        content_types=list(given.content_types),
        max_bytes=given.max_bytes,
    )


def price_view(entry: Entry) -> PriceView:
    """What an entry costs."""
    return PriceView(
        base_credits=entry.price.base_credits,
        per_output_credits=entry.price.per_output_credits,
        from_credits=entry.price_range()[0],
        rows=[PriceRowView(**row.model_dump()) for row in entry.price.rows],
    )


def _prompt_view(prompt: Prompt) -> PromptView:
    label = text_view(prompt.label) if prompt.label else None
    return PromptView(label=label, required=prompt.required, max_chars=prompt.max_chars)


def text_view(words: LocalText) -> TextView:
    """Words, as JSON."""
    return TextView(en=words.en, zh=words.zh)


def _param_view(param: Param) -> ParamView:
    choices = None
    if isinstance(param, ChoiceParam | SizeParam):
        choices = [
            ChoiceView(value=choice.value, label=text_view(choice.label), aspect=choice.aspect)
            for choice in param.choices
        ]
    return ParamView(
        name=param.name,
        type=param.type,
        label=text_view(param.label),
        help=text_view(param.help) if param.help else None,
        default=param.default,
        minimum=getattr(param, "minimum", None),
        maximum=getattr(param, "maximum", None),
        max_length=getattr(param, "max_length", None),
        step=getattr(param, "step", None),
        choices=choices,
        unit=param.unit,
        control=param.drawn_as,
        advanced=param.advanced,
        optional=param.optional,
    )
