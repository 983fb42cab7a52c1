"""Flux: pictures from words, from a picture, from several; and uploading pictures for them."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from vermilion.dialects.bodies import FluxBody
from vermilion.dialects.files import GivenFile
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.making import Wish, make
from vermilion.dialects.routes import MAKING, Route, face
from vermilion.dialects.sizes import image_size_fields
from vermilion.dialects.table import FLUX, Job
from vermilion.dialects.task_views import TaskView
from vermilion.identity import Actor, CurrentActor
from vermilion.kit import AppError, Invalid
from vermilion.library import AssetView, receive_pieces

UPLOADS_MAX: Final = 8
PIECE_BYTES: Final = 256 * 1024

_NOT_PARAMS: Final = {"prompt", "model", "input_image_url", "image_url", "image_urls", "image_size", "sync_mode"}


class UploadedView(BaseModel):
    """A picture that was kept: `file_id` and `url` can both be given to a request."""

    file_id: str
    url: str
    filename: str | None
    content_type: str
    size: int
    width: int | None
    height: int | None


class UploadedList(BaseModel):
    """Pictures that were kept, in the order they came."""

    files: list[UploadedView]
    urls: list[str]


def _upload_body(field: str, *, several: bool) -> dict[str, Any]:
    file: dict[str, Any] = {"type": "string", "format": "binary"}
    schema = {"type": "array", "items": file, "minItems": 1, "maxItems": UPLOADS_MAX} if several else file
    properties = {field: schema}
    body = {"type": "object", "properties": properties, "required": [field]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": body}}}}


@face(
    Route("POST", "/flux/text-to-image", "user", "A picture from words"),
    refusals=MAKING,
)
async def text_to_image(house: HouseHere, links: LinksHere, actor: CurrentActor, body: FluxBody) -> TaskView:
    """Without a model: FLUX.1 dev."""
    return await _make(house, links, actor, "text-to-image", body)


@face(
    Route("POST", "/flux/image-to-image", "user", "A picture from a picture", takes_files=True),
    refusals=MAKING,
)
async def image_to_image(house: HouseHere, links: LinksHere, actor: CurrentActor, body: FluxBody) -> TaskView:
    """Without a model: FLUX.1 dev, image to image."""
    return await _make(house, links, actor, "image-to-image", body)


@face(
    Route("POST", "/flux/multi-image-edit", "user", "A picture from several", takes_files=True),
    refusals=MAKING,
)
async def multi_image_edit(house: HouseHere, links: LinksHere, actor: CurrentActor, body: FluxBody) -> TaskView:
    """Without a model: Kontext max, several pictures."""
    return await _make(house, links, actor, "multi-image-edit", body)


@face(
    Route("POST", "/flux/upload-image", "user", "Upload a picture", takes_form=True),
    status_code=201,
    refusals=(415, 503),
    openapi_extra=_upload_body("file", several=False),
)
async def upload_image(house: HouseHere, links: LinksHere, actor: CurrentActor, request: Request) -> UploadedView:
    """The part named `file` of a form; it is judged by its content."""
    return (await _uploaded(house, links, actor, request, "file", 1))[0]


@face(
    Route("POST", "/flux/upload-images", "user", "Upload pictures", takes_form=True),
    status_code=201,
    refusals=(415, 503),
    openapi_extra=_upload_body("files", several=True),
)
async def upload_images(house: HouseHere, links: LinksHere, actor: CurrentActor, request: Request) -> UploadedList:
    """Every part named `files` of a form, eight at most; each is judged by its content."""
    kept = await _uploaded(house, links, actor, request, "files", UPLOADS_MAX)
    return UploadedList(files=kept, urls=[each.url for each in kept])


async def _make(house: House, links: Links, actor: Actor, job: Job, body: FluxBody) -> TaskView:
    sent = body.model_dump(exclude_none=True, exclude=_NOT_PARAMS)
    sizes = {} if body.image_size is None else image_size_fields(body.image_size)
    # Where both are sent, the size is the one that says more.
    unused = ("aspect_ratio",) if "aspect_ratio" in sizes and "aspect_ratio" in sent else ()
    sent |= sizes
    pictures = [each for each in (body.input_image_url, body.image_url, *body.image_urls) if each]
    files = [GivenFile("image", picture) for picture in pictures]
    sent_as = dict.fromkeys(sizes, ("image_size",))
    wish = Wish(job, body.prompt, body.model, sent, files, sent_as=sent_as, unused=unused)
    return await make(house, links, FLUX, actor, wish)


async def _uploaded(
    house: House, links: Links, actor: Actor, request: Request, field: str, most: int
) -> list[UploadedView]:
    try:
        async with request.form(max_files=most, max_fields=8) as form:
            parts = [part for part in form.getlist(field) if isinstance(part, UploadFile)]
            if not parts:
                raise Invalid("asset.no_file", f"The body has no file in a part named {field}.", field=field)
            kept = [
                await receive_pieces(house, actor.user_id, _pieces(part), name=part.filename, now=house.clock.now())
                for part in parts
            ]
    except HTTPException as error:
        raise AppError("request.unreadable", "Send files as multipart/form-data.", status=400) from error
    return [_view(asset, links) for asset in kept]


async def _pieces(part: UploadFile) -> AsyncIterator[bytes]:
    while piece := await part.read(PIECE_BYTES):
        yield piece


def _view(asset: AssetView, links: Links) -> UploadedView:
    return UploadedView(
        file_id=str(asset.id),
        url=links.file(asset.id),
        filename=asset.name,
        content_type=asset.content_type,
        size=asset.size_bytes,
        width=asset.width,
        height=asset.height,
    )
