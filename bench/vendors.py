"""Vendors of a benchmark, each a process of its own: the sandbox without waiting, and one that never finishes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import free_port, running, wait_until_answering


@contextmanager
def zero_wait_vendor(log: Path, *, picture_bytes: int) -> Iterator[str]:
    """The sandbox with every job done at once and pictures of this size; yields its origin."""
    port = free_port()
    asked = ["--fast", "--fast-picture-bytes", str(picture_bytes), "--max-concurrent", "100000", "--max-jobs", "100000"]
    with running(["-m", "vermilion.sandbox", "--port", str(port), *asked], log=log) as process:
        origin = f"http://127.0.0.1:{port}"
        wait_until_answering(f"{origin}/control/health", process)
        yield origin


@contextmanager
def never_vendor(log: Path) -> Iterator[str]:
    """A vendor whose jobs run for ever; yields its origin."""
    port = free_port()
    with running(["-m", "bench.floors.never_vendor", str(port)], log=log) as process:
        origin = f"http://127.0.0.1:{port}"
        wait_until_answering(f"{origin}/seen", process)
        yield origin
