"""What a model may be asked: six kinds of parameter, each with limits, a default and words in both languages.

One declaration yields the check (`accept`), the JSON Schema (`json_schema`), the control the web app draws and the
value the provider is sent (`wire_value`). Values are JSON; null is accepted only where `optional` says that the
provider chooses.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from vermilion.catalog.declared import UNNAMED, Declared, Name, Refused, Words, storable

Control = Literal["ratio", "slider", "segmented", "seed", "switch", "text", "select", "size"]

WHOLE_MAX = 2**53
"""Beyond it JavaScript and JSON readers disagree about which whole number is meant."""
SEGMENTS_MAX = 4
"""More choices than this no longer fit side by side on a phone."""


Flag = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""What may stand in the prompt behind two hyphens."""

Flags = Annotated[
    tuple[Flag, ...], BeforeValidator(lambda given: tuple(given) if isinstance(given, list | tuple) else (given,))
]
"""One, or a list of several that mean the same."""

ASPECT_MAX = 100.0
_FLAG_INSIDE = re.compile(r"(?<!\S)(?:--|—)[A-Za-z]")
_RATIO = r"[1-9][0-9]{0,3}:[1-9][0-9]{0,3}"


class Choice(Declared):
    """One value among several; `aspect` is width/height where it is a shape.

    `wire` is what the provider is sent in place of the value; with `omit` it is sent nothing and decides itself.
    """

    value: Annotated[str, Field(min_length=1, max_length=80)]
    label: Words = UNNAMED
    aspect: Annotated[float, Field(gt=0, le=100)] | None = None
    wire: JsonValue = None
    omit: bool = False
    flag: Flag | None = None
    """This alone in the prompt means this value."""


class _Param(Declared):
    name: Name
    label: Words = UNNAMED
    help: Words | None = None
    optional: bool = False
    """Null is a value, and means that the provider chooses."""
    advanced: bool = False
    control: Control | None = None
    unit: Annotated[str, Field(min_length=1, max_length=12)] | None = None
    wire: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    """What the provider calls it, where that is not `name`."""
    flag: Flags = ()
    """What it is called in the prompt, where it may be said there: `--ar 16:9`."""

    @property
    def wire_name(self) -> str:
        """What the provider calls it."""
        return self.wire or self.name

    @property
    def drawn_as(self) -> Control:
        """The control the web app draws."""
        return self.control or self._usual_control()

    def accept(self, value: Any) -> Any:
        """The clean value; raises `Refused`."""
        if value is None:
            if self.optional:
                return None
            raise Refused("required", "must not be null")
        return self._accept(value)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of exactly what `accept` accepts."""
        schema = self._schema()
        if self.optional:
            schema = {"anyOf": [schema, {"type": "null"}]}
        default = getattr(self, "default", None)
        words = {"title": self.label.en} if self.label.en else {}
        return (
            words
            | self._flags_schema()
            | schema
            | ({"default": default} if default is not None or self.optional else {})
        )

    def wire_value(self, value: Any) -> Any:
        """An accepted value in the provider's words."""
        return value

    def aspect(self, value: Any) -> float | None:
        """Width divided by height, where an accepted value decides it."""
        return None

    def _accept(self, value: Any) -> Any:
        raise NotImplementedError

    def _schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def _flags_schema(self) -> dict[str, Any]:
        return {"x-flag": list(self.flag)} if self.flag else {}

    def _usual_control(self) -> Control:
        return "text"

    @model_validator(mode="after")
    def _default_is_acceptable(self) -> Self:
        default = getattr(self, "default", None)
        if default is None and not self.optional:
            raise ValueError("needs a default, or optional = true where the provider chooses")
        try:
            self.accept(default)
        except Refused as problem:
            raise ValueError(f"the default {default!r} {problem.message}") from problem
        return self


def _bounded(value: float | int, minimum: float | int, maximum: float | int) -> None:
    if value < minimum:
        raise Refused("too_small", f"must be at least {minimum:g}", minimum)
    if value > maximum:
        raise Refused("too_large", f"must be at most {maximum:.16g}", maximum)


def _whole(value: Any) -> int:
    # JSON knows one kind of number: 4.0 is 4. Booleans are numbers to Python alone.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("wrong_type", "must be a whole number")
    if isinstance(value, float) and not value.is_integer():
        raise Refused("wrong_type", "must be a whole number")
    return int(value)


Whole = Annotated[int, Field(ge=-WHOLE_MAX, le=WHOLE_MAX)]


class IntegerParam(_Param):
    """A whole number between limits; `step` is how the slider moves."""

    type: Literal["integer"]
    minimum: Whole
    maximum: Whole
    step: Annotated[int, Field(ge=1)] = 1
    default: int | None = None

    def _accept(self, value: Any) -> int:
        whole = _whole(value)
        _bounded(whole, self.minimum, self.maximum)
        return whole

    def _schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def _usual_control(self) -> Control:
        return "slider"


class NumberParam(_Param):
    """A number between limits; `step` is how the slider moves."""

    type: Literal["number"]
    minimum: Annotated[float, Field(ge=-WHOLE_MAX, le=WHOLE_MAX)]
    maximum: Annotated[float, Field(ge=-WHOLE_MAX, le=WHOLE_MAX)]
    step: Annotated[float, Field(gt=0)] = 0.1
    default: float | None = None

    def _accept(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused("wrong_type", "must be a number")
        if isinstance(value, float) and not math.isfinite(value):
            raise Refused("wrong_type", "must be a finite number")
        _bounded(value, self.minimum, self.maximum)
        return float(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}

    def _usual_control(self) -> Control:
        return "slider"


class StringParam(_Param):
    """Text of bounded length, in characters."""

    type: Literal["string"]
    max_length: Annotated[int, Field(ge=1, le=20_000)]
    default: str | None = None
    flag_alone: str | None = None
    """The value when its flag is said with nothing behind it."""

    def _flags_schema(self) -> dict[str, Any]:
        alone = {} if self.flag_alone is None else {"x-flag-alone": self.flag_alone}
        return super()._flags_schema() | alone

    def _accept(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Refused("wrong_type", "must be text")
        if len(value) > self.max_length:
            raise Refused("too_long", f"must have at most {self.max_length} characters", self.max_length)
        if self.flag and _FLAG_INSIDE.search(value):
            raise Refused("flag_inside", "must not contain another flag")
        return storable(value)

    def _schema(self) -> dict[str, Any]:
        # What ends up among a prompt's flags must not bring flags of its own: they might cost more.
        alone = "(?!([^\\u0000]*\\s)?(--|—)[A-Za-z])" if self.flag else ""
        return {"type": "string", "maxLength": self.max_length, "pattern": f"^{alone}[^\\u0000]*$"}


class BooleanParam(_Param):
    """Yes or no."""

    type: Literal["boolean"]
    default: bool | None = None

    def _accept(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Refused("wrong_type", "must be true or false")
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def _usual_control(self) -> Control:
        return "switch"


class ChoiceParam(_Param):
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
        return str(value) if self._is_ratio(value) else _chosen(self.choices, value).value

    def _schema(self) -> dict[str, Any]:
        enum: dict[str, Any] = {"type": "string", "enum": [choice.value for choice in self.choices]}
        return {"anyOf": [enum, {"type": "string", "pattern": f"^{_RATIO}$"}]} if self.any_ratio else enum

    def _flags_schema(self) -> dict[str, Any]:
        alone = {choice.flag: choice.value for choice in self.choices if choice.flag is not None}
        return super()._flags_schema() | ({"x-flag-choices": alone} if alone else {})

    def wire_value(self, value: Any) -> Any:
        if value is None or self._is_ratio(value):
            return value
        return _sent(_chosen(self.choices, value))

    def aspect(self, value: Any) -> float | None:
        if self._is_ratio(value):
            width, height = (int(side) for side in value.split(":"))
            return min(max(width / height, 1 / ASPECT_MAX), ASPECT_MAX)
        return None if value is None else _chosen(self.choices, value).aspect

    def _is_ratio(self, value: Any) -> bool:
        """Whether it is a ratio that is none of the choices."""
        if not self.any_ratio or not isinstance(value, str) or any(choice.value == value for choice in self.choices):
            return False
        return re.fullmatch(_RATIO, value) is not None

    def _usual_control(self) -> Control:
        if all(choice.aspect for choice in self.choices):
            return "ratio"
        return "segmented" if len(self.choices) <= SEGMENTS_MAX else "select"


class SizeParam(_Param):
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
        sides = {side: _whole(value[side]) for side in ("width", "height")}
        for side in sides.values():
            _bounded(side, self.minimum, self.maximum)
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
        return _sent(_chosen(self.choices, value)) if isinstance(value, str) else value

    def aspect(self, value: Any) -> float | None:
        if isinstance(value, Mapping):
            return float(value["width"] / value["height"])
        return None if value is None else _chosen(self.choices, value).aspect

    def _usual_control(self) -> Control:
        return "size"


Param: TypeAlias = Annotated[
    IntegerParam | NumberParam | StringParam | BooleanParam | ChoiceParam | SizeParam, Field(discriminator="type")
]


def _chosen(choices: tuple[Choice, ...], value: Any) -> Choice:
    for choice in choices:
        if isinstance(value, str) and choice.value == value:
            return choice
    raise Refused("not_a_choice", "must be one of " + ", ".join(choice.value for choice in choices))


def _sent(choice: Choice) -> JsonValue:
    if choice.omit:
        return None
    return choice.value if choice.wire is None else choice.wire


def _check_distinct(choices: tuple[Choice, ...]) -> None:
    values = [choice.value for choice in choices]
    if len(set(values)) != len(values):
        raise ValueError("has the same choice twice")
