"""Which places there are is never remembered from before it changed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import cloud_here
from tests.storage.housed import housed
from vermilion.db import Database
from vermilion.storage import placing


async def test_a_place_added_during_the_first_look_is_known(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, go_on = asyncio.Event(), asyncio.Event()
    read = db.read

    async def slow(question: Any, *args: Any) -> Any:
        answer = await read(question, *args)
        if question is placing.list_places:
            looked.set()
            await go_on.wait()
        return answer

    async with cloud_here() as cloud, housed(db, tmp_path) as house:
        monkeypatch.setattr(db, "read", slow)
        looking = asyncio.create_task(house.places._places())
        await looked.wait()
        one = await house.add_place(cloud)
        # On PostgreSQL word of it comes by another connection.
        for _ in range(200):
            if house.places._clouds._changes > 1:
                break
            await asyncio.sleep(0.02)
        go_on.set()
        await looking
        known = await house.places._places()
        assert known.receiving == one and list(known.clouds) == [one]
