"""Answers that are the result: `data` with pictures in base64 or at addresses, or an `error` in one of several shapes.

Several vendors and every gateway in front of them speak this form, and differ in the words inside `error`. Nothing
here says what a word means; the adapters do.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vermilion.providers.contract import Output
from vermilion.providers.errors import Ambiguous, Misconfigured, ProviderError, Throttled
from vermilion.providers.wire import Answer

TIMEOUT_SECONDS = 600.0
"""The connection stays open until the pictures are made; vendors' own clients wait this long."""
ANSWER_MAX_BYTES = 256 * 2**20
"""Room for ten of the largest pictures in base64."""
IN_THREAD_BYTES = 2**20
"""From here on reading an answer takes long enough for others to notice; it is done beside the loop."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an unsuccessful answer says; `spoken` is False when it is not in the words of such an API at all."""

    status: int
    code: str
    kind: str
    words: str | None
    spoken: bool


def complaint_in(status: int, body: Any) -> Complaint:
    """Read a failure's body (already JSON, or None) leniently.

    Shapes: `{"error": {code, type, message}}`, `{"error": "…"}`, `{"code", "message"|"msg"}`, `{"detail": "…"}`.
    """
    content = body if isinstance(body, dict) else {}
    error = content.get("error")
    inner: Mapping[str, Any] = error if isinstance(error, dict) else {}
    told = (inner.get("message"), error, content.get("message"), content.get("msg"), content.get("detail"))
    words = next((text for text in told if isinstance(text, str) and text.strip()), None)
    code, kind = inner.get("code", content.get("code")), inner.get("type", content.get("type"))
    return Complaint(
        status,
        code if isinstance(code, str) else "",
        kind if isinstance(kind, str) else "",
        words,
        bool(words or isinstance(code, str) or isinstance(kind, str)),
    )


def complaint_of(answer: Answer) -> Complaint:
    """The complaint in an unsuccessful answer."""
    try:
        return complaint_in(answer.status, json.loads(answer.body))
    except ValueError:
        return complaint_in(answer.status, None)


def key_is_known(answer: Answer) -> bool:
    """Whether a request for a picture that named neither words nor model was refused for that, and not for the key."""
    try:
        error = json.loads(answer.body).get("error")
    except (ValueError, AttributeError):
        return False
    return answer.status in {400, 404, 422} and isinstance(error, dict)


def usual_failure(said: Complaint, answer: Answer) -> ProviderError | None:
    """What every such API means by its status alone; None where the vendor's words decide."""
    if 300 <= said.status < 400:
        return Misconfigured("The base URL redirects elsewhere; the key is not sent there.")
    if said.status == 401:
        return Misconfigured("The provider refuses this key.", vendor_message=said.words)
    if said.status in {404, 405} and not said.spoken:
        return Misconfigured(f"The base URL answered {said.status}, and not as such an API does.")
    if said.status == 429:
        wait = retry_after_seconds(answer)
        return Throttled("The provider asks to wait.", vendor_message=said.words, retry_after_seconds=wait)
    if said.status >= 500 and not said.spoken:
        return Ambiguous(f"A gateway answered {said.status}; the pictures may have been made and billed.")
    return None


def retry_after_seconds(answer: Answer) -> float | None:
    """The wait the answer asks for: `retry-after-ms` is the more exact."""
    exact = answer.headers.get("retry-after-ms", "")
    return min(float(exact) / 1000, 3600.0) if exact.isdigit() else answer.retry_after_seconds


async def read(answer: Answer) -> dict[str, Any]:
    """The body of a 2xx answer. Raises `Ambiguous`: what cannot be read may have been made and billed."""
    try:
        large = len(answer.body) >= IN_THREAD_BYTES
        body = await asyncio.to_thread(json.loads, answer.body) if large else json.loads(answer.body)
    except ValueError as error:
        raise Ambiguous("The provider's answer cannot be read.", vendor_message=answer.text(200)) from error
    if not isinstance(body, dict):
        raise Ambiguous("The provider's answer is not the expected one.", vendor_message=answer.text(200))
    return body


async def picture_in(item: Any, content_type: str | None) -> Output | None:
    """One entry of `data` as an output; None where it is neither readable base64 nor a web address."""
    entry = item if isinstance(item, dict) else {}
    text, url = entry.get("b64_json"), entry.get("url")
    if isinstance(url, str) and url.startswith("data:"):
        text, url = url, None
    if isinstance(text, str) and text:
        content = await asyncio.to_thread(_decoded, text)
        return None if content is None else Output("image", data=content, content_type=content_type)
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return Output("image", url=url, content_type=content_type)
    return None


def _decoded(text: str) -> bytes | None:
    # Some gateways put a data URL where plain base64 belongs.
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True) or None
    except binascii.Error:
        return None


def model_named(names: str, model: str) -> str:
    """What this credential's address calls a model; `names` is `ours=theirs`, separated by commas or lines."""
    for pair in names.replace("\n", ",").split(","):
        ours, _, theirs = pair.partition("=")
        if ours.strip() == model and theirs.strip():
            return theirs.strip()
    return model
