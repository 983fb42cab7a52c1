"""Who calls Jimeng: Volcengine's signature recomputed from the request as it arrived, and gateways' bearer keys."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote

from aiohttp import web

_AUTHORIZATION = re.compile(
    r"^HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/request, *"
    r"SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$"
)
_SCOPE = ("cn-north-1", "cv")
_MUST_BE_SIGNED = {"host", "x-content-sha256", "x-date"}
_CLOCK_SKEW_SECONDS = 900


class NotSigned(Exception):
    """Why a request is not believed: Volcengine's number and word for it."""

    def __init__(self, number: int, word: str, about: str) -> None:
        super().__init__(about)
        self.number = number
        self.word = word


def signer_of(request: web.Request, raw: bytes, logins: Sequence[Mapping[str, str]], now: float) -> int:
    """Which of the logins signed this request (its index); raises `NotSigned`."""
    sent = request.headers.get("Authorization", "")
    if not sent:
        raise NotSigned(100002, "MissingAuthenticationToken", "The request has no Authorization.")
    parts = _AUTHORIZATION.match(sent)
    if parts is None:
        raise NotSigned(100004, "MissingSignature", "The Authorization is not of the form this service knows.")
    key_id, day, region, service, names, signature = parts.groups()
    moment = request.headers.get("X-Date", "")
    try:
        signed_at = calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise NotSigned(100006, "InvalidTimestamp", "X-Date is not of the form YYYYMMDDTHHMMSSZ.") from None
    if abs(now - signed_at) > _CLOCK_SKEW_SECONDS or moment[:8] != day:
        raise NotSigned(100006, "InvalidTimestamp", "The signature is expired, or from the future.")
    index = next((place for place, login in enumerate(logins) if login["access_key"] == key_id), None)
    if index is None:
        raise NotSigned(100009, "InvalidAccessKey", f"The access key {key_id[:40]} is not known.")
    mismatch = NotSigned(100010, "SignatureDoesNotMatch", "The signature is not the one of this request.")
    if (region, service) != _SCOPE or hashlib.sha256(raw).hexdigest() != request.headers.get("X-Content-Sha256"):
        raise mismatch
    signed = names.split(";")
    if signed != sorted(signed) or not set(signed) >= _MUST_BE_SIGNED:
        raise mismatch
    if "X-Security-Token" in request.headers and "x-security-token" not in signed:
        raise mismatch
    expected = _signature(request, signed, day, moment, logins[index]["secret_key"])
    if not hmac.compare_digest(expected, signature):
        raise mismatch
    return index


def _signature(request: web.Request, signed: Sequence[str], day: str, moment: str, secret: str) -> str:
    path, _, query = request.raw_path.partition("?")
    # A proxy's request line names the whole address.
    path = "/" + path.split("/", 3)[3] if "://" in path else path
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in parse_qsl(query, keep_blank_values=True))
    canonical = [request.method, path or "/", "&".join("=".join(pair) for pair in pairs)]
    canonical += [f"{name}:{request.headers.get(name, '').strip()}" for name in signed]
    canonical += ["", ";".join(signed), request.headers["X-Content-Sha256"]]
    scope = "/".join((day, *_SCOPE, "request"))
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    message = "\n".join(("HMAC-SHA256", moment, scope, digest))
    key = hmac.digest(secret.encode(), day.encode(), "sha256")
    for step in (*_SCOPE, "request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return hmac.digest(key, message.encode(), "sha256").hex()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def bearer_of(request: web.Request, logins: Sequence[Mapping[str, str]]) -> int | None:
    """Which of the logins sent its gateway key, or None."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    found = (place for place, login in enumerate(logins) if login["api_key"] == key)
    return next(found, None) if scheme == "Bearer" else None
