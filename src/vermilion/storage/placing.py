"""Writing down where a file lies. Each command runs in the caller's transaction; together they lose no copy.

The bytes of a copy are deleted only while its row says that it is leaving, and nobody puts a file where one is leaving.
Both are rows under one primary key, so the database itself decides who came first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from vermilion.db import Tx, insert_into
from vermilion.storage.errors import StorageFailed
from vermilion.storage.tables import FOLDER, PlacedFileRow, PlaceRow

PLACES_TOPIC: Final = "storage"
"""Announced after commit when a place was added, changed or forgotten, or when another one receives."""

LEASE: Final = timedelta(minutes=10)
"""Who begins to delete a copy has so long for it; afterwards somebody else may. Deleting takes a minute at most."""


@dataclass(frozen=True, slots=True)
class Lying:
    """Where a file lies, and where copies of it are about to be deleted."""

    place_id: UUID
    leaving: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Leaving:
    """A copy whose bytes the caller is to delete, within the lease."""

    key: str
    place_id: UUID


def list_places(tx: Tx) -> Sequence[PlaceRow]:
    """Every place in a cloud, the oldest first."""
    return tx.scalars(select(PlaceRow).order_by(PlaceRow.created_at, PlaceRow.id)).all()


def where_lies(tx: Tx, key: str) -> Lying:
    """Where the file is read from: the folder unless a row says otherwise."""
    rows = tx.execute(select(PlacedFileRow.place_id, PlacedFileRow.leaving).where(PlacedFileRow.key == key)).all()
    here = [row.place_id for row in rows if not row.leaving]
    return Lying(here[0] if here else FOLDER, frozenset(row.place_id for row in rows if row.leaving))


def where_lie(tx: Tx, keys: Sequence[str]) -> dict[str, UUID]:
    """Where each of these is read from; those in the folder are left out."""
    rows = tx.execute(
        select(PlacedFileRow.key, PlacedFileRow.place_id).where(
            PlacedFileRow.key.in_(keys), PlacedFileRow.leaving.is_(False)
        )
    )
    return {row.key: row.place_id for row in rows}


def note_put(tx: Tx, key: str, place_id: UUID, size_bytes: int, now: datetime) -> bool:
    """Write down that the file was put in a cloud just now; False where it is not to be relied on there.

    That is so while a copy is leaving from there, and where the place was forgotten meanwhile. Where the file lies
    elsewhere by now, this copy is to leave; should both be one, whoever deletes it finds that out.
    """
    # Held until the commit: a place cannot be forgotten between this look and the row that points to it.
    if tx.scalar(select(PlaceRow.id).where(PlaceRow.id == place_id).with_for_update(read=True)) is None:
        return False
    if _add(tx, key, place_id, size_bytes, leaving=False, now=now) or touch(tx, key, place_id, now):
        return True
    lying = where_lies(tx, key)
    if place_id in lying.leaving or lying.place_id == FOLDER:
        return False
    _add(tx, key, place_id, size_bytes, leaving=True, now=now)
    return touch(tx, key, lying.place_id, now)


def touch(tx: Tx, key: str, place_id: UUID, now: datetime) -> bool:
    """Note that somebody is keeping the file again; False when it does not lie there (any more)."""
    here = (PlacedFileRow.key == key, PlacedFileRow.place_id == place_id, PlacedFileRow.leaving.is_(False))
    return _changed(tx, update(PlacedFileRow).where(*here).values(touched_at=now)) == 1


def begin_deletion(tx: Tx, key: str, untouched_since: datetime, now: datetime) -> Leaving | None:
    """Have the file leave the cloud it lies in, unless it was touched later than that; what is to be deleted now."""
    place_id = where_lies(tx, key).place_id
    old = (
        PlacedFileRow.key == key,
        PlacedFileRow.place_id == place_id,
        PlacedFileRow.leaving.is_(False),
        PlacedFileRow.touched_at <= untouched_since,
    )
    begun = _changed(tx, update(PlacedFileRow).where(*old).values(leaving=True, touched_at=now)) == 1
    return Leaving(key, place_id) if begun else None


def switch_place(
    tx: Tx,
    key: str,
    source_id: UUID,
    target_id: UUID,
    size_bytes: int,
    is_wanted: Callable[[Tx, str], bool],
    touched_at: datetime,
    now: datetime,
) -> Leaving | None:
    """Have the file read from where it was just copied to; which of the two copies is to be deleted now.

    That is the old one; or the new one, where the file was deleted or moved by somebody else meanwhile. None where
    nothing is to be done. `touched_at` is when somebody last kept the file: moving it is not keeping it.
    Raises `StorageFailed` where somebody else was quicker.
    """
    lying = where_lies(tx, key)
    if lying.place_id == target_id:
        return None
    if target_id in lying.leaving:
        raise _overtaken(key)
    if lying.place_id != source_id or not is_wanted(tx, key):
        # A copy in the folder, which nobody wants, is deleted like everything there: by its age.
        return _leave(tx, key, target_id, size_bytes, now) if target_id != FOLDER else None
    if source_id != FOLDER:
        here = (PlacedFileRow.key == key, PlacedFileRow.place_id == source_id, PlacedFileRow.leaving.is_(False))
        if _changed(tx, update(PlacedFileRow).where(*here).values(leaving=True, touched_at=now)) != 1:
            raise _overtaken(key)
    if target_id != FOLDER and not _add(tx, key, target_id, size_bytes, leaving=False, now=touched_at):
        raise _overtaken(key)
    if source_id == FOLDER:
        return _leave(tx, key, FOLDER, size_bytes, now)
    return Leaving(key, source_id)


def rename_place(tx: Tx, key: str, source_id: UUID, target_id: UUID) -> None:
    """The file is read by another name of the place it lies in. Raises `StorageFailed` where that came too late."""
    lying = where_lies(tx, key)
    here = (PlacedFileRow.key == key, PlacedFileRow.place_id == source_id, PlacedFileRow.leaving.is_(False))
    if target_id in lying.leaving or _changed(tx, update(PlacedFileRow).where(*here).values(place_id=target_id)) != 1:
        raise _overtaken(key)


def _overtaken(key: str) -> StorageFailed:
    return StorageFailed(f"{key} was put or moved by somebody else at this moment.", again=True)


def leave_clouds(tx: Tx, keys: Sequence[str], untouched_since: datetime, now: datetime) -> set[str]:
    """Have files that nobody wants any more leave the clouds they lie in; which of the keys lie in a cloud.

    They are due at once. One that was touched later than `untouched_since` stays.
    """
    here = (PlacedFileRow.key.in_(keys), PlacedFileRow.leaving.is_(False))
    found = set(tx.scalars(select(PlacedFileRow.key).where(*here)))
    old = (*here, PlacedFileRow.touched_at <= untouched_since)
    tx.execute(update(PlacedFileRow).where(*old).values(leaving=True, touched_at=now - LEASE))
    return found


def due_deletions(tx: Tx, now: datetime, most: int) -> list[Leaving]:
    """Copies that should be gone by now and are not, the longest due first."""
    found = select(PlacedFileRow.key, PlacedFileRow.place_id).where(*_due(now)).order_by(PlacedFileRow.touched_at)
    return [Leaving(row.key, row.place_id) for row in tx.execute(found.limit(most))]


def take_over_deletion(
    tx: Tx, left: Leaving, *, lies_in_folder: bool, is_wanted: Callable[[Tx, str], bool], now: datetime
) -> bool:
    """Whether the caller is to delete this copy now, within the lease; not if somebody else is at it.

    Where it is the only one of a file that somebody has, it does not leave after all. `lies_in_folder` says whether
    the folder has the file as well.
    """
    own = (PlacedFileRow.key == left.key, PlacedFileRow.place_id == left.place_id, *_due(now))
    if _changed(tx, update(PlacedFileRow).where(*own).values(touched_at=now)) != 1:
        return False
    lying = where_lies(tx, left.key)
    if lying.place_id != FOLDER or (lies_in_folder and FOLDER not in lying.leaving) or not is_wanted(tx, left.key):
        return True
    if left.place_id == FOLDER:
        note_deleted(tx, left)
    else:
        this = (PlacedFileRow.key == left.key, PlacedFileRow.place_id == left.place_id)
        tx.execute(update(PlacedFileRow).where(*this).values(leaving=False))
    return False


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return PlacedFileRow.leaving.is_(True), PlacedFileRow.touched_at <= now - LEASE


def note_deleted(tx: Tx, left: Leaving) -> None:
    """The copy is not leaving any more: its bytes are gone, or it stays in the folder."""
    tx.execute(
        delete(PlacedFileRow).where(
            PlacedFileRow.key == left.key, PlacedFileRow.place_id == left.place_id, PlacedFileRow.leaving.is_(True)
        )
    )


def holds_files(tx: Tx, place_id: UUID) -> bool:
    """Whether anything lies in a place, or is still to be deleted there."""
    return tx.scalar(select(PlacedFileRow.key).where(PlacedFileRow.place_id == place_id).limit(1)) is not None


def held_by_place(tx: Tx) -> dict[UUID, tuple[int, int]]:
    """How many files lie in each cloud place, thumbnails among them, and their bytes."""
    rows = tx.execute(
        select(PlacedFileRow.place_id, func.count(), func.sum(PlacedFileRow.size_bytes))
        .where(PlacedFileRow.leaving.is_(False))
        .group_by(PlacedFileRow.place_id)
    )
    return {place_id: (files, int(size_bytes)) for place_id, files, size_bytes in rows}


def _leave(tx: Tx, key: str, place_id: UUID, size_bytes: int, now: datetime) -> Leaving | None:
    return Leaving(key, place_id) if _add(tx, key, place_id, size_bytes, leaving=True, now=now) else None


def _add(tx: Tx, key: str, place_id: UUID, size_bytes: int, *, leaving: bool, now: datetime) -> bool:
    """Add a copy's row; False where the copy has one, or where another copy is the one that is read."""
    row = {"key": key, "place_id": place_id, "size_bytes": size_bytes, "leaving": leaving, "touched_at": now}
    added = insert_into(tx, PlacedFileRow).values(**row).on_conflict_do_nothing().returning(PlacedFileRow.key)
    return tx.scalar(added) is not None


def _changed(tx: Tx, statement: Any) -> int:
    return int(tx.connection().execute(statement).rowcount)
