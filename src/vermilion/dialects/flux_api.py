"""Flux: pictures from words, from a picture, from several; and uploading pictures for them."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from vermilion.dialects.bodies import FluxBody
from vermilion.dialects.files import GivenFile, let_go
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.making import Wish, makes
from vermilion.dialects.routes import Route, face
from vermilion.dialects.sizes import image_size_fields
from vermilion.dialects.table import FLUX, Job
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


@makes(FLUX, "/text-to-image", "A picture from words")
def text_to_image(body: FluxBody) -> Wish:
    """Without a model: FLUX.1 dev."""
    return _wish("text-to-image", body)


@makes(FLUX, "/image-to-image", "A picture from a picture", takes_files=True)
def image_to_image(body: FluxBody) -> Wish:
    """Without a model: FLUX.1 dev, image to image."""
    return _wish("image-to-image", body)


@makes(FLUX, "/multi-image-edit", "A picture from several", takes_files=True)
def multi_image_edit(body: FluxBody) -> Wish:
    """Without a model: Kontext max, several pictures."""
    return _wish("multi-image-edit", body)


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


def _wish(job: Job, body: FluxBody) -> Wish:
    sent = body.model_dump(exclude_none=True, exclude=_NOT_PARAMS)
    sizes = {} if body.image_size is None else image_size_fields(body.image_size)
    # Where both are sent, the size is the one that says more.
    unused = ("aspect_ratio",) if "aspect_ratio" in sizes and "aspect_ratio" in sent else ()
    sent |= sizes
    pictures = [("input_image_url", body.input_image_url), ("image_url", body.image_url)]
    pictures += [("image_urls", each) for each in body.image_urls]
    files = [GivenFile("image", picture, sent_as=name) for name, picture in pictures if picture]
    wanted = "image_urls" if job == "multi-image-edit" else "input_image_url"
    sent_as = {"image": (wanted,), **dict.fromkeys(sizes, ("image_size",))}
    return Wish(job, body.prompt, body.model, sent, files, sent_as=sent_as, unused=unused)


async def _uploaded(
    house: House, links: Links, actor: Actor, request: Request, field: str, most: int
) -> list[UploadedView]:
    kept: list[AssetView] = []
    try:
        async with request.form(max_files=most, max_fields=8) as form:
            parts = [part for part in form.getlist(field) if isinstance(part, UploadFile)]
            if not parts:
                raise Invalid("asset.no_file", f"The body has no file in a part named {field}.", field=field)
            for part in parts:
                now = house.clock.now()
                kept.append(await receive_pieces(house, actor.user_id, _pieces(part), name=part.filename, now=now))
    except BaseException as error:
        # All of them or none: whoever was refused does not know which were kept.
        await let_go(house, actor, [asset.id for asset in kept])
        if isinstance(error, HTTPException):
            raise AppError("request.unreadable", "Send files as multipart/form-data.", status=400) from error
        raise
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
