"""What the API accepts about generations: bounded everywhere, unknown keys refused."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from vermilion.generation.commands import Wanted, WantedInput

PROMPT_MAX_CHARS = 20_000
"""Room for the most talkative model; each catalog entry has its own, lower limit."""

PARAMS_MAX = 100
INPUTS_MAX = 32


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class InputBody(_Body):
    """One of the person's own files, in a role the model knows."""

    role: Annotated[str, Field(min_length=1, max_length=40)]
    asset_id: UUID
    weight: Annotated[float | None, Field(ge=0, le=10, allow_inf_nan=False)] = None


class QuoteBody(_Body):
    """What a request would be, for its price; the words may still be missing, and only their flags are looked at."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    prompt: Annotated[str, Field(max_length=PROMPT_MAX_CHARS)] = ""
    params: Annotated[dict[str, Any], Field(max_length=PARAMS_MAX)] = {}
    inputs: Annotated[list[InputBody], Field(max_length=INPUTS_MAX)] = []


class GenerationBody(QuoteBody):
    """A request. `id` is a UUIDv7 made by the client: sending the same body again is the same request."""

    id: UUID
    parent_id: UUID | None = None

    def wanted(self) -> Wanted:
        """The request in the pipeline's words."""
        return Wanted(
            id=self.id,
            model=self.model,
            prompt=self.prompt,
            params=self.params,
            inputs=wanted_inputs(self.inputs),
            parent_id=self.parent_id,
        )


class ReviewBody(_Body):
    """An admin's decision about an uncertain generation."""

    resolution: Literal["failed", "check_again"]
    note: Annotated[str, Field(max_length=500)] = ""


def wanted_inputs(inputs: list[InputBody]) -> tuple[WantedInput, ...]:
    """The inputs in the pipeline's words."""
    return tuple(WantedInput(each.role, each.asset_id, each.weight) for each in inputs)
