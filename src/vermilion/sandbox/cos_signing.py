"""The two signatures object storage is asked with: COS' own (`q-sign-algorithm=sha1`) and SigV4.

COS: Tencent Cloud, "Request signature". SigV4: AWS, "Signature calculations for the Authorization header" and "Using
query parameters". Both are checked over the path as it was called, so a relay in front changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

Pairs = Iterable[tuple[str, str]]

SKEW_SECONDS = 900
_ALGORITHM = "AWS4-HMAC-SHA256"


class Refused(Exception):
    """The request is not answered; `code` is the storage's word for why."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as far as signatures are concerned. `path` and `query` are as they came, still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded, in their order."""
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


def require_signature(asked: Asked, secret_of: Callable[[str], str | None], now: float) -> None:
    """Raise `Refused` unless the request bears a signature made with a secret we know, in its time."""
    parameters = dict(asked.parameters)
    authorization = asked.headers.get("authorization", "")
    if authorization.startswith(_ALGORITHM) or "X-Amz-Signature" in parameters:
        _require_sigv4(asked, authorization, parameters, secret_of, now)
        return
    told = dict(part.partition("=")[::2] for part in authorization.split("&") if part) or parameters
    if told.get("q-sign-algorithm") != "sha1":
        raise Refused("AccessDenied", "Access Denied.")
    _require_cos(asked, told, secret_of, now)


def cos_signature(secret_key: str, key_time: str, method: str, path: str, params: Pairs, headers: Pairs) -> str:
    """COS' signature, in hex. `path` is the decoded key with a leading slash; pairs are not encoded yet."""
    sign_key = _hmac1(secret_key.encode(), key_time)
    string = "\n".join([method.lower(), path, _listed(params), _listed(headers), ""])
    to_sign = "\n".join(["sha1", key_time, hashlib.sha1(string.encode()).hexdigest(), ""])  # noqa: S324 - the vendor's
    return _hmac1(sign_key.encode(), to_sign)


def sigv4_signature(secret_key: str, scope: str, date: str, canonical: str) -> str:
    """SigV4 over a canonical request, in hex. `scope` is `day/region/service/aws4_request`."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    to_sign = "\n".join([_ALGORITHM, date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def canonical_request(
    method: str, path: str, parameters: Pairs, headers: Sequence[tuple[str, str]], payload_hash: str
) -> str:
    """SigV4's canonical request; `path` is encoded as it was called, header names are lower-case and sorted."""
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(parameters))
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in headers)
    return "\n".join([method, path, query, lines, ";".join(name for name, _ in headers), payload_hash])


def _require_cos(asked: Asked, told: Mapping[str, str], secret_of: Callable[[str], str | None], now: float) -> None:
    try:
        begins, ends = (int(part) for part in told["q-key-time"].split(";"))
        access_key, given = told["q-ak"], told["q-signature"]
        params = told["q-url-param-list"].lower().split(";") if told["q-url-param-list"] else []
        names = told["q-header-list"].lower().split(";") if told["q-header-list"] else []
    except (KeyError, ValueError) as error:
        raise Refused("InvalidArgument", "The authorization is malformed.", 400) from error
    secret = secret_of(access_key)
    if secret is None:
        raise Refused("InvalidAccessKeyId", "The access key id you provided does not exist in our records.")
    if not begins - SKEW_SECONDS <= now < ends:
        raise Refused("AccessDenied", "Request has expired")
    here = {name.lower(): value for name, value in asked.parameters}
    expected = cos_signature(
        secret,
        told["q-key-time"],
        asked.method,
        unquote(asked.path),
        [(name, here.get(name, "")) for name in params],
        [(name, asked.headers.get(name, "")) for name in names],
    )
    if not hmac.compare_digest(expected, given):
        raise _mismatch()


def _require_sigv4(
    asked: Asked,
    authorization: str,
    parameters: Mapping[str, str],
    secret_of: Callable[[str], str | None],
    now: float,
) -> None:
    try:
        if authorization:
            parts = dict(part.strip().partition("=")[::2] for part in authorization.removeprefix(_ALGORITHM).split(","))
            credential, names, given = parts["Credential"], parts["SignedHeaders"], parts["Signature"]
            date, seconds = asked.headers["x-amz-date"], SKEW_SECONDS
            payload = asked.headers["x-amz-content-sha256"]
        else:
            credential, names = parameters["X-Amz-Credential"], parameters["X-Amz-SignedHeaders"]
            given, date = parameters["X-Amz-Signature"], parameters["X-Amz-Date"]
            seconds, payload = int(parameters["X-Amz-Expires"]), "UNSIGNED-PAYLOAD"
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError) as error:
        raise Refused("InvalidArgument", "The authorization is malformed.", 400) from error
    access_key, _, scope = credential.partition("/")
    secret = secret_of(access_key)
    if secret is None:
        raise Refused("InvalidAccessKeyId", "The access key id you provided does not exist in our records.")
    if not authorization and now > signed_at + seconds:
        raise Refused("AccessDenied", "Request has expired")
    if abs(now - signed_at) > max(SKEW_SECONDS, seconds):
        raise Refused("RequestTimeTooSkewed", "The difference between the request time and the server's is too large.")
    headers = [(name, asked.headers.get(name, "")) for name in sorted(names.split(";"))]
    query = [pair for pair in asked.parameters if pair[0] != "X-Amz-Signature"]
    canonical = canonical_request(asked.method, asked.path, query, headers, payload)
    if "host" not in names.split(";") or not hmac.compare_digest(
        sigv4_signature(secret, scope, date, canonical), given
    ):
        raise _mismatch()


def _mismatch() -> Refused:
    return Refused(
        "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    )


def _listed(pairs: Pairs) -> str:
    encoded = sorted((quote(name, safe="-_.~").lower(), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _hmac1(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha1).hexdigest()
