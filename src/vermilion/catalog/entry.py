"""A catalog entry: everything the house knows about one model, and what it makes of a request for it.

An entry is a value. It is read from TOML once, and answers: is this request acceptable (`accept`), how is it drawn
(`params_schema`), and what could it cost (`price_range`); its terms say what follows. A generation keeps the terms.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vermilion.catalog.choices import ChoiceParam
from vermilion.catalog.declared import UNNAMED, Problems, Refused, Words, unacceptable
from vermilion.catalog.flags import Typed, flags_of, read_flags
from vermilion.catalog.given import FollowUp, GivenInput, Input, Prompt, accepted_words, input_problems
from vermilion.catalog.param_base import Flag
from vermilion.catalog.params import BooleanParam, IntegerParam, Param
from vermilion.catalog.price import PRICE_MAX_CREDITS, PRICE_MIN_CREDITS
from vermilion.catalog.terms import Terms

Visibility = Literal["everyone", "admins"]

UNKNOWN_NAMES_SHOWN = 20
"""How many unknown parameters are named one by one; a body full of them must not be answered with its own size."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request's words and parameters, clean and complete."""

    prompt: str
    params: dict[str, Any]


class Entry(Terms):
    """One model: its terms, and what it takes to judge a request and to draw its form."""

    about: Words = UNNAMED
    aliases: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    prompt: Prompt | None = None
    params: tuple[Param, ...] = ()
    inputs: tuple[Input, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    settled_flags: dict[Flag, str] = Field(default_factory=dict)
    """Flags that this model has decided: said in the prompt they are dropped, and refused with another value."""
    words_carry_flags: bool = False
    """The provider reads flags out of the words: what the catalog does not know as one must not reach it."""
    kept_flags: tuple[Flag, ...] = ()
    """Those that may stay in such words: they cost nothing, and come with what a request goes on from."""
    enabled: bool = True
    visibility: Visibility = "everyone"

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for what, names in (
            ("parameter", [param.name for param in self.params]),
            ("input role", [given.role for given in self.inputs]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{what} {min(twice)!r} is declared twice")
        asks_something = self.prompt is not None or self.continues == "always"
        if not asks_something and not any(given.minimum for given in self.inputs):
            raise ValueError("takes neither a prompt nor an input: nothing could be asked of it")
        if self.typical_seconds > self.deadline_seconds:
            raise ValueError("typical_seconds is above deadline_seconds")
        for follow_up in self.follow_ups:
            if follow_up.input_role not in {given.role for given in self.inputs}:
                raise ValueError(f"a follow-up fills the role {follow_up.input_role!r}, which is no input")
        for given in self.inputs:
            if given.mask is not None and given.mask.over not in {None, *(other.role for other in self.inputs)}:
                raise ValueError(f"a mask lies over the role {given.mask.over!r}, which is no input")
        self._check_flags()
        self._check_wire_names()
        self._check_price()
        return self

    def _check_flags(self) -> None:
        told = [flag for param in self.params for flag in flags_of((param,))] + list(self.settled_flags)
        if twice := {flag for flag in told if told.count(flag) > 1}:
            raise ValueError(f"the flag {min(twice)!r} means two things")

    def _check_wire_names(self) -> None:
        taken = [given.wire for given in self.inputs] + ([self.prompt.wire] if self.prompt else [])
        for param in self.params:
            # Two parameters may speak of one thing only where the later one is usually silent.
            if param.wire_name in taken and not (param.optional and getattr(param, "default", None) is None):
                raise ValueError(f"parameter {param.name!r} is sent as {param.wire_name!r}, which is taken")
            taken.append(param.wire_name)

    def _check_price(self) -> None:
        lowest, highest = self.price_range()
        if lowest < PRICE_MIN_CREDITS or highest > PRICE_MAX_CREDITS:
            raise ValueError(
                f"costs {lowest:,} to {highest:,} credits;"
                f" a price lies between {PRICE_MIN_CREDITS} and {PRICE_MAX_CREDITS:,}"
            )
        for row in self.price.rows:
            for name, value in row.when.items():
                param = self.param(name)
                if not isinstance(param, ChoiceParam | BooleanParam):
                    raise ValueError(f"a price depends on {name!r}, which is no choice or boolean of this model")
                try:
                    param.accept(value)
                except Refused as problem:
                    raise ValueError(f"a price depends on {name} = {value!r}, which {problem.message}") from problem

    def _outputs_range(self) -> tuple[int, int]:
        if self.outputs_param is None:
            return self.outputs, self.outputs
        param = self.param(self.outputs_param)
        if isinstance(param, ChoiceParam) and not param.optional and not param.any_ratio:
            counts = [int(choice.value) for choice in param.choices if choice.value.isdecimal()]
            if len(counts) == len(param.choices) and min(counts) >= 1:
                return min(counts), max(counts)
        if not isinstance(param, IntegerParam) or param.optional or param.minimum < 1:
            raise ValueError(
                "outputs_param must name a whole number of at least 1, or choices among such, with a default"
            )
        return param.minimum, param.maximum

    def param(self, name: str) -> Param | None:
        """The parameter of that name."""
        return next((param for param in self.params if param.name == name), None)

    def accept(self, prompt: str, params: Mapping[str, Any], inputs: Sequence[GivenInput] = ()) -> Accepted:
        """The request with defaults filled in, and with the prompt's flags taken out of it and into the parameters.

        Raises `Invalid` (`generation.invalid_params`) naming every problem at once in `errors`, as
        `{field, code, message, limit?}`; `field` is the first of them.
        """
        typed = self._typed(prompt)
        problems = list(typed.problems)
        words = accepted_words(self.prompt, typed.prompt, problems)
        clean = self._accept_params({**params, **typed.params}, typed.said, problems)
        problems += input_problems(self.inputs, inputs)
        if problems:
            raise unacceptable(problems)
        return Accepted(words, clean)

    def accept_params(self, params: Mapping[str, Any], prompt: str = "") -> dict[str, Any]:
        """The parameters alone, clean and complete: enough for a price. Raises like `accept`.

        Of the prompt only its flags count; its words may still be missing.
        """
        typed = self._typed(prompt)
        problems = list(typed.problems)
        clean = self._accept_params({**params, **typed.params}, typed.said, problems)
        if problems:
            raise unacceptable(problems)
        return clean

    def _typed(self, prompt: str) -> Typed:
        if self.prompt is None:
            return Typed(prompt)
        return read_flags(prompt, self.params, self.settled_flags, carried=self.words_carry_flags, kept=self.kept_flags)

    def _accept_params(self, given: Mapping[str, Any], said: Mapping[str, str], problems: Problems) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        for param in self.params:
            try:
                clean[param.name] = param.accept(given.get(param.name, param.default))
            except Refused as problem:
                # Who typed it looks for it in the words, not in the form.
                quoted = f"; the words say {said[param.name]}" if param.name in said else ""
                told = Refused(problem.code, problem.message + quoted, problem.limit)
                problems.append((f"params.{param.name}", told))
        unknown = sorted(str(name) for name in given if self.param(str(name)) is None)
        for name in unknown[:UNKNOWN_NAMES_SHOWN]:
            problems.append((f"params.{name[:80]}", Refused("unknown", "is no parameter of this model")))
        return clean

    def stands_alone(self, roles: Set[str]) -> bool:
        """Whether a request with files in these roles needs nothing that another generation made.

        What may go on from something, or be given it as a file, has a role for that which is not required.
        """
        if self.continues == "maybe":
            return any(given.role in roles for given in self.inputs if given.minimum == 0)
        return self.continues == "nothing"

    def price_range(self) -> tuple[int, int]:
        """The lowest and the highest price a request can come to."""
        return self.price.range(*self._outputs_range())

    def params_schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of exactly the `params` that `accept` accepts.

        What may be typed in the prompt stands beside it: `x-flag`, `x-flag-choices`, `x-flag-alone` at a parameter,
        `x-settled-flags` at the whole, and `x-kept-flags` where no other may be left in the words.
        """
        settled: dict[str, Any] = {"x-settled-flags": self.settled_flags} if self.settled_flags else {}
        carried: dict[str, Any] = {"x-kept-flags": list(self.kept_flags)} if self.words_carry_flags else {}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {param.name: param.json_schema() for param in self.params},
            "additionalProperties": False,
            **settled,
            **carried,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """An entry that was stored whole, also by a newer or older house: keys that mean nothing here are let be."""
        return cls.model_validate(stored, extra="ignore")
