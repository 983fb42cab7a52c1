"""What a model costs: a base and an amount per output, in credits, with other amounts under conditions.

Every price a request can come to lies between 1 and 1,000,000 credits; an entry that could cost anything else is
not loaded, and an override that could is not stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from vermilion.catalog.declared import Declared, Name

PRICE_MIN_CREDITS = 1
PRICE_MAX_CREDITS = 1_000_000

Credits = Annotated[int, Field(ge=0, le=PRICE_MAX_CREDITS)]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request will cost at most, and for how many outputs."""

    price_credits: int
    expected_outputs: int


class PriceRow(Declared):
    """Amounts that hold when every parameter in `when` has the value named there."""

    when: Annotated[dict[Name, str | bool], Field(min_length=1)]
    base_credits: Credits = 0
    per_output_credits: Credits = 0


class Price(Declared):
    """The usual amounts, and rows that replace them; the first row that applies counts."""

    base_credits: Credits = 0
    per_output_credits: Credits = 0
    rows: Annotated[tuple[PriceRow, ...], Field(max_length=50)] = ()

    def of(self, params: Mapping[str, Any], outputs: int) -> int:
        """Credits for `outputs` results of a request with these accepted parameters."""
        for row in self.rows:
            if all(params.get(name) == value for name, value in row.when.items()):
                return row.base_credits + row.per_output_credits * outputs
        return self.base_credits + self.per_output_credits * outputs

    def range(self, outputs_min: int, outputs_max: int) -> tuple[int, int]:
        """The lowest and the highest price any request can come to."""
        amounts = [(self.base_credits, self.per_output_credits)]
        amounts += [(row.base_credits, row.per_output_credits) for row in self.rows]
        return (
            min(base + each * outputs_min for base, each in amounts),
            max(base + each * outputs_max for base, each in amounts),
        )
