"""What was made of a service: by day and by model."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from pydantic import BaseModel

from vermilion.catalog import Shelf
from vermilion.db import Tx
from vermilion.dialects.choosing import entries_of
from vermilion.dialects.table import Service
from vermilion.generation import DayOfModel, daily_of, daily_of_everybody
from vermilion.identity import Actor


class Figures(BaseModel):
    """Tasks that ended; `success_rate` is of those that were not canceled, null without any."""

    total: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    credits: int


class DayFigures(Figures):
    """The same for one day (UTC)."""

    day: date


class ModelFigures(Figures):
    """The same for one model."""

    model: str


class StatsView(Figures):
    """What ended in the last `days` days, today included; days without anything are left out."""

    service: str
    days: int
    since: datetime
    by_day: list[DayFigures]
    by_model: list[ModelFigures]


def stats_of(tx: Tx, service: Service, actor: Actor, days: int, now: datetime) -> StatsView:
    """The person's own."""
    since = first_moment(days, now)
    return _stats(service, days, since, daily_of(tx, actor.user_id, [service.provider], since))


def stats_of_everybody(tx: Tx, shelf: Shelf, service: Service, days: int, now: datetime) -> StatsView:
    """Everybody's together."""
    since = first_moment(days, now)
    models = [entry.id for entry in entries_of(tx, shelf, service, "admin")]
    return _stats(service, days, since, daily_of_everybody(tx, models, since))


def first_moment(days: int, now: datetime) -> datetime:
    """The midnight (UTC) with which the last `days` days began."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)


def figures(rows: Iterable[DayOfModel]) -> dict[str, int | float | None]:
    """The members of `Figures` for these rows together."""
    succeeded = failed = canceled = settled_credits = 0
    for row in rows:
        succeeded += row.succeeded
        failed += row.failed
        canceled += row.canceled
        settled_credits += row.settled_credits
    judged = succeeded + failed
    return {
        "total": judged + canceled,
        "completed": succeeded,
        "failed": failed,
        "cancelled": canceled,
        "success_rate": succeeded / judged if judged else None,
        "credits": settled_credits,
    }


def _stats(service: Service, days: int, since: datetime, rows: Sequence[DayOfModel]) -> StatsView:
    days_seen = sorted({row.day for row in rows})
    models = sorted({row.model for row in rows})
    return StatsView.model_validate(
        {
            **figures(rows),
            "service": service.name,
            "days": days,
            "since": since,
            "by_day": [{"day": day, **figures(row for row in rows if row.day == day)} for day in days_seen],
            "by_model": [{"model": name, **figures(row for row in rows if row.model == name)} for name in models],
        }
    )
