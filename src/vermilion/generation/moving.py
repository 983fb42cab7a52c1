"""Moving a row: a compare-and-set on its version, and its attempt beside it. Every step is made of these."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from vermilion.db import GuardedUpdate, Tx, altered
from vermilion.generation.failure import Failure
from vermilion.generation.publish import publish
from vermilion.generation.status import NEXT, Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.work import Work


class Overtaken(Exception):
    """The row is not what this step was decided on."""


def move(tx: Tx, work: Work, status: Status, now: datetime, *, quiet: bool = False, **changes: Any) -> Work:
    """Set the row's status and columns if it is still at the version `work` was read at, and tell the person.

    `quiet` leaves telling to the caller, who has more to change first. Raises `Overtaken`.
    """
    row = work.row
    if status is not work.status and status not in NEXT[work.status]:
        raise ValueError(f"a generation cannot go from {row.status} to {status}")
    changes = {**changes, "status": str(status), "version": row.version + 1}
    if not _MOVE.run(tx, {"id": row.id, "version": row.version}, changes):
        raise Overtaken
    # The version held, so the row is what it was, and these changes: no need to read it again.
    fresh = altered(row, **changes)
    published = None if quiet else publish(tx, fresh, now)
    return replace(work, row=fresh, published=published)


def require_attempt(work: Work) -> AttemptRow:
    """The attempt it is at; there must be one."""
    if work.attempt is None:
        raise RuntimeError(f"generation {work.row.id} is {work.row.status} without an attempt")
    return work.attempt


def with_attempt(tx: Tx, work: Work, **changes: Any) -> Work:
    """The work with its attempt changed."""
    attempt = require_attempt(work)
    _CHANGE_ATTEMPT.run(tx, {"id": attempt.id}, changes)
    return replace(work, attempt=altered(attempt, **changes))


def with_attempt_ended(tx: Tx, work: Work, reason: Failure, now: datetime) -> Work:
    """The work with its attempt ended for this reason, where one was still open."""
    if work.attempt is None or work.attempt.ended_at is not None or work.status is Status.QUEUED:
        return work
    return with_attempt(tx, work, ended_at=now, outcome=asdict(reason))


_MOVE = GuardedUpdate(GenerationRow.__table__, ("id", "version"), GenerationRow.__table__.c.deleted_at.is_(None))
_CHANGE_ATTEMPT = GuardedUpdate(AttemptRow.__table__, ("id",))
