"""Drawing models: an entry as the outside sees it, so that the web app needs nothing else for its form."""

from collections import OrderedDict
from functools import lru_cache
from typing import Any

from vermilion.catalog.choices import ChoiceParam, SizeParam
from vermilion.catalog.entry import Entry
from vermilion.catalog.given import Input, Prompt
from vermilion.catalog.own_models import OWN_MODELS_MAX
from vermilion.catalog.params import Param
from vermilion.catalog.shelf import OWN_PREFIX, Shelf
from vermilion.catalog.views import (
    AdminModelView,
    ChoiceView,
    FollowUpView,
    InputView,
    ModelView,
    OverrideView,
    ParamView,
    PriceRowView,
    PriceView,
    PromptView,
    UnavailableReason,
    text_view,
)
from vermilion.providers import adapters


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
