"""B2: how quickly a request is answered with 202, once it is checked, paid for and safe; beside those that do less."""

import asyncio
import itertools
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench.databases import Place
from bench.figures import Figure, Goal
from bench.floors.litellm_peer import running_litellm
from bench.houses import prepare, serving
from bench.load import Load, drive, post
from bench.processes import cpu_seconds, free_port, running, wait_until_answering
from bench.vendors import never_vendor
from vermilion.kit import new_id

CLIENTS = (1, 32)
WARM_UP = 40
BODY = {"model": "flux-1-schnell", "prompt": "a lighthouse in the rain, oil on canvas", "params": {}, "inputs": []}


@dataclass(slots=True)
class Target:
    """A server that is asked: `request` makes the next request."""

    name: str
    port: int
    pid: int
    request: Callable[[], bytes]
    loads: dict[int, list[Load]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})
    cpu_ms: dict[int, list[float]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})

    def run(self, clients: int, seconds: float) -> None:
        """Ask for about so long."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            trial = runner.run(drive(self.port, self.request, count=WARM_UP * clients, clients=clients))
            count = max(clients, int(trial.per_second * seconds))
            before = cpu_seconds(self.pid).tree
            load = runner.run(drive(self.port, self.request, count=count, clients=clients))
        if not set(load.statuses) <= {200, 202}:
            raise RuntimeError(f"{self.name} answered {load.statuses}")
        self.loads[clients].append(load)
        self.cpu_ms[clients].append(1000 * (cpu_seconds(self.pid).tree - before) / count)

    def rate(self, clients: int) -> float:
        """Answers a second, the median of the runs."""
        return statistics.median(load.per_second for load in self.loads[clients])

    def p99_ms(self, clients: int) -> float:
        """What 99 of 100 answers stayed within, the median of the runs."""
        return statistics.median(1000 * load.percentile_seconds(0.99) for load in self.loads[clients])


def measure(folder: Path, places: list[Place], *, seconds: float = 4, runs: int = 3) -> list[Figure]:
    """The figures of B2."""
    with ExitStack() as stack:
        vendor = stack.enter_context(never_vendor(folder / "vendor.log"))
        starlette = stack.enter_context(_starlette(folder))
        litellm = stack.enter_context(_litellm(folder))
        houses = [stack.enter_context(_house(folder, place, vendor)) for place in places]
        for _ in range(runs):
            for clients in CLIENTS:
                for target in [starlette, *([litellm] if litellm else []), *houses]:
                    target.run(clients, seconds)
    figures = []
    for place, house in zip(places, houses, strict=True):
        for clients in CLIENTS:
            what = f"{clients} client{'s' if clients > 1 else ''}, {place.dialect}"
            cpu = statistics.median(house.cpu_ms[clients])
            figures.append(
                Figure(
                    "B2",
                    f"accepted requests, {what}",
                    house.rate(clients),
                    "/s",
                    starlette.rate(clients),
                    "bare Starlette answering 202",
                    Goal("least", 0.05, 0.15, of="ratio"),
                    f"{cpu:.1f} CPU-ms each (Starlette {statistics.median(starlette.cpu_ms[clients]):.2f})",
                )
            )
            figures.append(
                Figure(
                    "B2",
                    f"beside a gateway, {what}",
                    house.rate(clients),
                    "/s",
                    litellm.rate(clients) if litellm else None,
                    "LiteLLM proxy, mocked completion" if litellm else "LiteLLM proxy: not installed",
                    Goal("least", 6, 15, of="ratio"),
                )
            )
        most = max(CLIENTS)
        figures.append(
            Figure(
                "B2",
                f"p99, {most} clients, {place.dialect}",
                house.p99_ms(most),
                "ms",
                starlette.p99_ms(most),
                "bare Starlette answering 202",
                Goal("most", 150, 60),
            )
        )
    return figures


@contextmanager
def _house(folder: Path, place: Place, vendor: str) -> Iterator[Target]:
    data = folder / f"b2-{place.dialect}"
    data.mkdir()
    with place.database(data) as url:
        # One runs and the others wait in line: what is measured is the way to the 202, not the work after it.
        prepared = prepare(data, url, vendor, max_concurrent=1)
        with serving(prepared) as served:
            people = itertools.cycle(served.headers)

            def request() -> bytes:
                return post("/api/v1/generations", served.port, {"id": str(new_id()), **BODY}, next(people))

            yield Target(place.dialect, served.port, served.process.pid, request)
    shutil.rmtree(data)


@contextmanager
def _starlette(folder: Path) -> Iterator[Target]:
    port = free_port()
    with running(["-m", "bench.floors.starlette_202", str(port)], log=folder / "starlette.log") as process:
        wait_until_answering(f"http://127.0.0.1:{port}/health", process)

        def request() -> bytes:
            return post("/generations", port, {"id": str(new_id()), **BODY}, {"Authorization": "Bearer vk_none"})

        yield Target("Starlette", port, process.pid, request)


@contextmanager
def _litellm(folder: Path) -> Iterator[Target | None]:
    with running_litellm(folder) as peer:
        if peer is None:
            yield None
            return
        body = {"model": "mock", "messages": [{"role": "user", "content": BODY["prompt"]}]}
        request = post("/chat/completions", peer.port, body, {"Authorization": f"Bearer {peer.key}"})
        yield Target("LiteLLM", peer.port, peer.pid, lambda: request)
