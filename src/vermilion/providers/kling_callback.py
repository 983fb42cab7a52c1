"""Kling's callbacks: whose they are, and what they say.

With a secret made in Kling's console they are signed as Standard Webhooks are: HMAC-SHA256 over id, timestamp and raw
body. Whether those of the first generation are signed too is not documented; unsigned ones of that generation are
taken, because the address holds a token of ours and a callback only makes us ask. Facts: Kling's page on callbacks.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping

from vermilion.providers.contract import Ticket
from vermilion.providers.errors import Misconfigured, Rejected
from vermilion.providers.kling_answers import id_in

CLOCK_SKEW_SECONDS = 300


def read(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> Ticket:
    """The job a callback speaks of. Raises `Rejected` for a forged, stale or senseless one, at Unix time `now`."""
    try:
        told = json.loads(body)
    except ValueError as error:
        raise Rejected("The callback is not JSON.") from error
    found = id_in(told)
    if found is None:
        raise Rejected("The callback names no job.")
    newer = "task_id" not in told
    if secret and (newer or "webhook-signature" in headers):
        _verify(secret, headers, body, now)
    return Ticket(found, {"newer": True} if newer else {})


def _verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    delivery, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    try:
        sent_at = int(timestamp)
    except ValueError as error:
        raise Rejected("The callback is not signed the way Kling signs.") from error
    if abs(now - sent_at) > CLOCK_SKEW_SECONDS:
        raise Rejected("The callback is older, or newer, than five minutes.")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise Misconfigured("The callback secret is not one of Kling's.") from error
    message = f"{delivery}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest())
    # While a secret is being changed, both the old and the new one sign.
    given = headers.get("webhook-signature", "").encode("utf-8", "replace").split()
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise Rejected("The callback's signature is not Kling's.")
