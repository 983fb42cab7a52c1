"""What a waiting generation costs: while its driver sleeps for long, its row lies in the database and nowhere else."""

import gc
from uuid import UUID

from tests.pipeline.harness import Status, Studio
from vermilion.generation.tables import AttemptRow, GenerationRow


async def test_a_driver_that_sleeps_for_long_holds_no_rows(studio: Studio) -> None:
    studio.vendor.job_seconds = lambda: 500.0
    life = await studio.open()
    made = [await life.request() for _ in range(3)]
    for each in made:
        await studio.until_status(each, Status.RUNNING)
    # By then the questions are far apart.
    await studio.pass_time(120)
    assert _rows_in_memory(set(made)) == []
    await studio.to_the_end()
    assert {studio.row(each).status for each in made} == {Status.SUCCEEDED}


async def test_rows_taken_up_again_are_read_together(studio: Studio) -> None:
    studio.vendor.job_seconds = lambda: 500.0
    life = await studio.open(credits_each=10_000)
    studio.change_credentials(max_concurrent=100)
    made = [await life.request() for _ in range(40)]
    for each in made:
        await studio.until_status(each, Status.RUNNING)
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


def _rows_in_memory(of: set[UUID]) -> list[object]:
    gc.collect()
    rows = [each for each in gc.get_objects() if isinstance(each, GenerationRow | AttemptRow)]
    # What other tests left behind is theirs; of a row that expired nothing is asked, for it would have to be read.
    return [each for each in rows if {each.__dict__.get("id"), each.__dict__.get("generation_id")} & of]
