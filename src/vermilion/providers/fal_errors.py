"""fal's failures in the house's words.

fal complains in two shapes: `{"detail": [{loc, msg, type}]}` from a model, `{"detail": "…", "error_type": "…"}` from
the platform; `detail` may be text in both. `X-Fal-Retryable` has the last word on trying again. An answer with
neither shape comes from something in front of fal.

Facts: fal's documentation of errors; the retry tables of its Python and JavaScript clients.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vermilion.providers.errors import (
    Ambiguous,
    Blocked,
    Broke,
    Drifted,
    Misconfigured,
    NotInstalled,
    ProviderError,
    Rejected,
    Throttled,
    Unreachable,
)
from vermilion.providers.wire import Answer

_AGAIN = {
    "internal_server_error",
    "generation_timeout",
    "downstream_service_error",
    "downstream_service_unavailable",
    "request_timeout",
    "startup_timeout",
    "runner_scheduling_failure",
    "runner_connection_timeout",
    "runner_disconnected",
    "runner_connection_refused",
    "runner_connection_error",
    "runner_incomplete_response",
    "runner_server_error",
    "internal_error",
}
"""Failures of fal's own, after which another attempt may pass."""
_CANCELED = {"client_cancelled", "client_disconnected"}
_MODERATION = {"content_policy_violation"}
_NOTHING_MADE = {"no_media_generated"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an unsuccessful answer says; `spoken` is False when fal itself did not say anything."""

    status: int
    kinds: frozenset[str]
    words: str | None
    retryable: bool | None
    spoken: bool


def complaint_in(status: int, body: Any, headers: Mapping[str, str]) -> Complaint:
    """Read a failure's body (already JSON, or None) and headers leniently."""
    content = body if isinstance(body, dict) else {}
    kinds: set[str] = set()
    words: list[str] = []
    detail = content.get("detail")
    for item in detail[:10] if isinstance(detail, list) else []:
        if isinstance(item, dict):
            kinds.add(str(item.get("type", "")))
            where = item.get("loc")
            place = str(where[-1]) + ": " if isinstance(where, list) and len(where) > 1 else ""
            words.append(place + str(item.get("msg", "")))
    if isinstance(detail, str):
        words.append(detail)
    if isinstance(content.get("error"), str) and not words:
        words.append(content["error"])
    for kind in (content.get("error_type"), headers.get("X-Fal-Error-Type")):
        if isinstance(kind, str):
            kinds.add(kind)
    hint = headers.get("X-Fal-Retryable", headers.get("X-Fal-Needs-Retry", "")).strip().lower()
    retryable = {"true": True, "1": True, "false": False, "0": False}.get(hint)
    if retryable is None and kinds & _AGAIN:
        retryable = True
    return Complaint(status, frozenset(kinds), "; ".join(words)[:500] or None, retryable, bool(words or kinds))


def complaint_of(answer: Answer) -> Complaint:
    """The complaint in an unsuccessful answer."""
    try:
        body = answer.json()
    except Drifted:
        body = None
    return complaint_in(answer.status, body, answer.headers)


def refused_submit(answer: Answer) -> ProviderError:
    """Why fal did not take a job, or `Ambiguous` where something in front of fal lost its answer."""
    said = complaint_of(answer)
    if said.kinds & _MODERATION:
        return Blocked("fal's moderation refused the request.", vendor_message=said.words)
    if said.status < 500:
        return _about_the_credential(said, answer) or _not_taken(said)
    if not said.kinds and said.retryable is None and said.status != 503:
        # Only fal's own, typed word says that nothing was queued.
        return Ambiguous(f"fal's gateway answered {said.status}; the job may have been accepted.")
    if said.retryable is False:
        return Broke("fal failed and says that trying again is of no use.", vendor_message=said.words, again=False)
    return Unreachable(f"fal answered {said.status} and took nothing.", vendor_message=said.words)


def _not_taken(said: Complaint) -> ProviderError:
    if said.status in {404, 405} and not said.spoken:
        return Misconfigured(f"The queue address answered {said.status}, and not in fal's words.")
    if said.status in {404, 405}:
        return NotInstalled("fal does not have this model.", vendor_message=said.words)
    if said.status == 408:
        return Unreachable("fal did not hear the whole request and took nothing.", vendor_message=said.words)
    return Rejected("fal does not accept these inputs.", vendor_message=said.words)


def failed_job(said: Complaint, answer: Answer) -> ProviderError:
    """How an accepted job ended badly."""
    if said.kinds & _MODERATION:
        return Blocked("fal's moderation refused the request or its result.", vendor_message=said.words)
    if said.kinds & _CANCELED or said.status == 499:
        return Broke("The job was canceled at fal.", vendor_message=said.words, again=False)
    if said.kinds & _NOTHING_MADE:
        return Broke("fal finished without making anything.", vendor_message=said.words, again=False)
    if (usual := failed_question(answer, said)) is not None:
        return usual
    if said.retryable or said.status >= 500:
        return Broke("fal failed at the job.", vendor_message=said.words, again=said.retryable is not False)
    return Rejected("The model does not accept these inputs.", vendor_message=said.words)


def failed_question(answer: Answer, said: Complaint) -> ProviderError | None:
    """Why a harmless question got no answer; None when fal did speak about the job itself."""
    usual = _about_the_credential(said, answer)
    if usual is not None:
        return usual
    if said.status == 404:
        return Broke("fal no longer knows this job.", vendor_message=said.words)
    if said.status == 408 or (said.status >= 500 and not said.spoken):
        return Unreachable(f"fal answered {said.status}.", retry_after_seconds=answer.retry_after_seconds)
    if not said.spoken:
        return Drifted(f"fal answered {said.status} in an unknown shape.", vendor_message=answer.text(200))
    return None


def unanswered(answer: Answer) -> ProviderError:
    """Why a question to fal stays open."""
    said = complaint_of(answer)
    problem = failed_question(answer, said)
    if problem is not None:
        return problem
    if said.status >= 500:
        return Unreachable(f"fal answered {said.status}.", vendor_message=said.words)
    return Drifted(f"fal answered {said.status} to a question about a job.", vendor_message=said.words)


def not_uploaded(answer: Answer) -> ProviderError:
    """Why an input could not be handed over; no job exists yet."""
    if answer.status in {413, 415, 422}:
        return Rejected("fal does not take this input file.", vendor_message=answer.text(200))
    problem = unanswered(answer)
    known = isinstance(problem, Misconfigured | Throttled)
    return problem if known else Unreachable(f"fal did not take an input file: {answer.status}.")


def _about_the_credential(said: Complaint, answer: Answer) -> ProviderError | None:
    if 300 <= said.status < 400:
        return Misconfigured("The base URL redirects elsewhere; the key is not sent there.")
    if said.status in {401, 402, 403}:
        return Misconfigured("fal refuses this key.", vendor_message=said.words)
    if said.status == 429:
        return Throttled("fal asks to wait.", vendor_message=said.words, retry_after_seconds=answer.retry_after_seconds)
    return None
