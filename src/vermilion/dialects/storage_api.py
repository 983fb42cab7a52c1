"""The described storage: what a person's files take, the list of what was made, and where it all lies."""

from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from vermilion.dialects.house import HouseHere, Links, LinksHere
from vermilion.dialects.routes import Route, face, not_offered
from vermilion.dialects.tasks_api import PageNumber, PageSize
from vermilion.identity import AdminActor, CurrentActor
from vermilion.library import AssetView, Wanted, numbered_assets, stored_by_kind, trash_asset

_CLOUD: Final = "storage in a cloud"
_MADE: Final = Wanted(source="made")


class StorageConfigView(BaseModel):
    """Where files lie; `configurable` says whether these routes can change it."""

    enabled: bool
    provider: Literal["local"]
    configurable: bool


class StoredView(BaseModel):
    """How many files of one source and kind, and their bytes."""

    source: Literal["made", "uploaded"]
    kind: Literal["image", "video", "audio"]
    files: int
    size_bytes: int


class StorageStatsView(BaseModel):
    """What my files take."""

    total_files: int
    total_size_bytes: int
    by_kind: list[StoredView]


class GeneratedFile(BaseModel):
    """A file that was made."""

    id: UUID
    filename: str
    kind: Literal["image", "video", "audio"]
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    duration_seconds: float | None
    task_id: UUID | None
    url: str
    created_at: str


class GeneratedFiles(BaseModel):
    """A page of what was made, newest first; `total` counts up to 10,000."""

    items: list[GeneratedFile]
    total: int
    page: int
    limit: int
    has_more: bool


class DeletedFile(BaseModel):
    """The file is gone from everywhere."""

    id: UUID
    deleted: bool


@face(Route("GET", "/storage/config", "admin", "Where files lie"))
async def get_config(_actor: AdminActor) -> StorageConfigView:
    """In the studio's own folder; nowhere else yet."""
    return StorageConfigView(enabled=True, provider="local", configurable=False)


@face(Route("GET", "/storage/stats", "user", "What my files take"))
async def get_stats(house: HouseHere, actor: CurrentActor) -> StorageStatsView:
    """Counts and bytes, by where files came from and what they are."""
    rows = await house.db.read(stored_by_kind, actor.user_id)
    return StorageStatsView(
        total_files=sum(row.files for row in rows),
        total_size_bytes=sum(row.size_bytes for row in rows),
        by_kind=[
            StoredView(source=row.source, kind=row.kind, files=row.files, size_bytes=row.size_bytes) for row in rows
        ],
    )


def _add_files(at: str) -> None:
    @face(Route("GET", at, "user", "What I made"))
    async def get_generated(
        house: HouseHere, links: LinksHere, actor: CurrentActor, page: PageNumber = 1, limit: PageSize = 20
    ) -> GeneratedFiles:
        """The files that were made for me, newest first."""
        assets, total = await house.db.read(numbered_assets, actor.user_id, _MADE, page=page, limit=limit)
        return GeneratedFiles(
            items=[_file(asset, links) for asset in assets],
            total=total,
            page=page,
            limit=limit,
            has_more=page * limit < total,
        )

    @face(Route("DELETE", f"{at}/{{asset_id}}", "owner", "Delete a file of mine"))
    async def delete_generated(house: HouseHere, actor: CurrentActor, asset_id: UUID) -> DeletedFile:
        """It is gone from everywhere at once, links to it included."""
        await house.db.write(trash_asset, actor.user_id, asset_id, house.clock.now())
        return DeletedFile(id=asset_id, deleted=True)


_add_files("/files/generated")
_add_files("/storage/files/generated")

not_offered(
    AdminActor,
    Route("POST", "/storage/config", "admin", "Choose where files lie", _CLOUD),
    Route("POST", "/storage/test", "admin", "Test where files lie", _CLOUD),
    Route("POST", "/files/migrate", "admin", "Move files elsewhere", _CLOUD),
    Route("POST", "/storage/files/migrate", "admin", "Move files elsewhere", _CLOUD),
)


def _file(asset: AssetView, links: Links) -> GeneratedFile:
    url = links.file(asset.id)
    return GeneratedFile(
        id=asset.id,
        filename=asset.name or f"{asset.id}.{asset.content_type.rpartition('/')[2]}",
        kind=asset.kind,
        content_type=asset.content_type,
        size_bytes=asset.size_bytes,
        width=asset.width,
        height=asset.height,
        duration_seconds=asset.duration_seconds,
        task_id=asset.generation_id,
        url=url,
        created_at=asset.created_at.isoformat(),
    )
