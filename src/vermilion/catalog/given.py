"""Words and files: what a model may be given besides parameters, and judging what somebody gives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vermilion.catalog.declared import UNNAMED, Declared, Name, Problems, Refused, Words, storable
from vermilion.catalog.terms import SentInput, SentPrompt


class Prompt(SentPrompt):
    """Whether a model wants words, how many characters it takes, and what the provider calls them.

    `label` is what people see where the words are not a description of what to make.
    """

    label: Words | None = None
    required: bool = True
    max_chars: Annotated[int, Field(ge=1, le=100_000)]


class Mask(Declared):
    """How the vendor reads a mask, by its facts.

    `reads` says what it looks at: `white` places alone, or `either`, white or transparent ones, where the adapter
    translates. `over` names the role whose first picture it must be as large as; none where any size will do.
    """

    reads: Literal["white", "either"]
    over: Name | None = None


class Input(SentInput):
    """Files a model takes in one role; `mask` where they say which places of a picture are to change."""

    label: Words = UNNAMED
    minimum: Annotated[int, Field(ge=0, le=50)]
    maximum: Annotated[int, Field(ge=1, le=50)]
    content_types: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(image|video|audio)/[a-z0-9.+-]+$")], ...], Field(min_length=1)
    ]
    max_bytes: Annotated[int, Field(ge=1, le=2**30)]
    mask: Mask | None = None

    @model_validator(mode="after")
    def _counts_are_ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        if self.maximum > 1 and not self.list:
            raise ValueError("more than one file needs list = true")
        return self


class FollowUp(Declared):
    """What the model offers to do with an existing picture: it becomes the input of this role."""

    label: Words = UNNAMED
    input_role: Name


@dataclass(frozen=True, slots=True)
class GivenInput:
    """A file somebody wants to give, as far as a model's limits ask about it."""

    role: str
    content_type: str
    size_bytes: int
    weight: float | None = None
    pixels: tuple[int, int] | None = None
    """Width and height as it is shown; None for sound, or where nobody knows."""


def accepted_words(declared: Prompt | None, prompt: str, problems: Problems) -> str:
    """The words as they may be sent; what is wrong with them is added to `problems`."""
    if declared is None:
        if prompt.strip():
            problems.append(("prompt", Refused("not_taken", "is not taken by this model")))
        return ""
    if not prompt.strip():
        if declared.required:
            problems.append(("prompt", Refused("required", "must say something")))
        return ""
    limit = declared.max_chars
    if len(prompt) > limit:
        problems.append(("prompt", Refused("too_long", f"must have at most {limit} characters", limit)))
    try:
        return storable(prompt)
    except Refused as refused:
        problems.append(("prompt", refused))
        return ""


def input_problems(declared: Iterable[Input], inputs: Sequence[GivenInput]) -> Problems:
    """What is wrong with these files, each by itself and all of a role together."""
    roles = {role.role: role for role in declared}
    problems: Problems = []
    for index, given in enumerate(inputs):
        try:
            _check_file(roles.get(given.role), given, inputs)
        except Refused as refused:
            problems.append((f"inputs.{index}", refused))
    for role in roles.values():
        count = sum(1 for given in inputs if given.role == role.role)
        if count < role.minimum:
            problems.append((f"inputs.{role.role}", Refused("too_few", f"needs at least {role.minimum}", role.minimum)))
        if count > role.maximum:
            problems.append((f"inputs.{role.role}", Refused("too_many", f"takes at most {role.maximum}", role.maximum)))
    return problems


def _check_file(role: Input | None, given: GivenInput, inputs: Sequence[GivenInput]) -> None:
    """Raise `Refused` for a file that does not fit its role."""
    if role is None:
        raise Refused("unknown", "has a role this model does not know")
    if given.content_type not in role.content_types:
        raise Refused("wrong_content_type", "must be one of " + ", ".join(role.content_types))
    if given.size_bytes > role.max_bytes:
        raise Refused("too_large", f"must have at most {role.max_bytes} bytes", role.max_bytes)
    if role.mask is not None:
        _check_size(given, role.mask, inputs)


def _check_size(mask: GivenInput, declared: Mask, inputs: Sequence[GivenInput]) -> None:
    """Raise `Refused` where the vendor wants a mask as large as the picture it lies over, and it is not."""
    over = next((given.pixels for given in inputs if given.role == declared.over), None)
    if over is not None and mask.pixels is not None and mask.pixels != over:
        width, height = over
        raise Refused("wrong_size", f"must be as large as the picture it belongs to: {width} × {height} pixels")
