"""What a bucket holds: objects under keys, and uploads in parts that are not finished yet."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .cos_signing import Refused

PART_MIN_BYTES = 1024 * 1024
PARTS_MAX = 10_000
OBJECTS_MAX_BYTES = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: its bytes, its tag, when it was written (Unix seconds), and the headers it is given out with."""

    data: bytes
    etag: str
    modified: float
    headers: Mapping[str, str]


@dataclass(slots=True)
class Upload:
    """An upload in parts, begun and not completed."""

    key: str
    headers: Mapping[str, str]
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


class Bucket:
    """One bucket. With a folder its objects survive a restart; uploads in parts do not."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self.name = name
        self.uploads: dict[str, Upload] = {}
        self._folder = folder
        self._objects: dict[str, Stored] = {}
        self._ids = itertools.count(1)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._objects = dict(_read(folder))

    def keys(self, prefix: str = "", after: str = "") -> list[str]:
        """The keys that begin so and come after this one, in order."""
        return sorted(key for key in self._objects if key.startswith(prefix) and key > after)

    def get(self, key: str) -> Stored | None:
        return self._objects.get(key)

    def put(self, key: str, data: bytes, etag: str, headers: Mapping[str, str], now: float) -> Stored:
        """Keep an object; what was under the key is replaced."""
        before = self._objects.get(key)
        total = sum(len(each.data) for each in self._objects.values()) - (len(before.data) if before else 0)
        if total + len(data) > OBJECTS_MAX_BYTES:
            raise Refused("EntityTooLarge", "The sandbox keeps no more than this.", 400)
        stored = Stored(data, etag, now, dict(headers))
        self._objects[key] = stored
        if self._folder is not None:
            path = self._path(self._folder, key)
            about = {"key": key, "etag": etag, "modified": now, "headers": dict(headers)}
            path.with_suffix(".bin").write_bytes(data)
            path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
        return stored

    def delete(self, key: str) -> None:
        """Forget an object; whether there was one makes no difference."""
        if self._objects.pop(key, None) is not None and self._folder is not None:
            for suffix in (".json", ".bin"):
                self._path(self._folder, key).with_suffix(suffix).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._objects):
            self.delete(key)
        self.uploads.clear()

    def begin(self, key: str, headers: Mapping[str, str], now: float) -> str:
        """Begin an upload in parts; its id."""
        upload_id = hashlib.sha256(f"{key} {now} {next(self._ids)}".encode()).hexdigest()[:32]
        self.uploads[upload_id] = Upload(key, dict(headers))
        return upload_id

    def upload(self, key: str, upload_id: str) -> Upload:
        """An upload that was begun for this key; raises `Refused`."""
        found = self.uploads.get(upload_id)
        if found is None or found.key != key:
            raise Refused("NoSuchUpload", "The specified multipart upload does not exist.", 404)
        return found

    def add_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Take a part in; its tag."""
        upload = self.upload(key, upload_id)
        if not 1 <= number <= PARTS_MAX:
            raise Refused("InvalidArgument", "A part's number is between 1 and 10000.", 400)
        etag = hashlib.md5(data).hexdigest()  # noqa: S324 - what the vendor calls an ETag
        upload.parts[number] = etag, data
        return etag

    def complete(self, key: str, upload_id: str, named: list[tuple[int, str]], now: float) -> Stored:
        """Make one object of the parts named, in order; raises `Refused` as the vendor does."""
        upload = self.upload(key, upload_id)
        if not named or [number for number, _ in named] != sorted({number for number, _ in named}):
            raise Refused("InvalidPartOrder", "The list of parts was not in ascending order.", 400)
        pieces = []
        for number, etag in named:
            known, data = upload.parts.get(number, ("", b""))
            if known != etag.strip('"'):
                raise Refused("InvalidPart", "One or more of the specified parts could not be found.", 400)
            if number != named[-1][0] and len(data) < PART_MIN_BYTES:
                raise Refused("EntityTooSmall", "A part but the last is smaller than 1 MB.", 400)
            pieces.append((known, data))
        together = hashlib.md5(b"".join(bytes.fromhex(etag) for etag, _ in pieces))  # noqa: S324 - as above
        etag = f"{together.hexdigest()}-{len(pieces)}"
        stored = self.put(key, b"".join(data for _, data in pieces), etag, upload.headers, now)
        del self.uploads[upload_id]
        return stored

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / hashlib.sha256(key.encode()).hexdigest()


def _read(folder: Path) -> Iterator[tuple[str, Stored]]:
    for path in sorted(folder.glob("*.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        yield (
            about["key"],
            Stored(path.with_suffix(".bin").read_bytes(), about["etag"], about["modified"], about["headers"]),
        )
