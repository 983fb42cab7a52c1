"""What ended on each day (UTC), by model: one person's own, or everybody's together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, func, literal_column, select

from vermilion.db import Tx
from vermilion.generation.status import TERMINAL, Status
from vermilion.generation.tables import GenerationRow, ModelHourRow

_DAY = "day"
"""Grouped by this name: the expression's own parameters would make it another expression each time it is written."""


@dataclass(frozen=True, slots=True)
class DayOfModel:
    """How one model's generations of one day ended, and what was paid for them."""

    day: date
    model: str
    succeeded: int
    failed: int
    canceled: int
    settled_credits: int


def daily_of(tx: Tx, user_id: UUID, providers: Sequence[str], since: datetime) -> list[DayOfModel]:
    """The person's days since then, oldest first, by when a generation was requested.

    What was deleted since is counted too: it was made, and paid for.
    """
    day = _day_of(tx, GenerationRow.created_at)
    rows = tx.execute(
        select(
            day,
            GenerationRow.model,
            _counted(Status.SUCCEEDED),
            _counted(Status.FAILED),
            _counted(Status.CANCELED),
            func.coalesce(func.sum(GenerationRow.settled_credits), 0),
        )
        .where(
            GenerationRow.user_id == user_id,
            GenerationRow.created_at >= since,
            GenerationRow.provider.in_(list(providers)),
            GenerationRow.status.in_(sorted(TERMINAL)),
        )
        .group_by(literal_column(_DAY), GenerationRow.model)
        .order_by(literal_column(_DAY), GenerationRow.model)
    )
    return [_day_of_model(day, model, *counts) for day, model, *counts in rows]


def daily_of_everybody(tx: Tx, models: Sequence[str], since: datetime) -> list[DayOfModel]:
    """Everybody's days since then, oldest first, by when a generation ended, from counts kept as they ended."""
    day = _day_of(tx, ModelHourRow.hour)
    rows = tx.execute(
        select(
            day,
            ModelHourRow.model,
            func.sum(ModelHourRow.succeeded),
            func.sum(ModelHourRow.failed + ModelHourRow.refused),
            func.sum(ModelHourRow.canceled),
            func.sum(ModelHourRow.settled_credits),
        )
        .where(ModelHourRow.hour >= since, ModelHourRow.model.in_(list(models)))
        .group_by(literal_column(_DAY), ModelHourRow.model)
        .order_by(literal_column(_DAY), ModelHourRow.model)
    )
    return [_day_of_model(day, model, *counts) for day, model, *counts in rows]


def _day_of(tx: Tx, instant: Any) -> ColumnElement[str]:
    """The day as text: an instant is ISO 8601 text in SQLite, and a moment in the session's zone in PostgreSQL."""
    if tx.connection().dialect.name == "sqlite":
        return func.substr(instant, 1, 10, type_=String).label(_DAY)
    return func.to_char(func.timezone("UTC", instant), "YYYY-MM-DD", type_=String).label(_DAY)


def _counted(status: Status) -> ColumnElement[int]:
    return func.sum(case((GenerationRow.status == status, 1), else_=0))


def _day_of_model(day: str, model: str, *counts: int | None) -> DayOfModel:
    succeeded, failed, canceled, settled_credits = (int(count or 0) for count in counts)
    return DayOfModel(date.fromisoformat(day), model, succeeded, failed, canceled, settled_credits)
