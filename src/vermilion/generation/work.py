"""A row with what a driver needs beside it, and reading it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from vermilion.catalog import Snapshot
from vermilion.db import RowByKey, Tx
from vermilion.generation.snapshots import recall
from vermilion.generation.status import Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.views import GenerationView
from vermilion.providers import Ticket


@dataclass(frozen=True, slots=True)
class Work:
    """A row with what a driver needs beside it: its declaration, its current attempt, its view once published."""

    row: GenerationRow
    entry: Snapshot
    attempt: AttemptRow | None
    published: GenerationView | None = None

    @classmethod
    def of(cls, tx: Tx, row: GenerationRow) -> "Work":
        """The work around a row already read."""
        return cls(row, recall(tx, row.entry_digest), _attempt(tx, row))

    @property
    def status(self) -> Status:
        """The row's status."""
        return Status(self.row.status)

    @property
    def view(self) -> GenerationView:
        """The view the last step published."""
        if self.published is None:
            raise RuntimeError("this step was asked to publish nothing")
        return self.published

    @property
    def texts(self) -> int:
        """How many results are words: they are in the facts, and there is no file to keep."""
        return len((self.row.facts or {}).get("texts", ())) if self.entry.makes == "text" else 0

    @property
    def has_ticket(self) -> bool:
        """Whether the provider can be asked about the current attempt."""
        return self.attempt is not None and self.attempt.ticket_id is not None

    def same_attempt(self, other: "Work") -> bool:
        """Whether both are about one attempt, and so about one credential."""
        return (self.attempt and self.attempt.id) == (other.attempt and other.attempt.id)

    @property
    def ticket(self) -> Ticket:
        """The provider's receipt of the current attempt."""
        if self.attempt is None or self.attempt.ticket_id is None:
            raise RuntimeError(f"generation {self.row.id} is {self.row.status} without a ticket")
        return Ticket(self.attempt.ticket_id, self.attempt.ticket or {})


def load_work(tx: Tx, generation_id: UUID) -> Work | None:
    """The row and what belongs to it; None when there is no such row or it was deleted."""
    row = _GENERATION.get(tx, id=generation_id)
    return None if row is None or row.deleted_at is not None else Work.of(tx, row)


def load_works(tx: Tx, generation_ids: Sequence[UUID]) -> Mapping[UUID, Work | Exception]:
    """The same for several, in one question; those that are not there or were deleted are left out.

    For a row that does not read there is the exception that says why, and the others are none the worse for it.
    """
    if len(generation_ids) > 1:
        try:
            return _together(tx, generation_ids)
        except _UNREADABLE:
            # Which one it is shows when each is read by itself; that happens too seldom for its cost to matter.
            pass
    each = ((generation_id, _judged(tx, generation_id)) for generation_id in generation_ids)
    return {generation_id: work for generation_id, work in each if work is not None}


def _together(tx: Tx, generation_ids: Sequence[UUID]) -> Mapping[UUID, Work]:
    current = (AttemptRow.generation_id == GenerationRow.id) & (AttemptRow.n == GenerationRow.attempt)
    found = tx.execute(
        select(GenerationRow, AttemptRow)
        .outerjoin(AttemptRow, current)
        .where(GenerationRow.id.in_(generation_ids), GenerationRow.deleted_at.is_(None))
    )
    return {row.id: Work(row, recall(tx, row.entry_digest), _required(row, attempt)) for row, attempt in found}


def _judged(tx: Tx, generation_id: UUID) -> Work | Exception | None:
    try:
        return load_work(tx, generation_id)
    except _UNREADABLE as error:
        return error


def _attempt(tx: Tx, row: GenerationRow) -> AttemptRow | None:
    return None if row.attempt == 0 else _required(row, _ATTEMPT.get(tx, generation_id=row.id, n=row.attempt))


def _required(row: GenerationRow, attempt: AttemptRow | None) -> AttemptRow | None:
    if attempt is None and row.attempt > 0:
        raise RuntimeError(f"generation {row.id} has no attempt {row.attempt}")
    return attempt


_GENERATION = RowByKey(GenerationRow, "id")
_ATTEMPT = RowByKey(AttemptRow, "generation_id", "n")

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RuntimeError)
"""What reading stored data raises where it does not make sense; a database that is away raises none of these."""
