"""What a model may be asked: six kinds of parameter, each with limits, a default and words in both languages.

One declaration yields the check (`accept`), the JSON Schema (`json_schema`), the control the web app draws and the
value the provider is sent (`wire_value`). Values are JSON; null is accepted only where `optional` says that the
provider chooses.
"""

import math
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from vermilion.catalog.choices import ChoiceParam, SizeParam
from vermilion.catalog.declared import Refused, storable
from vermilion.catalog.param_base import BaseParam, Control, bounded, whole_number

WHOLE_MAX = 2**53
"""Beyond it JavaScript and JSON readers disagree about which whole number is meant."""

FLAG_INSIDE = r"[^\u0000]*(--|—)[A-Za-z]"
SEVERAL_INSIDE = r"[^{]*\{(\\[^\u0000]|[^\\,])*,[^}]*\}"
"""`{red, blue}` asks for as many requests as it has parts; `\\,` is a comma that parts nothing.

As JSON Schema knows them, too: matched from the beginning.
"""
_FLAG_INSIDE = re.compile(FLAG_INSIDE)
_SEVERAL_INSIDE = re.compile(SEVERAL_INSIDE)

Whole = Annotated[int, Field(ge=-WHOLE_MAX, le=WHOLE_MAX)]


class IntegerParam(BaseParam):
    """A whole number between limits; `step` is how the slider moves."""

    type: Literal["integer"]
    minimum: Whole
    maximum: Whole
    step: Annotated[int, Field(ge=1)] = 1
    default: int | None = None

    def _accept(self, value: Any) -> int:
        whole = whole_number(value)
        bounded(whole, self.minimum, self.maximum)
        return whole

    def _schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def _usual_control(self) -> Control:
        return "slider"


class NumberParam(BaseParam):
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
        bounded(value, self.minimum, self.maximum)
        return float(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}

    def _usual_control(self) -> Control:
        return "slider"


class StringParam(BaseParam):
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
        if self.flag and _FLAG_INSIDE.match(value):
            raise Refused("flag_inside", "must not contain another flag")
        if self.flag and asks_several(value):
            raise Refused("several", "must not ask for several at once, in {…, …}")
        return storable(value)

    def _schema(self) -> dict[str, Any]:
        # What ends up among a prompt's flags must not bring flags of its own: they might cost more.
        alone = f"(?!{FLAG_INSIDE})(?!{SEVERAL_INSIDE})" if self.flag else ""
        return {"type": "string", "maxLength": self.max_length, "pattern": f"^{alone}[^\\u0000]*$"}


def asks_several(text: str) -> bool:
    """Whether this text among a prompt's words would make several requests of one."""
    return _SEVERAL_INSIDE.match(text) is not None


class BooleanParam(BaseParam):
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


Param: TypeAlias = Annotated[
    IntegerParam | NumberParam | StringParam | BooleanParam | ChoiceParam | SizeParam, Field(discriminator="type")
]
