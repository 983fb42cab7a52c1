"""What a waiting generation costs: while its driver sleeps for long, its row lies in the database and nowhere else."""

import gc
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from tests.conftest import DATABASE
from tests.pipeline.harness import Status, Studio
from vermilion.db import Tx
from vermilion.generation.tables import AttemptRow, EntrySnapshotRow, GenerationRow


async def test_a_driver_that_sleeps_for_long_holds_no_rows(studio: Studio) -> None:
    made = await _running(studio, 3, job_seconds=500)
    # By then the questions are far apart.
    await studio.pass_time(120)
    assert _rows_in_memory(set(made)) == []
    await studio.to_the_end()
    assert {studio.row(each).status for each in made} == {Status.SUCCEEDED}


async def test_rows_taken_up_again_are_read_together(studio: Studio) -> None:
    made = await _running(studio, 40, job_seconds=500)
    reads = 0

    async def count(_life: object, point: str) -> None:
        nonlocal reads
        reads += point == "read"

    studio.on_point = count
    await studio.crash()
    await studio.idle()
    studio.on_point = None
    assert studio.life.engine.driven == len(made)
    # Which rows there are; the rows; their credential, whoever asks for it meanwhile; how long such jobs take.
    assert reads < len(made) / 2
    await studio.to_the_end()


def _with_a_declaration_of_another_kind(tx: Tx, generation_id: UUID) -> None:
    tx.add(EntrySnapshotRow(digest="f" * 64, entry={"id": "study"}))
    tx.flush()
    tx.execute(update(GenerationRow).where(GenerationRow.id == generation_id).values(entry_digest="f" * 64))


def _without_its_attempt(tx: Tx, generation_id: UUID) -> None:
    tx.execute(update(GenerationRow).where(GenerationRow.id == generation_id).values(attempt=9))


def _with_half_a_document(tx: Tx, generation_id: UUID) -> None:
    tx.execute(text("update generation set params = '{' where id = :id"), {"id": generation_id.hex})


@pytest.mark.parametrize(
    "spoil",
    [
        _with_a_declaration_of_another_kind,
        _without_its_attempt,
        pytest.param(
            _with_half_a_document,
            marks=pytest.mark.skipif(DATABASE != "sqlite", reason="PostgreSQL keeps whole documents only"),
        ),
    ],
)
async def test_a_row_that_does_not_read_takes_no_other_down_with_it(
    studio: Studio, spoil: Callable[[Tx, UUID], None]
) -> None:
    made = await _running(studio, 30, job_seconds=40)
    whole = studio.row(made[0])
    studio.tell(spoil, made[0])
    with capture_logs() as logs:
        await studio.crash()
        await studio.pass_time(30)
    assert {entry.get("row_id") for entry in logs if entry["event"] == "engine.driver_failed"} == {str(made[0])}
    studio.tell(_as_it_was, whole)
    await studio.to_the_end()
    assert {studio.row(each).status for each in made} == {Status.SUCCEEDED}


async def _running(studio: Studio, count: int, *, job_seconds: float) -> list[UUID]:
    """So many generations, all of them running at the vendor."""
    studio.vendor.job_seconds = lambda: job_seconds
    life = await studio.open(credits_each=10_000)
    studio.change_credentials(max_concurrent=100)
    made = [await life.request() for _ in range(count)]
    for each in made:
        await studio.until_status(each, Status.RUNNING)
    return made


def _as_it_was(tx: Tx, whole: GenerationRow) -> None:
    values = {"entry_digest": whole.entry_digest, "attempt": whole.attempt, "params": whole.params}
    tx.execute(update(GenerationRow).where(GenerationRow.id == whole.id).values(**values))


def _rows_in_memory(of: set[UUID]) -> list[object]:
    gc.collect()
    rows = [each for each in gc.get_objects() if isinstance(each, GenerationRow | AttemptRow)]
    # What other tests left behind is theirs; of a row that expired nothing is asked, for it would have to be read.
    return [each for each in rows if {each.__dict__.get("id"), each.__dict__.get("generation_id")} & of]
