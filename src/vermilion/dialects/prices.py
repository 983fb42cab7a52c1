"""What models cost, as these clients read and set it."""

from typing import Annotated

from pydantic import BaseModel, Field

from vermilion.catalog import Entry
from vermilion.dialects.bodies import Body

Credits = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class PriceBody(Body):
    """What a model costs: an amount for a request, and one for each result."""

    base_credits: Credits | None = None
    per_output_credits: Credits | None = None
    enabled: bool | None = None


class ModelPrice(BaseModel):
    """What a model costs: an amount for a request, and one for each result; at least `from_credits`."""

    model: str
    name: str
    enabled: bool
    base_credits: int
    per_output_credits: int
    from_credits: int


def price_of(entry: Entry) -> ModelPrice:
    """What this model costs now."""
    return ModelPrice(
        model=entry.id,
        name=entry.name.en,
        enabled=entry.enabled,
        base_credits=entry.price.base_credits,
        per_output_credits=entry.price.per_output_credits,
        from_credits=entry.price_range()[0],
    )
