"""What models cost, as these clients read it."""

from typing import Any, Self

from pydantic import BaseModel

from vermilion.catalog import Entry


class ModelPrice(BaseModel):
    """What a model costs: an amount for a request, and one for each result; at least `from_credits`."""

    model: str
    name: str
    enabled: bool
    base_credits: int
    per_output_credits: int
    from_credits: int

    @classmethod
    def of(cls, entry: Entry, **more: Any) -> Self:
        """What this model costs now, with `more` that the shape says of it."""
        return cls(
            model=entry.id,
            name=entry.name.en,
            enabled=entry.enabled,
            base_credits=entry.price.base_credits,
            per_output_credits=entry.price.per_output_credits,
            from_credits=entry.price_range()[0],
            **more,
        )
