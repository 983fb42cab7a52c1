"""Figures by day are those of the day it was in UTC, on either database."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from vermilion.db import Database, Tx
from vermilion.dialects.stats import first_moment
from vermilion.generation import DayOfModel, daily_of_everybody
from vermilion.generation.tables import ModelHourRow

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


async def test_hours_are_summed_into_their_days(db: Database) -> None:
    def put(tx: Tx) -> None:
        for hour, model, succeeded, failed, refused in (
            (MIDNIGHT - timedelta(hours=1), "a", 1, 0, 0),
            (MIDNIGHT, "a", 2, 1, 1),
            (MIDNIGHT + timedelta(hours=23), "a", 3, 0, 0),
            (MIDNIGHT, "b", 4, 0, 0),
            (MIDNIGHT - timedelta(days=9), "a", 50, 0, 0),
        ):
            tx.execute(
                insert(ModelHourRow).values(
                    hour=hour,
                    model=model,
                    succeeded=succeeded,
                    failed=failed,
                    refused=refused,
                    canceled=0,
                    settled_credits=succeeded * 3,
                )
            )

    await db.write(put)
    rows = await db.read(daily_of_everybody, ["a"], MIDNIGHT - timedelta(days=1))
    assert rows == [
        DayOfModel(date(2026, 3, 1), "a", succeeded=1, failed=0, canceled=0, settled_credits=3),
        DayOfModel(date(2026, 3, 2), "a", succeeded=5, failed=2, canceled=0, settled_credits=15),
    ]


def test_days_are_counted_with_today() -> None:
    now = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    assert first_moment(1, now) == MIDNIGHT
    assert first_moment(7, now) == datetime(2026, 2, 24, tzinfo=UTC)
