"""Jobs of every vendor: when each one waits, runs and ends, and where that is written down.

A job's times are planned the moment it arrives, so its state is a question about the clock and
nothing has to tick. Each owner (one vendor key) has a line with a fixed number of slots; a
canceled job gives its slot back and the rest of the line is planned anew.
"""

from __future__ import annotations

import heapq
import json
import math
import secrets
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .faults import Fault

State = Literal["queued", "running", "finished"]

NEVER = math.inf


@dataclass(slots=True)
class Job:
    """One piece of work a client asked a vendor for. Times are Unix seconds; NEVER is infinite."""

    id: str
    vendor: str
    owner: str
    model: str
    body: dict[str, Any]
    created_at: float
    wait_seconds: float
    duration_seconds: float
    webhook_url: str | None = None
    started_at: float = 0.0
    finished_at: float = 0.0
    line_number: int = 0
    canceled: bool = False
    faults: list[Fault] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def state(self, now: float) -> State:
        if now >= self.finished_at:
            return "finished"
        return "running" if now >= self.started_at else "queued"

    def fault(self, kind: str) -> Fault | None:
        """The first fault of this kind that the job carries."""
        for fault in self.faults:
            if fault.kind == kind:
                return fault
        return None


@dataclass(slots=True)
class _Line:
    """The slots of one owner, as a heap of the times at which each becomes free."""

    owner: str
    slots: list[float] = field(default_factory=list)
    last_number: int = 0
    head_number: int = 1
    waiting: OrderedDict[int, Job] = field(default_factory=OrderedDict)

    def plan(self, job: Job, size: int, earliest: float) -> None:
        ready = max(earliest, job.created_at + job.wait_seconds)
        if len(self.slots) >= size:
            ready = max(ready, heapq.heappop(self.slots))
        job.started_at = ready
        job.finished_at = ready + job.duration_seconds
        heapq.heappush(self.slots, job.finished_at)


class JobStore:
    """All jobs, newest last, bounded to `max_jobs`. With a file, each change is written at once."""

    def __init__(
        self,
        *,
        max_jobs: int,
        max_concurrent: int,
        path: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self._max_jobs = max_jobs
        self._max_concurrent = max_concurrent
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lines: dict[str, _Line] = {}
        self._db = _open(path) if path else None
        if self._db is not None:
            self._load(self._db)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Take a job into its owner's line and plan its times."""
        line = self._line(job.owner)
        self._settle(line, self.clock())
        line.last_number += 1
        job.line_number = line.last_number
        if job.duration_seconds > 0:
            line.plan(job, self._max_concurrent, job.created_at)
            line.waiting[job.line_number] = job
        else:
            job.started_at = job.created_at + job.wait_seconds
            job.finished_at = job.started_at
        self._jobs[job.id] = job
        self.save(job)
        while len(self._jobs) > self._max_jobs:
            self._drop_oldest()

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def new_id(self, make: Callable[[], str]) -> str:
        """An id no job has: after a restart chance repeats itself, and the jobs from before are still known."""
        while (job_id := make()) in self._jobs:
            pass
        return job_id

    def all(self) -> Iterable[Job]:
        return self._jobs.values()

    def forget(self, job: Job) -> None:
        """Remove a job as if it had never been."""
        self._jobs.pop(job.id, None)
        line = self._lines.get(job.owner)
        if line is not None and line.waiting.pop(job.line_number, None) is not None:
            self._replan(line)
        if self._db is not None:
            self._db.execute("delete from jobs where id = ?", (job.id,))

    def ahead(self, job: Job) -> int:
        """How many jobs of the same owner will start before this one."""
        line = self._lines.get(job.owner)
        if line is None:
            return 0
        self._settle(line, self.clock())
        if job.line_number not in line.waiting:
            return 0
        return max(0, job.line_number - line.head_number)

    def waiting_count(self, owner: str) -> int:
        """How many jobs of this owner have not started."""
        line = self._lines.get(owner)
        if line is None:
            return 0
        self._settle(line, self.clock())
        return len(line.waiting)

    def is_full(self, owner: str) -> bool:
        """Whether a job of this owner would have to wait for a slot."""
        line = self._lines.get(owner)
        return line is not None and len(line.slots) >= self._max_concurrent and line.slots[0] > self.clock()

    def cancel(self, job: Job, *, after_seconds: float) -> None:
        """End a job early: at once if it waits, `after_seconds` from now if it runs."""
        now = self.clock()
        state = job.state(now)
        if state == "finished":
            return
        job.canceled = True
        self._end(job, now if state == "queued" else min(job.finished_at, now + after_seconds))

    def finish(self, job: Job) -> None:
        """Let a job end now, whatever was planned."""
        now = self.clock()
        if job.state(now) != "finished":
            job.started_at = min(job.started_at, now)
            self._end(job, now)

    def fail_at(self, job: Job, at: float) -> None:
        """Take a job out of the line: it will never run and is over at `at`."""
        self._end(job, at)

    def save(self, job: Job) -> None:
        """Write a job down (nothing to do without a file)."""
        if self._db is not None:
            self._db.execute(
                "insert into jobs(id, created_at, document) values(?, ?, ?)"
                " on conflict(id) do update set document = excluded.document",
                (job.id, job.created_at, json.dumps(asdict(job))),
            )

    def note(self, name: str) -> str | None:
        """A small named text kept beside the jobs, such as a signing key."""
        if self._db is None:
            return None
        row = self._db.execute("select value from notes where name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def keep_note(self, name: str, value: str) -> None:
        if self._db is not None:
            self._db.execute("insert or replace into notes(name, value) values(?, ?)", (name, value))

    def secret(self, name: str) -> bytes:
        """32 bytes nobody knows, kept as a note, so that a restart does not change them."""
        kept = self.note(name)
        if kept:
            return bytes.fromhex(kept)
        made = secrets.token_bytes(32)
        self.keep_note(name, made.hex())
        return made

    def clear(self) -> None:
        self._jobs.clear()
        self._lines.clear()
        if self._db is not None:
            self._db.execute("delete from jobs")

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _line(self, owner: str) -> _Line:
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = _Line(owner)
        return line

    def _end(self, job: Job, at: float) -> None:
        started = job.started_at
        job.finished_at = at
        job.started_at = min(started, at)
        self.save(job)
        line = self._lines.get(job.owner)
        if line is not None:
            line.waiting.pop(job.line_number, None)
            self._replan(line)

    def _replan(self, line: _Line) -> None:
        """Plan everybody who still waits again, after a slot came free earlier than thought."""
        now = self.clock()
        waiting = sorted(
            (job for job in line.waiting.values() if job.started_at > now),
            key=lambda job: job.line_number,
        )
        line.slots = [
            job.finished_at
            for job in self._jobs.values()
            if job.owner == line.owner and job.started_at <= now < job.finished_at
        ]
        heapq.heapify(line.slots)
        for job in waiting:
            line.plan(job, self._max_concurrent, now)
            self.save(job)

    def _settle(self, line: _Line, now: float) -> None:
        """Let those who have started leave the front of the line."""
        while line.waiting:
            number, job = next(iter(line.waiting.items()))
            if job.started_at > now:
                line.head_number = number
                return
            del line.waiting[number]
        line.head_number = line.last_number + 1

    def _drop_oldest(self) -> None:
        now = self.clock()
        oldest = next(
            (job for job in self._jobs.values() if job.state(now) == "finished"),
            next(iter(self._jobs.values())),
        )
        self.forget(oldest)

    def _load(self, db: sqlite3.Connection) -> None:
        now = self.clock()
        rows = db.execute("select document from jobs order by created_at, rowid").fetchall()
        for (document,) in rows:
            fields = json.loads(document)
            fields["faults"] = [Fault(**fault) for fault in fields["faults"]]
            job = Job(**fields)
            self._jobs[job.id] = job
            line = self._line(job.owner)
            line.last_number = max(line.last_number, job.line_number)
            if job.state(now) == "running":
                heapq.heappush(line.slots, job.finished_at)
            elif job.state(now) == "queued":
                line.waiting[job.line_number] = job
        for line in self._lines.values():
            self._replan(line)


def _open(path: Path) -> sqlite3.Connection:
    """Open the job file. A write survives a killed process; only a lost machine could lose it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = off")
    db.execute("create table if not exists jobs(id text primary key, created_at real not null, document text not null)")
    db.execute("create table if not exists notes(name text primary key, value text not null)")
    return db
