"""Asking twice is asking once, whatever happened in between."""

import pytest

from tests.pipeline.harness import Studio
from vermilion.catalog import Shelf
from vermilion.generation import Wanted
from vermilion.kit import AppError, new_id


async def test_a_request_repeated_after_its_model_went_away_gets_the_first_answer(studio: Studio) -> None:
    life = await studio.open()
    wanted = Wanted(new_id(), "study", "a heron", {"num_images": 1})
    made = await life.request_as(wanted)
    balance = studio.balance()
    studio.shelf = Shelf([], [])
    assert await life.request_as(wanted) == made
    assert studio.balance() == balance
    with pytest.raises(AppError) as other_body:
        await life.request_as(Wanted(wanted.id, "study", "another heron"))
    assert other_body.value.code == "generation.id_reused"
    with pytest.raises(AppError) as new:
        await life.request_as(Wanted(new_id(), "study", "a heron"))
    assert new.value.status == 404
