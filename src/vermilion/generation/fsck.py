"""The audit across rooms: generations against the ledger, and against the files that were kept for them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, exists, func, or_, select

from vermilion import ledger
from vermilion.db import Database, Tx
from vermilion.generation.status import TERMINAL, Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.ledger import Finding
from vermilion.library import AssetRow
from vermilion.storage import Storage, StorageFailed

ASSET_ROWS_KEPT: Final = timedelta(days=30)
"""A deleted asset's row stays this long; an older generation without any proves nothing."""

_FILES_AT_ONCE: Final = 500
_LOOKED_FOR_AT_ONCE: Final = 16


def fsck(tx: Tx, now: datetime) -> list[Finding]:
    """Everything wrong with the ledger itself, and between it and the generations; changes nothing."""
    unfinished = set(tx.scalars(select(GenerationRow.hold_id).where(GenerationRow.status.not_in(sorted(TERMINAL)))))
    findings = ledger.fsck(tx, open_hold_ids=unfinished)
    for question in _QUESTIONS:
        findings += question(tx)
    return findings + list(_nothing_kept(tx, now))


async def missing_files(db: Database, storage: Storage) -> list[Finding]:
    """Every asset that somebody may open and whose file is not in storage.

    Files that cannot be looked for, as when a cloud is away, are one finding for each reason: how many they are.
    """
    findings = []
    unseen: dict[str, _Unseen] = {}
    last = None
    room = asyncio.Semaphore(_LOOKED_FOR_AT_ONCE)
    while page := await db.read(_assets_after, last, _FILES_AT_ONCE):
        wanted = [(asset, key) for asset in page for key in filter(None, (asset.storage_key, asset.thumbnail_key))]
        looks = await asyncio.gather(*(_is_there(storage, key, room) for _, key in wanted))
        for (asset, key), there in zip(wanted, looks, strict=True):
            if isinstance(there, StorageFailed):
                unseen.setdefault(there.detail, _Unseen(f"{key} of asset {asset.id}")).count += 1
            elif not there:
                findings.append(Finding("file_missing", asset.user_id, f"Asset {asset.id} has no file {key}."))
        last = page[-1]
    return findings + [_not_checked(why, files) for why, files in unseen.items()]


@dataclass(slots=True)
class _Unseen:
    """Files that cannot be looked for, for one reason: a cloud that is away has too many to remember each."""

    first: str
    count: int = 0


def _not_checked(why: str, files: _Unseen) -> Finding:
    what = f"{files.first} cannot" if files.count == 1 else f"{files.count} files cannot"
    which = "" if files.count == 1 else f" The first of them: {files.first}."
    return Finding("file_not_checked", None, f"{what} be looked for. {why}{which}")


async def _is_there(storage: Storage, key: str, room: asyncio.Semaphore) -> bool | StorageFailed:
    async with room:
        try:
            return await storage.exists(key)
        except StorageFailed as error:
            return error


def _assets_after(tx: Tx, last: AssetRow | None, most: int) -> Sequence[AssetRow]:
    question = select(AssetRow).where(AssetRow.deleted_at.is_(None)).order_by(AssetRow.id).limit(most)
    if last is not None:
        question = question.where(AssetRow.id > last.id)
    return tx.scalars(question).all()


def _ended_wrongly(tx: Tx) -> Iterator[Finding]:
    ended = ledger.ended_holds()
    rows = tx.execute(
        select(GenerationRow.id, GenerationRow.user_id, GenerationRow.status, ended.c.kind)
        .join(ended, ended.c.hold_id == GenerationRow.hold_id, isouter=True)
        .where(
            GenerationRow.status.in_(sorted(TERMINAL)),
            or_(
                ended.c.kind.is_(None),
                and_(GenerationRow.status != Status.SUCCEEDED, ended.c.kind != "release"),
                # A late result is given although the credits went back: nothing was settled then.
                and_(
                    GenerationRow.status == Status.SUCCEEDED,
                    ended.c.kind != "settle",
                    GenerationRow.settled_credits != 0,
                ),
            ),
        )
    )
    for row in rows:
        what = "has not ended" if row.kind is None else f"ended by {row.kind}"
        yield Finding("terminal_without_its_end", row.user_id, f"Generation {row.id} {row.status}, its hold {what}.")


def _amounts_differ(tx: Tx) -> Iterator[Finding]:
    ended = ledger.ended_holds()
    rows = tx.execute(
        select(GenerationRow, ended.c.held_credits, ended.c.spent_credits, ended.c.user_id, ended.c.generation_id)
        .join(ended, ended.c.hold_id == GenerationRow.hold_id)
        .where(
            GenerationRow.status.in_(sorted(TERMINAL)),
            or_(
                func.coalesce(GenerationRow.settled_credits, 0) != ended.c.spent_credits,
                GenerationRow.price_credits != ended.c.held_credits,
                GenerationRow.user_id != ended.c.user_id,
                GenerationRow.id != ended.c.generation_id,
            ),
        )
    )
    for row, held, spent, user_id, generation_id in rows:
        yield Finding(
            "generation_differs_from_ledger",
            row.user_id,
            f"Generation {row.id} of {row.user_id}: price {row.price_credits}, settled {row.settled_credits}; its hold"
            f" was {held}, of which {spent} were spent, by {user_id} for {generation_id}.",
        )


def _ends_of_nobody(tx: Tx) -> Iterator[Finding]:
    ended = ledger.ended_holds()
    rows = tx.execute(
        select(ended.c.hold_id, ended.c.user_id, ended.c.generation_id).where(
            ~exists().where(GenerationRow.id == ended.c.generation_id)
        )
    )
    for row in rows:
        yield Finding(
            "end_without_generation",
            row.user_id,
            f"Hold {row.hold_id} ended for {row.generation_id}, which is nowhere.",
        )


def _nothing_kept(tx: Tx, now: datetime) -> Iterator[Finding]:
    rows = tx.execute(
        select(GenerationRow.id, GenerationRow.user_id, AttemptRow.outcome)
        .join(AttemptRow, and_(AttemptRow.generation_id == GenerationRow.id, AttemptRow.n == GenerationRow.attempt))
        .where(
            GenerationRow.status == Status.SUCCEEDED,
            # Words are in the row itself: there is no asset to keep.
            GenerationRow.kind != "text",
            GenerationRow.finished_at > now - ASSET_ROWS_KEPT,
            ~exists().where(AssetRow.generation_id == GenerationRow.id),
        )
    )
    for row in rows:
        if (row.outcome or {}).get("kept", 0) > 0:
            yield Finding(
                "nothing_kept", row.user_id, f"Generation {row.id} succeeded and none of its results is there."
            )


_QUESTIONS: Final[tuple[Callable[[Tx], Iterator[Finding]], ...]] = (_ended_wrongly, _amounts_differ, _ends_of_nobody)
