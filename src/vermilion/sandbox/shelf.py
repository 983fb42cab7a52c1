"""Bytes the sandbox holds: what clients uploaded, what they sent inline, and drawn pictures.

With a folder, uploads are files and survive a restart; without one they live in memory. Drawn
pictures are only ever remembered, because the same job draws the same picture again.
"""

from __future__ import annotations

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"^[A-Za-z0-9_-]{1,120}$")
_MAX_FILES = 5_000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the shelf. `expires_at` is a Unix time in seconds, or None for never."""

    data: bytes
    content_type: str
    expires_at: float | None


class Shelf:
    """Files by name; the oldest go when `max_bytes` or the number of files is passed."""

    def __init__(self, folder: Path | None, max_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._clock = clock
        self._files: OrderedDict[str, StoredFile] = OrderedDict()
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._total_bytes = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.bin"), key=lambda found: found.stat().st_mtime):
                self._count(path.stem, path.stat().st_size)

    def put(self, name: str, data: bytes, content_type: str, expires_at: float | None = None) -> None:
        """Keep bytes under a name of letters, digits, `_` and `-`."""
        if not _NAME.match(name):
            raise ValueError("not a shelf name")
        self.remove(name)
        if self._folder is None:
            self._files[name] = StoredFile(data, content_type, expires_at)
        else:
            about = {"content_type": content_type, "expires_at": expires_at}
            (self._folder / f"{name}.bin").write_bytes(data)
            (self._folder / f"{name}.json").write_text(json.dumps(about), encoding="utf-8")
        self._count(name, len(data))
        while self._sizes and (self._total_bytes > self._max_bytes or len(self._sizes) > _MAX_FILES):
            oldest = next(iter(self._sizes))
            if oldest == name:
                break
            self.remove(oldest)

    def get(self, name: str) -> StoredFile | None:
        """The file, unless it was never there, has gone or has expired."""
        if name not in self._sizes:
            return None
        file = self._files.get(name) if self._folder is None else self._read(self._folder, name)
        if file is not None and file.expires_at is not None and self._clock() >= file.expires_at:
            self.remove(name)
            return None
        return file

    def put_inputs(self, job_id: str, pictures: Iterable[bytes]) -> list[str]:
        """Keep the pictures a request brought for its job; the names they got."""
        names = []
        for index, data in enumerate(pictures):
            names.append(f"in_{job_id}_{index}")
            self.put(names[-1], data, "application/octet-stream")
        return names

    def all_of(self, names: Iterable[str]) -> tuple[bytes, ...]:
        """The bytes of these files, as far as they are still there."""
        files = [self.get(name) for name in names]
        return tuple(file.data for file in files if file is not None)

    def remove(self, name: str) -> None:
        size = self._sizes.pop(name, None)
        if size is None:
            return
        self._total_bytes -= size
        self._files.pop(name, None)
        if self._folder is not None:
            (self._folder / f"{name}.bin").unlink(missing_ok=True)
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def clear(self) -> None:
        for name in list(self._sizes):
            self.remove(name)

    def _count(self, name: str, size: int) -> None:
        self._sizes[name] = size
        self._total_bytes += size

    @staticmethod
    def _read(folder: Path, name: str) -> StoredFile | None:
        try:
            data = (folder / f"{name}.bin").read_bytes()
            about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # A process killed between the two writes leaves half a file: as good as none.
            return None
        return StoredFile(data, str(about["content_type"]), about["expires_at"])
