"""How a model does: what is counted as it ends, and that asking stays cheap however much there is."""

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, insert, text

from tests.conftest import DATABASE
from tests.pipeline.harness import PRICE_EACH, Status, Studio
from vermilion.db import Database, Tx
from vermilion.generation.metrics import DURATIONS_MEASURED, Days, ModelMetricsView, model_metrics, percentile
from vermilion.generation.tables import EntrySnapshotRow, GenerationRow, ModelHourRow
from vermilion.generation.tally import TALLIES_KEPT, forget_tallies, hour_of
from vermilion.providers import Blocked, Broke, Rejected

NOW = datetime(2026, 3, 1, 12, 40, tzinfo=UTC)


def metrics_of(studio: Studio, days: Days = Days.WEEK) -> dict[str, ModelMetricsView]:
    return {each.model: each for each in studio.ask(model_metrics, days, studio.clock.now()).items}


async def test_each_end_is_counted_for_what_it_was(studio: Studio) -> None:
    life = await studio.open()
    assert metrics_of(studio) == {}
    await life.request(pictures=2)
    await studio.to_the_end()
    for refusal in (Blocked("No."), Rejected("Not like this.")):
        studio.vendor.submits = deque([refusal])
        await life.request()
        await studio.to_the_end()
    studio.vendor.submits = deque([Broke("It fell over.", again=False)])
    await life.request()
    await studio.to_the_end()
    study = metrics_of(studio)["study"]
    assert (study.ended, study.succeeded, study.failed, study.refused, study.canceled) == (4, 1, 1, 2, 0)
    assert study.success_rate == 0.5, "what the request itself could not get past is no failure of the model"
    assert study.settled_credits == 2 * PRICE_EACH


async def test_durations_run_from_acceptance_to_the_stored_result(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    await studio.to_the_end()
    row = studio.row(made)
    assert row.submitted_at and row.finished_at
    seconds = (row.finished_at - row.submitted_at).total_seconds()
    study = metrics_of(studio)["study"]
    assert seconds > 0
    assert (study.p50_seconds, study.p95_seconds) == (seconds, seconds)


async def test_a_cancel_counts_for_nobody(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    studio.change_credentials(enabled=False)
    await studio.idle()
    await life.cancel(made)
    await studio.to_the_end()
    study = metrics_of(studio)["study"]
    assert (study.canceled, study.success_rate, study.p50_seconds) == (1, None, None)


async def test_a_retry_is_another_end(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([Broke("It fell over.", again=False)])
    made = await life.request()
    await studio.to_the_end()
    await life.retry(made)
    await studio.to_the_end()
    assert studio.row(made).status == Status.SUCCEEDED
    study = metrics_of(studio)["study"]
    assert (study.ended, study.failed, study.succeeded) == (2, 1, 1)


async def test_the_window_ends_what_is_counted(studio: Studio) -> None:
    life = await studio.open()
    await life.request()
    await studio.to_the_end()
    await studio.pass_time(2 * 24 * 3600)
    assert metrics_of(studio, Days.DAY) == {}
    assert metrics_of(studio, Days.WEEK)["study"].succeeded == 1
    studio.tell(forget_tallies, studio.clock.now() - TALLIES_KEPT)
    assert metrics_of(studio, Days.WEEK)["study"].succeeded == 1
    studio.tell(forget_tallies, studio.clock.now())
    assert metrics_of(studio, Days.WEEK) == {}


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, None),
        ([4.0], 50, 4.0),
        ([4.0], 95, 4.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        (list(range(1, 101)), 95, 95),
        (list(range(1, 102)), 95, 96),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], percent: int, expected: float | None) -> None:
    assert percentile(values, percent) == expected


def row_values(model: str, finished_at: datetime, seconds: float, status: str = "succeeded") -> dict[str, Any]:
    begun = finished_at - timedelta(seconds=seconds)
    return {
        "id": uuid4(),
        "user_id": uuid4(),
        "request_digest": "0",
        "model": model,
        "provider": "atelier",
        "kind": "image",
        "prompt": "a study",
        "params": {},
        "inputs": [],
        "entry_digest": "0",
        "parent_id": None,
        "price_credits": 3,
        "settled_credits": 3 if status == "succeeded" else None,
        "expected_outputs": 1,
        "hold_id": uuid4(),
        "status": status,
        "version": 5,
        "priority": 0,
        "attempt": 1,
        "run_started_attempt": 0,
        "failure": None,
        "line_until": finished_at,
        "deadline_at": finished_at,
        "created_at": begun,
        "submitted_at": begun,
        "finished_at": finished_at,
    }


def test_a_model_of_many_is_measured_by_its_newest(db: Database) -> None:
    def furnish(tx: Tx) -> None:
        tx.execute(insert(EntrySnapshotRow).values(digest="0", entry={}))
        older = [row_values("study", NOW - timedelta(hours=3), 900.0) for _ in range(40)]
        newer = [row_values("study", NOW - timedelta(minutes=1), 8.0) for _ in range(DURATIONS_MEASURED)]
        tx.execute(insert(GenerationRow), older + newer)
        counts = {"failed": 0, "refused": 0, "canceled": 0, "settled_credits": 9}
        tx.execute(insert(ModelHourRow).values(hour=hour_of(NOW), model="study", succeeded=540, **counts))

    db.write_now(furnish)
    (study,) = db.read_now(model_metrics, Days.WEEK, NOW).items
    assert (study.succeeded, study.p50_seconds, study.p95_seconds) == (540, 8.0, 8.0)


def test_durations_are_read_from_the_index_that_is_made_for_them(db: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def ask_and_explain(tx: Tx) -> str:
        connection = tx.connection()
        counts = {"failed": 0, "refused": 0, "canceled": 0, "settled_credits": 9}
        tx.execute(insert(ModelHourRow).values(hour=hour_of(NOW), model="study", succeeded=1, **counts))

        @event.listens_for(connection, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            asked.append((statement, parameters))

        model_metrics(tx, Days.WEEK, NOW)
        statement, parameters = next(each for each in asked if "submitted_at" in each[0])
        if DATABASE == "postgresql":
            # An empty table would rather be read whole.
            tx.execute(text("set local enable_seqscan = off"))
        explain = "explain query plan " if DATABASE == "sqlite" else "explain "
        return " ".join(map(str, connection.exec_driver_sql(explain + statement, parameters)))

    assert "ix_generation_succeeded" in db.write_now(ask_and_explain)
