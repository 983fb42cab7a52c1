"""What we tell the browser: a log per person, written in the transaction that changed the thing, and its stream.

Every room above emits; `app` opens streams.
"""

from vermilion.events.faces import EventStream, LastEventId, number_of, open_stream
from vermilion.events.hub import EventHub
from vermilion.events.log import (
    Change,
    can_resume,
    count_events,
    emit,
    emit_all,
    events_after,
    forget_events,
    position,
)
from vermilion.events.stream import Hint, Say, message, stream

__all__ = [
    "Change",
    "EventHub",
    "EventStream",
    "Hint",
    "LastEventId",
    "Say",
    "can_resume",
    "count_events",
    "emit",
    "emit_all",
    "events_after",
    "forget_events",
    "message",
    "number_of",
    "open_stream",
    "position",
    "stream",
]
