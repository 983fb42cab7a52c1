"""What the crew promises when a file kills, stalls or bloats its reader."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.library.files import encoded, picture
from vermilion.library import Unreadable
from vermilion.library.inspection import crew as crew_module
from vermilion.library.inspection.crew import Crew, WorkerMissing

_others: set[int] = set()
"""Workers of a crew that another test of this process keeps for the whole session."""


@pytest.fixture(autouse=True)
def _know_the_others() -> None:
    _others.clear()
    _others.update(_workers())


def _workers() -> list[int]:
    """The workers of this test: our children that were not there before it."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        # Threads and children end while they are looked at.
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in (task / "children").read_text().split():
                if b"vermilion.library.inspection.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return [worker for worker in found if worker not in _others]


def _of(worker: int, fact: str) -> str:
    return Path(f"/proc/{worker}/{fact}").read_text()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(encoded(picture(), "PNG"))
    return path


async def test_a_killed_worker_costs_only_its_own_file(image: Path, tmp_path: Path) -> None:
    crew = Crew(1)
    try:
        await crew.inspect(image, tmp_path / "first.webp")
        (worker,) = _workers()
        os.kill(worker, signal.SIGSTOP)
        lost = asyncio.create_task(crew.inspect(image, tmp_path / "lost.webp"))
        await asyncio.sleep(0.05)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(Unreadable) as refusal:
            await lost
        assert refusal.value.code == "asset.unreadable"
        assert (await crew.inspect(image, tmp_path / "next.webp")).width == 800
        assert _workers() != [worker]
    finally:
        await crew.close()
    assert _workers() == []


async def test_a_worker_that_stalls_is_ended_and_replaced(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Crew(1)
    try:
        await crew.inspect(image, tmp_path / "first.webp")
        (worker,) = _workers()
        os.kill(worker, signal.SIGSTOP)
        monkeypatch.setattr(crew_module, "JOB_MAX_SECONDS", 0.2)
        with pytest.raises(Unreadable, match="too long"):
            await crew.inspect(image, tmp_path / "stalled.webp")
        monkeypatch.undo()
        assert _workers() == []
        assert (await crew.inspect(image, tmp_path / "next.webp")).width == 800
    finally:
        await crew.close()


async def test_a_canceled_look_ends_its_worker_and_the_crew_goes_on(image: Path, tmp_path: Path) -> None:
    crew = Crew(1)
    try:
        await crew.inspect(image, tmp_path / "first.webp")
        (worker,) = _workers()
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await crew.inspect(image, tmp_path / "canceled.webp")
        assert crew.is_busy is False
        assert (await crew.inspect(image, tmp_path / "next.webp")).width == 800
    finally:
        await crew.close()


async def test_a_worker_has_bounded_memory_and_none_of_our_environment(image: Path, tmp_path: Path) -> None:
    from vermilion.library.inspection.worker import MEMORY_MAX_BYTES

    crew = Crew(1)
    try:
        await crew.inspect(image, tmp_path / "first.webp")
        (worker,) = _workers()
        limits = _of(worker, "limits")
        (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
        assert str(MEMORY_MAX_BYTES) in line
        assert _of(worker, "environ").count("=") == 3
    finally:
        await crew.close()


async def test_workers_know_nothing_of_the_house(image: Path, tmp_path: Path) -> None:
    crew = Crew(1)
    try:
        await crew.inspect(image, tmp_path / "first.webp")
        (worker,) = _workers()
        mapped = _of(worker, "maps")
        assert "PIL" in mapped
        for stranger in ("pydantic", "sqlalchemy", "aiohttp", "cryptography"):
            assert stranger not in mapped
    finally:
        await crew.close()


async def test_more_files_than_workers_wait_their_turn(image: Path, tmp_path: Path) -> None:
    crew = Crew(2)
    try:
        found = await asyncio.gather(*(crew.inspect(image, tmp_path / f"{n}.webp") for n in range(9)))
        assert {media.width for media in found} == {800}
        assert len(_workers()) == 2
    finally:
        await crew.close()


async def test_a_worker_that_cannot_start_says_nothing_about_the_file(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Crew(1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    try:
        with pytest.raises(WorkerMissing):
            await crew.inspect(image, tmp_path / "first.webp")
        monkeypatch.undo()
        assert (await crew.inspect(image, tmp_path / "next.webp")).width == 800
    finally:
        await crew.close()
