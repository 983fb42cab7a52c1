"""B4: how much memory a generation takes while it waits for its vendor."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from bench.figures import Figure, Goal
from bench.houses import Prepared, prepare, serving
from bench.processes import memory_bytes
from bench.vendors import never_vendor
from vermilion.catalog import load_shelf
from vermilion.db import Tx, open_database
from vermilion.generation import Wanted, request_generation
from vermilion.generation.steps import intend, submitted
from vermilion.generation.work import load_work
from vermilion.identity import Actor
from vermilion.kit import new_id
from vermilion.providers import Ticket

MODEL = "flux-1-schnell"
AGE = timedelta(minutes=5)
"""How long ago they were submitted: old enough to be asked about every 15 seconds, young enough to wait on."""

PATIENCE_SECONDS = 180
TOGETHER = 200
MIB = 2**20


def measure(folder: Path, *, count: int = 10_000) -> list[Figure]:
    """The figures of B4."""
    data = folder / "b4"
    data.mkdir()
    with never_vendor(folder / "vendor.log") as vendor:
        prepared = prepare(data, f"sqlite:///{data / 'vermilion.db'}", vendor, max_concurrent=10_000)
        with serving(prepared) as served:
            _settle_down()
            empty, _ = memory_bytes(served.process.pid)
        submit_many(prepared, vendor, count, submitted_at=datetime.now(UTC) - AGE)
        with serving(prepared) as served:
            wait_until_asked(vendor, count)
            _settle_down()
            full, _ = memory_bytes(served.process.pid)
    shutil.rmtree(data)
    answer = subprocess.run(
        [sys.executable, "-m", "bench.floors.sleepers", str(count)], check=True, capture_output=True, text=True
    )
    bare = json.loads(answer.stdout)["bytes"]
    thousands = count / 1000
    return [
        Figure(
            "B4",
            f"memory per 1,000 waiting generations ({count:,} in one process)",
            (full - empty) / MIB / thousands,
            "MiB",
            bare / MIB / thousands,
            "bare asyncio tasks asleep",
            Goal("most", 8, 4),
            f"PSS {empty / MIB:.0f} MiB idle, {full / MIB:.0f} MiB with all of them being asked about",
        )
    ]


def submit_many(prepared: Prepared, vendor: str, count: int, *, submitted_at: datetime) -> None:
    """Rows as the pipeline leaves them once the vendor took the job."""
    shelf = load_shelf()
    actor = Actor(user_id=prepared.user_id, role="admin", scopes=frozenset(), session_id=None, api_key_id=None, ip=None)

    def one(tx: Tx, generation_id: UUID) -> None:
        wanted = Wanted(id=generation_id, model=MODEL, prompt="a picture that takes its time, on a rainy afternoon")
        request_generation(tx, shelf, actor, wanted, submitted_at)
        work = load_work(tx, generation_id)
        if work is None:
            raise RuntimeError("a request left no row")
        work = intend(tx, work, attempt_id=new_id(), credential_id=prepared.credential_id, now=submitted_at)
        root = f"{vendor}/fal/fal-ai/flux/requests/{generation_id}"
        addresses = {"status_url": f"{root}/status", "response_url": root, "cancel_url": f"{root}/cancel"}
        ticket = Ticket(str(generation_id), {"endpoint": work.entry.endpoint, **addresses})
        submitted(tx, work, ticket, now=submitted_at)

    def some(tx: Tx, number: int) -> None:
        for _ in range(number):
            one(tx, new_id())

    database = open_database(prepared.url)
    try:
        while count > 0:
            database.write_now(some, min(TOGETHER, count))
            count -= TOGETHER
    finally:
        database.close()


def wait_until_asked(vendor: str, count: int) -> float:
    """Until the vendor was asked about so many different jobs; the seconds that took."""
    begun = time.perf_counter()
    while (waited := time.perf_counter() - begun) < PATIENCE_SECONDS:
        with urllib.request.urlopen(f"{vendor}/seen", timeout=30) as answer:
            seen = json.load(answer)["jobs"]
        if seen >= count:
            return waited
        time.sleep(0.02)
    raise RuntimeError(f"after {PATIENCE_SECONDS} s only {seen} of {count} jobs were asked about")


def _settle_down() -> None:
    """Let what belongs to starting pass."""
    time.sleep(3)
