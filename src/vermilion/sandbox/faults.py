"""Failure on demand: the vocabulary, the markers people write into prompts, and armed faults.

A fault is asked for in two ways. A marker in a prompt, `[[kind]]`, `[[kind:argument]]` or
`[[kind@place:argument]]`, concerns that one request. `POST /control/faults` arms a fault for
whichever requests come next. Both speak the words below, and the index page is drawn from them.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

WIRE_PLACES = ("submit", "status", "result", "cancel", "download", "upload", "probe")
JOB = "job"

_MARKER = re.compile(r"\[\[\s*([a-z0-9-]+)(?:@([a-z]+))?(?::([^\]]{1,80}))?\s*\]\]")
_MAX_MARKERS = 12
_MAX_COUNTED_REQUESTS = 10_000
_MAX_ARMED = 100


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One word of the vocabulary.

    `places` are where it can strike, the first being the default. `argument` says what may follow
    the colon. A `lasting` fault strikes every time; any other strikes once, or N times if told so.
    """

    name: str
    places: tuple[str, ...]
    about: str
    argument: str = ""
    lasting: bool = False

    def within(self, places: Collection[str]) -> FaultKind:
        """The same word at a vendor whose wire can be struck at these places alone."""
        return self if JOB in self.places else replace(self, places=tuple(at for at in self.places if at in places))


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that somebody asked for. One that is not `lasting` strikes this many `times`."""

    kind: str
    at: str
    argument: str = ""
    lasting: bool = False
    times: int = 1

    def number(self, default: float) -> float:
        """The argument as a non-negative number, or the default if it is not one."""
        try:
            value = float(self.argument)
        except ValueError:
            return default
        return value if 0 <= value < 1e9 else default


def wire_word(
    name: str, default: str, about: str, argument: str = "how many times", *, lasting: bool = False
) -> FaultKind:
    """A word about how an answer arrives; it can strike anywhere, at `default` unless said otherwise."""
    places = (default, *(place for place in WIRE_PLACES if place != default))
    return FaultKind(name, places, about, argument, lasting)


def job_word(name: str, about: str, argument: str = "") -> FaultKind:
    """A word about how a job goes or ends."""
    return FaultKind(name, (JOB,), about, argument, lasting=True)


VOCABULARY: tuple[FaultKind, ...] = (
    wire_word("throttle", "submit", "429 with Retry-After: 1; nothing is done."),
    wire_word("html-502", "submit", "An ingress 502: an HTML page, no request id; nothing is done."),
    wire_word("error-500", "submit", "The vendor's own 500, marked retryable; nothing is done."),
    wire_word("error-503", "submit", "The vendor's own 503, marked retryable; nothing is done."),
    wire_word("unauthorized", "submit", "401, as for a revoked key."),
    wire_word("locked", "submit", "403, as for an account without balance."),
    wire_word("reset", "submit", "The connection is cut before anything is done."),
    wire_word("lost-answer", "submit", "Everything is done (the job exists), then the connection is cut."),
    wire_word("hang", "status", "Nothing is done and no answer comes for this long.", "seconds (60)", lasting=True),
    wire_word("truncated-json", "result", "The answer's body stops in the middle."),
    wire_word("cut-short", "download", "The connection is cut in the middle of the announced body."),
    wire_word("wrong-type", "result", "The right body under Content-Type: text/html."),
    wire_word("html-200", "result", "200 with an HTML page instead of the answer."),
    wire_word("oversize", "result", "A 200 JSON answer that goes on for this many MiB.", "MiB (64)", lasting=True),
    wire_word("slow-drip", "download", "The answer trickles in over this long.", "seconds (10)", lasting=True),
    job_word("fail", "The job ends in this error. Any type of the vendor's error tables works.", "error type"),
    job_word("fail-once", "The first job with this body fails (runner_disconnected), later ones succeed."),
    job_word(
        "fail-then-succeed", "A finished job first reports a retryable failure, then success.", "how many reports (1)"
    ),
    job_word("nsfw", "Black pictures flagged as unsafe, or a policy error where the model refuses instead."),
    job_word("slow", "The job runs for exactly this long, whatever the speed.", "seconds (30)"),
    job_word("queue", "The job waits for exactly this long first, whatever the speed.", "seconds (30)"),
    job_word("never", "The job runs and never ends."),
    job_word("forget", "Once it should run, the vendor has never heard of the job: 404."),
    job_word("requeue", "Half way through, the job falls back into the queue for a while."),
    job_word("unknown-status", "While running, the status is a word nobody documented."),
    job_word("drift", "The result has the right pictures under field names nobody documented."),
    job_word("request-timeout", "The job misses the start deadline: 504 with the user's timeout header."),
    job_word("validate-at-submit", "Invalid input is refused by the submit call itself instead of later."),
    job_word("cancel-ignored", "A cancel is acknowledged, and the job goes on and succeeds."),
    job_word("empty-output", "Success with no pictures."),
    job_word("null-output", "Success with `images: null`."),
    job_word("404-output", "Success, but every picture's address answers 404."),
    job_word("expire", "The pictures can be fetched for this long after the end, then answer 404.", "seconds (0)"),
    job_word("partial", "Success, but every second picture's address answers 404."),
    job_word("garbage-image", "The pictures' bytes are noise under an image content type."),
    job_word("html-image", "The pictures' addresses answer 200 with an HTML page."),
    job_word("truncated-image", "The pictures' files end half way, with a matching length."),
    job_word("huge-output", "The pictures' files go on for this many MiB without a length.", "MiB (512)"),
    job_word("wrong-size", "The pictures are half as large as asked for and declared."),
    job_word("ssrf-output", "The pictures' addresses point into private networks."),
    job_word("redirect-output", "The pictures' addresses redirect into a private network."),
    job_word("webhook-early", "The webhook arrives before the submit answer."),
    job_word("webhook-duplicate", "The webhook is delivered this many times.", "how many (2)"),
    job_word("webhook-forged", "A webhook with a wrong signature arrives first, then the true one."),
    job_word("webhook-stale", "The webhook is correctly signed, with a timestamp 10 minutes old."),
    job_word("webhook-late", "The webhook comes this long after the end.", "seconds (5)"),
    job_word("webhook-lost", "The webhook is never sent."),
)

KINDS: dict[str, FaultKind] = {kind.name: kind for kind in VOCABULARY}


class UnknownFault(ValueError):
    """Somebody asked for a fault that the vocabulary does not have."""


def words(*names: str) -> Iterator[FaultKind]:
    """Some words of the common vocabulary, for a vendor that does not act out all of them."""
    return (KINDS[name] for name in names)


def wire_words() -> Iterator[FaultKind]:
    """The words of the common vocabulary that concern how answers arrive, whatever the vendor."""
    return (kind for kind in VOCABULARY if JOB not in kind.places)


def make_fault(kind: str, at: str = "", argument: str = "", kinds: Mapping[str, FaultKind] = KINDS) -> Fault:
    """A fault of a vendor's words; `UnknownFault` says what was wrong with those given."""
    known = kinds.get(kind)
    if known is None:
        raise UnknownFault(f"unknown kind {kind!r}")
    place = at or known.places[0]
    if place not in known.places:
        raise UnknownFault(f"{kind!r} cannot happen at {place!r}; it can at {', '.join(known.places)}")
    counts = known.argument.startswith("how many") and argument.isdecimal()
    return Fault(kind, place, argument, known.lasting, max(1, int(argument)) if counts else 1)


def read_markers(text: str, kinds: Mapping[str, FaultKind] = KINDS) -> list[Fault]:
    """The faults named in a prompt, in order. Unknown markers are ordinary text."""
    found = []
    for kind, at, argument in itertools.islice(_MARKER.findall(text), _MAX_MARKERS):
        try:
            found.append(make_fault(kind, at, argument.strip(), kinds))
        except UnknownFault:
            continue
    return found


def without_markers(text: str) -> str:
    """The prompt as an artist should read it."""
    return _MARKER.sub("", text).strip()


@dataclass(slots=True)
class Armed:
    """A fault waiting for the next requests: `count` times, or with `probability` each time."""

    id: int
    vendor: str
    fault: Fault
    count: int | None
    probability: float | None
    struck: int = 0

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "vendor": self.vendor,
            "kind": self.fault.kind,
            "at": self.fault.at,
            "argument": self.fault.argument,
            "count": self.count,
            "probability": self.probability,
            "struck": self.struck,
        }


class FaultBoard:
    """What is armed, and how often each marked request was struck already."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._armed: list[Armed] = []
        self._ids = itertools.count(1)
        self._strikes: dict[str, int] = {}

    def arm(self, vendor: str, fault: Fault, *, count: int | None, probability: float | None) -> Armed:
        if len(self._armed) >= _MAX_ARMED:
            raise UnknownFault(f"at most {_MAX_ARMED} faults can be armed")
        if count is None and probability is None:
            count = 1
        armed = Armed(next(self._ids), vendor, fault, count, probability)
        self._armed.append(armed)
        return armed

    def armed(self) -> list[Armed]:
        return list(self._armed)

    def disarm(self) -> None:
        self._armed.clear()
        self._strikes.clear()

    def strike(self, vendor: str, at: str) -> Fault | None:
        """The armed fault that hits this request, if any; its count goes down."""
        if not self._armed:
            return None
        for armed in self._armed:
            if armed.vendor != vendor or armed.fault.at != at:
                continue
            if armed.probability is not None and self._random.random() >= armed.probability:
                continue
            armed.struck += 1
            if armed.count is not None:
                armed.count -= 1
                if armed.count <= 0:
                    self._armed.remove(armed)
            return armed.fault
        return None

    def strike_marked(self, faults: list[Fault], at: str, subject: str) -> Fault | None:
        """The marked fault that hits this request. `subject` tells repeats of one request apart from others."""
        for fault in faults:
            if fault.at == at and (fault.lasting or self.first_times(fault, subject, fault.times)):
                return fault
        return None

    def first_times(self, fault: Fault, subject: str, times: int) -> bool:
        """True the first `times` times it is asked about this fault and subject."""
        key = hashlib.blake2b(f"{fault.kind}@{fault.at}\n{subject}".encode(), digest_size=16).hexdigest()
        struck = self._strikes.get(key, 0)
        if struck >= times:
            return False
        if len(self._strikes) >= _MAX_COUNTED_REQUESTS:
            self._strikes.pop(next(iter(self._strikes)))
        self._strikes[key] = struck + 1
        return True
