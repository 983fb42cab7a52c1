"""Files nobody has any more leave the clouds; none that somebody has does, however late it is deleted."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select

from tests.clouds import Cloud
from tests.storage.housed import Housed, housed
from tests.storage.housed import cloud as cloud  # noqa: PLC0414 - a fixture
from tests.storage.housed import house as house  # noqa: PLC0414 - a fixture
from tests.storage.test_places import copies, keep, read
from vermilion import library
from vermilion.db import Tx
from vermilion.kit import SystemClock, new_id
from vermilion.library import KeptFile
from vermilion.storage import FOLDER, PlacedFileRow

CONTENT = b"a picture that somebody has again"
ANNA = uuid4()


async def upload(house: Housed, key: str) -> UUID:
    """The row of an upload whose file was kept."""
    kept = KeptFile("image", "image/png", 1, 1, None, len(CONTENT), key[-64:], key, key, b"\x01")
    now = SystemClock().now()

    def add(tx: Tx) -> UUID:
        asset_id = new_id()
        library.add_upload(tx, kept, asset_id=asset_id, user_id=ANNA, name="a.png", now=now)
        return asset_id

    return await house.db.write(add)


async def trashed(house: Housed) -> str:
    """A file whose asset somebody deleted, and which nobody touched for long."""
    key = await keep(house, CONTENT)
    asset_id = await upload(house, key)
    await house.db.write(library.trash_asset, ANNA, asset_id, SystemClock().now())
    await house.db.write(untouched_for_long)
    path = house.folder.local_path(key)
    if path.exists():
        os.utime(path, (0, 0))
    return key


def untouched_for_long(tx: Tx) -> None:
    for row in tx.scalars(select(PlacedFileRow)):
        row.touched_at -= timedelta(hours=2)


async def purge(house: Housed) -> list[str]:
    now = SystemClock().now()
    return await house.db.write(library.purge_deleted, now + timedelta(seconds=1), now)


async def test_what_the_trash_gives_up_is_deleted_in_its_cloud_and_in_the_folder(house: Housed, cloud: Cloud) -> None:
    for place_id in (await house.add_place(cloud), FOLDER):
        await house.receive_in(place_id)
        key = await trashed(house)
        assert house.folder.local_path(key).exists() is (place_id == FOLDER)
        now = SystemClock().now()
        await library.purge_files(house.db, house.places, now + timedelta(seconds=1), now)
        assert copies(house, key) == {} and not await house.places.exists(key)
        assert not await cloud.open("s3").exists(key)


async def test_a_file_kept_again_before_its_turn_stays(house: Housed, cloud: Cloud) -> None:
    one = await house.add_place(cloud)
    key = await trashed(house)
    assert await purge(house) == [] and copies(house, key) == {one: True}
    # Its bytes were kept before that, and the row is written only now.
    await upload(house, key)
    assert await house.places.finish_deletions(library.is_wanted) == 0
    assert copies(house, key) == {one: False} and await read(house, key) == CONTENT


async def test_a_file_kept_again_just_now_is_not_even_to_leave(house: Housed, cloud: Cloud) -> None:
    one = await house.add_place(cloud)
    key = await trashed(house)
    await keep(house, CONTENT)
    assert await purge(house) == []
    assert copies(house, key) == {one: False} and await read(house, key) == CONTENT


async def test_a_stop_forgets_no_deletion(house: Housed, cloud: Cloud, tmp_path: Path) -> None:
    await house.add_place(cloud)
    key = await trashed(house)
    assert await purge(house) == []
    async with housed(house.db, tmp_path) as next_life:
        assert await next_life.places.finish_deletions(library.is_wanted) == 1
        assert copies(next_life, key) == {} and not await cloud.open("s3").exists(key)


async def test_an_old_copy_is_deleted_although_somebody_has_the_file(house: Housed, cloud: Cloud) -> None:
    one, two = await house.add_place(cloud, "s3", "one"), await house.add_place(cloud, "s3", "two")
    key = await keep(house, CONTENT)
    await upload(house, key)
    await cloud.arm("error-503", at="cancel", count=50)
    await house.places.move(key, one, library.is_wanted)
    await cloud.disarm()
    assert copies(house, key) == {one: False, two: True}
    await house.db.write(untouched_for_long)
    assert await house.places.finish_deletions(library.is_wanted) == 1
    assert copies(house, key) == {one: False} and await read(house, key) == CONTENT
