"""`GET /events`: one person's changes, live, from where their client left off."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from vermilion.app.public import HouseHere
from vermilion.db import Tx
from vermilion.events import stream
from vermilion.generation import places_view
from vermilion.identity import CurrentActor, is_still_in, problem_responses
from vermilion.kit import AppError

router = APIRouter(tags=["events"])

Number = Annotated[int | None, Query(ge=0, le=2**62)]


class EventStream(StreamingResponse):
    """Server-sent events; the media type is declared for the API's description."""

    media_type = "text/event-stream"


@router.get("/events", response_class=EventStream, responses=problem_responses(401, 403, 422, 429))
async def get_events(
    house: HouseHere,
    actor: CurrentActor,
    after: Number = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> EventStream:
    """Changes after `Last-Event-ID` (or `after`), then everything as it happens.

    Messages with an `id` are the log; `line` (places in line), `reset` (fetch your lists again) and comments are not.
    """
    seen = _number(last_event_id, after)

    def still_allowed(tx: Tx) -> bool:
        return is_still_in(tx, actor, house.clock.now())

    def places(user_id: UUID) -> dict[str, Any] | None:
        view = places_view(house.dispatcher, user_id)
        return view.model_dump(mode="json") if view.items else None

    if house.hub.is_full(actor.user_id):
        raise AppError("events.too_many_streams", "This person has too many streams open.", status=429)
    messages = stream(house.db, house.hub, actor.user_id, seen, still_allowed=still_allowed, hint=places)
    return EventStream(
        messages,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _number(last_event_id: str | None, after: int | None) -> int | None:
    """The browser's own `Last-Event-ID` on a reconnect is newer than the `after` in the address it began with."""
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit():
        return min(int(last_event_id), 2**62)
    return after
