"""B1: a thousand pictures at once through the whole house, beside a bare loop that makes the same vendor calls."""

import asyncio
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.databases import Place
from bench.figures import Figure, Goal
from bench.houses import FAL_KEY, Served, prepare, serving
from bench.load import drive, post
from bench.processes import cpu_seconds
from bench.vendors import zero_wait_vendor
from vermilion.kit import new_id

PICTURE_BYTES = 1_000_000
MODEL = "flux-1-schnell"
CLIENTS = 64


@dataclass(frozen=True, slots=True)
class Run:
    """One run: how quick it was and what it cost a task, in milliseconds of processor time."""

    per_second: float
    server_ms: float
    workers_ms: float = 0.0
    database_ms: float = 0.0


def measure(folder: Path, places: list[Place], *, count: int = 1000, runs: int = 3) -> list[Figure]:
    """The figures of B1."""
    loops: list[Run] = []
    ours: dict[str, list[Run]] = {place.dialect: [] for place in places}
    with zero_wait_vendor(folder / "vendor.log", picture_bytes=PICTURE_BYTES) as vendor:
        for run in range(runs):
            loops.append(_loop(vendor, count, folder / f"loop-{run}"))
            for place in places:
                ours[place.dialect].append(_ours(folder / f"b1-{place.dialect}-{run}", place, vendor, count))
    loop_rate = statistics.median(run.per_second for run in loops)
    loop_ms = statistics.median(run.server_ms for run in loops)
    figures = []
    for dialect, measured in ours.items():
        server = statistics.median(run.server_ms for run in measured)
        workers = statistics.median(run.workers_ms for run in measured)
        beyond = statistics.median(run.server_ms + run.workers_ms for run in measured) - loop_ms
        figures += [
            Figure(
                "B1",
                f"{count} pictures of 1 MB at once, {dialect}",
                statistics.median(run.per_second for run in measured),
                "tasks/s",
                loop_rate,
                "bare asyncio + aiohttp loop",
                Goal("least", 0.15, 0.4, of="ratio"),
            ),
            Figure(
                "B1",
                f"processor time a task beyond the loop's, {dialect}",
                beyond,
                "CPU-ms",
                loop_ms,
                "the loop's own",
                Goal("most", 10, 4),
                f"server {server:.1f} + inspection workers {workers:.1f} − loop {loop_ms:.1f}",
            ),
        ]
        figures.append(Figure("B1", f"of it, inspecting the picture in a worker process, {dialect}", workers, "CPU-ms"))
        if dialect == "postgresql":
            used = statistics.median(run.database_ms for run in measured)
            figures.append(Figure("B1", "PostgreSQL's own processes, a task", used, "CPU-ms"))
    return figures


def _loop(vendor: str, count: int, folder: Path) -> Run:
    arguments = ["-m", "bench.floors.bare_loop", vendor, FAL_KEY, str(count), str(folder)]
    answer = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    shutil.rmtree(folder)
    told = json.loads(answer.stdout)
    return Run(count / told["seconds"], 1000 * told["cpu_seconds"] / count)


def _ours(folder: Path, place: Place, vendor: str, count: int) -> Run:
    folder.mkdir(parents=True)
    with place.database(folder) as url:
        prepared = prepare(folder, url, vendor, max_concurrent=count)
        with serving(prepared) as served, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            # One picture first: workers are started when first needed, and a house is not started for each picture.
            runner.run(_make(served, 2))
            before, database_before = cpu_seconds(served.process.pid), place.cpu_seconds()
            begun = time.perf_counter()
            runner.run(_make(served, count))
            seconds = time.perf_counter() - begun
            used = cpu_seconds(served.process.pid) - before
            database = place.cpu_seconds() - database_before
    shutil.rmtree(folder)
    each = 1000 / count
    return Run(count / seconds, used.root * each, used.children * each, database * each)


async def _make(served: Served, count: int) -> None:
    """Request so many pictures and wait until every one has been paid for."""
    people = itertools.cycle(served.headers)

    def request() -> bytes:
        body = {"id": str(new_id()), "model": MODEL, "prompt": "a bench in the morning"}
        return post("/api/v1/generations", served.port, body, next(people))

    load = await drive(served.port, request, count=count, clients=min(count, CLIENTS))
    if set(load.statuses) != {202}:
        raise RuntimeError(f"requests were refused: {load.statuses}")
    for headers in served.headers[:count]:
        # Held credits only fall from here on: whoever holds none is done.
        while (balance := _credits(served, headers))["held"] > 0:  # noqa: ASYNC110 - it is another process that works
            await asyncio.sleep(0.05)
        if balance["spent"] == 0:
            raise RuntimeError("nothing was made")


def _credits(served: Served, headers: dict[str, str]) -> dict[str, int]:
    request = urllib.request.Request(f"{served.api}/credits", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        balance: dict[str, int] = json.load(answer)
    return balance
