"""Who is listening in this process: streams sleep here until their person's log has grown."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from vermilion.events.log import TOPIC

STREAMS_PER_PERSON_MAX = 20


class EventHub:
    """Wakes the streams of a person; carries no data, so it cannot lose any."""

    def __init__(self) -> None:
        self._bells: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._everyone: set[asyncio.Event] = set()
        self.stopping = False

    def on_topic(self, topic: str) -> None:
        """Listener for `Database.listen`."""
        if topic.startswith(TOPIC):
            for bell in self._bells.get(UUID(topic.removeprefix(TOPIC)), ()):
                bell.set()

    def is_full(self, user_id: UUID) -> bool:
        """Whether the person holds as many streams as anybody may."""
        return len(self._bells.get(user_id, ())) >= STREAMS_PER_PERSON_MAX

    def wake_everyone(self) -> None:
        """For what is not written per person: places in line moved, or the server stops."""
        for bell in self._everyone:
            bell.set()

    def stop(self) -> None:
        """End every stream, so that the server can close."""
        self.stopping = True
        self.wake_everyone()

    @contextmanager
    def listening(self, user_id: UUID) -> Iterator[asyncio.Event]:
        """A bell rung whenever something of this person's changed."""
        bell = asyncio.Event()
        self._bells[user_id].add(bell)
        self._everyone.add(bell)
        try:
            yield bell
        finally:
            self._everyone.discard(bell)
            self._bells[user_id].discard(bell)
            if not self._bells[user_id]:
                del self._bells[user_id]

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._everyone)
