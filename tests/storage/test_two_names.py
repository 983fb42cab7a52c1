"""One bucket under two addresses: no file is ever deleted as its own leftover."""

import pytest

from tests.clouds import Cloud
from tests.storage.housed import Housed
from tests.storage.housed import cloud as cloud  # noqa: PLC0414 - a fixture
from tests.storage.housed import house as house  # noqa: PLC0414 - a fixture
from tests.storage.test_places import CONTENTS, copies, keep, long_ago, read, wanted
from vermilion.kit import SystemClock
from vermilion.storage import FOLDER, StorageFailed, placing


async def test_a_move_between_two_names_of_one_bucket_deletes_nothing(house: Housed, cloud: Cloud) -> None:
    one = await house.add_place(cloud, "cos")
    keys = [await keep(house, content) for content in CONTENTS]
    two = await house.add_place(cloud, "s3")
    for key, content in zip(keys, CONTENTS, strict=True):
        await house.places.move(key, two, wanted)
        assert copies(house, key) == {two: False} and await read(house, key) == content
    await house.places.move(keys[0], one, wanted)
    assert copies(house, keys[0]) == {one: False} and await read(house, keys[0]) == CONTENTS[0]
    # Nothing is left of finding that out.
    assert list(house.spool.iterdir()) == []
    await house.places.move(keys[0], FOLDER, wanted)
    assert not await cloud.open("cos").exists(keys[0]) and await read(house, keys[0]) == CONTENTS[0]


async def test_a_copy_noted_as_leftover_under_the_other_name_is_not_deleted(house: Housed, cloud: Cloud) -> None:
    one = await house.add_place(cloud, "cos")
    key = await keep(house, CONTENTS[0])
    two = await house.add_place(cloud, "s3")
    # Somebody was putting the same content there while the other name still received.
    assert await house.db.write(placing.note_put, key, two, len(CONTENTS[0]), SystemClock().now())
    assert copies(house, key) == {one: False, two: True}
    await house.db.write(long_ago)
    assert await house.places.finish_deletions(wanted) == 1
    assert copies(house, key) == {one: False} and await read(house, key) == CONTENTS[0]


async def test_nothing_is_deleted_while_it_cannot_be_told_whether_two_places_are_one(
    house: Housed, cloud: Cloud
) -> None:
    one = await house.add_place(cloud, "cos")
    key = await keep(house, CONTENTS[0])
    two = await house.add_place(cloud, "s3")
    assert await house.db.write(placing.note_put, key, two, len(CONTENTS[0]), SystemClock().now())
    await house.db.write(long_ago)
    await cloud.arm("error-503", at="upload", count=50)
    assert await house.places.finish_deletions(wanted) == 0
    await cloud.disarm()
    assert copies(house, key) == {one: False, two: True} and await read(house, key) == CONTENTS[0]


async def test_nothing_is_put_under_one_name_while_it_is_being_deleted_under_the_other(
    house: Housed, cloud: Cloud
) -> None:
    one = await house.add_place(cloud, "cos")
    key = await keep(house, CONTENTS[0])
    await house.add_place(cloud, "s3")
    now = SystemClock().now()
    assert await house.db.write(placing.begin_deletion, key, now, now)
    with pytest.raises(StorageFailed, match="being deleted"):
        await keep(house, CONTENTS[0])
    assert copies(house, key) == {one: True}
