"""How each model does: what an admin asks before choosing, pricing or switching one off.

The counts come from `tally`, an hour and a model at a time; the durations are those of a model's newest successes.
So the work is bounded by models and hours, whatever the number of generations.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from pydantic import BaseModel
from sqlalchemy import func, select

from vermilion.db import Tx
from vermilion.generation.tables import SUCCEEDED_ROWS, GenerationRow, ModelHourRow
from vermilion.generation.tally import hour_of


class Days(IntEnum):
    """The windows there are, in days."""

    DAY = 1
    WEEK = 7
    MONTH = 30


DURATIONS_MEASURED: Final = 500
"""A model's newest successes within the window; more of them would say the same."""


class ModelMetricsView(BaseModel):
    """How one model did.

    `ended` = `succeeded` + `failed` + `refused` + `canceled`. `refused` ended by something in the request (moderation,
    a parameter the provider would not take), so `success_rate` is of `succeeded` + `failed` alone, null without
    either. The seconds run from the provider's acceptance to the stored result.
    """

    model: str
    ended: int
    succeeded: int
    failed: int
    refused: int
    canceled: int
    success_rate: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    settled_credits: int


class ModelMetricsList(BaseModel):
    """The models that ended anything since `since`, which is a full hour, the busiest first."""

    since: datetime
    items: list[ModelMetricsView]


def model_metrics(tx: Tx, days: Days, now: datetime) -> ModelMetricsList:
    """The figures of the last `days` days, of every model that ended something in them."""
    since = hour_of(now - timedelta(days=days)) + timedelta(hours=1)
    counters = (
        ModelHourRow.succeeded,
        ModelHourRow.failed,
        ModelHourRow.refused,
        ModelHourRow.canceled,
        ModelHourRow.settled_credits,
    )
    rows = tx.execute(
        select(ModelHourRow.model, *(func.sum(counter) for counter in counters))
        .where(ModelHourRow.hour >= since)
        .group_by(ModelHourRow.model)
    )
    items = [_metrics(tx, since, model, [int(count) for count in counts]) for model, *counts in rows.all()]
    return ModelMetricsList(since=since, items=sorted(items, key=lambda each: (-each.ended, each.model)))


def _metrics(tx: Tx, since: datetime, model: str, counts: Sequence[int]) -> ModelMetricsView:
    succeeded, failed, refused, canceled, settled_credits = counts
    seconds = sorted(_durations_seconds(tx, model, since)) if succeeded else []
    return ModelMetricsView(
        model=model,
        ended=succeeded + failed + refused + canceled,
        succeeded=succeeded,
        failed=failed,
        refused=refused,
        canceled=canceled,
        success_rate=succeeded / (succeeded + failed) if succeeded + failed else None,
        p50_seconds=percentile(seconds, 50),
        p95_seconds=percentile(seconds, 95),
        settled_credits=settled_credits,
    )


def _durations_seconds(tx: Tx, model: str, since: datetime) -> list[float]:
    rows = tx.execute(
        select(GenerationRow.submitted_at, GenerationRow.finished_at)
        .where(GenerationRow.model == model, SUCCEEDED_ROWS, GenerationRow.finished_at >= since)
        .order_by(GenerationRow.finished_at.desc())
        .limit(DURATIONS_MEASURED)
    )
    return [(ended - began).total_seconds() for began, ended in rows if began and ended]


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest of these (in ascending order) that `percent` of them do not exceed; None of nothing."""
    return ordered[(len(ordered) * percent + 99) // 100 - 1] if ordered else None
