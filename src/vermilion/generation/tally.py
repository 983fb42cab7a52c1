"""How a model's generations end, counted as they end: figures over ten million rows that nobody has to count."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete

from vermilion.db import PerDialect, Tx
from vermilion.generation.failure import Failure
from vermilion.generation.status import Status
from vermilion.generation.tables import GenerationRow, ModelHourRow

TALLIES_KEPT = timedelta(days=90)
"""Three times the longest window that is asked about."""

_COUNTERS = ("succeeded", "failed", "refused", "canceled", "settled_credits")


def hour_of(instant: datetime) -> datetime:
    """The beginning of the hour (UTC) an instant is in."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_end(tx: Tx, row: GenerationRow, now: datetime, *, reason: Failure | None = None) -> None:
    """Count the end a row has just come to, in the transaction that ended it.

    A refusal that is the person's own move is no failure of the model. Call it last: everybody who ends something of
    this model within the hour writes the same row, and waits for it from here to the commit.
    """
    counter = Status(row.status).value
    if counter == Status.FAILED and reason is not None and reason.whose == "user":
        counter = "refused"
    counts = dict.fromkeys(_COUNTERS, 0)
    counts[counter] = 1
    counts["settled_credits"] = row.settled_credits or 0
    _COUNT.run(tx, {"hour": hour_of(now), "model": row.model, **counts})


def forget_tallies(tx: Tx, before: datetime) -> None:
    """Delete what was counted in hours before that time."""
    tx.execute(delete(ModelHourRow).where(ModelHourRow.hour < before))


def _counting(insert: Callable[[Any], Any]) -> Any:
    table = ModelHourRow.__table__
    adding = insert(table)
    return adding.on_conflict_do_update(
        index_elements=["hour", "model"],
        set_={name: table.c[name] + adding.excluded[name] for name in _COUNTERS},
    )


_COUNT = PerDialect(_counting)
