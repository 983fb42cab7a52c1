"""The described storage: what a person's files take, the list of what was made, and where it all lies."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from vermilion.dialects.bodies import Body
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.numbered import NumberedPage, PageNumber, PageSize, place_of
from vermilion.dialects.routes import Route, face
from vermilion.dialects.telling import called, required
from vermilion.identity import AdminActor, CurrentActor
from vermilion.library import (
    AssetView,
    FileMoveView,
    PlaceKind,
    StorageDraft,
    StoragePlaceView,
    StorageView,
    Wanted,
    begin_moving_files,
    choose_storage,
    numbered_assets,
    storage_settings,
    stored_by_kind,
    trash_asset,
    try_storage,
)

Provider = Literal["local", "tencent-cos", "aliyun-oss", "huawei-obs", "s3"]
Source = Literal["made", "uploaded"]
FileKind = Literal["image", "video", "audio"]
Line = Annotated[str, Field(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]

_SENT_AS: Final = {"kind": "provider", "endpoint_url": "endpoint", "root": "base_path", "access_key": "secret_id"}
"""By what the library calls a setting: what these clients call it, where that is something else."""

_NEEDED: Final = ("bucket", "access_key", "secret_key")
"""What every cloud needs, by the library's names; some of them need more, which the library knows."""

_MADE: Final = Wanted(source="made")
_KINDS: Final[dict[Provider, PlaceKind]] = {
    "local": "local",
    "tencent-cos": "cos",
    "aliyun-oss": "oss",
    "huawei-obs": "obs",
    "s3": "s3",
}
_PROVIDERS: Final[dict[PlaceKind, Provider]] = {kind: provider for provider, kind in _KINDS.items()}


class StorageConfigBody(Body):
    """Where new files are to go. What is left out stays, and a secret written back as its mask too.

    `enabled: false` means the studio's own folder. `endpoint` replaces the vendor's address of the region.
    """

    enabled: bool = True
    provider: Provider | None = None
    bucket: Line | None = None
    region: Line | None = None
    endpoint: Line | None = None
    base_path: Line | None = None
    secret_id: Line | None = None
    secret_key: Line | None = None
    allow_private_hosts: bool | None = None


class MigrationView(BaseModel):
    """The latest migration of files, with its `status` in the dialect's words."""

    id: UUID
    status: Literal["processing", "completed", "cancelled"]
    total: int
    migrated: int
    failed: int
    problem: str | None
    errors: list[str]


class StorageConfigView(BaseModel):
    """Where new files go, secrets masked, and the latest migration; `enabled` is whether that is a cloud."""

    enabled: bool
    provider: Provider
    configurable: bool
    bucket: str
    region: str
    endpoint: str
    base_path: str
    secret_id: str
    secret_key: str
    allow_private_hosts: bool
    migration: MigrationView | None


class StorageTestView(BaseModel):
    """Whether a small file could be written, read back and deleted; where not, what is wrong."""

    success: bool
    message: str
    step: str | None
    latency_ms: int


class StoredView(BaseModel):
    """How many files of one source and kind, and their bytes."""

    source: Source
    kind: FileKind
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
    kind: FileKind
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    duration_seconds: float | None
    task_id: UUID | None
    url: str
    created_at: str


class GeneratedFiles(NumberedPage):
    """A page of what was made, newest first; `total` counts up to 10,000."""

    items: list[GeneratedFile]


class DeletedFile(BaseModel):
    """The file is gone from everywhere."""

    id: UUID
    deleted: bool


@face(Route("GET", "/storage/config", "admin", "Where files lie"))
async def get_config(house: HouseHere, _actor: AdminActor) -> StorageConfigView:
    """Where new files go, and how far a migration is."""
    return _config(await storage_settings(house))


@face(Route("POST", "/storage/config", "admin", "Choose where files lie"))
async def post_config(house: HouseHere, actor: AdminActor, body: StorageConfigBody) -> StorageConfigView:
    """It is tested first, and effective at once; files that lie elsewhere stay there until they are migrated."""
    with called(_SENT_AS):
        return _config(await choose_storage(house, actor, await _draft(house, body)))


@face(Route("POST", "/storage/test", "admin", "Test where files lie"))
async def post_test(house: HouseHere, _actor: AdminActor, body: StorageConfigBody | None = None) -> StorageTestView:
    """Write a small file, read it back, compare, delete it: where the body says, or else where new files go."""
    with called(_SENT_AS):
        tried = await try_storage(house, None if body is None else await _draft(house, body))
    return StorageTestView(
        success=tried.step is None,
        message=tried.detail or "Written, read back and deleted.",
        step=tried.step,
        latency_ms=tried.latency_ms,
    )


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
            **place_of(page, limit, total),
        )

    @face(Route("DELETE", f"{at}/{{asset_id}}", "owner", "Delete a file of mine"))
    async def delete_generated(house: HouseHere, actor: CurrentActor, asset_id: UUID) -> DeletedFile:
        """It is gone from everywhere at once, links to it included."""
        await house.db.write(trash_asset, actor.user_id, asset_id, house.clock.now())
        return DeletedFile(id=asset_id, deleted=True)


_add_files("/files/generated")
_add_files("/storage/files/generated")


def _add_migration(at: str) -> None:
    @face(Route("POST", at, "admin", "Move files elsewhere"), refusals=(409,))
    async def migrate(house: HouseHere, actor: AdminActor) -> MigrationView:
        """Every file moves to where new files go, in the background; each is copied and compared before it is deleted.

        `GET /storage/config` tells how far it is.
        """
        return _migration(await begin_moving_files(house, actor))


_add_migration("/files/migrate")
_add_migration("/storage/files/migrate")


async def _draft(house: House, body: StorageConfigBody) -> StorageDraft:
    """The settings a body means, completed with those there are."""
    if not body.enabled or body.provider == "local":
        return StorageDraft(kind="local")
    place = _receiving(await storage_settings(house))
    given = {
        "bucket": body.bucket,
        "region": body.region,
        "endpoint_url": body.endpoint,
        "root": body.base_path,
        "access_key": body.secret_id,
        "secret_key": body.secret_key,
        "allow_private_hosts": body.allow_private_hosts,
    }
    known = {} if place is None else {name: getattr(place, name) for name in given}
    lacking = [] if body.provider or place else ["provider"]
    lacking += [_SENT_AS.get(name, name) for name in _NEEDED if given[name] is None and not known.get(name)]
    if lacking:
        raise required(lacking)
    kind = _KINDS[body.provider] if body.provider else "cos" if place is None else place.kind
    values = known | {name: value for name, value in given.items() if value is not None}
    return StorageDraft.model_validate({"kind": kind, **values})


def _config(view: StorageView) -> StorageConfigView:
    place = _receiving(view)
    return StorageConfigView(
        enabled=place is not None,
        provider=_PROVIDERS[view.kind],
        configurable=True,
        bucket=place.bucket if place else "",
        region=place.region if place else "",
        endpoint=place.endpoint_url if place else "",
        base_path=place.root if place else "",
        secret_id=place.access_key if place else "",
        secret_key=place.secret_key if place else "",
        allow_private_hosts=place is not None and place.allow_private_hosts,
        migration=None if view.move is None else _migration(view.move),
    )


def _migration(move: FileMoveView) -> MigrationView:
    words: dict[str, Literal["processing", "completed", "cancelled"]] = {
        "running": "processing",
        "done": "completed",
        "stopped": "cancelled",
    }
    return MigrationView(
        id=move.id,
        status=words[move.state],
        total=move.total_files,
        migrated=move.done_files,
        failed=move.failed_files,
        problem=move.problem,
        errors=[f"{failure.key}: {failure.detail}" for failure in move.failures],
    )


def _receiving(view: StorageView) -> StoragePlaceView | None:
    return next((place for place in view.places if place.receiving), None)


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
