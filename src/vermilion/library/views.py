"""What the outside sees of an asset: the same shape in every answer and every event."""

import base64
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import BaseModel

from vermilion.kit import Page
from vermilion.library.inspection.media import Kind
from vermilion.library.tables import AssetRow

Source = Literal["made", "uploaded"]
Role = Literal["mask"]


class AssetUrls(BaseModel):
    """Where the files are, on this server; `thumbnail` is null for sound."""

    full: str
    thumbnail: str | None
    download: str


class AssetView(BaseModel):
    """One asset. Sizes in pixels are as it is shown; `thumbhash` is base64 of evanw's ThumbHash."""

    id: UUID
    kind: Kind
    content_type: str
    width: int | None
    height: int | None
    size_bytes: int
    duration_seconds: float | None
    thumbhash: str | None
    source: Source
    generation_id: UUID | None
    role: Role | None = None
    """What it serves as for another file; such a one is in no list."""
    favourite: bool
    name: str | None
    actions: list[dict[str, Any]]
    created_at: datetime
    urls: AssetUrls


class AssetPage(Page[AssetView]):
    """One page of assets; `cursor` is the number of the last event this list already reflects."""

    cursor: int


class LinkView(BaseModel):
    """A link anybody may open until `expires_at`; `url` is a path on this server."""

    url: str
    expires_at: datetime


def asset_view(row: AssetRow) -> AssetView:
    """The view of a row."""
    at = f"/api/v1/assets/{row.id}"
    return AssetView(
        id=row.id,
        kind=cast(Kind, row.kind),
        content_type=row.content_type,
        width=row.width,
        height=row.height,
        size_bytes=row.size_bytes,
        duration_seconds=row.duration_seconds,
        thumbhash=None if row.thumbhash is None else base64.b64encode(row.thumbhash).decode(),
        source=cast(Source, row.source),
        generation_id=row.generation_id,
        role=cast(Role | None, row.role),
        favourite=row.favourite_at is not None,
        name=row.name,
        actions=row.actions,
        created_at=row.created_at,
        urls=AssetUrls(
            full=f"{at}/file",
            thumbnail=None if row.thumbnail_key is None else f"{at}/thumbnail",
            download=f"{at}/file?download=1",
        ),
    )
