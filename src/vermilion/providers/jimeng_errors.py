"""Jimeng's failures in the house's words.

Jimeng itself answers `{"code": <number>, "message", "data": null}`; what stands in front of it at Volcengine answers
`{"ResponseMetadata": {"Error": {"Code", "Message"}}}`; gateways answer words for codes, sometimes wrapped as JSON in
the message. Facts: the error tables of Jimeng's pages, and what gateways were seen to send.
"""

import json
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

SUCCESS = 10_000

_BLOCKED = {50218, 50411, 50412, 50413, 50512, 50513, 50514, 50518}
"""The words, or a picture that was given, are refused."""
_BLOCKED_RESULT = {50511, 50516, 50517, 50519}
"""What was made is refused; made anew it may pass, says the official column."""
_AUDIT_BROKE = {50520, 50521, 50522}
_NOT_TAKEN = {50204, 50215}
_DENIED = {50400}
_WAIT = {50429, 50430}
_OWN_FAULT = {50500, 50501}

_WAIT_WORDS = {"ratelimitexceeded", "flowlimitexceeded", "methodratelimitexceeded"}
_NOT_TAKEN_WORDS = {"invalidparameter", "badrequest"}
_AWAY_WORDS = {"serviceunavailabletemp"}
_FORGOTTEN_WORDS = {"task_not_exist"}


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says: Jimeng's own `number`, or somebody else's `word`; `body` is None for no JSON object."""

    status: int
    number: int | None
    word: str
    words: str | None
    body: dict[str, Any] | None

    @property
    def succeeded(self) -> bool:
        """Whether the envelope says success: Jimeng's number, or a gateway's word or zero."""
        return self.number in {SUCCESS, 0} or self.word == "success"

    @property
    def spoken(self) -> bool:
        """Whether Jimeng or a gateway said anything at all."""
        return self.number is not None or bool(self.word)


def said_in(answer: Answer) -> Said:
    """Read any answer, leniently."""
    try:
        body = answer.json()
    except Drifted:
        body = None
    return said_of(answer.status, body)


def said_of(status: int, body: Any) -> Said:
    """Read a body that is JSON already, or None."""
    if not isinstance(body, dict):
        return Said(status, None, "", None, None)
    code, words = body.get("code"), body.get("message")
    metadata = body.get("ResponseMetadata")
    error = metadata.get("Error") if isinstance(metadata, dict) else body.get("error")
    if isinstance(words, str) and words.lstrip().startswith("{"):
        error = _wrapped(words) or error
    if isinstance(error, dict):
        code = error.get("Code") or error.get("code") or error.get("type") or code
        words = error.get("Message") or error.get("message") or words
    number = _number(code)
    word = code if isinstance(code, str) and number is None else ""
    return Said(status, number, word, words[:500] if isinstance(words, str) and words else None, body)


def _wrapped(text: str) -> dict[str, Any] | None:
    try:
        inner = json.loads(text)
    except ValueError:
        return None
    error = inner.get("error", inner) if isinstance(inner, dict) else None
    return error if isinstance(error, dict) else None


def _number(code: Any) -> int | None:
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    return int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 10 else None


def refused_submit(answer: Answer, makes: str) -> ProviderError:
    """Why a job was not taken, or `Ambiguous` where nobody said that it was not."""
    said = said_in(answer)
    if said.succeeded:
        return Ambiguous("Jimeng took a job and did not name it.", vendor_message=answer.text(200))
    if said.number in _OWN_FAULT and makes == "image":
        # For pictures the official column says that trying again is of no use.
        return Broke("Jimeng failed inside.", vendor_message=said.words, again=False)
    if said.number in _OWN_FAULT:
        return Unreachable("Jimeng failed inside and took nothing.", vendor_message=said.words)
    known = _known(said, answer)
    if known is not None:
        return known
    if said.status in {404, 405}:
        return Misconfigured(f"The address answered {said.status}: nobody there speaks this protocol.")
    if said.status >= 500 or said.body is None or not said.spoken:
        return Ambiguous(
            f"The address answered {said.status}; the job may have been accepted.", vendor_message=said.words
        )
    return Rejected("Jimeng does not accept this request.", vendor_message=said.words)


def unanswered(answer: Answer) -> ProviderError:
    """Why a question about a job got no answer, or how the job ended badly."""
    said = said_in(answer)
    if said.number in _OWN_FAULT:
        return Unreachable("Jimeng failed inside instead of answering.", vendor_message=said.words)
    known = _known(said, answer)
    if known is not None:
        return known
    if said.status >= 500:
        return Unreachable(f"The address answered {said.status}.", vendor_message=said.words)
    return Drifted(f"Jimeng answered {said.status} in an unknown shape.", vendor_message=answer.text(200))


def failed_task(reason: str, answer: Any) -> ProviderError:
    """How a job ended badly, as a gateway tells it: `reason` in words, `answer` what Jimeng had told the gateway."""
    inner = said_of(200, answer)
    if inner.number in {None, SUCCESS}:
        inner = said_of(200, {"message": reason})
    known = _by_number(inner) or _by_word(inner)
    if known is not None:
        return known
    text = reason.lower()
    if "risk not pass" in text:
        made = text.startswith(("post img", "post video", "post audio"))
        return _refused_result(reason) if made else _refused(reason)
    return Broke("Jimeng failed at the job.", vendor_message=reason or None)


def _known(said: Said, answer: Answer) -> ProviderError | None:
    """What every kind of request may be told."""
    if 300 <= said.status < 400:
        return Misconfigured("The base URL redirects elsewhere; keys are not sent there.")
    problem = _by_number(said) or _by_word(said)
    if problem is not None:
        problem.retry_after_seconds = answer.retry_after_seconds
        return problem
    if said.status in {401, 402, 403}:
        return Misconfigured("These keys are refused.", vendor_message=said.words)
    if said.status == 429:
        wait = answer.retry_after_seconds
        return Throttled("Jimeng asks to wait.", vendor_message=said.words, retry_after_seconds=wait)
    return None


def _by_number(said: Said) -> ProviderError | None:
    if said.number in _BLOCKED:
        return _refused(said.words)
    if said.number in _BLOCKED_RESULT:
        return _refused_result(said.words)
    if said.number in _AUDIT_BROKE:
        return Broke("Jimeng's moderation itself failed.", vendor_message=said.words, again=False)
    if said.number in _NOT_TAKEN:
        return Rejected("Jimeng does not accept these inputs.", vendor_message=said.words)
    if said.number in _DENIED:
        return NotInstalled("This account may not use this service of Jimeng.", vendor_message=said.words)
    if said.number in _WAIT:
        return Throttled("Jimeng asks to wait.", vendor_message=said.words)
    return None


def _by_word(said: Said) -> ProviderError | None:
    word = said.word.lower()
    if "sensitivecontent" in word:
        return _refused(said.words)
    if word in _NOT_TAKEN_WORDS:
        return Rejected("The gateway does not accept these inputs.", vendor_message=said.words)
    if "insufficient" in word:
        return Misconfigured("The balance at the gateway is used up.", vendor_message=said.words)
    if word in _WAIT_WORDS:
        return Throttled("The gateway asks to wait.", vendor_message=said.words)
    if word in _AWAY_WORDS:
        return Unreachable("Volcengine is not available and took nothing.", vendor_message=said.words)
    if word in _FORGOTTEN_WORDS:
        return Broke("The gateway no longer knows this job.", vendor_message=said.words)
    return None


def _refused(words: str | None) -> ProviderError:
    return Blocked("Jimeng's moderation refused the request.", vendor_message=words)


def _refused_result(words: str | None) -> ProviderError:
    return Broke("Jimeng's moderation refused what was made; another attempt may pass.", vendor_message=words)
