"""The seeded simulation: `VERMILION_SIMULATION_SEEDS=5000` runs that many, `=17-17` a single one again."""

import os
from collections.abc import Callable

import pytest

from tests.conftest import DATABASE
from tests.pipeline.harness import Studio
from tests.pipeline.simulation import Simulation

GROUPS = 10


def _seeds() -> list[int]:
    asked = os.environ.get("VERMILION_SIMULATION_SEEDS", "150" if DATABASE == "sqlite" else "20")
    first, _, last = asked.rpartition("-")
    return list(range(int(first or 0), int(last) + 1 if first else int(last)))


@pytest.mark.timeout(0 if "VERMILION_SIMULATION_SEEDS" in os.environ else 180)
@pytest.mark.parametrize("group", range(GROUPS))
async def test_whatever_happens_nothing_is_lost_and_nothing_paid_twice(
    group: int, new_studio: Callable[[], Studio]
) -> None:
    for seed in _seeds()[group::GROUPS]:
        simulation = Simulation(new_studio(), seed)
        try:
            await simulation.run()
        except BaseException as error:
            error.add_note(f"VERMILION_SIMULATION_SEEDS={seed}-{seed}; the story: {' '.join(simulation.story)}")
            raise
        finally:
            await simulation.studio.close()
