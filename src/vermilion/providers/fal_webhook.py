"""fal's callbacks: who signed them, and what they say.

The signature is Ed25519 over request id, user id, timestamp and the hex SHA-256 of the raw body, joined by newlines;
the public keys are a JWKS that may be kept for a day. Facts: fal's documentation of webhooks.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vermilion.providers.errors import Drifted, Rejected, Unreachable
from vermilion.providers.wire import Wire

CLOCK_SKEW_SECONDS = 300
KEYS_KEPT_SECONDS = 24 * 3600
KEYS_REREAD_SECONDS = 300
"""A signature no key explains may mean new keys; they are read again, but not for every forged call."""

_Keys = tuple[Ed25519PublicKey, ...]
_keys_by_wire: "WeakKeyDictionary[Wire, dict[str, tuple[float, _Keys]]]" = WeakKeyDictionary()


async def verify(wire: Wire, jwks_url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise `Rejected` unless fal signed this body within the last five minutes; `Unreachable` without its keys."""
    names = ("request-id", "user-id", "timestamp", "signature")
    request_id, user_id, timestamp, signature = (headers.get(f"x-fal-webhook-{name}", "") for name in names)
    try:
        sent_at = int(timestamp)
        signed = bytes.fromhex(signature)
    except ValueError as error:
        raise Rejected("The callback is not signed the way fal signs.") from error
    if abs(now - sent_at) > CLOCK_SKEW_SECONDS:
        raise Rejected("The callback is older, or newer, than five minutes.")
    message = "\n".join((request_id, user_id, timestamp, hashlib.sha256(body).hexdigest())).encode()
    read_at, keys = await _keys(wire, jwks_url, now, KEYS_KEPT_SECONDS)
    if _explains(keys, signed, message):
        return
    if now - read_at > KEYS_REREAD_SECONDS:
        _, keys = await _keys(wire, jwks_url, now, KEYS_REREAD_SECONDS)
        if _explains(keys, signed, message):
            return
    raise Rejected("The callback's signature is not fal's.")


def _explains(keys: _Keys, signature: bytes, message: bytes) -> bool:
    for key in keys:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return True
    return False


async def _keys(wire: Wire, jwks_url: str, now: float, kept_seconds: float) -> tuple[float, _Keys]:
    known = _keys_by_wire.setdefault(wire, {})
    if jwks_url in known and 0 <= now - known[jwks_url][0] <= kept_seconds:
        return known[jwks_url]
    answer = await wire.request("GET", jwks_url)
    if not answer.ok:
        raise Unreachable(f"fal's signing keys could not be read: {answer.status}.")
    listed = answer.json()
    entries = listed.get("keys") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        raise Drifted("fal's signing keys have an unknown shape.")
    known[jwks_url] = (now, tuple(key for key in map(_public_key, entries[:20]) if key is not None))
    return known[jwks_url]


def _public_key(entry: Any) -> Ed25519PublicKey | None:
    if not isinstance(entry, dict) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
        return None
    try:
        text = str(entry.get("x", ""))
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None


def read(body: bytes) -> str:
    """The id of the job a verified callback speaks of; raises `Rejected` for a body that names none."""
    try:
        told = json.loads(body)
    except ValueError as error:
        raise Rejected("The callback is not JSON.") from error
    # `gateway_request_id` changes when fal runs a job again; only `request_id` is the queue's own.
    request_id = told.get("request_id") if isinstance(told, dict) else None
    if not isinstance(request_id, str) or not 0 < len(request_id) <= 200:
        raise Rejected("The callback names no job.")
    return request_id
