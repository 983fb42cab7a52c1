"""B8: how soon a house answers after it was started, what it takes at rest, and what it takes on the disk."""

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, Goal
from bench.houses import Prepared, prepare, serving
from bench.processes import cpu_seconds, free_port, memory_bytes, running, wait_until_answering

LOCK = Path("requirements/run.lock")
NOBODY = "http://127.0.0.1:9"
"""A vendor that is never called."""

REST_SECONDS = 5
MIB = 2**20


def measure(folder: Path, build: Path, *, runs: int = 5) -> list[Figure]:
    """The figures of B8."""
    data = folder / "b8"
    prepared = prepare(data, f"sqlite:///{data / 'vermilion.db'}", NOBODY, max_concurrent=1)
    starts, first_starts, floors = [], [], []
    for run in range(runs):
        floors.append(_bare_start(folder))
        starts.append(_start(prepared))
        first_starts.append(_first_start(folder / f"b8-first-{run}"))
    with serving(prepared) as served:
        time.sleep(REST_SECONDS)
        pss, rss = memory_bytes(served.process.pid)
    shutil.rmtree(data)
    return [
        Figure(
            "B8",
            "cold start to healthy",
            statistics.median(seconds for seconds, _ in starts),
            "s",
            statistics.median(floors),
            "bare Starlette to its first answer",
            Goal("most", 2, 1.2),
            f"{statistics.median(cpu for _, cpu in starts):.2f} s of processor time",
        ),
        Figure(
            "B8",
            "the very first start, which makes the database",
            statistics.median(first_starts),
            "s",
            statistics.median(floors),
            "bare Starlette to its first answer",
        ),
        Figure(
            "B8",
            "memory at rest (PSS, with children)",
            pss / MIB,
            "MiB",
            313,
            "LiteLLM proxy, measured elsewhere",
            Goal("most", 130, 90),
            f"RSS {rss / MIB:.0f} MiB",
        ),
        Figure(
            "B8",
            "installed size",
            _installed_bytes(build) / MIB,
            "MiB",
            7.3 * 1024,
            "Open WebUI, measured elsewhere",
            Goal("most", 250),
            "site-packages of the locked run-time dependencies, with our package and the built web app",
        ),
    ]


def _start(prepared: Prepared) -> tuple[float, float]:
    """Seconds from the start of the process to a 200 from `health/ready`, and the processor's seconds."""
    begun = time.perf_counter()
    with serving(prepared) as served:
        seconds = time.perf_counter() - begun
        return seconds, cpu_seconds(served.process.pid).tree


def _first_start(data: Path) -> float:
    port = free_port()
    arguments = ["-m", "vermilion", "serve", "--data", str(data), "--port", str(port)]
    begun = time.perf_counter()
    with running(arguments, env={"VERMILION_LOG_LEVEL": "warning"}) as process:
        wait_until_answering(f"http://127.0.0.1:{port}/api/v1/health/ready", process)
        seconds = time.perf_counter() - begun
    shutil.rmtree(data)
    return seconds


def _bare_start(folder: Path) -> float:
    port = free_port()
    begun = time.perf_counter()
    with running(["-m", "bench.floors.starlette_202", str(port)], log=folder / "starlette.log") as process:
        wait_until_answering(f"http://127.0.0.1:{port}/health", process)
        return time.perf_counter() - begun


def _installed_bytes(build: Path) -> int:
    """What the locked run-time dependencies take in a fresh environment, and our own package beside them.

    The environment is kept in `build/` under the lock's hash, so that only a changed lock is installed again.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    environment = build / f"bench-installed-{digest}"
    done = environment / "complete"
    if not done.exists():
        for old in build.glob("bench-installed-*"):
            shutil.rmtree(old)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
        python = environment / "bin" / "python"
        arguments = ["--python", str(python), "install", "--quiet", "--require-hashes", "--no-compile", "-r", str(LOCK)]
        ended = subprocess.run([sys.executable, "-m", "pip", *arguments], check=False, capture_output=True, text=True)
        if ended.returncode:
            # Its warnings about itself are nobody's concern here; why it could not install is.
            raise RuntimeError(f"pip installed nothing:\n{ended.stderr[-2000:]}")
        done.touch()
    return _folder_bytes(next(environment.glob("lib/python*/site-packages"))) + _folder_bytes(Path("src/vermilion"))


def _folder_bytes(folder: Path) -> int:
    total = 0
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        total += sum((Path(root) / name).lstat().st_size for name in files)
    return total
