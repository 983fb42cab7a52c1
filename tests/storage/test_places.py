"""Files in several places at once: always readable, moved without a gap, and never lost wherever that is stopped."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.clouds import SECRET_KEY, Cloud
from tests.storage.housed import Housed, housed
from tests.storage.housed import cloud as cloud  # noqa: PLC0414 - a fixture
from tests.storage.housed import house as house  # noqa: PLC0414 - a fixture
from vermilion.db import Database, Tx
from vermilion.kit import SystemClock
from vermilion.storage import FOLDER, FileMissing, PlacedFileRow, StorageFailed, content_key, placing

CONTENTS = tuple(bytes([n]) * (1000 + n) for n in range(3))
KEYS = tuple(content_key(hashlib.sha256(content).hexdigest()) for content in CONTENTS)


def wanted(_tx: Tx, _key: str) -> bool:
    return True


def unwanted(_tx: Tx, _key: str) -> bool:
    return False


def spooled(house: Housed, content: bytes) -> Path:
    path = house.spool / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return path


async def keep(house: Housed, content: bytes) -> str:
    path = spooled(house, content)
    key = content_key(path.name)
    await house.places.put(path, key)
    return key


async def read(house: Housed, key: str) -> bytes:
    return b"".join([piece async for piece in await house.places.open(key)])


def copies(house: Housed, key: str) -> dict[UUID, bool]:
    """Where rows say that copies are; whether each is leaving."""

    def ask(tx: Tx) -> dict[UUID, bool]:
        rows = tx.execute(select(PlacedFileRow.place_id, PlacedFileRow.leaving).where(PlacedFileRow.key == key))
        return {row.place_id: row.leaving for row in rows}

    return house.db.read_now(ask)


def long_ago(tx: Tx) -> None:
    """Have every deletion that was begun be one that somebody broke off."""
    for row in tx.scalars(select(PlacedFileRow).where(PlacedFileRow.leaving)):
        row.touched_at -= timedelta(hours=1)


async def test_a_mixed_state_reads_from_wherever_each_file_lies(house: Housed, cloud: Cloud) -> None:
    first = await keep(house, CONTENTS[0])
    one = await house.add_place(cloud, "cos", "one")
    second = await keep(house, CONTENTS[1])
    two = await house.add_place(cloud, "s3", "two")
    third = await keep(house, CONTENTS[2])
    await house.receive_in(FOLDER)
    assert [await read(house, key) for key in (first, second, third)] == list(CONTENTS)
    assert (copies(house, first), copies(house, second), copies(house, third)) == ({}, {one: False}, {two: False})
    # What lies somewhere is kept there and not sent a second time.
    for content in CONTENTS:
        await keep(house, content)
    assert copies(house, second) == {one: False} and not house.folder.local_path(second).exists()


async def test_a_file_moves_from_place_to_place_and_leaves_nothing_behind(house: Housed, cloud: Cloud) -> None:
    key = await keep(house, CONTENTS[0])
    one, two = await house.add_place(cloud, "cos", "one"), await house.add_place(cloud, "s3", "two")
    await house.places.move(key, one, wanted)
    assert copies(house, key) == {one: False} and not house.folder.local_path(key).exists()
    await house.places.move(key, two, wanted)
    assert copies(house, key) == {two: False} and not await cloud.open("cos", "one").exists(key)
    assert await read(house, key) == CONTENTS[0]
    await house.places.move(key, FOLDER, wanted)
    assert copies(house, key) == {} and not await cloud.open("s3", "two").exists(key)
    assert await read(house, key) == CONTENTS[0]
    assert list(house.spool.iterdir()) == []


async def test_what_nobody_wants_any_more_is_not_moved(house: Housed, cloud: Cloud) -> None:
    key = await keep(house, CONTENTS[0])
    one = await house.add_place(cloud)
    await house.places.move(key, one, unwanted)
    assert copies(house, key) == {} and not await cloud.open("s3").exists(key)
    assert await read(house, key) == CONTENTS[0]


async def test_a_file_whose_old_copy_is_still_leaving_there_is_not_said_to_be_moved(
    house: Housed, cloud: Cloud
) -> None:
    key = await keep(house, CONTENTS[0])
    one = await house.add_place(cloud)
    now = SystemClock().now()
    # Stopped between the switch and the deletion in the folder.
    await cloud.open("s3").put(spooled(house, CONTENTS[0]), key)
    args = (key, FOLDER, one, len(CONTENTS[0]), wanted, now, now)
    assert await house.db.write(placing.switch_place, *args) == placing.Leaving(key, FOLDER)
    with pytest.raises(StorageFailed, match="being deleted") as refused:
        await house.places.move(key, FOLDER, wanted)
    assert refused.value.again is True
    # Also where that began only while the file was being copied.
    with pytest.raises(StorageFailed, match="somebody else"):
        await house.db.write(placing.switch_place, key, one, FOLDER, len(CONTENTS[0]), wanted, now, now)
    await house.db.write(long_ago)
    assert await house.places.finish_deletions(wanted) == 1
    await house.places.move(key, FOLDER, wanted)
    assert copies(house, key) == {} and await read(house, key) == CONTENTS[0]


async def test_a_damaged_file_is_not_moved_and_says_so(house: Housed, cloud: Cloud) -> None:
    key = await keep(house, CONTENTS[0])
    one = await house.add_place(cloud)
    house.folder.local_path(key).write_bytes(b"damaged")
    with pytest.raises(StorageFailed) as failed:
        await house.places.move(key, one, wanted)
    assert failed.value.reason == "damaged"
    assert copies(house, key) == {} and house.folder.local_path(key).exists()


async def test_a_reader_who_began_before_a_move_reads_to_the_end(house: Housed, cloud: Cloud) -> None:
    content = os.urandom(1_000_000)
    key = await keep(house, content)
    one = await house.add_place(cloud)
    waiting = await house.places.open(key)
    reading = await house.places.open(key)
    first = await anext(reading)
    await house.places.move(key, one, wanted)
    assert b"".join([first, *[piece async for piece in reading]]) == content
    assert b"".join([piece async for piece in waiting]) == content


async def test_files_are_found_after_the_database_of_before_a_move_was_restored(house: Housed, cloud: Cloud) -> None:
    key = await keep(house, CONTENTS[0])
    one = await house.add_place(cloud)
    await house.places.move(key, one, wanted)

    def as_before(tx: Tx) -> None:
        for row in tx.scalars(select(PlacedFileRow)):
            tx.delete(row)

    await house.db.write(as_before)
    assert await read(house, key) == CONTENTS[0]
    assert await house.places.exists(key)


async def test_what_is_deleted_while_the_cloud_is_away_is_deleted_later(house: Housed, cloud: Cloud) -> None:
    one = await house.add_place(cloud)
    key = await keep(house, CONTENTS[0])
    await cloud.arm("error-503", at="cancel", count=50)
    assert await house.places.delete(key) is False
    assert copies(house, key) == {one: True}
    with pytest.raises(StorageFailed, match="being deleted") as refused:
        await keep(house, CONTENTS[0])
    assert refused.value.again is True
    await cloud.disarm()
    assert await house.places.finish_deletions(unwanted) == 0, "somebody may still be at it"

    await house.db.write(long_ago)
    assert await house.places.finish_deletions(unwanted) == 1
    assert copies(house, key) == {} and not await cloud.open("s3").exists(key)
    assert await keep(house, CONTENTS[0]) == key
    assert await read(house, key) == CONTENTS[0]


async def test_an_object_that_vanished_or_was_damaged_is_sent_again(house: Housed, cloud: Cloud) -> None:
    await house.add_place(cloud)
    key = await keep(house, CONTENTS[0])
    await cloud.reset()
    with pytest.raises(FileMissing):
        await read(house, key)
    await keep(house, CONTENTS[0])
    assert await read(house, key) == CONTENTS[0]


async def test_a_login_the_key_file_does_not_open_is_said(house: Housed, cloud: Cloud, tmp_path: Path) -> None:
    await house.add_place(cloud)
    key = await keep(house, CONTENTS[0])
    (tmp_path / "secret.key").unlink()
    async with housed(house.db, tmp_path) as other:
        with pytest.raises(StorageFailed, match="enter it again") as failed:
            await read(other, key)
    assert failed.value.reason == "sealed"


async def test_saving_the_settings_again_cuts_nobody_off(house: Housed, cloud: Cloud) -> None:
    one = await house.add_place(cloud)
    content = os.urandom(5 * 2**20)
    key = await keep(house, content)
    before = await house.places._cloud(one)
    await house.sign_in(one, "another-key-not-secret")
    await house.sign_in(one, SECRET_KEY)
    assert await house.places._cloud(one) is before, "the same login, sealed again"
    reading = await house.places.open(key)
    pieces = [await anext(reading)]
    await house.sign_in(one, "another-key-not-secret")
    with pytest.raises(StorageFailed) as failed:
        await read(house, key)
    assert failed.value.reason == "denied"
    pieces += [piece async for piece in reading]
    assert b"".join(pieces) == content, "who began with the login of before reads to the end"


async def test_what_was_begun_ends_and_what_comes_after_closing_can_be_tried_again(house: Housed, cloud: Cloud) -> None:
    await house.add_place(cloud)
    key = await keep(house, CONTENTS[0])
    opened = cloud.open("s3")
    asked = [asyncio.create_task(opened.size(key)) for _ in range(40)]
    await asyncio.sleep(0)
    opened.close()
    assert await asyncio.gather(*asked) == [len(CONTENTS[0])] * 40
    with pytest.raises(StorageFailed, match="closed") as failed:
        await opened.size(key)
    assert failed.value.again is True


class Died(BaseException):
    """The process is gone: nothing of it runs after this."""


class Fuse:
    """Ends a life at its `blows_at`-th touch of the world, before or after it took effect."""

    def __init__(self, blows_at: int) -> None:
        self.blows_at = blows_at
        self.points = 0

    def before_and_after(self, work: Callable[..., Any]) -> Callable[..., Any]:
        async def fused(*args: Any, **kwargs: Any) -> Any:
            self._point()
            value = await work(*args, **kwargs)
            self._point()
            return value

        return fused

    def _point(self) -> None:
        self.points += 1
        if self.points == self.blows_at:
            raise Died


def _wire(fuse: Fuse, house: Housed) -> Iterator[tuple[Any, str]]:
    yield house.places._db, "write"
    for place in (house.folder, *house.places._clouds.opened()):
        yield place, "put"
        yield place, "delete"


@pytest.mark.parametrize("way", ["into a cloud", "from cloud to cloud", "home"])
async def test_a_crash_at_any_point_of_a_move_loses_nothing(
    db: Database, tmp_path: Path, cloud: Cloud, way: str
) -> None:
    point = 0
    while True:
        point += 1
        content = os.urandom(500)
        async with housed(db, tmp_path) as house:
            one = await house.add_place(cloud, "cos", f"one{point}")
            two = await house.add_place(cloud, "s3", f"two{point}")
            await house.receive_in(FOLDER if way == "into a cloud" else one)
            key = await keep(house, content)
            target = {"into a cloud": one, "from cloud to cloud": two, "home": FOLDER}[way]
            await house.places._cloud(one)
            await house.places._cloud(two)
            fuse = Fuse(point)
            with pytest.MonkeyPatch.context() as patch:
                for owner, name in _wire(fuse, house):
                    patch.setattr(owner, name, fuse.before_and_after(getattr(owner, name)))
                try:
                    await house.places.move(key, target, wanted)
                except Died:
                    died = True
                else:
                    died = False
            await asyncio.sleep(0)
        async with housed(db, tmp_path) as house:
            assert await read(house, key) == content, f"unreadable after point {point}"
            await house.places.move(key, target, wanted)
            assert await read(house, key) == content
            await db.write(long_ago)
            await house.places.finish_deletions(wanted)
            there = {one: cloud.open("cos", f"one{point}"), two: cloud.open("s3", f"two{point}")}
            found = {place for place, storage in there.items() if await storage.exists(key)}
            found |= {FOLDER} if house.folder.local_path(key).exists() else set()
            assert found == {target}, f"after point {point}"
            for storage in there.values():
                storage.close()
        if not died:
            break
    assert point > 8
