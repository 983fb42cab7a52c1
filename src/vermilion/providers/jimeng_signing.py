"""Volcengine's request signature, version 4, as its visual service wants it: HMAC-SHA256 over body, query and headers.

The secret key is used as it was issued: it looks like base64 and is not decoded. Facts: Volcengine's page on signing,
and what its Python SDK sends.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from yarl import URL

ALGORITHM = "HMAC-SHA256"
SERVICE = "cv"
REGION = "cn-north-1"
CONTENT_TYPE = "application/json"
"""Signed and sent byte for byte the same."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A pair of keys; `token` comes with temporary pairs and is empty otherwise."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def sign(key: AccessKey, url: URL, body: bytes, at: datetime) -> dict[str, str]:
    """The headers of a POST of these bytes to this address at this moment (an aware datetime, in UTC)."""
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{REGION}/{SERVICE}/request"
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Host": url.host_port_subcomponent or "",
        "X-Content-Sha256": hashlib.sha256(body).hexdigest(),
        "X-Date": moment,
    }
    if key.token:
        headers["X-Security-Token"] = key.token
    request_hash = hashlib.sha256(canonical_request(url, headers).encode()).hexdigest()
    text = "\n".join((ALGORITHM, moment, scope, request_hash))
    signature = hmac.new(signing_key(key.secret, moment[:8]), text.encode(), hashlib.sha256).hexdigest()
    return headers | {
        "Authorization": f"{ALGORITHM} Credential={key.id}/{scope}, "
        f"SignedHeaders={_names(headers)}, Signature={signature}"
    }


def canonical_request(url: URL, headers: Mapping[str, str]) -> str:
    """What is hashed of a POST: path, query in order of names, headers in order of names, and the body's own hash."""
    query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(url.query.items()))
    lines = "".join(f"{name}:{value}\n" for name, value in sorted((k.lower(), v.strip()) for k, v in headers.items()))
    return "\n".join(("POST", url.raw_path or "/", query, lines, _names(headers), headers["X-Content-Sha256"]))


def signing_key(secret: str, day: str) -> bytes:
    """The key of one day (`YYYYMMDD`), region and service."""
    key = secret.encode()
    for part in (day, REGION, SERVICE, "request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(name.lower() for name in headers))


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
