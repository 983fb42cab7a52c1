"""Callers that leave in the middle: a stopped engine, a client that hung up."""

import asyncio
import threading

from sqlalchemy import text

from vermilion.db import Database, Tx


async def test_a_write_whose_caller_left_harms_no_later_one(db: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> int:
        begun.set()
        go_on.wait(10)
        return int(tx.execute(text("select 1")).scalar_one())

    leaving = [asyncio.create_task(db.write(slow)) for _ in range(3)]
    await asyncio.to_thread(begun.wait, 10)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    go_on.set()
    async with asyncio.timeout(10):
        assert await db.write(lambda tx: tx.execute(text("select 2")).scalar_one()) == 2
