"""A vendor in the test's hands: it accepts jobs, finishes them on the fake clock, and misbehaves as scripted.

It outlives every crash of the house, so what it counted is the truth about duplicate jobs.
"""

import hashlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from tests.pipeline.fake_clock import FakeClock
from vermilion.kit.download import Downloaded, DownloadFailed, DownloadLimits
from vermilion.library import KeptFile, Unreadable
from vermilion.providers import (
    Ambiguity,
    Ambiguous,
    Broke,
    Call,
    Callback,
    Canceled,
    Done,
    Login,
    Lost,
    Output,
    Pending,
    ProviderError,
    Rejected,
    Ticket,
)
from vermilion.providers.contract import PowerName
from vermilion.storage import StorageFailed

PROVIDER = "atelier"


@dataclass(slots=True)
class Job:
    """One job the vendor really accepted."""

    ticket: Ticket
    reference: str
    outputs: int
    done_at: float
    bytes_outputs: bool = False
    canceled: bool = False
    failure: ProviderError | None = None
    forgotten: bool = False
    url_versions: int = 0
    checks: int = 0


Answer = Callable[["Vendor", Call], Ticket | Done]


async def _at_once(_point: str) -> None:
    return None


@dataclass
class Vendor:
    """The vendor's world. `submits` and `checks` are scripts: each entry answers one call, then the default does."""

    clock: FakeClock
    ambiguity: Ambiguity = Ambiguity.NONE
    powers: set[PowerName] = field(default_factory=lambda: {"cancel", "read_callback"})
    job_seconds: Callable[[], float] = lambda: 5.0
    bytes_outputs: bool = False
    grids: bool = False
    """All pictures of a job come side by side in one."""
    begins_several: bool = False
    """It says of itself that a submit may begin several jobs."""
    jobs: dict[str, Job] = field(default_factory=dict)
    submits: deque[Answer | Exception] = field(default_factory=deque)
    checks: deque["Done | Pending | Exception"] = field(default_factory=deque)
    listener: "Callable[[Ticket, Callable[[Pending], None]], Awaitable[None]] | None" = None
    """What it announces of a job by itself, with the power `listen`."""
    cancels: deque[Canceled | Exception] = field(default_factory=deque)
    finds: deque[Exception | None] = field(default_factory=deque)
    calls: list[tuple[str, str]] = field(default_factory=list)
    sent: list[Call] = field(default_factory=list)
    gate: Callable[[str], Awaitable[None]] = _at_once
    """Called before the vendor feels a call, and again before its answer is seen."""
    files: dict[str, bytes] = field(default_factory=dict)
    file_headers: dict[str, str] = field(default_factory=dict)
    """What it wants to be sent when a result is fetched."""
    _numbers: int = 0

    def accept(self, call: Call) -> Ticket:
        """Take a job on; with an idempotency key the same reference is the same job."""
        if self.ambiguity is Ambiguity.IDEMPOTENCY_KEY:
            for job in self.jobs.values():
                if job.reference == call.reference:
                    return job.ticket
        self._numbers += 1
        ticket = Ticket(f"job-{self._numbers}", {"endpoint": call.endpoint})
        self.jobs[ticket.id] = Job(
            ticket,
            call.reference,
            int(call.params.get("num_images", 1)),
            self.clock.monotonic() + self.job_seconds(),
            self.bytes_outputs,
        )
        return ticket

    def lose_answer(self) -> Answer:
        """A scripted submit: accepted, and the answer lost."""

        def answer(vendor: "Vendor", call: Call) -> Ticket:
            vendor.accept(call)
            raise Ambiguous("The answer was lost.")

        return answer

    def answer_several(self) -> Answer:
        """A scripted submit: a job for each picture, all of them in one ticket."""

        def answer(vendor: "Vendor", call: Call) -> Ticket:
            job = vendor.jobs.pop(vendor.accept(call).id)
            ids = [f"{job.ticket.id}-{n}" for n in range(job.outputs)]
            job.ticket = Ticket(",".join(ids), {"endpoint": call.endpoint, "ids": ids})
            vendor.jobs[job.ticket.id] = job
            return job.ticket

        return answer

    def jobs_of(self, references: Sequence[str]) -> list[Job]:
        """The jobs accepted under any of these references."""
        return [job for job in self.jobs.values() if job.reference in references]

    def results(self, job: Job) -> Done:
        """What the vendor says once the job is done."""
        outputs = []
        if self.grids:
            url = f"https://files.example/{job.ticket.id}/grid/{job.url_versions}"
            self.files[url] = f"grid {job.ticket.id}".encode()
            each = tuple(({"id": f"upscale_{cell}"},) for cell in range(job.outputs))
            whole = ({"id": "again"},)
            return Done((Output("image", url=url, actions=whole, grid=(job.outputs, 1), cell_actions=each),))
        for position in range(job.outputs):
            content = f"picture {job.ticket.id} {position}".encode()
            if job.bytes_outputs:
                outputs.append(Output("image", data=content, content_type="image/png"))
                continue
            url = f"https://files.example/{job.ticket.id}/{position}/{job.url_versions}"
            self.files[url] = content
            outputs.append(Output("image", url=url, content_type="image/png"))
        return Done(tuple(outputs), facts={"seed": 7})

    def check(self, ticket: Ticket) -> Pending | Done:
        """How a job is, by the clock."""
        job = self.jobs.get(ticket.id)
        if job is None or job.forgotten:
            raise Broke("The vendor knows no such job.")
        job.checks += 1
        if job.canceled:
            raise Broke("The job was stopped.", again=False)
        if self.clock.monotonic() < job.done_at:
            left = job.done_at - self.clock.monotonic()
            return Pending(started=True, percent=max(0.0, min(99.0, 100 - left)))
        if job.failure is not None:
            raise job.failure
        return self.results(job)

    def adapter(self) -> "type[VendorAdapter]":
        """The adapter class as the vendor is now: only with the powers it has."""
        members: dict[str, Any] = {"vendor": self, "ambiguity": self.ambiguity}
        members |= {power: getattr(_Powers, power) for power in self.powers}
        return type("Adapter", (VendorAdapter,), members)

    def sign(self, ticket_id: str) -> tuple[dict[str, str], bytes]:
        """A callback's headers and body, as this vendor signs them."""
        body = json.dumps({"job": ticket_id}).encode()
        return {"x-signature": hashlib.sha256(b"sandbox-key-not-secret" + body).hexdigest()}, body


class VendorAdapter:
    """Translates nothing: the vendor speaks the contract."""

    name: ClassVar[str] = PROVIDER
    title: ClassVar[str] = "Atelier"
    credential_fields: ClassVar[tuple[Any, ...]] = ()
    ambiguity: ClassVar[Ambiguity] = Ambiguity.NONE
    max_concurrent_default: ClassVar[int] = 4
    vendor: ClassVar[Vendor]

    def __init__(self, login: Login, _wire: object = None) -> None:
        self.login = login

    def file_headers(self, _url: str) -> Mapping[str, str]:
        return self.vendor.file_headers

    def begins_several(self, _endpoint: str, _options: Mapping[str, Any]) -> bool:
        return self.vendor.begins_several

    async def submit(self, call: Call) -> Ticket | Done:
        vendor = self.vendor
        vendor.calls.append(("submit", call.reference))
        await vendor.gate("submit sent")
        vendor.sent.append(call)
        try:
            scripted = vendor.submits.popleft() if vendor.submits else None
            if isinstance(scripted, Exception):
                raise scripted
            return scripted(vendor, call) if scripted is not None else vendor.accept(call)
        finally:
            await vendor.gate("submit answered")

    async def check(self, ticket: Ticket) -> Pending | Done:
        vendor = self.vendor
        vendor.calls.append(("check", ticket.id))
        await vendor.gate("check sent")
        scripted = vendor.checks.popleft() if vendor.checks else None
        if isinstance(scripted, Exception):
            raise scripted
        answer = scripted if scripted is not None else vendor.check(ticket)
        await vendor.gate("check answered")
        return answer


class _Powers(VendorAdapter):
    """The optional powers, each lent to the adapters of vendors that have it."""

    async def cancel(self, ticket: Ticket) -> Canceled:
        vendor = self.vendor
        vendor.calls.append(("cancel", ticket.id))
        await vendor.gate("cancel sent")
        scripted = vendor.cancels.popleft() if vendor.cancels else None
        if isinstance(scripted, Exception):
            raise scripted
        job = vendor.jobs.get(ticket.id)
        if scripted is None:
            if job is None:
                scripted = Canceled.UNKNOWN
            elif vendor.clock.monotonic() >= job.done_at:
                scripted = Canceled.TOO_LATE
            else:
                scripted = Canceled.STOPPED
        if scripted is Canceled.STOPPED and job is not None:
            job.canceled = True
        await vendor.gate("cancel answered")
        return scripted

    async def check_many(self, tickets: Sequence[Ticket]) -> Mapping[str, Pending | Done | Exception]:
        vendor = self.vendor
        vendor.calls.append(("check_many", str(len(tickets))))
        await vendor.gate("check sent")
        answers: dict[str, Pending | Done | Exception] = {}
        for ticket in tickets:
            try:
                answers[ticket.id] = vendor.check(ticket)
            except ProviderError as error:
                answers[ticket.id] = error
        await vendor.gate("check answered")
        return answers

    async def find(self, lost: Lost) -> Ticket | Done | None:
        vendor = self.vendor
        vendor.calls.append(("find", lost.reference))
        await vendor.gate("find sent")
        scripted = vendor.finds.popleft() if vendor.finds else None
        if scripted is not None:
            raise scripted
        found = vendor.jobs_of([lost.reference])
        await vendor.gate("find answered")
        return found[0].ticket if found else None

    async def listen(self, ticket: Ticket, tell: Callable[[Pending], None]) -> None:
        assert self.vendor.listener is not None
        self.vendor.calls.append(("listen", ticket.id))
        await self.vendor.listener(ticket, tell)

    async def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        ticket_id = json.loads(body)["job"]
        if headers != self.vendor.sign(ticket_id)[0]:
            raise Rejected("The signature is not the vendor's.")
        return Callback(Ticket(ticket_id))


@dataclass
class FakeDownloader:
    """Fetches from the vendor's shelf; `failures` are scripted, one per fetch."""

    vendor: Vendor
    failures: deque[DownloadFailed | None] = field(default_factory=deque)
    expired: set[str] = field(default_factory=set)
    sent_headers: list[dict[str, str]] = field(default_factory=list)
    fetched: dict[Path, bytes] = field(default_factory=dict)

    async def fetch(
        self,
        url: str,
        spool_dir: Path,
        *,
        limits: DownloadLimits,
        allow_private_hosts: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Downloaded:
        del limits, allow_private_hosts
        self.sent_headers.append(dict(headers or {}))
        await self.vendor.gate("download begun")
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        if url in self.expired or url not in self.vendor.files:
            raise DownloadFailed("expired", "the address has expired", again=False, status=403)
        content = self.vendor.files[url]
        path = spool_dir / f"{uuid4().hex}.part"
        self.fetched[path] = content
        await self.vendor.gate("download ended")
        return Downloaded(path, len(content), hashlib.sha256(content).hexdigest(), "image/png", url)


@dataclass
class LightKeeper:
    """Keeps like `library.Keeper`, in a dictionary: what it returned a file for is durably stored."""

    vendor: Vendor
    downloader: FakeDownloader
    stored: set[str] = field(default_factory=set)
    failures: deque[StorageFailed | Unreadable | OSError | None] = field(default_factory=deque)

    async def keep(self, spool: Path, *, expect: str | None = None, sha256: str | None = None) -> KeptFile:
        await self.vendor.gate("keep begun")
        content = self.downloader.fetched.pop(spool, None)
        if content is None:
            content = _take(spool)
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        digest = sha256 or hashlib.sha256(content).hexdigest()
        key = f"sha256/{digest[:2]}/{digest}"
        self.stored.add(key)
        await self.vendor.gate("keep ended")
        return self._file(content, digest, key)

    async def keep_cells(self, spool: Path, *, columns: int, rows: int) -> tuple[KeptFile, ...]:
        whole = self.downloader.fetched.pop(spool, None) or _take(spool)
        kept = []
        for cell in range(columns * rows):
            part = spool.with_name(f"{uuid4().hex}.part")
            self.downloader.fetched[part] = whole + f" cell {cell}".encode()
            try:
                kept.append(await self.keep(part, expect="image"))
            finally:
                self.downloader.fetched.pop(part, None)
        return tuple(kept)

    @staticmethod
    def _file(content: bytes, digest: str, key: str) -> KeptFile:
        return KeptFile(
            kind="image",
            content_type="image/png",
            width=64,
            height=64,
            duration_seconds=None,
            size_bytes=len(content),
            sha256=digest,
            storage_key=key,
            thumbnail_key=key,
            thumbhash=b"\x01\x02",
        )


def _take(path: Path) -> bytes:
    content = path.read_bytes()
    path.unlink()
    return content
