"""The contract between the pipeline and a provider's adapter.

An adapter translates: our `Call` into the provider's request, its answers into `Ticket`, `Pending` or `Done`,
its failures into `ProviderError`. It never sleeps, retries, prices, downloads, stores, or knows the user.

Optional powers are had by having the method; ask with `power(adapter, "cancel")`:

    cancel(ticket) -> Canceled              stop a job
    check_many(tickets) -> {reference: …}   one look-up for several jobs
    find(lost) -> Ticket | Done | None      look a lost submit up
    listen(ticket, tell)                    hear of progress instead of asking; returns when the job has ended
    file_headers(url) -> headers            what fetching a result at its address needs; it is kept nowhere
    read_callback(headers, body) -> Callback           verify and read what the provider posted to us
    begins_several(endpoint, options) -> bool          whether one submit may begin several jobs
    probe() -> Probe                        a connection test that costs nothing
    propose(document, settings) -> Proposal            make an entry of a document of the vendor's (`proposal`)
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from vermilion.providers.credential import CredentialField, Login
from vermilion.providers.wire import Wire

JsonObject = Mapping[str, Any]
MediaKind = Literal["image", "video", "audio"]
Makes = Literal["image", "video", "audio", "text"]
"""What a model makes; of `text` the result is in the facts (`texts`: a list), and there is no file to keep."""


class Ambiguity(StrEnum):
    """How a submit whose answer was lost is resolved at a provider."""

    IDEMPOTENCY_KEY = "idempotency_key"
    """Submitting again with the same reference yields the same job."""
    FIND_BY_REFERENCE = "find_by_reference"
    """`find` looks the job up by our reference."""
    LIST_RECENT = "list_recent"
    """`find` recognises the job among the recent ones."""
    NONE = "none"
    """Nothing tells; the generation becomes `uncertain` until a callback or an admin resolves it."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture (or video, audio) the person gave, in the role the catalog entry defines.

    `url` is where anybody may fetch it for some hours; None where the house has no address a provider can reach.
    """

    role: str
    content_type: str
    filename: str
    size_bytes: int
    read: Callable[[], Awaitable[bytes]]
    weight: float | None = None
    duration_seconds: float | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, as the adapter sees it.

    `reference` is unique per attempt and safe as an idempotency key; `endpoint` and `options` come from the
    catalog entry; `params` are validated and complete (defaults filled in); `callback_url` is ours, with an
    unguessable token, or None where the house has no address a provider can reach.
    `parent` is the ticket data of the generation this one follows up on, where there is one.
    """

    reference: str
    endpoint: str
    makes: Makes
    prompt: str
    params: JsonObject
    inputs: tuple[InputFile, ...] = ()
    options: JsonObject = field(default_factory=dict)
    callback_url: str | None = None
    parent: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """The provider's receipt: everything needed to ask again after a restart, as JSON (≤ 8 KiB).

    `id` is the provider's own job id, unique at the provider. Where one submit began several jobs, `data["ids"]` lists
    each of them, so that word of any one is known to be about this ticket.
    """

    id: str
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One result: at a URL the provider serves, or as bytes already in the answer. Exactly one of the two.

    `blocked` marks a result the provider censored (a black picture): it is not kept and not paid for.
    `actions` is what the provider offers to do with this very result.
    `grid` is (columns, rows) of a picture that is several results side by side: it is cut, and each cell, row by row,
    becomes a result of its own; `cell_actions` then says what is offered for each of them beside `actions`.
    """

    kind: MediaKind
    url: str | None = None
    data: bytes | None = None
    content_type: str | None = None
    blocked: bool = False
    actions: tuple[JsonObject, ...] = ()
    grid: tuple[int, int] | None = None
    cell_actions: tuple[tuple[JsonObject, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A passing picture of a job that runs: small, soon replaced, and never a result."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Not finished. `percent` is 0–100 and only what the provider said; `queue_position` counts jobs ahead.

    `preview` only ever comes from `listen`.
    """

    started: bool
    percent: float | None = None
    queue_position: int | None = None
    retry_after_seconds: float | None = None
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Finished with results; `facts` (seed, timings…) are kept with the generation. Failures are raised instead."""

    outputs: tuple[Output, ...]
    facts: JsonObject = field(default_factory=dict)
    ticket: Ticket | None = None


class Canceled(StrEnum):
    """What the provider said to a cancel."""

    STOPPED = "stopped"
    """It will not run, or it stopped: nothing will come."""
    REQUESTED = "requested"
    """It was told; the result may still arrive."""
    TOO_LATE = "too_late"
    """It had already finished."""
    UNKNOWN = "unknown"
    """It knows no such job."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A submit whose answer was lost: what is known for looking the job up.

    `reference`, `endpoint`, `prompt`, `params` and `options` are those of the `Call`; `since` is when it was about to
    be sent (our clock).
    """

    reference: str
    endpoint: str
    prompt: str
    params: JsonObject
    options: JsonObject
    since: datetime


@dataclass(frozen=True, slots=True)
class Callback:
    """A verified callback: which job it speaks of. It only wakes the pipeline, which then asks `check` itself.

    `ticket` is complete enough to go on with when the submit's own answer was lost, unless `begins_several`.
    """

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left at the provider, in its own words and unit (`"812.5"`, `"units"`); ours are credits."""

    amount: str
    unit: str


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer of a connection test: `problem` is None when the credential works.

    `balance` is what the provider says is left to spend, None where it says nothing.
    """

    account: str | None = None
    problem: str | None = None
    balance: Balance | None = None


@runtime_checkable
class Provider(Protocol):
    """What every adapter is. It is constructed as `Adapter(login, wire)` and keeps no state between calls."""

    name: ClassVar[str]
    title: ClassVar[str]
    credential_fields: ClassVar[tuple[CredentialField, ...]]
    ambiguity: ClassVar[Ambiguity]
    max_concurrent_default: ClassVar[int]

    def __init__(self, login: Login, wire: Wire) -> None: ...

    async def submit(self, call: Call) -> Ticket | Done:
        """Hand the job over. Raises `Ambiguous` if it may have been accepted without our knowing."""
        ...

    async def check(self, ticket: Ticket) -> Pending | Done:
        """Ask how the job is. Harmless to repeat. Raises `Broke`, `Rejected` or `Blocked` when it ended badly."""
        ...


PowerName = Literal["cancel", "check_many", "find", "listen", "probe", "propose", "read_callback"]


class CanCancel(Protocol):
    async def cancel(self, ticket: Ticket) -> Canceled: ...


class CanCheckMany(Protocol):
    async def check_many(self, tickets: Sequence[Ticket]) -> Mapping[str, Pending | Done | Exception]:
        """Answers by ticket id; a job the provider left out of its answer is left out here."""
        ...


class CanFind(Protocol):
    async def find(self, lost: Lost) -> Ticket | Done | None:
        """The job that was submitted; None when the provider certainly has none.

        Raises `Ambiguous` when it cannot tell, and would not later either.
        """
        ...


class CanListen(Protocol):
    async def listen(self, ticket: Ticket, tell: Callable[[Pending], None]) -> None:
        """Call `tell` with every progress the provider announces; return when the job has ended, or nothing more
        will be heard. It replaces no `check`: what it returns is only a reason to ask at once."""
        ...


class CanReadCallback(Protocol):
    async def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Verify and read; headers are lower-case. Raises `Rejected` for a forged or stale one."""
        ...


class CanProbe(Protocol):
    async def probe(self) -> Probe: ...


def file_headers(adapter: Provider, url: str) -> Mapping[str, str]:
    """What the adapter sends when a result is fetched from this address: nothing, unless it has something to say.

    They may hold the credential's key, so they are never written down; an adapter gives them for its own host alone.
    """
    headers = getattr(adapter, "file_headers", None)
    return headers(url) if callable(headers) else {}


def begins_several(adapter: Provider, endpoint: str, options: JsonObject) -> bool:
    """Whether one submit of such a `Call` may begin several jobs: a callback then speaks of one of them alone, and its
    ticket is none to go on with."""
    method = getattr(adapter, "begins_several", None)
    return callable(method) and bool(method(endpoint, options))


def power(adapter: Provider, name: PowerName) -> Callable[..., Awaitable[Any]] | None:
    """The adapter's optional method, or None when it has none."""
    method = getattr(adapter, name, None)
    return method if callable(method) else None
