"""Parameters that are one of several values: choices, ratios, and sizes in pixels."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from vermilion.catalog.declared import UNNAMED, Declared, Refused, Words
from vermilion.catalog.param_base import BaseParam, Control, Flag, bounded, whole_number

SEGMENTS_MAX = 4
"""More choices than this no longer fit side by side on a phone."""

ASPECT_MAX = 100.0
_RATIO = r"[1-9][0-9]{0,3}:[1-9][0-9]{0,3}"


class SentChoice(Declared):
    """One value among several; `aspect` is width/height where it is a shape.

    `wire` is what the provider is sent in place of the value; with `omit` it is sent nothing and decides itself.
    """

    value: Annotated[str, Field(min_length=1, max_length=80)]
    aspect: Annotated[float, Field(gt=0, le=100)] | None = None
    wire: JsonValue = None
    omit: bool = False


class Choice(SentChoice):
    """One value among several, as people are offered it; `aspect` is width/height where it is a shape."""

    label: Words = UNNAMED
    flag: Flag | None = None
    """This alone in the prompt means this value."""


class ChoiceParam(BaseParam):
    """One of several values, which are strings; a choice's `wire` is sent in its place.

    With `any_ratio` the choices are the usual ones among all ratios of two whole numbers: `7:3`.
    """

    type: Literal["choice"]
    choices: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=100)]
    any_ratio: bool = False
    default: str | None = None

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        _check_distinct(self.choices)
        return self

    def _accept(self, value: Any) -> str:
        if self.any_ratio and isinstance(value, str) and re.fullmatch(_RATIO, value):
            return value
        try:
            return _chosen(self.choices, value).value
        except Refused as refused:
            if self.any_ratio:
                raise Refused(refused.code, f"{refused.message}, or another ratio of whole numbers, as 7:3") from None
            raise

    def _schema(self) -> dict[str, Any]:
        enum: dict[str, Any] = {"type": "string", "enum": [choice.value for choice in self.choices]}
        return {"anyOf": [enum, {"type": "string", "pattern": f"^{_RATIO}$"}]} if self.any_ratio else enum

    def _flags_schema(self) -> dict[str, Any]:
        alone = {choice.flag: choice.value for choice in self.choices if choice.flag is not None}
        return super()._flags_schema() | ({"x-flag-choices": alone} if alone else {})

    def wire_value(self, value: Any) -> Any:
        return sent_value(self.choices, value)

    def aspect(self, value: Any) -> float | None:
        return shape_of(self.choices, value, any_ratio=self.any_ratio)

    def _usual_control(self) -> Control:
        if all(choice.aspect for choice in self.choices):
            return "ratio"
        return "segmented" if len(self.choices) <= SEGMENTS_MAX else "select"


class SizeParam(BaseParam):
    """A size in pixels: one of the presets, or `{width, height}` with each side between the limits."""

    type: Literal["size"]
    choices: Annotated[tuple[Choice, ...], Field(max_length=100)] = ()
    minimum: Annotated[int, Field(ge=1, le=16_384)]
    maximum: Annotated[int, Field(ge=1, le=16_384)]
    step: Annotated[int, Field(ge=1)] = 1
    default: str | dict[str, int] | None = None
    unit: Annotated[str, Field(min_length=1, max_length=12)] | None = "px"

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        _check_distinct(self.choices)
        return self

    def _accept(self, value: Any) -> str | dict[str, int]:
        if isinstance(value, str) and self.choices:
            return _chosen(self.choices, value).value
        if not isinstance(value, Mapping) or set(value) != {"width", "height"}:
            raise Refused("wrong_type", "must be an object with width and height, in pixels")
        sides = {side: whole_number(value[side]) for side in ("width", "height")}
        for side in sides.values():
            bounded(side, self.minimum, self.maximum)
        return sides

    def _schema(self) -> dict[str, Any]:
        side = {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}
        exact = {
            "type": "object",
            "properties": {"width": side, "height": side},
            "required": ["width", "height"],
            "additionalProperties": False,
        }
        if not self.choices:
            return exact
        return {"anyOf": [{"type": "string", "enum": [choice.value for choice in self.choices]}, exact]}

    def wire_value(self, value: Any) -> Any:
        return sent_value(self.choices, value)

    def aspect(self, value: Any) -> float | None:
        return shape_of(self.choices, value)

    def _usual_control(self) -> Control:
        return "size"


def sent_value(choices: Sequence[SentChoice], value: Any) -> Any:
    """What the provider is sent for an accepted value: what its choice says, or the value itself where it is none."""
    choice = _found(choices, value)
    if choice is None:
        return value
    if choice.omit:
        return None
    return choice.value if choice.wire is None else choice.wire


def shape_of(choices: Sequence[SentChoice], value: Any, *, any_ratio: bool = False) -> float | None:
    """Width divided by height that an accepted value stands for, if it stands for a shape.

    With `any_ratio`, text that is no choice is a ratio.
    """
    if isinstance(value, Mapping):
        return float(value["width"] / value["height"])
    choice = _found(choices, value)
    if choice is not None:
        return choice.aspect
    if any_ratio and isinstance(value, str):
        width, height = (int(side) for side in value.split(":"))
        return min(max(width / height, 1 / ASPECT_MAX), ASPECT_MAX)
    return None


def _found(choices: Sequence[SentChoice], value: Any) -> SentChoice | None:
    return next((choice for choice in choices if isinstance(value, str) and choice.value == value), None)


def _chosen(choices: Sequence[SentChoice], value: Any) -> SentChoice:
    choice = _found(choices, value)
    if choice is None:
        raise Refused("not_a_choice", "must be one of " + ", ".join(each.value for each in choices))
    return choice


def _check_distinct(choices: tuple[Choice, ...]) -> None:
    values = [choice.value for choice in choices]
    if len(set(values)) != len(values):
        raise ValueError("has the same choice twice")
