"""What every kind of parameter is: named, with words in both languages, and with a value that may be left out."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from vermilion.catalog.declared import UNNAMED, Refused, Words
from vermilion.catalog.terms import SentParam

Control = Literal["ratio", "slider", "segmented", "seed", "switch", "text", "select", "size"]

Flag = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""What may stand in the prompt behind two hyphens."""

Flags = Annotated[
    tuple[Flag, ...], BeforeValidator(lambda given: tuple(given) if isinstance(given, list | tuple) else (given,))
]
"""One, or a list of several that mean the same."""


class BaseParam(SentParam):
    """A parameter; each kind says what it accepts, how it is described and drawn, and what is sent for it."""

    label: Words = UNNAMED
    help: Words | None = None
    optional: bool = False
    """Null is a value, and means that the provider chooses."""
    advanced: bool = False
    control: Control | None = None
    unit: Annotated[str, Field(min_length=1, max_length=12)] | None = None
    flag: Flags = ()
    """What it is called in the prompt, where it may be said there: `--ar 16:9`."""

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


def bounded(value: float | int, minimum: float | int, maximum: float | int) -> None:
    """Raise `Refused` for a number outside of its limits."""
    if value < minimum:
        raise Refused("too_small", f"must be at least {minimum:g}", minimum)
    if value > maximum:
        raise Refused("too_large", f"must be at most {maximum:.16g}", maximum)


def whole_number(value: Any) -> int:
    """The whole number JSON means; raises `Refused`."""
    # JSON knows one kind of number: 4.0 is 4. Booleans are numbers to Python alone.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("wrong_type", "must be a whole number")
    if isinstance(value, float) and not value.is_integer():
        raise Refused("wrong_type", "must be a whole number")
    return int(value)
