"""One person's events as server-sent events (WHATWG HTML, section 9.2), from where the client left off."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from uuid import UUID

from vermilion.db import Database, Tx
from vermilion.events.hub import EventHub
from vermilion.events.log import can_resume, events_after, position

HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 2000

Hint = Callable[[UUID], dict[str, Any] | None]
"""What is told unnumbered beside the log: the person's places in line, or None when there is nothing to say."""

Say = Callable[[str, Mapping[str, Any], int], bytes]
"""How an event (its name, data and number) is told; nothing for one this client does not want."""


def message(name: str, data: object, *, number: int | None = None) -> bytes:
    """One SSE message; JSON never contains a raw line break, so one `data:` line suffices."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def stream(
    db: Database,
    hub: EventHub,
    user_id: UUID,
    after: int | None,
    *,
    still_allowed: Callable[[Tx], bool],
    hint: Hint,
    say: Say | None = None,
) -> AsyncIterator[bytes]:
    """Messages until the client leaves, the house stops, or the person's right to listen ends.

    `after` is the last number the client has; None begins with what happens from now on. A number we never
    issued is answered with `reset`: fetch your lists again. `still_allowed` is asked at every heartbeat.
    `say` spells each event for clients that listen in other words. The generator holds at most one batch of
    events, so a slow client costs no memory: it simply reads later.
    """
    loop = asyncio.get_running_loop()
    with hub.listening(user_id) as listener:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        seen, known = await db.read(_begin, user_id, after)
        if not known:
            yield message("reset", {}, number=seen)
        last_hint: dict[str, Any] | None = None
        beat_at = loop.time() + HEARTBEAT_SECONDS
        while not hub.stopping:
            listener.bell.clear()
            if listener.grown:
                listener.grown = False
                batch = await db.read(events_after, user_id, seen)
                if batch:
                    # There may be more than fits one batch; the right to listen is asked for in between.
                    listener.log_grew()
                    told = b"".join((say or _say)(row.name, row.data, row.seq) for row in batch)
                    if told:
                        yield told
                    seen = batch[-1].seq
            place = hint(user_id)
            if place != last_hint:
                last_hint = place
                yield message("line", place or {"items": []})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(beat_at):
                    await listener.bell.wait()
            if loop.time() >= beat_at:
                # Also while much is being told: a right that ended must not outlive a busy log.
                if not await db.read(still_allowed):
                    return
                beat_at = loop.time() + HEARTBEAT_SECONDS
                # What another process wrote rang no bell here.
                listener.grown = True
                yield b": still here\n\n"


def _begin(tx: Tx, user_id: UUID, after: int | None) -> tuple[int, bool]:
    now_at = position(tx, user_id)
    if after is None:
        return now_at, True
    return (after, True) if can_resume(tx, user_id, after) else (now_at, False)


def _say(name: str, data: Mapping[str, Any], number: int) -> bytes:
    return message(name, data, number=number)
