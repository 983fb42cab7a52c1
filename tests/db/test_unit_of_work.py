"""What the unit of work promises to every command."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from vermilion.db import Database, Tx, after_commit


def _make(tx: Tx) -> None:
    tx.execute(text("create table tally (id integer primary key, n integer not null)"))
    tx.execute(text("insert into tally values (1, 0)"))


def _bump(tx: Tx, *, fail: bool = False) -> None:
    tx.execute(text("update tally set n = n + 1 where id = 1"))
    if fail:
        raise LookupError("on purpose")


def _count(tx: Tx) -> Any:
    return tx.execute(text("select n from tally where id = 1")).scalar_one()


async def test_failures_that_share_a_commit_change_nothing_and_harm_nobody(db: Database) -> None:
    await db.write(_make)
    results = await asyncio.gather(*(db.write(_bump, fail=k % 7 == 0) for k in range(200)), return_exceptions=True)
    failed = [result for result in results if isinstance(result, LookupError)]
    assert len(failed) == 29
    assert [result for result in results if result is not None and result not in failed] == []
    assert await db.read(_count) == 171


async def test_what_was_written_is_seen_by_the_next_read(db: Database) -> None:
    await db.write(_make)
    for expected in range(1, 20):
        await db.write(_bump)
        assert await db.read(_count) == expected


async def test_hooks_run_after_commit_and_never_after_a_rollback(db: Database) -> None:
    await db.write(_make)
    heard: list[str] = []

    def speak(tx: Tx, word: str, *, fail: bool) -> None:
        after_commit(tx, lambda: heard.append(word))
        _bump(tx, fail=fail)

    await db.write(speak, "kept", fail=False)
    with pytest.raises(LookupError):
        await db.write(speak, "lost", fail=True)
    assert heard == ["kept"]
