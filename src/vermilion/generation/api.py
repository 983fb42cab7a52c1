"""The HTTP face of generations: parse, call, view."""

from dataclasses import asdict
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from vermilion import ledger
from vermilion.generation.bodies import GenerationBody, QuoteBody, ReviewBody, wanted_inputs
from vermilion.generation.callbacks import BODY_MAX_BYTES, CallbackDesk
from vermilion.generation.commands import (
    cancel_generation,
    delete_generation,
    retry_generation,
)
from vermilion.generation.dispatch import Dispatcher
from vermilion.generation.metrics import Days, ModelMetricsList, model_metrics
from vermilion.generation.previews import PREVIEWS
from vermilion.generation.price import QuoteView, quote
from vermilion.generation.queries import Filter, attempts_of, generation_of, list_generations
from vermilion.generation.requesting import RequestingHouse, begin_generation
from vermilion.generation.review import ReviewView, resolve_uncertain, uncertain_generations
from vermilion.generation.status import Status
from vermilion.generation.views import AttemptView, GenerationView
from vermilion.identity import Actor, AdminActor, CurrentActor, problem_responses, require_scope, write_responses
from vermilion.kit import AppError, NotFound, Page
from vermilion.ledger import StatementEntry

router = APIRouter(tags=["generations"])


class House(RequestingHouse, Protocol):
    """What these routes need of the house."""

    dispatcher: Dispatcher
    callback_desk: CallbackDesk


async def _house(request: Request) -> House:
    return cast(House, request.app.state.house)


HouseHere = Annotated[House, Depends(_house)]


class GenerationPage(BaseModel):
    """A page of generations, newest first; `cursor` is the event number it is valid at."""

    items: list[GenerationView]
    next: str | None
    cursor: int


class PlaceView(BaseModel):
    """Where a queued generation stands: place 1 is next."""

    generation_id: UUID
    place: int
    estimate_seconds: float | None


class PlacesView(BaseModel):
    """The person's queued generations, next first."""

    items: list[PlaceView]


class ReceiptView(BaseModel):
    """What a generation cost, and every try it took."""

    entries: list[StatementEntry]
    attempts: list[AttemptView]


def places_view(dispatcher: Dispatcher, user_id: UUID) -> PlacesView:
    """Where the person's generations stand in line."""
    return PlacesView(items=[PlaceView(**asdict(place)) for place in dispatcher.places(user_id)])


@router.post("/quotes", responses=write_responses(401, 404))
async def post_quote(house: HouseHere, actor: Annotated[Actor, require_scope("read")], body: QuoteBody) -> QuoteView:
    """What a request would cost, exactly, and whether the balance suffices; it is a question and changes nothing."""
    inputs = wanted_inputs(body.inputs)
    return await house.db.read(quote, house.shelf, actor, body.model, body.params, inputs, body.prompt)


@router.post("/generations", status_code=202, responses=write_responses(401, 402, 404, 409))
async def post_generation(house: HouseHere, actor: CurrentActor, body: GenerationBody) -> GenerationView:
    """Request a generation. Accepted means: its price is held and it will come to an end, whatever crashes."""
    return await begin_generation(house, actor, body.wanted())


@router.get("/generations", responses=problem_responses(401, 403, 422))
async def get_generations(
    house: HouseHere,
    actor: CurrentActor,
    status: Annotated[list[Status], Query(max_length=8)] = [],  # noqa: B006 - FastAPI copies defaults
    kind: Annotated[str | None, Query(max_length=10)] = None,
    model: Annotated[str | None, Query(max_length=80)] = None,
    provider: Annotated[str | None, Query(max_length=40)] = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    favourite: bool = False,
    parent_id: UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> GenerationPage:
    """The person's generations, newest first; of `parent_id` those that followed from it."""
    wanted = Filter(tuple(status), kind, model, provider, q, favourite, parent_id)
    listed = await house.db.read(list_generations, actor.user_id, wanted, cursor=cursor, limit=limit)
    return GenerationPage(items=listed.items, next=listed.next, cursor=listed.position)


@router.get("/generations/{generation_id}", responses=problem_responses(401, 403, 404, 422))
async def get_generation(house: HouseHere, actor: CurrentActor, generation_id: UUID) -> GenerationView:
    """One generation."""
    return await house.db.read(generation_of, actor.user_id, generation_id)


@router.get(
    "/generations/{generation_id}/preview",
    response_class=Response,
    responses={
        200: {"description": "The picture", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        **problem_responses(401, 403, 404, 422),
    },
    summary="What it looks like so far",
)
async def get_preview(house: HouseHere, actor: CurrentActor, generation_id: UUID) -> Response:
    """The newest passing picture of a generation that runs; there is one where `preview_version` is not null."""
    view = await house.db.read(generation_of, actor.user_id, generation_id)
    shown = PREVIEWS.newest(generation_id) if view.preview_version is not None else None
    if shown is None:
        raise NotFound("generation.no_preview", "Nothing of it can be seen now.")
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(shown.data, headers=headers, media_type=shown.content_type)


@router.get("/generations/{generation_id}/receipt", responses=problem_responses(401, 403, 404, 422))
async def get_receipt(house: HouseHere, actor: CurrentActor, generation_id: UUID) -> ReceiptView:
    """What it cost and why: the ledger's entries and the attempts."""
    attempts = await house.db.read(attempts_of, actor.user_id, generation_id)
    entries = await house.db.read(ledger.entries_of, actor.user_id, generation_id)
    return ReceiptView(entries=entries, attempts=attempts)


@router.post("/generations/{generation_id}/cancel", responses=write_responses(401, 404, 409))
async def post_cancel(house: HouseHere, actor: CurrentActor, generation_id: UUID) -> GenerationView:
    """Cancel while it can still work; the answer's status says whether it is over or only asked for."""
    view = await house.db.write(cancel_generation, actor, generation_id, house.clock.now())
    house.engine.cancel(generation_id)
    return view


@router.post("/generations/{generation_id}/retry", responses=write_responses(401, 402, 404, 409))
async def post_retry(house: HouseHere, actor: CurrentActor, generation_id: UUID) -> GenerationView:
    """Try a failed or canceled generation again, at the same price."""
    view = await house.db.write(retry_generation, house.shelf, actor, generation_id, house.clock.now())
    house.engine.wake(generation_id)
    return view


@router.delete("/generations/{generation_id}", status_code=204, responses=write_responses(401, 404, 409))
async def remove_generation(house: HouseHere, actor: CurrentActor, generation_id: UUID) -> None:
    """Delete a finished generation with its assets."""
    await house.db.write(delete_generation, actor, generation_id, house.clock.now())
    house.engine.wake(generation_id)


@router.get("/line", responses=problem_responses(401, 403))
async def get_line(house: HouseHere, actor: CurrentActor) -> PlacesView:
    """Where the person's queued generations stand."""
    return places_view(house.dispatcher, actor.user_id)


@router.get("/admin/review", responses=problem_responses(401, 403, 422))
async def get_review(
    house: HouseHere,
    actor: AdminActor,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[ReviewView]:
    """Generations whose provider's answer was lost, oldest first."""
    del actor
    return await house.db.read(uncertain_generations, cursor=cursor, limit=limit)


@router.post("/admin/review/{generation_id}", responses=write_responses(401, 404, 409))
async def post_review(house: HouseHere, actor: AdminActor, generation_id: UUID, body: ReviewBody) -> GenerationView:
    """Decide about one of them."""
    view = await house.db.write(resolve_uncertain, actor, generation_id, body.resolution, body.note, house.clock.now())
    house.engine.wake(generation_id)
    return view


@router.get("/admin/models/metrics", responses=problem_responses(401, 403, 422))
async def get_model_metrics(house: HouseHere, actor: AdminActor, days: Days = Days.WEEK) -> ModelMetricsList:
    """How each model did: its successes, failures, durations and credits."""
    del actor
    return await house.db.read(model_metrics, days, house.clock.now())


@router.post("/callbacks/{provider}/{token}", status_code=204, responses=write_responses(404, 503))
async def post_callback(house: HouseHere, request: Request, provider: str, token: str) -> Response:
    """Where providers report; verified, and only a reason to ask them ourselves."""
    body = await _bounded_body(request)
    headers: dict[str, Any] = {name.lower(): value for name, value in request.headers.items()}
    await house.callback_desk.receive(provider, token, headers, body)
    return Response(status_code=204)


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise AppError("callback.too_large", "A callback this large is not expected.", status=413)
    return bytes(body)
