"""The HTTP face of the library: parse, call, view."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar, cast
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, Field

from vermilion.db import Database
from vermilion.identity import Actor, CurrentActor, Cursor, Limit, problem_responses, write_responses
from vermilion.kit import Clock, Given, NotFound, new_id
from vermilion.library import commands, queries
from vermilion.library.inspection.media import Kind, Unreadable
from vermilion.library.keeper import SMALL_THUMBNAIL_PIXELS, Keeper, KeptFile
from vermilion.library.links import LINK_MAX, check_link, signed_link
from vermilion.library.problems import not_stored_now, refused
from vermilion.library.serving import Served, filename_of, serve
from vermilion.library.tables import NAME_MAX_CHARS, AssetRow
from vermilion.library.uploads import display_name, receive_upload
from vermilion.library.views import AssetPage, AssetView, LinkView, Role, Source, asset_view
from vermilion.storage import FileMissing, Storage, StorageFailed

E = TypeVar("E", bound=Callable[..., Any])

router = APIRouter(tags=["assets"])
_log = structlog.get_logger("vermilion.library")

_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
    }
}
_ANY_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "A range of it", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "It is what you have"},
    416: {"description": "It is shorter than the range begins"},
}


class House(Protocol):
    """What these routes need of the house."""

    db: Database
    clock: Clock
    keeper: Keeper
    storage: Storage
    link_key: bytes
    max_upload_bytes: int


class AssetPatch(Given):
    """What may be changed; only what is sent. A name of null gives the asset its default name back."""

    favourite: bool = False
    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARS), AfterValidator(display_name)] | None = None


class LinkBody(Given):
    """How long the link is to work."""

    expires_in_seconds: int = Field(default=3600, ge=1, le=int(LINK_MAX.total_seconds()))


async def _house(request: Request) -> House:
    return cast(House, request.app.state.house)


HouseHere = Annotated[House, Depends(_house)]


def _gives(path: str, *refusals: int, summary: str) -> Callable[[E], E]:
    """Enter a route that answers with a file, or for HEAD with what is known of it."""

    def enter(endpoint: E) -> E:
        router.head(path, include_in_schema=False)(endpoint)
        responses = {**_ANY_FILE, **problem_responses(*refusals)}
        router.get(path, response_class=Response, responses=responses, summary=summary)(endpoint)
        return endpoint

    return enter


@router.post(
    "/assets", status_code=201, responses=write_responses(401, 415, 503), openapi_extra=_UPLOAD_BODY, summary="Upload"
)
async def post_asset(
    house: HouseHere, actor: CurrentActor, request: Request, role: Annotated[Role | None, Query()] = None
) -> AssetView:
    """Keep a picture, video or sound of mine; it is judged by its content, not by its name.

    A mask that was painted over another picture has that role, and is shown in no list.
    """
    try:
        received = await receive_upload(
            request.headers.get("content-type"),
            request.stream(),
            house.keeper.spool_dir,
            max_bytes=house.max_upload_bytes,
        )
        kept = await _keep(house.keeper, received.file.path, received.file.sha256)
    except StorageFailed as error:
        _log.error("library.upload_not_kept", reason=error.detail)
        raise not_stored_now() from error
    return await house.db.write(
        commands.add_upload,
        kept,
        asset_id=new_id(),
        user_id=actor.user_id,
        name=received.name,
        now=house.clock.now(),
        role=role,
    )


@router.get("/assets", responses=problem_responses(401, 403), summary="My files")
async def get_assets(
    house: HouseHere,
    actor: CurrentActor,
    *,
    source: Annotated[Source | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    favourite: Annotated[bool | None, Query()] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> AssetPage:
    """What I made and uploaded, the newest first."""
    wanted = queries.Wanted(source, kind, favourite)
    return await house.db.read(queries.list_assets, actor.user_id, wanted, cursor=cursor, limit=limit)


@router.get("/assets/{asset_id}", responses=problem_responses(401, 403, 404), summary="One file of mine")
async def get_asset(house: HouseHere, actor: CurrentActor, asset_id: UUID) -> AssetView:
    """What is known of the file."""
    return asset_view(await house.db.read(queries.require_asset, actor.user_id, asset_id))


@router.patch("/assets/{asset_id}", responses=write_responses(401, 404), summary="Name or favour a file")
async def patch_asset(house: HouseHere, actor: CurrentActor, asset_id: UUID, body: AssetPatch) -> AssetView:
    """Change what is sent."""
    changes = body.model_dump(exclude_unset=True)
    return await house.db.write(commands.change_asset, actor.user_id, asset_id, changes, house.clock.now())


@router.delete(
    "/assets/{asset_id}", status_code=204, responses=write_responses(401, 404), summary="Delete a file of mine"
)
async def delete_asset(house: HouseHere, actor: CurrentActor, asset_id: UUID) -> None:
    """It is gone from everywhere at once, links to it included."""
    await house.db.write(commands.trash_asset, actor.user_id, asset_id, house.clock.now())


@_gives("/assets/{asset_id}/file", 401, 403, 404, summary="The file itself")
async def get_file(
    house: HouseHere,
    actor: CurrentActor,
    request: Request,
    asset_id: UUID,
    download: Annotated[bool, Query()] = False,
) -> Response:
    """The bytes as they were made or uploaded; single ranges and revalidation are answered."""
    row = await house.db.read(queries.require_asset, _viewer(actor), asset_id)
    return await _give(request, house.storage, _file(row, attachment=download))


@_gives("/assets/{asset_id}/thumbnail", 401, 403, 404, summary="Its thumbnail")
async def get_thumbnail(
    house: HouseHere,
    actor: CurrentActor,
    request: Request,
    asset_id: UUID,
    size: Annotated[Literal["320", "640"], Query()] = "640",
) -> Response:
    """A WebP of at most so many pixels a side: the picture itself, or a frame of the video."""
    row = await house.db.read(queries.require_asset, _viewer(actor), asset_id)
    if row.thumbnail_key is None:
        raise NotFound("asset.no_thumbnail", "Sound has no thumbnail.")
    key = row.thumbnail_key
    if size == "320":
        key = row.thumbnail_small_key or await _make_small_thumbnail(house, row.id, key)
    try:
        size_bytes = await house.storage.size(key)
    except StorageFailed as error:
        raise _lost(error, row.id) from error
    served = Served(key, "image/webp", f"{row.id}.webp", size_bytes)
    response = await _give(request, house.storage, served)
    if size == "320" and key == row.thumbnail_key and max(row.width or 0, row.height or 0) > SMALL_THUMBNAIL_PIXELS:
        # The small one could not be made just now: what stands in for it is not for ever.
        response.headers["Cache-Control"] = "private, max-age=60"
    return response


@router.post("/assets/{asset_id}/link", responses=write_responses(401, 404), summary="A link for others")
async def post_link(house: HouseHere, actor: CurrentActor, asset_id: UUID, body: LinkBody) -> LinkView:
    """A link under which anybody may have this file until it expires."""
    row = await house.db.read(queries.require_asset, actor.user_id, asset_id)
    expires_at = _whole_seconds(house.clock.now() + timedelta(seconds=body.expires_in_seconds))
    return LinkView(url=signed_link(house.link_key, row.id, expires_at), expires_at=expires_at)


@_gives("/files/{asset_id}", 403, 404, summary="A file by its link")
async def get_linked_file(
    house: HouseHere,
    request: Request,
    asset_id: UUID,
    expires: Annotated[int, Query(ge=0, lt=2**40)],
    signature: Annotated[str, Query(max_length=100)],
) -> Response:
    """The file a signed link leads to; nobody needs to be signed in."""
    check_link(house.link_key, asset_id, expires, signature, house.clock.now())
    row = await house.db.read(queries.require_asset, None, asset_id)
    served = _file(row, attachment=False, other_sites=True)
    return await _give(request, house.storage, served, seconds=expires - int(house.clock.now().timestamp()))


async def _keep(keeper: Keeper, path: Path, sha256: str) -> KeptFile:
    try:
        return await keeper.keep(path, sha256=sha256)
    except Unreadable as refusal:
        raise refused(refusal) from refusal


def _viewer(actor: Actor) -> UUID | None:
    """Whose files this person may open: an admin anybody's, to judge a report."""
    return None if actor.is_admin else actor.user_id


def _file(row: AssetRow, *, attachment: bool, other_sites: bool = False) -> Served:
    return Served(
        row.storage_key,
        row.content_type,
        filename_of(row),
        row.size_bytes,
        attachment=attachment,
        other_sites=other_sites,
    )


async def _make_small_thumbnail(house: House, asset_id: UUID, thumbnail_key: str) -> str:
    """The key of a new small thumbnail; that of the larger one when every worker is busy or it cannot be made."""
    if house.keeper.is_busy:
        return thumbnail_key
    try:
        key = await house.keeper.keep_small_thumbnail(thumbnail_key)
    except (StorageFailed, Unreadable) as error:
        _log.warning("library.small_thumbnail_not_made", asset_id=str(asset_id), reason=error.detail)
        return thumbnail_key
    await house.db.write(commands.note_small_thumbnail, asset_id, key)
    return key


async def _give(request: Request, storage: Storage, served: Served, *, seconds: int | None = None) -> Response:
    try:
        response = await serve(request, storage, served)
    except StorageFailed as error:
        raise _lost(error, served.key) from error
    if seconds is not None:
        response.headers["Cache-Control"] = f"private, max-age={max(seconds, 0)}"
    return response


def _lost(error: StorageFailed, what: object) -> Exception:
    _log.error("library.file_not_given", what=str(what), reason=error.detail)
    if isinstance(error, FileMissing):
        return NotFound("asset.file_missing", "The studio's storage no longer has this file.")
    return not_stored_now()


def _whole_seconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
