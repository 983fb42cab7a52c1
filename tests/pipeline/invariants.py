"""What must be true of money and work after every single step."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text

from vermilion import ledger
from vermilion.db import Tx
from vermilion.events.tables import EventPositionRow, EventRow
from vermilion.generation.publish import view_of
from vermilion.generation.status import NEXT, TERMINAL, Status
from vermilion.generation.tables import AttemptRow, GenerationRow, ModelHourRow
from vermilion.ledger.tables import EntryRow
from vermilion.library import AssetRow

_SHORT = text("""
    select a.user_id from account a where
        a.granted <> a.available + a.held + a.spent + a.expired or a.available < 0 or a.held < 0
        or a.held <> coalesce((select sum(g.price_credits) from generation g
            where g.user_id = a.user_id and g.status not in ('succeeded', 'failed', 'canceled')), 0)
""")


class Watchman:
    """Compares what the tables say with each other, and with what they said before."""

    def __init__(self) -> None:
        self.stored: set[str] = set()
        """Keys of the files that are safely stored: an asset must point to one of them."""
        self._seen: dict[UUID, tuple[int, Status]] = {}
        self.inspections = 0

    def glance(self, tx: Tx) -> None:
        """The cheap part, for after every commit: money conserved, and held for exactly the unfinished work."""
        assert tx.execute(_SHORT).all() == []

    def inspect(self, tx: Tx, _now: datetime) -> None:
        """Everything."""
        self.inspections += 1
        self.glance(tx)
        rows = tx.scalars(select(GenerationRow)).all()
        working = {row.hold_id for row in rows if Status(row.status) not in TERMINAL}
        assert ledger.fsck(tx, open_hold_ids=working) == []
        for row in rows:
            self._money(tx, row)
            self._work(tx, row)
            self._history(row)
            self._told(tx, row)
        self._numbers(tx)
        self._tallies(tx, rows)

    def _money(self, tx: Tx, row: GenerationRow) -> None:
        entries = tx.scalars(select(EntryRow).where(EntryRow.generation_id == row.id).order_by(EntryRow.number)).all()
        assert {entry.user_id for entry in entries} == {row.user_id}
        holds = [entry for entry in entries if entry.kind == "hold"]
        ends = [entry for entry in entries if entry.kind != "hold"]
        assert all(hold.amount_credits == row.price_credits for hold in holds)
        over = Status(row.status) in TERMINAL
        assert len(ends) == len(holds) - (0 if over else 1), f"{row.status}: {len(holds)} holds, {len(ends)} ends"
        spent = sum(entry.spent_delta for entry in entries)
        assert spent == (row.settled_credits or 0), "paid something else than the row says"
        if over:
            last = next(entry for entry in ends if entry.hold_id == row.hold_id)
            late = bool((row.facts or {}).get("late"))
            settled = row.status == Status.SUCCEEDED and not late
            assert last.kind == ("settle" if settled else "release")

    def _work(self, tx: Tx, row: GenerationRow) -> None:
        attempts = tx.scalars(select(AttemptRow).where(AttemptRow.generation_id == row.id).order_by(AttemptRow.n)).all()
        assert [attempt.n for attempt in attempts] == list(range(1, row.attempt + 1))
        assert all(attempt.ended_at is not None for attempt in attempts[:-1]), "two attempts at once"
        status = Status(row.status)
        if status in (Status.RUNNING, Status.STORING) and status is Status.RUNNING:
            assert attempts[-1].ticket_id is not None, "running without a ticket"
        assets = tx.scalars(select(AssetRow).where(AssetRow.generation_id == row.id)).all()
        assert {asset.user_id for asset in assets} <= {row.user_id}
        if status is Status.SUCCEEDED:
            assert assets, "succeeded with nothing"
            assert {asset.storage_key for asset in assets} <= self.stored, "given before it was stored"
        else:
            assert not assets, f"{status} with assets"

    def _history(self, row: GenerationRow) -> None:
        status = Status(row.status)
        version, before = self._seen.get(row.id, (0, status))
        assert row.version >= version
        if row.version == version + 1:
            assert status is before or status in NEXT[before], f"{before} became {status}"
        self._seen[row.id] = (row.version, status)

    def _told(self, tx: Tx, row: GenerationRow) -> None:
        last = tx.scalar(select(EventRow).where(EventRow.subject == f"generation:{row.id}"))
        assert last is not None
        assert last.user_id == row.user_id
        if row.deleted_at is not None:
            assert last.name == "generation.deleted"
        else:
            assert last.data == view_of(tx, row).model_dump(mode="json"), "the last event is not what GET returns"

    def _tallies(self, tx: Tx, rows: Sequence[GenerationRow]) -> None:
        """Each end was counted, once; whoever retried, or got something late, has ended more than once."""
        columns = ModelHourRow.succeeded, ModelHourRow.failed, ModelHourRow.refused, ModelHourRow.canceled
        counted = sum(tx.execute(select(*(func.coalesce(func.sum(column), 0) for column in columns))).one())
        ends = tx.scalar(select(func.count()).select_from(EntryRow).where(EntryRow.kind.in_(("settle", "release"))))
        assert counted == ends, "an end was not counted, or twice"
        spent = tx.scalar(select(func.coalesce(func.sum(ModelHourRow.settled_credits), 0)))
        assert spent == sum(row.settled_credits or 0 for row in rows)

    def _numbers(self, tx: Tx) -> None:
        rows = tx.execute(select(EventRow.user_id, func.max(EventRow.seq)).group_by(EventRow.user_id))
        newest = {user_id: seq for user_id, seq in rows}  # noqa: C416 - a row is no pair to `dict`'s types
        positions = {row.user_id: row.seq for row in tx.scalars(select(EventPositionRow))}
        assert all(positions[user_id] == seq for user_id, seq in newest.items())
