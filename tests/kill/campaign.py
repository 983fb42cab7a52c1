"""A kill run: a real server and a real sandbox, people at work, and SIGKILL at random moments.

What must be true afterwards is counted from the outside (the API, the vendor's own list of jobs) and from the
database, never from what the server thinks of itself.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from sqlalchemy import select

from tests.api.studio import free_port
from tests.kill.clients import ENDED, Client, keep_busy
from tests.kill.jobs import by_attempt, duplicates, is_told
from vermilion import ledger
from vermilion.catalog import CredentialDraft, add_credential
from vermilion.db import Database, Tx, open_database
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.identity import create_admin, create_api_key, sign_up
from vermilion.kit import SystemClock
from vermilion.kit.sealed import load_or_create_key
from vermilion.ledger.tables import AccountRow, EntryRow
from vermilion.providers import adapters
from vermilion.wiring import welcome

STARTED_WITHIN_SECONDS = 60.0
AT_REST_SECONDS = 20.0
"""How long after an intention the admin looks at the vendor: everything was killed and started since."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard to try. `longest_life_seconds` bounds how long a server lives before it is killed."""

    kills: int = 30
    sandbox_kills: int = 5
    people: int = 5
    in_flight: int = 220
    longest_life_seconds: float = 4.0
    drain_seconds: float = 240.0
    seed: int = 0


@dataclass
class Report:
    """What happened, and what must be zero."""

    kills: int = 0
    kills_while_starting: int = 0
    sandbox_kills: int = 0
    in_flight_at_kills: list[int] = field(default_factory=list)
    found_at_kills: Counter[str] = field(default_factory=Counter)
    requested: int = 0
    accepted: int = 0
    repeated: int = 0
    reconnects: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0
    resolved_by_word: int = 0
    resolved_by_admin_failed: int = 0
    resolved_by_admin_again: int = 0
    files_checked: int = 0
    orphans: int = 0
    lost: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)
    duplicate_jobs: list[str] = field(default_factory=list)
    misheard: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    restart_seconds: list[float] = field(default_factory=list)
    drain_seconds: float = 0.0

    def lines(self) -> list[tuple[str, str]]:
        """The figures, for a table."""
        flight = sorted(self.in_flight_at_kills) or [0]
        restarts = sorted(self.restart_seconds) or [0.0]
        return [
            ("servers killed (of these while starting)", f"{self.kills} ({self.kills_while_starting})"),
            ("sandboxes killed", str(self.sandbox_kills)),
            ("in flight, least / median / most", f"{flight[0]} / {flight[len(flight) // 2]} / {flight[-1]}"),
            ("rows found unfinished at the kills", _counted(self.found_at_kills)),
            ("requested / accepted / asked again", f"{self.requested} / {self.accepted} / {self.repeated}"),
            ("event streams resumed", str(self.reconnects)),
            ("ended", _counted(self.ended)),
            ("jobs at the vendors", _counted(self.jobs)),
            ("uncertain", str(self.uncertain)),
            ("... resolved by callback / given up by admin / tried again by admin",
             f"{self.resolved_by_word} / {self.resolved_by_admin_failed} / {self.resolved_by_admin_again}"),
            ("files fetched and compared", str(self.files_checked)),
            ("restart to answering, median", f"{restarts[len(restarts) // 2]:.1f} s"),
            ("drained after the last kill in", f"{self.drain_seconds:.0f} s"),
            ("LOST", str(len(self.lost))),
            ("SETTLED TWICE", str(len(self.doubles))),
            ("CREDITS NOT CONSERVED", str(len(self.unsound))),
            ("DUPLICATE VENDOR JOBS", str(len(self.duplicate_jobs))),
            ("EVENTS THAT DIFFER FROM GET", str(len(self.misheard))),
            ("UNEXPECTED ANSWERS", str(len(self.refusals))),
            ("PROCESSES LEFT BEHIND", str(self.orphans)),
        ]  # fmt: skip

    def faults(self) -> list[str]:
        """Everything that must not be."""
        return [*self.lost, *self.doubles, *self.unsound, *self.duplicate_jobs, *self.misheard, *self.refusals] + (
            [f"{self.orphans} processes left behind"] if self.orphans else []
        )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


class _Process:
    """A child in a process group of its own, so that what it leaves behind can be found."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._arguments = arguments
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.orphans = 0

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """SIGKILL to the process alone; its own children have to notice by themselves."""
        if self._process is None:
            return
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        until = time.monotonic() + 20
        while self._is_anybody_left():
            if time.monotonic() > until:
                self.orphans += 1
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                return
            await asyncio.sleep(0.05)

    @property
    def ended(self) -> int | None:
        return self._process.poll() if self._process else None

    def _is_anybody_left(self) -> bool:
        try:
            os.killpg(self._process.pid if self._process else 0, 0)
        except ProcessLookupError:
            return False
        return True


class Campaign:
    """One run, on one database."""

    def __init__(self, plan: Plan, folder: Path, database_url: str) -> None:
        self.plan = plan
        self.report = Report()
        self._chance = random.Random(plan.seed)
        self._url = database_url
        self._folder = folder
        self._port, sandbox_port = free_port(), free_port()
        self._api = f"http://127.0.0.1:{self._port}/api/v1"
        self._control = f"http://127.0.0.1:{sandbox_port}/control"
        self._settings = {
            "VERMILION_PORT": str(self._port),
            "VERMILION_DATA": str(folder / "data"),
            "VERMILION_DATABASE_URL": database_url,
            "VERMILION_CALLBACK_URL": f"http://127.0.0.1:{self._port}",
            "VERMILION_RATE_LIMITS": "false",
            "VERMILION_WORKERS": "1",
        }
        self.server = _Process(["-m", "vermilion", "serve"], self._settings, folder / "server.log")
        self.sandbox = _Process(
            ["-m", "vermilion.sandbox", "--port", str(sandbox_port), "--data", str(folder / "sandbox"), "--fast",
             "--speed", "20", "--max-concurrent", "1000"],
            {},
            folder / "sandbox.log",
        )  # fmt: skip

    async def run(self) -> Report:
        """Prepare, kill, drain, judge."""
        self.sandbox.start()
        try:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                await self._until_answering(session, f"{self._control}/health")
                async with session.get(f"{self._control}/logins") as answer:
                    told = (await answer.json())["items"]
                    logins = {login["provider"]: login["fields"] for login in told if login["provider"] in adapters()}
                secrets, admin_key = await asyncio.to_thread(self._prepare, logins)
                self.server.start()
                people = [Client(self._api, key, session, random.Random(self._chance.random())) for key in secrets]
                admin = Client(self._api, admin_key, session, random.Random(0))
                await self._play(people, admin, session)
        finally:
            await self.server.kill()
            await self.sandbox.kill()
        self.report.orphans = self.server.orphans + self.sandbox.orphans
        return self.report

    async def _play(self, people: list[Client], admin: Client, session: aiohttp.ClientSession) -> None:
        listening = [asyncio.create_task(person.listen()) for person in people]
        over = asyncio.Event()
        busy = asyncio.create_task(
            keep_busy(people, self.plan.in_flight, over.is_set, lambda: self._chance.choice(people).request())
        )
        fickle = asyncio.create_task(self._change_minds(people, over))
        try:
            await self._until_answering(session, f"{self._api}/health/ready")
            await self._until_busy(people)
            await self._kill_many(people, session)
            over.set()
            begun = time.monotonic()
            await asyncio.gather(busy, fickle)
            await self._drain(people, admin, session)
            self.report.drain_seconds = time.monotonic() - begun
            await self._judge(people, session)
        finally:
            over.set()
            for task in (*listening, busy, fickle):
                task.cancel()
            await asyncio.gather(*listening, busy, fickle, return_exceptions=True)

    def _prepare(self, logins: dict[str, dict[str, str]]) -> tuple[list[str], str]:
        """People with plenty of credits, an admin, and a credential for each vendor of the sandbox."""
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        sealer = load_or_create_key(data / "secret.key")
        now = SystemClock().now()

        def populate(tx: Tx) -> tuple[list[str], str]:
            for provider, fields in logins.items():
                draft = CredentialDraft(name="Rehearsal", fields=fields, max_concurrent=100, allow_private_hosts=True)
                add_credential(tx, sealer, None, provider, draft, now=now)
            root = create_admin(
                tx, "root@example.test", name="Root", password_hash="x", now=now, on_user_created=welcome
            )
            keys = []
            for number in range(self.plan.people):
                user = sign_up(
                    tx, f"p{number}@example.test", name="P", password_hash="x", now=now, on_user_created=welcome
                )
                ledger.grant(tx, user.id, 1_000_000, reason="for a test", actor_id=None, key=None, now=now)
                keys.append(_key(tx, user.id, now))
            return keys, _key(tx, root.id, now, "admin")

        with _opened(self._url) as db:
            return db.write_now(populate)

    async def _kill_many(self, people: list[Client], session: aiohttp.ClientSession) -> None:
        sandbox_kills = set(self._chance.sample(range(self.plan.kills), self.plan.sandbox_kills))
        for number in range(self.plan.kills):
            if self._chance.random() < 0.2:
                # Somewhere in its start, which picks up everything that was under way.
                await asyncio.sleep(self._chance.uniform(0.2, 2.5))
                self.report.kills_while_starting += 1
            else:
                begun = time.monotonic()
                await self._until_answering(session, f"{self._api}/health/ready")
                self.report.restart_seconds.append(time.monotonic() - begun)
                await asyncio.sleep(self._chance.uniform(0.0, self.plan.longest_life_seconds))
            if self.server.ended is not None:
                raise AssertionError(f"the server ended by itself; see {self._folder / 'server.log'}")
            self.report.in_flight_at_kills.append(sum(person.in_flight for person in people))
            if number in sandbox_kills:
                await self.sandbox.kill()
                self.report.sandbox_kills += 1
                await asyncio.sleep(self._chance.uniform(0.0, 0.5))
            await self.server.kill()
            self.report.kills += 1
            self.report.found_at_kills.update(await asyncio.to_thread(self._statuses))
            if number in sandbox_kills:
                self.sandbox.start()
            self.server.start()

    async def _change_minds(self, people: list[Client], over: asyncio.Event) -> None:
        while not over.is_set():
            await self._chance.choice(people).cancel_one()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(0.2, 1.5)):
                    await over.wait()

    async def _until_busy(self, people: list[Client]) -> None:
        async with asyncio.timeout(STARTED_WITHIN_SECONDS):
            while sum(person.in_flight for person in people) < self.plan.in_flight * 0.9:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _until_answering(self, session: aiohttp.ClientSession, url: str) -> None:
        async with asyncio.timeout(STARTED_WITHIN_SECONDS):
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                    async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)

    def _statuses(self) -> Counter[str]:
        with _opened(self._url) as db:
            return Counter(
                db.read_now(
                    lambda tx: list(tx.scalars(select(GenerationRow.status).where(GenerationRow.finished_at.is_(None))))
                )
            )

    async def _drain(self, people: list[Client], admin: Client, session: aiohttp.ClientSession) -> None:
        """Let everything end; what is uncertain and of which no word will come is for the admin."""
        until = time.monotonic() + self.plan.drain_seconds
        while time.monotonic() < until:
            left = Counter(
                person.views.get(each, {}).get("status", "unheard of") for person in people for each in person.accepted
            )
            unfinished = {status: count for status, count in left.items() if status not in ENDED}
            if not unfinished:
                return
            if "uncertain" in unfinished:
                await self._at_the_desk(admin, session)
            await asyncio.sleep(0.3)

    async def _at_the_desk(self, admin: Client, session: aiohttp.ClientSession) -> None:
        """Do what an admin does: look at the vendor for the job, then decide."""
        jobs = await self._jobs(session)
        _, page = await admin.ask("GET", "/admin/review?limit=200")
        for item in page["items"]:
            generation_id = item["generation"]["id"]
            attempts = await asyncio.to_thread(self._attempts, UUID(generation_id))
            last = by_attempt(jobs, attempts).get(attempts[-1].id, [])
            # No word will come any more, and no call is on its way that could still make a job.
            if (
                not all(is_told(job) for job in last)
                or attempts[-1].intended_at.timestamp() > time.time() - AT_REST_SECONDS
            ):
                continue
            is_there = bool(last)
            resolution = "failed" if is_there else "check_again"
            status, answer = await admin.ask(
                "POST", f"/admin/review/{generation_id}", {"resolution": resolution, "note": "looked at the vendor"}
            )
            if status == 200 and is_there:
                self.report.resolved_by_admin_failed += 1
            elif status == 200:
                self.report.resolved_by_admin_again += 1
            else:
                self.report.refusals.append(f"review: {status} {answer}")

    def _attempts(self, generation_id: UUID) -> list[AttemptRow]:
        with _opened(self._url) as db:
            return db.read_now(
                lambda tx: list(
                    tx.scalars(
                        select(AttemptRow).where(AttemptRow.generation_id == generation_id).order_by(AttemptRow.n)
                    )
                )
            )

    async def _jobs(self, session: aiohttp.ClientSession) -> list[Any]:
        async with session.get(f"{self._control}/jobs") as answer:
            found = await answer.json()
        assert found["total"] == len(found["items"]), "more jobs than the sandbox lists"
        return list(found["items"])

    async def _judge(self, people: list[Client], session: aiohttp.ClientSession) -> None:
        report = self.report
        for person in people:
            report.requested += person.requested
            report.accepted += len(person.accepted)
            report.repeated += person.repeated
            report.reconnects += person.streams - 1
            report.refusals += person.refusals
            for generation_id in sorted(person.accepted):
                await self._judge_one(person, generation_id)
        doubted = set().union(*(person.seen_uncertain for person in people))
        report.uncertain = len(doubted)
        report.resolved_by_word = report.uncertain - report.resolved_by_admin_failed - report.resolved_by_admin_again
        jobs = await self._jobs(session)
        report.jobs.update(job["vendor"] for job in jobs)
        report.unsound += await asyncio.to_thread(self._audit)
        with _opened(self._url) as db:
            report.unsound += db.read_now(_money_differs)
            report.doubles += db.read_now(_ended_twice)
            report.duplicate_jobs += db.read_now(duplicates, jobs)

    def _audit(self) -> list[str]:
        """What the terminal finds, files included."""
        done = subprocess.run(
            [sys.executable, "-m", "vermilion", "ledger", "fsck"],
            env={**os.environ, **self._settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return [] if done.returncode == 0 else [done.stdout + done.stderr]

    async def _judge_one(self, person: Client, generation_id: str) -> None:
        report = self.report
        status, view = await person.ask("GET", f"/generations/{generation_id}")
        if status != 200:
            report.lost.append(f"{generation_id} was accepted and answers {status}")
            return
        report.ended[view["status"]] += 1
        if person.views.get(generation_id) != view:
            report.misheard.append(f"{generation_id}: events say {person.views.get(generation_id)}, GET says {view}")
        if view["status"] not in ENDED:
            report.lost.append(f"{generation_id} is still {view['status']}")
        if view["status"] != "succeeded":
            return
        if not view["assets"]:
            report.lost.append(f"{generation_id} succeeded without a file")
        for asset in view["assets"]:
            headers = {"Authorization": f"Bearer {person.key}"}
            url = self._api.removesuffix("/api/v1") + asset["urls"]["full"]
            async with person.session.get(url, headers=headers) as answer:
                content = await answer.read()
            report.files_checked += 1
            if answer.status != 200 or len(content) != asset["size_bytes"]:
                report.lost.append(f"{generation_id}: a file answers {answer.status} with {len(content)} bytes")


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    db = open_database(url)
    try:
        yield db
    finally:
        db.close()


def _key(tx: Tx, user_id: UUID, now: Any, *more: Any) -> str:
    _, key = create_api_key(tx, user_id, "a program", ["read", "generate", *more], expires_in_days=None, now=now)
    return key


def _money_differs(tx: Tx) -> list[str]:
    """What each person spent against what their generations say they cost, and nothing held any more."""
    settled: Counter[UUID] = Counter()
    for user_id, cost in tx.execute(select(GenerationRow.user_id, GenerationRow.settled_credits)):
        settled[user_id] += cost or 0
    return [
        f"{account.user_id}: granted {account.granted}, available {account.available}, held {account.held}, spent "
        f"{account.spent}; the generations cost {settled[account.user_id]}"
        for account in tx.scalars(select(AccountRow))
        if account.held != 0
        or account.spent != settled[account.user_id]
        or account.granted != account.available + account.spent
    ]


def _ended_twice(tx: Tx) -> list[str]:
    ends = Counter(tx.scalars(select(EntryRow.hold_id).where(EntryRow.kind.in_(("settle", "release")))))
    settles = Counter(tx.scalars(select(EntryRow.generation_id).where(EntryRow.kind == "settle")))
    return [f"hold {hold} ended {count} times" for hold, count in ends.items() if count != 1] + [
        f"generation {generation} was settled {count} times" for generation, count in settles.items() if count != 1
    ]
