"""`GET /events`: one person's changes, live, from where their client left off."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from vermilion.app.public import HouseHere
from vermilion.events import EventStream, LastEventId, number_of, open_stream
from vermilion.generation import places_view
from vermilion.identity import CurrentActor, problem_responses

router = APIRouter(tags=["events"])

Number = Annotated[int | None, Query(ge=0, le=2**62)]


@router.get("/events", response_class=EventStream, responses=problem_responses(401, 403, 422, 429))
async def get_events(
    house: HouseHere, actor: CurrentActor, after: Number = None, last_event_id: LastEventId = None
) -> EventStream:
    """Changes after `Last-Event-ID` (or `after`), then everything as it happens.

    Messages with an `id` are the log; `line` (places in line), `reset` (fetch your lists again) and comments are not.
    """

    def places(user_id: UUID) -> dict[str, Any] | None:
        view = places_view(house.dispatcher, user_id)
        return view.model_dump(mode="json") if view.items else None

    # The browser's own header on a reconnect is newer than the `after` in the address it began with.
    return open_stream(house, actor, number_of(last_event_id, after), hint=places)
