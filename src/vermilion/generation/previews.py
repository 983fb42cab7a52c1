"""Previews: what a generation looks like while it runs, as its provider shows it in passing.

They are held in this process's memory and nowhere else: a preview is worth nothing a second later, so none is
written down, and after a restart the next one comes by itself. Bounded in size and number; the oldest make room.
"""

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from uuid import UUID

from vermilion.providers import Preview

PREVIEW_MAX_BYTES = 1 << 20
"""A larger one is not shown: a preview is a small picture."""

PREVIEWS_MAX = 128
"""How many generations show one at once."""

_BEGINNINGS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
_WEBP = (b"RIFF", b"WEBP")


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest preview of one generation; `version` is the one its person was last told of, None before the first."""

    version: int | None
    data: bytes
    content_type: str


class Previews:
    """The newest preview of each running generation."""

    def __init__(self, *, max_bytes: int = PREVIEW_MAX_BYTES, max_kept: int = PREVIEWS_MAX) -> None:
        self._max_bytes = max_bytes
        self._max_kept = max_kept
        self._shown: OrderedDict[UUID, Shown] = OrderedDict()
        self._versions = itertools.count(1)
        # Drivers put them up on the loop; views are made on the database's threads.
        self._lock = threading.Lock()

    def put(self, generation_id: UUID, preview: Preview) -> bool:
        """Hold this one from now on; False for what is too large or is no picture by its first bytes."""
        content_type = _type_of(preview.data)
        if content_type is None or len(preview.data) > self._max_bytes:
            return False
        with self._lock:
            before = self._shown.get(generation_id)
            version = None if before is None else before.version
            self._shown[generation_id] = Shown(version, preview.data, content_type)
            self._shown.move_to_end(generation_id)
            while len(self._shown) > self._max_kept:
                self._shown.popitem(last=False)
        return True

    def announce(self, generation_id: UUID) -> None:
        """Its person is about to be told that there is a new one: whoever looks from now on sees a new version."""
        with self._lock:
            shown = self._shown.get(generation_id)
            if shown is not None:
                self._shown[generation_id] = replace(shown, version=next(self._versions))

    def newest(self, generation_id: UUID) -> Shown | None:
        """What is held of it now."""
        with self._lock:
            return self._shown.get(generation_id)

    def drop(self, generation_id: UUID) -> None:
        """Hold nothing of it any more."""
        with self._lock:
            self._shown.pop(generation_id, None)


PREVIEWS = Previews()
"""One for the process, like the snapshots beside it: every view is made from it, wherever views are made."""


def _type_of(data: bytes) -> str | None:
    """What it is by its first bytes; what the provider calls it is not asked."""
    if (data[:4], data[8:12]) == _WEBP:
        return "image/webp"
    return next((kind for kind, beginning in _BEGINNINGS.items() if data.startswith(beginning)), None)
