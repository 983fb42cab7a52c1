"""Writing and reading the event log; always inside the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select

from vermilion.db import PerDialect, Tx, announce
from vermilion.events.tables import EventPositionRow, EventRow

TOPIC = "events:"
"""Announced after commit, followed by the person's id."""

RESET = "reset"
"""The event that says: what you know cannot be brought up to date by events, fetch your lists again."""

REPLAY_MAX = 500
"""Events read at a time; a stream asks again until it has caught up."""


def _next(insert: Callable[[Any], Any]) -> Any:
    statement = insert(EventPositionRow.__table__).values(user_id=bindparam("user_id"), seq=bindparam("count"))
    return statement.on_conflict_do_update(
        index_elements=["user_id"], set_={"seq": EventPositionRow.__table__.c.seq + bindparam("count")}
    ).returning(EventPositionRow.__table__.c.seq)


def _put(insert: Callable[[Any], Any]) -> Any:
    statement = insert(EventRow.__table__)
    return statement.on_conflict_do_update(
        index_elements=["user_id", "subject"],
        set_={name: statement.excluded[name] for name in ("seq", "name", "data", "created_at")},
    )


_NEXT = PerDialect(_next)
_PUT = PerDialect(_put)


class Change(NamedTuple):
    """One event to be told: its name, and exactly what a GET of the thing returns now."""

    name: str
    data: Mapping[str, Any]


def emit(tx: Tx, user_id: UUID, name: str, data: Mapping[str, Any], now: datetime) -> int:
    """Record that something of this person's changed; returns the event's number.

    `data` is exactly what a GET of the thing returns now. Its `id` names the subject, so that a newer event
    replaces an older one; a thing without `id` (the balance) is its own subject.
    """
    return emit_all(tx, user_id, [Change(name, data)], now)


def emit_all(tx: Tx, user_id: UUID, changes: Sequence[Change], now: datetime) -> int:
    """Record several changes in this order, each as `emit` takes it; the last one's number."""
    last: int = _NEXT.run(tx, {"user_id": user_id, "count": len(changes)}).scalar_one()
    _PUT.run_each(
        tx,
        [
            {
                "user_id": user_id,
                "subject": _subject(name, data),
                "seq": seq,
                "name": name,
                "data": dict(data),
                "created_at": now,
            }
            for seq, (name, data) in enumerate(changes, last - len(changes) + 1)
        ],
    )
    announce(tx, f"{TOPIC}{user_id}")
    return last


def _subject(name: str, data: Mapping[str, Any]) -> str:
    kind = name.split(".", 1)[0]
    return f"{kind}:{data['id']}" if "id" in data else kind


def position(tx: Tx, user_id: UUID) -> int:
    """The number of the person's last event, 0 before the first: the cursor a list read now is valid at."""
    return tx.scalar(select(EventPositionRow.seq).where(EventPositionRow.user_id == user_id)) or 0


def events_after(tx: Tx, user_id: UUID, seq: int, *, most: int = REPLAY_MAX) -> Sequence[EventRow]:
    """The person's events numbered above `seq`, in order, at most `most`."""
    return tx.scalars(
        select(EventRow).where(EventRow.user_id == user_id, EventRow.seq > seq).order_by(EventRow.seq).limit(most)
    ).all()


def can_resume(tx: Tx, user_id: UUID, seq: int) -> bool:
    """Whether a client that knows everything up to `seq` can be brought up to date by events alone.

    It cannot when it claims a number we never issued (the database was restored from a snapshot).
    """
    return 0 <= seq <= position(tx, user_id)


def forget_events(tx: Tx, before: datetime) -> int:
    """Drop deletions older than `before`; the other events stay, one per thing that still exists.

    In their place comes one `reset` with the number of the newest dropped: whoever was away for longer is told to
    fetch their lists again instead of keeping for ever what is gone.
    """
    gone = tx.execute(
        delete(EventRow)
        .where(EventRow.created_at < before, EventRow.name.like("%.deleted"))
        .returning(EventRow.user_id, EventRow.seq)
        .execution_options(synchronize_session=False)
    ).all()
    newest: dict[UUID, int] = {}
    for user_id, seq in gone:
        newest[user_id] = max(seq, newest.get(user_id, 0))
    for user_id, seq in newest.items():
        known = tx.scalar(select(EventRow.seq).where(EventRow.user_id == user_id, EventRow.subject == RESET)) or 0
        _PUT.run(
            tx,
            {
                "user_id": user_id,
                "subject": RESET,
                "seq": max(seq, known),
                "name": RESET,
                "data": {},
                "created_at": before,
            },
        )
    return len(gone)


def count_events(tx: Tx) -> int:
    """How many events are kept."""
    return tx.scalar(select(func.count()).select_from(EventRow)) or 0
