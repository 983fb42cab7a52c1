"""Who is listening in this process: streams sleep here until their person's log has grown."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from vermilion.events.log import TOPIC

STREAMS_PER_PERSON_MAX = 20


class Listener:
    """One stream's ear: its bell, and whether its person's log may have grown since it was last read."""

    def __init__(self) -> None:
        self.bell = asyncio.Event()
        self.grown = True

    def log_grew(self) -> None:
        """Something of this person's was written."""
        self.grown = True
        self.bell.set()


class EventHub:
    """Wakes the streams of a person; carries no data, so it cannot lose any."""

    def __init__(self) -> None:
        self._listeners: defaultdict[UUID, set[Listener]] = defaultdict(set)
        self._everyone: set[Listener] = set()
        self.stopping = False

    def on_topic(self, topic: str) -> None:
        """Listener for `Database.listen`."""
        if topic.startswith(TOPIC):
            for listener in self._listeners.get(UUID(topic.removeprefix(TOPIC)), ()):
                listener.log_grew()

    def is_full(self, user_id: UUID) -> bool:
        """Whether the person holds as many streams as anybody may."""
        return len(self._listeners.get(user_id, ())) >= STREAMS_PER_PERSON_MAX

    def wake_everyone(self) -> None:
        """For what is not written per person: places in line moved, or the server stops."""
        for listener in self._everyone:
            listener.bell.set()

    def stop(self) -> None:
        """End every stream, so that the server can close."""
        self.stopping = True
        self.wake_everyone()

    @contextmanager
    def listening(self, user_id: UUID) -> Iterator[Listener]:
        """An ear whose bell rings whenever something of this person's changed."""
        listener = Listener()
        self._listeners[user_id].add(listener)
        self._everyone.add(listener)
        try:
            yield listener
        finally:
            self._everyone.discard(listener)
            self._listeners[user_id].discard(listener)
            if not self._listeners[user_id]:
                del self._listeners[user_id]

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._everyone)
