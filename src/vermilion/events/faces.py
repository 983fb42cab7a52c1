"""A stream as a face opens it: how many a person may have, where it goes on, and its headers."""

from typing import Annotated, Protocol

from fastapi import Header
from fastapi.responses import StreamingResponse

from vermilion.db import Database, Tx
from vermilion.events.hub import EventHub
from vermilion.events.stream import Hint, Say, stream
from vermilion.identity import Actor, is_still_in
from vermilion.kit import AppError, Clock

NUMBER_MAX = 2**62
"""Larger than any number an event will have; what a database can still compare."""

LastEventId = Annotated[str | None, Header(max_length=40)]


class EventStream(StreamingResponse):
    """Server-sent events; the media type is declared for the API's description."""

    media_type = "text/event-stream"


class StreamingHouse(Protocol):
    """What a stream needs of the house."""

    @property
    def db(self) -> Database:
        """Where the log is."""
        ...

    @property
    def hub(self) -> EventHub:
        """Who listens, and who rings."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...


def number_of(last_event_id: str | None, otherwise: int | None = None) -> int | None:
    """The number a client has, by the header its browser sends when it reconnects; `otherwise` where it is none."""
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit():
        return min(int(last_event_id), NUMBER_MAX)
    return otherwise


def open_stream(
    house: StreamingHouse, actor: Actor, after: int | None, *, hint: Hint = lambda _: None, say: Say | None = None
) -> EventStream:
    """The person's changes after this number, for as long as they may hear them. See `stream`.

    Raises 429 (`events.too_many_streams`) where they have as many open as one may have.
    """
    if house.hub.is_full(actor.user_id):
        raise AppError("events.too_many_streams", "This person has too many streams open.", status=429)

    def still_allowed(tx: Tx) -> bool:
        return is_still_in(tx, actor, house.clock.now())

    messages = stream(house.db, house.hub, actor.user_id, after, still_allowed=still_allowed, hint=hint, say=say)
    return EventStream(messages, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
