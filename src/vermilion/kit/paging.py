"""Keyset pages: a page, and the opaque cursor that names where the next one begins."""

import base64
import binascii
import json
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from vermilion.kit.errors import Invalid

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` goes back as `cursor`, and is null on the last page."""

    items: list[T]
    next: str | None = None


def encode_cursor(*key: str | int) -> str:
    """The sort key of the last row shown, as text that means nothing to anyone else."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type[str] | type[int]) -> tuple[Any, ...]:
    """The sort key inside `cursor`; raises `Invalid` when it is not one of ours.

    `kinds` are the expected types, in order.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, UnicodeError, binascii.Error) as error:
        raise _not_ours() from error
    if not isinstance(key, list) or len(key) != len(kinds):
        raise _not_ours()
    for value, kind in zip(key, kinds, strict=True):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _not_ours()
        if isinstance(value, int) and abs(value) >= 2**63:
            raise _not_ours()
    return tuple(key)


def _not_ours() -> Invalid:
    return Invalid("paging.bad_cursor", "This cursor was not issued by this list.", field="cursor")
