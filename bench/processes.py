"""Processes of a benchmark: started, watched and ended here; what they cost is read from the system."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

START_MAX_SECONDS = 60.0

COMPILED = Path("build/bench-compiled").resolve()
"""Where Python keeps what it compiled for these processes: whoever installs a house has its modules compiled, even
where this machine's environment forbids it."""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """Processor time a process tree has used since it began."""

    root: float
    children: float

    @property
    def tree(self) -> float:
        """All of it."""
        return self.root + self.children

    def __sub__(self, other: "CpuSeconds") -> "CpuSeconds":
        return CpuSeconds(self.root - other.root, self.children - other.children)


def cpu_seconds(pid: int) -> CpuSeconds:
    """What the process and its children, also those that have ended, have used."""
    root = psutil.Process(pid)
    times = root.cpu_times()
    children = times.children_user + times.children_system
    for child in root.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = child.cpu_times()
            children += used.user + used.system
    return CpuSeconds(times.user + times.system, children)


def memory_bytes(pid: int) -> tuple[int, int]:
    """PSS and RSS of the process and its children."""
    root = psutil.Process(pid)
    pss = rss = 0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = process.memory_full_info()
            pss, rss = pss + used.pss, rss + used.rss
    return pss, rss


@contextmanager
def running(
    arguments: Sequence[str], *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process for as long as the block runs; told to stop, and killed when it does not."""
    output = log.open("ab") if log is not None else subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(env),
        stdout=output,
        stderr=output,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        end(process)
        if not isinstance(output, int):
            output.close()


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a measured process."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(COMPILED), **(more or {})}


def end(process: subprocess.Popen[bytes]) -> None:
    """Tell a process to stop; kill it after ten seconds."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(timeout=10)


def wait_until_answering(url: str, process: subprocess.Popen[bytes], *, pause_seconds: float = 0.02) -> None:
    """Until a GET of `url` answers 200; raises `RuntimeError` when the process ends first or takes too long."""
    until = time.monotonic() + START_MAX_SECONDS
    last: Exception | None = None
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            last = error
        if process.poll() is not None:
            raise RuntimeError(f"the process behind {url} ended with {process.returncode}")
        time.sleep(pause_seconds)
    raise RuntimeError(f"nothing answered at {url}") from last
