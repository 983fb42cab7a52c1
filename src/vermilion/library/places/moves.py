"""Moving files, as rows: beginning, taking note of what is done, ending; and what is still to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, union, update

from vermilion.db import Tx, insert_into
from vermilion.identity import Actor, audit
from vermilion.kit import Conflict, new_id
from vermilion.library.places.tables import DETAIL_MAX_CHARS, FileMoveFailureRow, FileMoveRow
from vermilion.library.tables import AssetRow
from vermilion.storage import FOLDER, PlacedFileRow, PlaceRow, StorageFailed

FAILURES_SHOWN = 50
_KEYS = (AssetRow.storage_key, AssetRow.thumbnail_key, AssetRow.thumbnail_small_key)


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be moved, and why."""

    key: str
    error: StorageFailed


@dataclass(frozen=True, slots=True)
class Held:
    """How many files (thumbnails not counted) lie in a place, and their bytes."""

    place_id: UUID
    files: int
    size_bytes: int


def start_move(tx: Tx, actor: Actor | None, now: datetime) -> FileMoveRow:
    """Begin to move everything to where new files go. Raises `Conflict` (`storage.move_running`) while one runs.

    Where every file lies there already, the move is done as it begins, and counts none.
    """
    target_id = tx.scalar(select(PlaceRow.id).where(PlaceRow.receiving)) or FOLDER
    # The index tells of another one that runs, but not to a move that is done as it begins.
    already = running_move(tx) is not None
    total, elsewhere = _counted(tx, target_id)
    row = {
        "id": new_id(),
        "target_id": target_id,
        "state": "running" if elsewhere else "done",
        "total_files": total if elsewhere else 0,
        "done_files": 0,
        "failed_files": 0,
        "last_key": "",
        "started_at": now,
        "updated_at": now,
        "finished_at": None if elsewhere else now,
    }
    begun = tx.execute(insert_into(tx, FileMoveRow).values(**row).on_conflict_do_nothing().returning(FileMoveRow.id))
    if already or begun.first() is None:
        raise Conflict("storage.move_running", "Files are being moved already.")
    audit(tx, actor, "storage.move", f"file_move:{row['id']}", None, {"target": str(target_id)}, now)
    return tx.get_one(FileMoveRow, row["id"])


def _counted(tx: Tx, target_id: UUID) -> tuple[int, int]:
    """How many files somebody has, and how many of them lie elsewhere than at the target."""
    keys = union(*(select(column.label("key")).where(column.is_not(None)) for column in _KEYS)).subquery()
    lies = (PlacedFileRow.key == keys.c.key) & PlacedFileRow.leaving.is_(False)
    there = PlacedFileRow.place_id.is_(None) if target_id == FOLDER else PlacedFileRow.place_id == target_id
    counted = select(func.count(), func.count().filter(there)).select_from(keys).join(PlacedFileRow, lies, isouter=True)
    total, settled = tx.execute(counted).one()
    return total, total - settled


def stop_move(tx: Tx, actor: Actor | None, now: datetime) -> bool:
    """Stop the move that runs; what was moved stays moved. Whether one ran."""
    move_id = tx.scalar(
        update(FileMoveRow)
        .where(FileMoveRow.state == "running")
        .values(state="stopped", finished_at=now, updated_at=now)
        .returning(FileMoveRow.id)
    )
    if move_id is not None:
        audit(tx, actor, "storage.stop", f"file_move:{move_id}", None, None, now)
    return move_id is not None


def running_move(tx: Tx) -> FileMoveRow | None:
    """The move that runs, if one does."""
    return tx.scalars(select(FileMoveRow).where(FileMoveRow.state == "running")).one_or_none()


def last_move(tx: Tx) -> tuple[FileMoveRow, Sequence[FileMoveFailureRow]] | None:
    """The latest move and the first of its failures."""
    row = tx.scalars(select(FileMoveRow).order_by(FileMoveRow.started_at.desc(), FileMoveRow.id.desc())).first()
    if row is None:
        return None
    own = select(FileMoveFailureRow).where(FileMoveFailureRow.move_id == row.id)
    return row, tx.scalars(own.order_by(FileMoveFailureRow.key).limit(FAILURES_SHOWN)).all()


def keys_after(tx: Tx, last_key: str, most: int) -> list[str]:
    """The next keys, in their order, that any asset has, also one in the trash."""
    found: set[str] = set()
    for column in _KEYS:
        found.update(
            key
            for key in tx.scalars(select(column).where(column > last_key).distinct().order_by(column).limit(most))
            if key is not None
        )
    return sorted(found)[:most]


def is_wanted(tx: Tx, key: str) -> bool:
    """Whether any asset still has this file."""
    return tx.scalar(select(AssetRow.id).where(or_(*(column == key for column in _KEYS))).limit(1)) is not None


def note_progress(
    tx: Tx, move: FileMoveRow, last_key: str, done_files: int, failures: Sequence[Failed], now: datetime
) -> None:
    """Take note of files that need no further look. Somebody who noted them already is not disturbed."""
    own = (FileMoveRow.id == move.id, FileMoveRow.state == "running", FileMoveRow.last_key == move.last_key)
    values: dict[str, Any] = {
        "last_key": last_key,
        "done_files": FileMoveRow.done_files + done_files,
        "failed_files": FileMoveRow.failed_files + len(failures),
        "updated_at": now,
    }
    noted = tx.scalar(update(FileMoveRow).where(*own).values(**values).returning(FileMoveRow.id))
    if noted is None or not failures:
        return
    rows = [
        {
            "move_id": move.id,
            "key": failed.key,
            "reason": failed.error.reason,
            "detail": failed.error.detail[:DETAIL_MAX_CHARS],
            "failed_at": now,
        }
        for failed in failures
    ]
    tx.execute(insert_into(tx, FileMoveFailureRow).values(rows).on_conflict_do_nothing())


def end_move(tx: Tx, move_id: UUID, now: datetime) -> None:
    """Every file was looked at."""
    own = (FileMoveRow.id == move_id, FileMoveRow.state == "running")
    tx.execute(update(FileMoveRow).where(*own).values(state="done", finished_at=now, updated_at=now))


def held_by_places(tx: Tx) -> list[Held]:
    """What lies where: every file that somebody has, once."""
    files = (
        select(AssetRow.storage_key, func.max(AssetRow.size_bytes).label("size_bytes"))
        .group_by(AssetRow.storage_key)
        .subquery()
    )
    lies = (PlacedFileRow.key == files.c.storage_key) & PlacedFileRow.leaving.is_(False)
    rows = tx.execute(
        select(PlacedFileRow.place_id, func.count(), func.sum(files.c.size_bytes))
        .select_from(files)
        .join(PlacedFileRow, lies, isouter=True)
        .group_by(PlacedFileRow.place_id)
    )
    return [Held(place_id or FOLDER, count, int(size_bytes)) for place_id, count, size_bytes in rows]
