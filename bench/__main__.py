"""Runs the benchmarks: `python -m bench [B1 B2 B3 B4 B8 B9] [--quick]`."""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console

from bench import costs, noticing, starting, submit, waiting, walk
from bench.databases import Place, places
from bench.figures import Figure, show, write

BUILD = Path("build")

Measure = Callable[[Path, list[Place], bool], list[Figure]]

BENCHMARKS: dict[str, tuple[str, Measure]] = {
    "B1": (
        "B1  the whole walk of a picture",
        lambda folder, on, quick: walk.measure(folder, on, count=200 if quick else 1000, runs=1 if quick else 3),
    ),
    "B2": (
        "B2  from a request to its 202",
        lambda folder, on, quick: submit.measure(folder, on, seconds=1.5 if quick else 4, runs=1 if quick else 3),
    ),
    "B3": (
        "B3  how late a finished job is noticed",
        lambda folder, _, quick: noticing.measure(folder, scale=noticing.QUICK if quick else noticing.WHOLE),
    ),
    "B4": (
        "B4  generations that wait",
        lambda folder, _, quick: waiting.measure(folder, count=1000 if quick else 10_000),
    ),
    "B8": (
        "B8  start, rest and size",
        lambda folder, _, quick: starting.measure(folder, BUILD, runs=1 if quick else 5),
    ),
    "B9": (
        "B9  what a generation costs the database, and how soon work goes on after a kill",
        lambda folder, on, quick: costs.measure(folder, on, count=100 if quick else 500, runs=1 if quick else 3),
    ),
}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("which", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small and once: to see that everything runs")
    asked = parser.parse_args()
    unknown = set(asked.which) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    console = Console(width=150)
    console.print(_machine(), highlight=False)
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as scratch:
        folder = Path(scratch).resolve()
        with places(folder) as on:
            for name in asked.which or BENCHMARKS:
                title, measure = BENCHMARKS[name]
                begun = time.monotonic()
                figures = measure(folder, on, asked.quick)
                write(BUILD / "bench.json", figures)
                show(console, f"{title}  ({time.monotonic() - begun:.0f} s)", figures)


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    load = psutil.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}, "
        f"{psutil.cpu_count()} processors, {memory:.0f} GiB; load before: {load:.1f}"
    )


if __name__ == "__main__":
    main()
