"""What a vendor of the sandbox is. Adding one is adding `sandbox/<vendor>.py` with a class `Vendor`; no list is kept.

A vendor answers every request under `/<name>` and under the host names it claims. What all of them
share (jobs, faults, drawing, files that go out) is here and on the stage; its wire is its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

from aiohttp import web

from .faults import JOB, VOCABULARY, WIRE_PLACES, Fault, FaultKind, make_fault, read_markers
from .jobs import Job
from .misbehave import Refuse, misbehave
from .stage import Stage

Answer = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Card:
    """What the index page tells about a vendor. `example` is a command that makes a first result.

    `arguments` are the words that may follow a marker's colon, by the marker's kind, where there is a list of them.
    """

    parts: Sequence[tuple[str, str]]
    models: Sequence[str] = ()
    example: str = ""
    notes: Sequence[str] = field(default=())
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pages: Sequence[tuple[str, str]] = ()
    """Pages of its own that people look at: what each is, and its address."""


class BaseVendor(ABC):
    """One vendor of one sandbox. Made before anything is served; `resume` is called when serving starts."""

    name: ClassVar[str]
    """Its file's name, the first part of its addresses, and the provider's name at whoever calls it."""

    title: ClassVar[str]
    """Its name as people write it."""

    default_secrets: ClassVar[Mapping[str, str]]
    """What it checks of a caller (key, or access key and secret), shaped like the vendor's and visibly not real."""

    hosts: ClassVar[frozenset[str]] = frozenset()
    """Host names it answers as, beside its path; no two vendors claim the same."""

    faults: ClassVar[Sequence[FaultKind]] = VOCABULARY
    """What it can be asked to do wrong: words of the common vocabulary, and its own."""

    places: ClassVar[Sequence[str]] = WIRE_PLACES
    """Where its wire can be struck; what usually strikes elsewhere strikes at the first of them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.secrets: Sequence[Mapping[str, str]] = [
            {**self.default_secrets, **given} for given in stage.config.secrets.get(self.name, ({},))
        ]
        """The logins it accepts, at least one. The first is the one it tells."""
        self.kinds = {kind.name: kind.within(self.places) for kind in self.faults}

    @abstractmethod
    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request under its prefix or its hosts."""

    @abstractmethod
    def login(self, origin: str) -> dict[str, str]:
        """The credential fields of a caller, given the sandbox's own address without a trailing slash."""

    @abstractmethod
    def card(self, root: str) -> Card:
        """Its part of the index page, given the sandbox's own address without a trailing slash."""

    @abstractmethod
    def refuse(self, status: int) -> web.Response:
        """The vendor's own error answer for 401, 403, 429, 500 and 503."""

    def resume(self) -> None:  # noqa: B027 - most vendors owe nothing after a restart
        """Serving begins: deliver what was still owed before a restart."""

    def clear(self) -> None:  # noqa: B027 - most vendors keep everything on the stage
        """Forget everything; jobs, files and faults are forgotten already."""

    @property
    def prefix(self) -> str:
        return f"/{self.name}"

    def path_of(self, request: web.Request) -> str:
        """The request's path as the vendor knows it: with a leading slash and without the prefix."""
        return request.path if self._by_host(request) else request.path.removeprefix(self.prefix) or "/"

    def base_of(self, request: web.Request) -> str:
        """The address the caller reached the vendor at, without a trailing slash, for addresses in answers."""
        if self._by_host(request):
            return f"{request.headers.get('X-Forwarded-Proto', request.scheme)}://{request.host}"
        origin = self.stage.config.public_url or f"{request.scheme}://{request.host}"
        return origin.rstrip("/") + self.prefix

    def marked(self, *texts: object) -> list[Fault]:
        """The faults that markers in a request's own texts ask for; what is no text asks for none."""
        return [fault for text in texts if isinstance(text, str) for fault in read_markers(text, self.kinds)]

    def struck_job(self) -> list[Fault]:
        """The armed fault that concerns the job being taken in, if any."""
        armed = self.stage.faults.strike(self.name, JOB)
        return [armed] if armed else []

    def place_of(self, *jobs: Job) -> str:
        """Where a question about jobs is struck: `result` once one of them is over, and before that `status`."""
        now = self.stage.now()
        return "result" if any(job.state(now) == "finished" for job in jobs) else "status"

    def fault(self, kind: str, at: str = "", argument: str = "") -> Fault:
        """A fault of this vendor; `UnknownFault` says what was wrong with the words."""
        return make_fault(kind, at, argument, self.kinds)

    async def with_faults(
        self,
        request: web.Request,
        place: str,
        faults: list[Fault],
        subject: str,
        answer: Answer,
        refuse: Refuse | None = None,
    ) -> web.StreamResponse:
        """Answer truly, unless a fault was armed for this place or marked on this request.

        `subject` is equal for repeats of one request: a marked fault strikes a subject once unless it says otherwise.
        `refuse` replaces the vendor's own where it speaks several protocols.
        """
        return await self._struck(request, place, ((faults, subject),), answer, refuse)

    async def about(
        self,
        request: web.Request,
        jobs: Sequence[Job],
        answer: Answer,
        refuse: Refuse | None = None,
        *,
        place: str = "",
    ) -> web.StreamResponse:
        """The same for a question about jobs, of which each one's faults strike by themselves.

        Unless a place is named it is `probe` for a job nobody knows, `result` once one is over, and else `status`.
        """
        place = place or (self.place_of(*jobs) if jobs else "probe")
        return await self._struck(request, place, [(job.faults, job.id) for job in jobs], answer, refuse)

    async def _struck(
        self,
        request: web.Request,
        place: str,
        marked: Iterable[tuple[list[Fault], str]],
        answer: Answer,
        refuse: Refuse | None,
    ) -> web.StreamResponse:
        board = self.stage.faults
        strikes = (board.strike_marked(faults, place, subject) for faults, subject in marked)
        fault = board.strike(self.name, place) or next((strike for strike in strikes if strike is not None), None)
        if fault is None:
            return await answer()
        return await self.act_out(request, fault, answer, refuse or self.refuse)

    async def act_out(self, request: web.Request, fault: Fault, answer: Answer, refuse: Refuse) -> web.StreamResponse:
        """Answer the way a fault of the wire says. A vendor with words of its own knows them here."""
        return await misbehave(request, fault, answer, refuse)

    def _by_host(self, request: web.Request) -> bool:
        return request.host.partition(":")[0] in self.hosts


@cache
def vendors() -> Mapping[str, type[BaseVendor]]:
    """Every vendor by name. Raises `TypeError` for a module whose vendor is not named after its file."""
    room = import_module(__package__)
    found: dict[str, type[BaseVendor]] = {}
    for module in iter_modules(room.__path__, f"{room.__name__}."):
        name = module.name.rpartition(".")[2]
        if name.startswith("_"):
            continue
        vendor = getattr(import_module(module.name), "Vendor", None)
        if vendor is None or vendor.__module__ != module.name:
            continue
        if vendor.name != name:
            raise TypeError(f"{module.name}.Vendor is named {vendor.name!r}; it must be named after its file")
        found[name] = vendor
    return found
