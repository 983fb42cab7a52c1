"""Signed links: one file, for anybody who has the link, until it expires."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from vermilion.kit import Forbidden

LINK_MAX = timedelta(days=1)
_PURPOSE = b"vermilion.library.file.1"
"""What the key is used for here: a signature made for anything else proves nothing about a file."""


def signed_link(link_key: bytes, asset_id: UUID, expires_at: datetime) -> str:
    """The path and query under which the file can be had until `expires_at` (whole seconds)."""
    expires = int(expires_at.timestamp())
    return f"/api/v1/files/{asset_id}?expires={expires}&signature={_signature(link_key, asset_id, expires)}"


def check_link(link_key: bytes, asset_id: UUID, expires: int, signature: str, now: datetime) -> None:
    """Raise `Forbidden` unless we signed this, it has not expired, and it would not live longer than any of ours."""
    expected = _signature(link_key, asset_id, expires)
    left_seconds = expires - now.timestamp()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Forbidden("asset.link_refused", "This link was not made by this studio, or it was changed.")
    if not 0 < left_seconds <= LINK_MAX.total_seconds():
        raise Forbidden("asset.link_refused", "This link has expired.")


def _signature(link_key: bytes, asset_id: UUID, expires: int) -> str:
    message = b"\n".join((_PURPOSE, asset_id.bytes.hex().encode(), str(expires).encode()))
    return base64.urlsafe_b64encode(hmac.new(link_key, message, hashlib.sha256).digest()).decode().rstrip("=")
