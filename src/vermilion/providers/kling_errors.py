"""Kling's failures in the house's words, and those of relays in front of it.

Kling answers `{"code": int, "message", "request_id"}`; HTTP 429 alone says nothing, because an empty account is told
with it too. Relays answer `{"code": "a_word", "message", "data": null}` or OpenAI's `{"error": {…}}`, and some carry
Kling's own answer as text in `message`. Facts: Kling's table of errors; the sources of public relays.
"""

import json
import re
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

NO_SUCH_JOB = {1200, 1201, 1203, "task_not_exist"}
"""How a question about an unknown job is answered: Kling does not document which of its codes it is."""

_SETTLED_BY_ADMIN = {1000, 1001, 1002, 1003, 1004, 1100, 1101, 1102, 1103, 1304, "quota_not_enough"}
_RELAY_MISSET = {"invalid_api_platform", "model_mapping_failed", "get_price_scale_failed"}
_WAIT = {1302, 1303}
_MODERATION = {1300, 1301}
_UNCERTAIN = {5000, 5002, "do_request_failed", "read_response_body_failed", "unmarshal_response_failed"}
_WAIT_FIRST_SECONDS = 1.0
"""Kling's advice for a full account: exponential pauses, the first of at least a second."""

_CENSORED = re.compile(
    r"risk control|sensitive|policy|content (security|control|review)|violat|moderat|敏感|违规|风控|审核", re.IGNORECASE
)
_BUSY = re.compile(
    r"time.?out|timed out|internal|busy|overload|try again|retry|unavailable|繁忙|超时|稍后", re.IGNORECASE
)
_UNFIT = re.compile(
    r"invalid|not support|unsupported|must|exceed|too (small|large|long|short)|no (human|face)|resolution|pixel|"
    r"不支持|无效|尺寸|未检测到|人脸",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an unsuccessful answer says; `code` is Kling's number or a relay's word, None where there is neither."""

    status: int
    code: int | str | None
    words: str | None
    spoken: bool


def complaint_of(answer: Answer) -> Complaint | None:
    """The complaint in an answer, or None when it is a success of whatever shape."""
    try:
        body = answer.json()
    except Drifted:
        body = None
    if answer.ok and isinstance(body, dict) and body.get("object") == "video":
        # OpenAI's form tells how a job failed where others tell how a question did.
        return None
    said = _complaint_in(answer.status, body)
    if answer.ok and (body is None or said.code in {None, 0, "0", "success", ""}):
        return None
    return said


def _complaint_in(status: int, body: Any) -> Complaint:
    table = body if isinstance(body, dict) else {}
    if isinstance(table.get("error"), dict):
        table = table["error"]
    code, words = table.get("code"), table.get("message")
    if code == "fail_to_fetch_task" and isinstance(words, str):
        # A relay that hands on what Kling said, as text.
        try:
            inner = json.loads(words)
        except ValueError:
            inner = None
        if isinstance(inner, dict) and isinstance(inner.get("code"), int):
            return _complaint_in(status, inner)
    known = code if isinstance(code, int | str) and not isinstance(code, bool) else None
    text = words if isinstance(words, str) and words else None
    return Complaint(status, known, text[:500] if text else None, known is not None or text is not None)


def refused_submit(answer: Answer, said: Complaint) -> ProviderError:
    """Why Kling did not take a job, or `Ambiguous` where it may have."""
    if (usual := _usual(answer, said)) is not None:
        return usual
    if said.code in {1203, *_RELAY_MISSET}:
        return NotInstalled("This model is not to be had with this credential.", vendor_message=said.words)
    if said.code == 5001 or said.status == 503:
        return Unreachable("Kling is closed for maintenance and took nothing.", vendor_message=said.words)
    if said.code in _UNCERTAIN or said.status >= 500 or (isinstance(said.code, int) and said.code >= 5000):
        return Ambiguous(f"Kling answered {said.status}; the job may have been accepted.", vendor_message=said.words)
    if said.status in {404, 405} and said.code in {None, 1202}:
        return Misconfigured(f"The address answered {said.status}: it does not serve this.", vendor_message=said.words)
    if said.status == 408:
        return Unreachable("Kling did not hear the whole request and took nothing.", vendor_message=said.words)
    return Rejected("Kling does not accept this request.", vendor_message=said.words)


def unanswered(answer: Answer, said: Complaint) -> ProviderError:
    """Why a harmless question got no answer."""
    if (usual := _usual(answer, said)) is not None:
        return usual
    if said.code in NO_SUCH_JOB:
        return forgotten(said.words)
    if said.status >= 500 or said.status == 408 or said.code in _UNCERTAIN or said.code == 5001:
        return Unreachable(
            f"Kling answered {said.status}.",
            vendor_message=said.words,
            retry_after_seconds=answer.retry_after_seconds,
        )
    return Drifted(f"Kling answered {said.status} to a question.", vendor_message=said.words or answer.text(200))


def forgotten(words: str | None = None) -> Broke:
    """A job Kling does not know any more. It may have been made and paid for: no second one on a mere suspicion."""
    return Broke("Kling no longer knows this job.", vendor_message=words, again=False)


def before_submit(answer: Answer, said: Complaint) -> ProviderError:
    """Why a step before the job itself went wrong: nothing was submitted, so nothing is in doubt."""
    problem = refused_submit(answer, said)
    if isinstance(problem, Ambiguous):
        return Unreachable(problem.message, vendor_message=problem.vendor_message)
    return problem


def _usual(answer: Answer, said: Complaint) -> ProviderError | None:
    if 300 <= said.status < 400:
        return Misconfigured("The address redirects elsewhere; the key is not sent there.")
    if said.code in _MODERATION:
        return Blocked("Kling's moderation refused the request.", vendor_message=said.words)
    if said.code in {1003, 1004}:
        return Misconfigured("Kling finds the token too early or too late: check the clock.", vendor_message=said.words)
    if said.code in _SETTLED_BY_ADMIN:
        return Misconfigured("Kling refuses this credential.", vendor_message=said.words)
    if said.code in _WAIT or (said.status == 429 and said.code is None) or (said.status == 429 and _is_word(said)):
        asked = answer.retry_after_seconds
        return Throttled(
            "Kling asks to wait.",
            vendor_message=said.words,
            retry_after_seconds=_WAIT_FIRST_SECONDS if asked is None else asked,
        )
    if said.status in {401, 402, 403}:
        return Misconfigured("Kling refuses this credential.", vendor_message=said.words)
    return None


def _is_word(said: Complaint) -> bool:
    return isinstance(said.code, str)


def failed_job(reason: str | None) -> ProviderError:
    """How an accepted job ended badly, by the only thing Kling gives: a reason in words.

    A reason that is not recognised costs no second job: whether a failed one is paid back is not documented.
    """
    words = reason or ""
    if _CENSORED.search(words):
        return Blocked("Kling's moderation refused the request or its result.", vendor_message=reason)
    if _BUSY.search(words):
        return Broke("Kling failed at the job.", vendor_message=reason)
    if _UNFIT.search(words):
        return Rejected("Kling cannot use what it was given.", vendor_message=reason)
    return Broke("Kling failed at the job.", vendor_message=reason, again=False)
