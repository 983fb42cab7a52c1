"""B9: transactions and bytes a generation costs the database, and how soon work goes on after `kill -9`."""

import asyncio
import shutil
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from sqlalchemy import Connection, Engine, event, text

from bench.databases import Place, size_bytes
from bench.figures import Figure, Goal
from bench.houses import Prepared, prepare, serving
from bench.processes import wait_until_answering
from bench.vendors import never_vendor, zero_wait_vendor
from bench.waiting import submit_many, wait_until_asked
from bench.walk import MODEL
from vermilion.db import Tx
from vermilion.generation import Status, Wanted, request_generation
from vermilion.identity import Actor
from vermilion.kit import new_id
from vermilion.settings import Settings
from vermilion.wiring import open_house

ALONE = 20
RESUMED = 1000


def measure(folder: Path, places: list[Place], *, count: int = 500, runs: int = 3) -> list[Figure]:
    """The figures of B9."""
    figures = []
    with zero_wait_vendor(folder / "vendor.log", picture_bytes=0) as vendor:
        for place in places:
            (folder / f"b9-{place.dialect}").mkdir()
            figures += asyncio.run(_costs(folder / f"b9-{place.dialect}", place, vendor, count))
    for place in places:
        figures.append(_resume(folder / f"b9-resume-{place.dialect}", place, runs))
    return figures


class _Counter:
    """Counts writes asked for, and commits the database made."""

    def __init__(self) -> None:
        self.commits = 0
        self.writes = 0
        self.reads = 0

    def committed(self, _connection: Connection) -> None:
        self.commits += 1

    def count(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, counted."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            setattr(self, name, getattr(self, name) + 1)
            return call(*args, **kwargs)

        return counted


async def _costs(folder: Path, place: Place, vendor: str, count: int) -> list[Figure]:
    counter = _Counter()
    with place.database(folder) as url:
        prepared = prepare(folder, url, vendor, max_concurrent=1000)
        settings = Settings(data=folder, database_url=url, rate_limits=False)
        async with open_house(settings) as house:
            house.db.write = counter.count("writes", house.db.write)  # type: ignore[method-assign]
            house.db.read = counter.count("reads", house.db.read)  # type: ignore[method-assign]
            actor = Actor(
                user_id=prepared.user_id, role="admin", scopes=frozenset(), session_id=None, api_key_id=None, ip=None
            )

            async def make(number: int) -> None:
                for _ in range(number):
                    wanted = Wanted(id=new_id(), model=MODEL, prompt="a picture counted to its last byte")
                    await house.db.write(request_generation, house.shelf, actor, wanted, house.clock.now())
                    house.engine.start(wanted.id)
                while house.engine.driven:  # noqa: ASYNC110 - the engine sets no event
                    await asyncio.sleep(0.01)

            await make(2)
            event.listen(Engine, "commit", counter.committed)
            try:
                counter.writes = counter.reads = counter.commits = 0
                for _ in range(ALONE):
                    await make(1)
                alone = (counter.writes / ALONE, counter.commits / ALONE, counter.reads / ALONE)
                before = size_bytes(url)
                counter.commits = 0
                await make(count)
                together = counter.commits / count
            finally:
                event.remove(Engine, "commit", counter.committed)
            ended = await house.db.read(_succeeded)
        after = size_bytes(url)
    shutil.rmtree(folder)
    if ended != count + ALONE + 2:
        raise RuntimeError(f"only {ended} of {count + ALONE + 2} generations succeeded")
    return [
        Figure(
            "B9",
            f"transactions a generation, {place.dialect}",
            alone[1],
            "tx",
            goal=Goal("most", 6, 4),
            note=f"{alone[0]:.1f} writes, {alone[2]:.1f} reads; {together:.1f} commits each when {count} go at once",
        ),
        Figure(
            "B9",
            f"the database grows by, a generation, {place.dialect}",
            (after - before) / count / 1024,
            "KiB",
            377,
            "DBOS on SQLite, a task, measured elsewhere",
            Goal("most", 10, 5),
        ),
    ]


def _succeeded(tx: Tx) -> int:
    found = tx.execute(text("select count(*) from generation where status = :it"), {"it": str(Status.SUCCEEDED)})
    return int(found.scalar_one())


def _resume(folder: Path, place: Place, runs: int) -> Figure:
    """Kill a server that follows a thousand jobs; how long until the next one has asked about every one of them."""
    folder.mkdir()
    from_spawn, from_ready = [], []
    with never_vendor(folder / "vendor.log") as vendor, place.database(folder) as url:
        prepared = prepare(folder, url, vendor, max_concurrent=RESUMED)
        submit_many(prepared, vendor, RESUMED, submitted_at=datetime.now(UTC))
        for _ in range(runs):
            _follow_and_kill(prepared, vendor)
            begun = time.perf_counter()
            with serving(prepared, ready=False) as served:
                wait_until_answering(f"{served.api}/health/ready", served.process)
                ready = time.perf_counter()
                wait_until_asked(vendor, RESUMED)
                from_spawn.append(time.perf_counter() - begun)
                from_ready.append(time.perf_counter() - ready)
    shutil.rmtree(folder)
    return Figure(
        "B9",
        f"{RESUMED:,} waiting, killed with -9: every one asked about again, {place.dialect}",
        statistics.median(from_spawn),
        "s",
        goal=Goal("most", 3, 1),
        note=f"from the start of the new process; {statistics.median(from_ready):.2f} s after it was healthy",
    )


def _follow_and_kill(prepared: Prepared, vendor: str) -> None:
    with serving(prepared) as served:
        wait_until_asked(vendor, RESUMED)
        served.process.kill()
        served.process.wait()
    with urlopen(Request(f"{vendor}/forget", method="POST"), timeout=30):
        pass
