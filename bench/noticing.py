"""B3: how late a finished job is noticed, and how many questions that takes, at every vendor in its own protocol.

The house runs as it is, in real time, against the sandbox in a process of its own; the sandbox is told how long each
job takes and knows when it ended. Only the adapters are watched: they note each question, and let a job go once they
have seen that it is done, so that downloads and pictures do not disturb the clock.
"""

import asyncio
import json
import math
import random
import re
import shutil
import statistics
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import uvicorn

from bench.figures import Figure, Goal
from bench.houses import prepare
from bench.processes import free_port, running, wait_until_answering
from bench.watching import Job, Kind, Notebook, watched
from vermilion.app import create_app
from vermilion.catalog import Entry, ensure_sandbox_credential
from vermilion.db import Tx
from vermilion.generation import Wanted, request_generation, steps
from vermilion.generation.settling import settle
from vermilion.generation.work import load_work
from vermilion.identity import Actor
from vermilion.kit import new_id
from vermilion.providers import Done, Ticket, adapters, has_power
from vermilion.settings import Settings
from vermilion.wiring import House, open_house

SPREAD = 0.35
"""Of the logarithm of a duration: a tenth of the jobs takes less than 0.64 of the median, a tenth more than 1.57."""

EARLIER_JOBS = 50
"""How many durations of a model the house knows from before."""

POLLERS = {0.1: "fal's Python client", 0.5: "fal's JavaScript client", 15.0: "new-api"}
"""Fixed intervals, in seconds, and who uses them."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: jobs of each kind at each vendor, their median duration, over how long they begin."""

    jobs: Mapping[Kind, int]
    median_seconds: Mapping[Kind, float]
    begin_within_seconds: float


WHOLE = Scale({"image": 120, "video": 160}, {"image": 8.0, "video": 90.0}, 60.0)
QUICK = Scale({"image": 12, "video": 6}, {"image": 3.0, "video": 6.0}, 4.0)

_PROMPT = re.compile(r"study \d+ of \S+ \[\[queue:0\]\] \[\[slow:[\d.]+\]\]")
GOALS: dict[Kind, tuple[Goal, Goal]] = {
    "image": (Goal("most", 0.35, 0.22), Goal("most", 16)),
    "video": (Goal("most", 2.2, 1.3), Goal("most", 19)),
}


def measure(folder: Path, *, scale: Scale = WHOLE) -> list[Figure]:
    """The figures of B3."""
    silent = _measured(folder / "b3-questions", scale, callbacks=False)
    called = _measured(folder / "b3-callbacks", scale, callbacks=True)
    figures = [figure for jobs in _grouped(silent) for figure in _noticed(jobs, scale)]
    figures += [_called_back(jobs) for jobs in _grouped(called)]
    return figures


def _measured(folder: Path, scale: Scale, *, callbacks: bool) -> list[tuple[Job, float]]:
    """Every job that went through, with when the vendor had finished it."""
    folder.mkdir()
    try:
        return asyncio.run(_run(folder, scale, callbacks=callbacks))
    finally:
        shutil.rmtree(folder)


async def _run(folder: Path, scale: Scale, *, callbacks: bool) -> list[tuple[Job, float]]:
    book, port = Notebook(), free_port()
    sandbox = ["-m", "vermilion.sandbox", "--port", str(port), "--max-concurrent", "10000", "--max-jobs", "100000"]
    origin = f"http://127.0.0.1:{port}"
    with running(sandbox, log=folder / "sandbox.log") as process, watched(book):
        wait_until_answering(f"{origin}/control/health", process)
        async with _house(folder, origin, callbacks=callbacks) as (house, actor, credentials):
            asked = [
                (entry, cast(Kind, entry.makes))
                for provider in credentials
                if not callbacks or has_power(provider, "read_callback")
                for entry in _models(house, provider, first_only=callbacks)
            ]
            rng = random.Random(3)
            for entry, kind in asked:
                past = _durations(rng, scale.median_seconds[kind], EARLIER_JOBS)
                await house.db.write(_remember, house, actor, entry, past, credentials[entry.provider])
            asked = await _with_something_to_notice(house, actor, book, asked)
            # How late a callback is noticed does not depend on how long the job took.
            length: dict[Kind, Kind] = {"image": "image", "video": "image" if callbacks else "video"}
            begun = []
            for entry, kind in asked:
                count = scale.jobs[length[kind]]
                if adapters()[entry.provider].max_concurrent_default == 1:
                    # One after another, and all of them in about the time the others take.
                    count = max(4, count // 8)
                for number, seconds in enumerate(_durations(rng, scale.median_seconds[length[kind]], count)):
                    job = _job(book, entry, kind, number, seconds)
                    after = rng.random() * scale.begin_within_seconds
                    begun.append(asyncio.create_task(_make(house, actor, entry, job.prompt, after)))
            await asyncio.gather(*begun)
            await _all_ended(house)
        ends = await asyncio.to_thread(_ends, origin)
    measured = [(job, ends[job.prompt]) for job in book.jobs.values()]
    if lost := [job for job, _ in measured if job.noticed_at is None]:
        raise RuntimeError(f"{len(lost)} jobs were never noticed, the first of them {lost[0]}")
    return measured


@asynccontextmanager
async def _house(folder: Path, origin: str, *, callbacks: bool) -> AsyncIterator[tuple[House, Actor, dict[str, UUID]]]:
    """A house with a login at every vendor of the sandbox; served, where vendors are to call back."""
    port = free_port()
    url = f"sqlite:///{folder / 'vermilion.db'}"
    prepared = prepare(folder, url, origin, max_concurrent=10)
    settings = Settings(data=folder, database_url=url, rate_limits=False, port=port)
    async with open_house(settings, sandbox=callbacks) as house:
        told = json.loads(await asyncio.to_thread(_get, f"{origin}/control/logins"))
        credentials: dict[str, UUID] = {}
        for item in told["items"]:
            if item["provider"] in adapters():
                credentials[item["provider"]] = await house.db.write(
                    ensure_sandbox_credential,
                    house.sealer,
                    item["provider"],
                    item["fields"],
                    house.clock.now(),
                    # A server that works on one job at a time is given one at a time, as it would be.
                    max_concurrent=1 if adapters()[item["provider"]].max_concurrent_default == 1 else 10_000,
                )
        actor = Actor(prepared.user_id, "admin", frozenset(), None, None, None)
        config = uvicorn.Config(create_app(house), port=port, log_level="error", lifespan="off")
        server = _Server(config)
        serving = asyncio.create_task(server.serve())
        try:
            yield house, actor, credentials
        finally:
            house.hub.stop()
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The benchmark keeps its own way with signals."""
        yield


def _models(house: House, provider: str, *, first_only: bool) -> list[Entry]:
    """A model for pictures and one for films, of those that need nothing but words."""
    plain = [
        entry
        for entry in house.shelf.entries()
        if entry.provider == provider
        and entry.enabled
        and entry.prompt is not None
        and entry.continues != "always"
        and all(given.minimum == 0 for given in entry.inputs)
    ]
    found = [next((entry for entry in plain if entry.makes == kind), None) for kind in ("image", "video")]
    models = [entry for entry in found if entry is not None]
    return models[:1] if first_only else models


def _remember(
    tx: Tx, house: House, actor: Actor, entry: Entry, past_seconds: Sequence[float], credential_id: UUID
) -> None:
    """Jobs of this model that took so long, some while ago: what the house learned its pace from."""
    for number, seconds in enumerate(past_seconds):
        begun = house.clock.now() - timedelta(days=1) + timedelta(minutes=number)
        ended = begun + timedelta(seconds=seconds)
        wanted = Wanted(id=new_id(), model=entry.id, prompt="an earlier study")
        request_generation(tx, house.shelf, actor, wanted, begun)
        work = load_work(tx, wanted.id)
        if work is None:
            raise RuntimeError("what was just requested is not there")
        work = steps.intend(tx, work, attempt_id=new_id(), credential_id=credential_id, now=begun)
        work = steps.submitted(tx, work, Ticket(str(wanted.id)), now=begun)
        work = steps.results_named(tx, work, [], Done(()), now=ended)
        settle(tx, work, [], now=ended)


async def _with_something_to_notice(
    house: House, actor: Actor, book: Notebook, asked: Sequence[tuple[Entry, Kind]]
) -> list[tuple[Entry, Kind]]:
    """Without the models whose vendor answers with the result: one short job of each tells."""
    first = {entry.id: _job(book, entry, kind, 0, 0.2) for entry, kind in asked}
    await asyncio.gather(*(_make(house, actor, entry, first[entry.id].prompt, 0.0) for entry, _ in asked))
    await _all_ended(house)
    book.jobs.clear()
    return [(entry, kind) for entry, kind in asked if not first[entry.id].at_once]


def _job(book: Notebook, entry: Entry, kind: Kind, number: int, seconds: float) -> Job:
    """A job of this model in the book, under the words it is requested with."""
    prompt = f"study {number} of {entry.id} [[queue:0]] [[slow:{seconds:.3f}]]"
    job = book.jobs[prompt] = Job(entry.provider, kind, prompt, seconds)
    return job


async def _all_ended(house: House) -> None:
    while house.engine.driven:  # noqa: ASYNC110 - the engine sets no event
        await asyncio.sleep(0.1)


async def _make(house: House, actor: Actor, entry: Entry, prompt: str, after_seconds: float) -> None:
    """Request one job, some seconds from now."""
    await asyncio.sleep(after_seconds)
    wanted = Wanted(id=new_id(), model=entry.id, prompt=prompt)
    await house.db.write(request_generation, house.shelf, actor, wanted, house.clock.now())
    house.engine.start(wanted.id)


def _durations(rng: random.Random, median_seconds: float, count: int) -> list[float]:
    """So many durations, at even steps of the distribution, in any order: the same ones for every vendor."""
    spread = statistics.NormalDist(math.log(median_seconds), SPREAD)
    steps = [math.exp(spread.inv_cdf((number + 0.5) / count)) for number in range(count)]
    rng.shuffle(steps)
    return steps


def _ends(origin: str) -> dict[str, float]:
    """When each job ended by the vendor's own clock, by the prompt it was sent."""
    told = json.loads(_get(f"{origin}/control/jobs"))["items"]
    found = ((_PROMPT.search(json.dumps(item["body"])), item["finished_at"]) for item in told)
    return {prompt[0]: ended_at for prompt, ended_at in found if prompt is not None}


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def _grouped(measured: Sequence[tuple[Job, float]]) -> list[list[tuple[Job, float]]]:
    groups: dict[tuple[str, str], list[tuple[Job, float]]] = {}
    for job, ended_at in measured:
        groups.setdefault((job.kind, job.provider), []).append((job, ended_at))
    return [groups[key] for key in sorted(groups)]


def _late(jobs: Sequence[tuple[Job, float]]) -> list[float]:
    return sorted(max(0.0, (job.noticed_at or 0.0) - ended_at) for job, ended_at in jobs)


def _noticed(jobs: Sequence[tuple[Job, float]], scale: Scale) -> list[Figure]:
    kind, provider = jobs[0][0].kind, adapters()[jobs[0][0].provider].title
    late, questions = _late(jobs), [job.questions for job, _ in jobs]
    goal_late, goal_questions = GOALS[kind]
    peer_seconds = 0.5 if kind == "image" else 15.0
    peers = {every: _poller(every, [job.seconds for job, _ in jobs]) for every in POLLERS}
    others = "; ".join(
        f"every {every:g} s: {late_seconds:.2g} s in {count:.0f}"
        for every, (late_seconds, count) in peers.items()
        if every != peer_seconds
    )
    what = f"{provider}, {len(jobs)} jobs of about {scale.median_seconds[kind]:g} s ({kind}s)"
    who = f"every {peer_seconds:g} s, as {POLLERS[peer_seconds]}"
    return [
        Figure(
            "B3",
            f"{what}: noticed late, p50",
            statistics.median(late),
            "s",
            peers[peer_seconds][0],
            who,
            goal_late,
            f"p95 {late[len(late) * 95 // 100]:.2g} s; {others}",
        ),
        Figure(
            "B3",
            f"{what}: questions, p50",
            statistics.median(questions),
            "",
            peers[peer_seconds][1],
            who,
            goal_questions,
        ),
    ]


def _poller(every_seconds: float, durations_seconds: Sequence[float]) -> tuple[float, float]:
    """How late, and in how many questions, a fixed interval from the submit on would notice: p50 of each."""
    counts = [math.ceil(seconds / every_seconds) for seconds in durations_seconds]
    late = [count * every_seconds - seconds for count, seconds in zip(counts, durations_seconds, strict=True)]
    return statistics.median(late), statistics.median(counts)


def _called_back(jobs: Sequence[tuple[Job, float]]) -> Figure:
    title = adapters()[jobs[0][0].provider].title
    late = [seconds * 1000 for seconds in _late(jobs)]
    return Figure(
        "B3",
        f"{title}, {len(jobs)} jobs that call back: noticed late, p50",
        statistics.median(late),
        "ms",
        goal=Goal("most", 50),
        note=f"p95 {late[len(late) * 95 // 100]:.0f} ms",
    )
