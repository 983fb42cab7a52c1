"""What commands and queries on assets promise, on either database."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from vermilion import events, library
from vermilion.db import Database, Tx
from vermilion.events import events_after
from vermilion.kit import NotFound, new_id
from vermilion.library import AssetRow, KeptFile, Wanted
from vermilion.storage import content_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA, BO = uuid4(), uuid4()


def _hash(word: str) -> str:
    return (word.encode().hex() * 64)[:64]


def _kept(word: str = "one", **changes: Any) -> KeptFile:
    facts: dict[str, Any] = {
        "kind": "image",
        "content_type": "image/png",
        "width": 640,
        "height": 480,
        "duration_seconds": None,
        "size_bytes": 1000,
        "sha256": _hash(word),
        "storage_key": content_key(_hash(word)),
        "thumbnail_key": content_key(_hash(f"{word} small")),
        "thumbhash": b"\x01\x02\x03",
    }
    return KeptFile(**{**facts, **changes})


def _upload(tx: Tx, user_id: UUID = ANNA, kept: KeptFile | None = None, role: Literal["mask"] | None = None) -> UUID:
    asset_id = new_id()
    library.add_upload(tx, kept or _kept(), asset_id=asset_id, user_id=user_id, name="a.png", now=NOW, role=role)
    return asset_id


def _make(tx: Tx, generation_id: UUID, position: int, user_id: UUID = ANNA, kept: KeptFile | None = None) -> AssetRow:
    return library.add_asset(
        tx,
        kept or _kept(f"made {position}"),
        asset_id=new_id(),
        user_id=user_id,
        source="made",
        generation_id=generation_id,
        position=position,
        name=None,
        actions=[{"id": "upscale"}],
        now=NOW,
    )


async def test_a_generation_keeps_one_asset_per_place_however_often_it_is_added(db: Database) -> None:
    generation_id = uuid4()
    first = await db.write(_make, generation_id, 0)
    again = await db.write(_make, generation_id, 0)
    await db.write(_make, generation_id, 1)
    assert again.id == first.id
    found = await db.read(library.assets_of_generations, [generation_id, uuid4()])
    assert [row.position for row in found[generation_id]] == [0, 1]
    assert list(found) == [generation_id]


async def test_every_upload_is_answered_with_itself_whoever_else_uploaded_before(db: Database) -> None:
    for user_id in (ANNA, BO, ANNA, BO):
        asset_id = new_id()

        def upload(tx: Tx, user_id: UUID = user_id, asset_id: UUID = asset_id) -> UUID:
            kept = _kept(str(asset_id)[-4:])
            view = library.add_upload(tx, kept, asset_id=asset_id, user_id=user_id, name=None, now=NOW)
            return view.id

        assert await db.write(upload) == asset_id
        (newest, *_) = (await db.read(library.list_assets, user_id, Wanted(), cursor=None, limit=10)).items
        assert newest.id == asset_id


async def test_the_event_of_every_change_is_what_a_question_answers_now(db: Database) -> None:
    asset_id = await db.write(_upload)
    await db.write(library.change_asset, ANNA, asset_id, {"favourite": True, "name": "Red hill"}, NOW)
    (event,) = await db.read(events_after, ANNA, 0)
    row = await db.read(library.require_asset, ANNA, asset_id)
    assert event.name == "asset.changed"
    assert event.data == library.asset_view(row).model_dump(mode="json")
    assert event.data["favourite"] is True
    assert event.data["name"] == "Red hill"
    page = await db.read(library.list_assets, ANNA, Wanted(), cursor=None, limit=10)
    assert page.cursor == event.seq == 2


async def test_taking_a_favourite_back_and_an_empty_change_are_both_fine(db: Database) -> None:
    asset_id = await db.write(_upload)
    await db.write(library.change_asset, ANNA, asset_id, {"favourite": True}, NOW)
    later = await db.write(library.change_asset, ANNA, asset_id, {"favourite": True}, NOW + timedelta(days=1))
    assert later.favourite
    assert (await db.write(library.change_asset, ANNA, asset_id, {}, NOW)).favourite
    view = await db.write(library.change_asset, ANNA, asset_id, {"favourite": False, "name": None}, NOW)
    assert (view.favourite, view.name) == (False, None)


async def test_a_deleted_asset_is_gone_from_every_answer_at_once(db: Database) -> None:
    generation_id = uuid4()
    row = await db.write(_make, generation_id, 0)
    await db.write(library.trash_asset, ANNA, row.id, NOW)
    with pytest.raises(NotFound):
        await db.read(library.require_asset, ANNA, row.id)
    with pytest.raises(NotFound):
        await db.write(library.trash_asset, ANNA, row.id, NOW)
    assert await db.read(library.usable_inputs, ANNA, [row.id]) == {}
    assert await db.read(library.assets_of_generations, [generation_id]) == {}
    assert (await db.read(library.list_assets, ANNA, Wanted(), cursor=None, limit=10)).items == []
    (event,) = await db.read(events_after, ANNA, 0)
    assert (event.name, event.data) == ("asset.deleted", {"id": str(row.id)})


async def test_trashing_a_generation_takes_all_it_made_and_nothing_else(db: Database) -> None:
    mine, other = uuid4(), uuid4()
    for position in range(3):
        await db.write(_make, mine, position)
    kept = await db.write(_make, other, 0)
    await db.write(library.trash_assets_of_generation, mine, NOW)
    page = await db.read(library.list_assets, ANNA, Wanted(), cursor=None, limit=10)
    assert [item.id for item in page.items] == [kept.id]
    names = [event.name for event in await db.read(events_after, ANNA, 0)]
    assert names == ["asset.deleted"] * 3


async def test_another_persons_asset_is_as_absent_as_none(db: Database) -> None:
    asset_id = await db.write(_upload)
    for viewer in (BO, uuid4()):
        with pytest.raises(NotFound):
            await db.read(library.require_asset, viewer, asset_id)
        with pytest.raises(NotFound):
            await db.write(library.change_asset, viewer, asset_id, {"favourite": True}, NOW)
        with pytest.raises(NotFound):
            await db.write(library.trash_asset, viewer, asset_id, NOW)
        assert await db.read(library.usable_inputs, viewer, [asset_id]) == {}
        assert await db.read(library.assets_of, viewer, [asset_id]) == []
        assert (await db.read(library.list_assets, viewer, Wanted(), cursor=None, limit=10)).items == []
    assert list(await db.read(library.usable_inputs, ANNA, [asset_id, uuid4()])) == [asset_id]


async def test_pages_follow_each_other_without_gap_or_repeat_while_new_assets_arrive(db: Database) -> None:
    ids = [await db.write(_upload) for _ in range(7)]
    seen: list[UUID] = []
    cursor = None
    while True:
        page = await db.read(library.list_assets, ANNA, Wanted(), cursor=cursor, limit=3)
        seen += [item.id for item in page.items]
        await db.write(_upload)
        cursor = page.next
        if cursor is None:
            break
    assert seen == ids[::-1]


async def test_filters_narrow_the_list(db: Database) -> None:
    made = await db.write(_make, uuid4(), 0)
    sound = _kept(
        "song",
        kind="audio",
        content_type="audio/mpeg",
        width=None,
        height=None,
        duration_seconds=2.5,
        thumbnail_key=None,
        thumbhash=None,
    )
    song = await db.write(_upload, ANNA, sound)
    await db.write(library.change_asset, ANNA, song, {"favourite": True}, NOW)

    async def found(wanted: Wanted) -> list[UUID]:
        page = await db.read(library.list_assets, ANNA, wanted, cursor=None, limit=10)
        return [item.id for item in page.items]

    assert await found(Wanted()) == [song, made.id]
    assert await found(Wanted(source="made")) == [made.id]
    assert await found(Wanted(kind="audio")) == [song]
    assert await found(Wanted(kind="video")) == []
    assert await found(Wanted(favourite=True)) == [song]
    assert await found(Wanted(favourite=False)) == [made.id]


async def test_files_are_given_up_only_when_nothing_refers_to_them_any_more(db: Database) -> None:
    shared, alone = _kept("shared"), _kept("alone")
    # Somebody uploaded what is the thumbnail of another's picture.
    thumbnail_as_file = _kept("copy", storage_key=alone.thumbnail_key, sha256=_hash("alone small"))
    first = await db.write(_upload, ANNA, shared)
    await db.write(_upload, BO, shared)
    second = await db.write(_upload, ANNA, alone)
    await db.write(_upload, BO, thumbnail_as_file)
    await db.write(library.note_small_thumbnail, second, content_key(_hash("tiny")))
    for asset_id in (first, second):
        await db.write(library.trash_asset, ANNA, asset_id, NOW)
    assert await db.write(library.purge_deleted, NOW, NOW) == []
    free = await db.write(library.purge_deleted, NOW + timedelta(seconds=1), NOW)
    assert free == sorted([alone.storage_key, content_key(_hash("tiny"))])
    assert await db.write(library.purge_deleted, NOW + timedelta(days=9), NOW) == []
    assert len(await db.read(lambda tx: tx.scalars(select(AssetRow)).all())) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "poem"},
        {"size_bytes": 0},
        {"width": 0},
        {"width": None},
        {"thumbnail_key": None},
        {"duration_seconds": 3.0},
        {"sha256": "short"},
    ],
)
async def test_wrong_rows_cannot_be_stored(db: Database, changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        await db.write(_upload, ANNA, _kept(**changes))


async def test_an_asset_without_its_generation_cannot_be_called_made(db: Database) -> None:
    def wrong(tx: Tx) -> None:
        library.add_asset(
            tx,
            _kept(),
            asset_id=new_id(),
            user_id=ANNA,
            source="made",
            generation_id=None,
            position=None,
            name=None,
            actions=[],
            now=NOW,
        )

    with pytest.raises(IntegrityError):
        await db.write(wrong)
    assert await db.read(events.position, ANNA) == 0


async def test_a_mask_is_kept_and_shown_in_no_list(db: Database) -> None:
    picture = await db.write(_upload)
    mask = await db.write(_upload, ANNA, None, "mask")
    for wanted in (Wanted(), Wanted(source="uploaded"), Wanted(kind="image"), Wanted(favourite=False)):
        page = await db.read(library.list_assets, ANNA, wanted, cursor=None, limit=10)
        assert [asset.id for asset in page.items] == [picture]
    numbered, total = await db.read(library.numbered_assets, ANNA, Wanted(), page=1, limit=10)
    assert ([asset.id for asset in numbered], total) == ([picture], 1)
    kept = await db.read(library.require_asset, ANNA, mask)
    assert library.asset_view(kept).role == "mask"


async def test_no_other_role_can_be_stored(db: Database) -> None:
    asset_id = await db.write(_upload)
    with pytest.raises(IntegrityError):
        await db.write(lambda tx: tx.execute(update(AssetRow).where(AssetRow.id == asset_id).values(role="frame")))
