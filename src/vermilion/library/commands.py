"""What can be done with assets. Each command runs in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update

from vermilion import events
from vermilion.db import PerDialect, Tx
from vermilion.library.keeper import KeptFile
from vermilion.library.queries import require_asset
from vermilion.library.tables import AssetRow
from vermilion.library.views import AssetView, Role, Source, asset_view
from vermilion.storage import leave_clouds

PURGE_ROWS_MAX = 500
UNTOUCHED_SECONDS: Final = 3600.0
"""A file kept again more lately than this stays: the row of whoever keeps it may not be written yet."""


def add_asset(
    tx: Tx,
    kept: KeptFile,
    *,
    asset_id: UUID,
    user_id: UUID,
    source: Source,
    generation_id: UUID | None,
    position: int | None,
    name: str | None,
    actions: Sequence[dict[str, Any]],
    now: datetime,
    role: Role | None = None,
) -> AssetRow:
    """Give a kept file to a person. The caller tells them (`asset.changed`).

    A generation keeps one asset per position: adding it again answers with the one that is there.
    """
    values = {
        "id": asset_id,
        "user_id": user_id,
        "kind": kept.kind,
        "content_type": kept.content_type,
        "width": kept.width,
        "height": kept.height,
        "duration_seconds": kept.duration_seconds,
        "size_bytes": kept.size_bytes,
        "sha256": kept.sha256,
        "storage_key": kept.storage_key,
        "thumbnail_key": kept.thumbnail_key,
        "thumbhash": kept.thumbhash,
        "source": source,
        "generation_id": generation_id,
        "position": position,
        "role": role,
        "name": name,
        "actions": list(actions),
        "blocked": False,
        "created_at": now,
    }
    added = _ADD.run(tx, values).rowcount == 1
    # An upload has no place another could hold; looking for one would find every upload of everybody.
    if added or generation_id is None:
        return AssetRow(**values)
    there = (AssetRow.generation_id == generation_id) & (AssetRow.position == position)
    return tx.scalars(select(AssetRow).where(there)).one()


_ADD = PerDialect(
    lambda insert: insert(AssetRow.__table__).on_conflict_do_nothing(index_elements=["generation_id", "position"])
)


def add_upload(
    tx: Tx,
    kept: KeptFile,
    *,
    asset_id: UUID,
    user_id: UUID,
    name: str | None,
    now: datetime,
    role: Role | None = None,
) -> AssetView:
    """Give a person what they uploaded, and tell their other windows."""
    row = add_asset(
        tx,
        kept,
        asset_id=asset_id,
        user_id=user_id,
        source="uploaded",
        generation_id=None,
        position=None,
        name=name,
        actions=[],
        now=now,
        role=role,
    )
    return _tell_changed(tx, row, now)


def change_asset(tx: Tx, viewer_id: UUID, asset_id: UUID, changes: dict[str, Any], now: datetime) -> AssetView:
    """Change `favourite` (bool) and `name` (text or None), whichever is among `changes`; raises `NotFound`."""
    row = require_asset(tx, viewer_id, asset_id)
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = changes["name"]
    if "favourite" in changes and changes["favourite"] != (row.favourite_at is not None):
        values["favourite_at"] = now if changes["favourite"] else None
    if values:
        tx.execute(update(AssetRow).where(AssetRow.id == row.id).values(**values))
        tx.refresh(row)
    return _tell_changed(tx, row, now)


def trash_asset(tx: Tx, viewer_id: UUID, asset_id: UUID, now: datetime) -> None:
    """Take an asset out of sight at once; its files follow with `purge_deleted`. Raises `NotFound`."""
    row = require_asset(tx, viewer_id, asset_id)
    _trash(tx, AssetRow.id == row.id, now)


def trash_assets_of_generation(tx: Tx, generation_id: UUID, now: datetime) -> None:
    """Take everything a generation made out of sight."""
    _trash(tx, AssetRow.generation_id == generation_id, now)


def note_small_thumbnail(tx: Tx, asset_id: UUID, key: str) -> None:
    """Remember the small thumbnail made for somebody who asked."""
    tx.execute(update(AssetRow).where(AssetRow.id == asset_id).values(thumbnail_small_key=key))


def purge_deleted(tx: Tx, before: datetime, now: datetime) -> list[str]:
    """Forget assets deleted before `before`, at most 500 at a time, with the files nothing refers to any more.

    Those in clouds are to leave there, which `Places.finish_deletions` sees to. The keys of those in the studio's
    folder are given back: delete them with `untouched_seconds`, so that a file somebody is just keeping again survives.
    """
    old = select(AssetRow.id).where(AssetRow.deleted_at < before).order_by(AssetRow.deleted_at).limit(PURGE_ROWS_MAX)
    gone = tx.execute(
        delete(AssetRow)
        .where(AssetRow.id.in_(old))
        .returning(AssetRow.storage_key, AssetRow.thumbnail_key, AssetRow.thumbnail_small_key)
        .execution_options(synchronize_session=False)
    )
    keys = {key for row in gone for key in row if key is not None}
    for column in (AssetRow.storage_key, AssetRow.thumbnail_key, AssetRow.thumbnail_small_key):
        # A person may upload what is another's thumbnail: a key is free only if no column names it.
        keys.difference_update(tx.scalars(select(column).where(column.in_(keys)).distinct()))
    return sorted(keys - leave_clouds(tx, sorted(keys), now - timedelta(seconds=UNTOUCHED_SECONDS), now))


def _trash(tx: Tx, which: ColumnElement[bool], now: datetime) -> None:
    trashed = tx.execute(
        update(AssetRow)
        .where(which, AssetRow.deleted_at.is_(None))
        .values(deleted_at=now)
        .returning(AssetRow.id, AssetRow.user_id)
        .execution_options(synchronize_session=False)
    ).all()
    for asset_id, user_id in sorted(trashed):
        events.emit(tx, user_id, "asset.deleted", {"id": str(asset_id)}, now)


def _tell_changed(tx: Tx, row: AssetRow, now: datetime) -> AssetView:
    view = asset_view(row)
    events.emit(tx, row.user_id, "asset.changed", view.model_dump(mode="json"), now)
    return view
