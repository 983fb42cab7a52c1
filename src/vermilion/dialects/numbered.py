"""Pages by their number, as these clients turn them."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel

PAGE_MAX: Final = 10_000

PageNumber = Annotated[int, Query(ge=1, le=PAGE_MAX, description="1 begins with the newest.")]
PageSize = Annotated[int, Query(ge=1, le=100)]


class NumberedPage(BaseModel):
    """A page among others; `total` counts up to 10,000."""

    total: int
    page: int
    limit: int
    has_more: bool


def place_of(page: int, limit: int, total: int) -> dict[str, Any]:
    """The members of `NumberedPage` for this page."""
    return {"total": total, "page": page, "limit": limit, "has_more": page * limit < total}
