"""Uploads: a multipart body read as it arrives, into the spool, refused as early as its first bytes tell."""

import re
import unicodedata
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from vermilion.kit import AppError, Invalid
from vermilion.kit.spool import Spool, Spooled, TooLarge
from vermilion.library.inspection.media import Kind
from vermilion.library.inspection.types import HEAD_BYTES, KINDS, content_type_of
from vermilion.library.problems import too_large, type_refused
from vermilion.library.tables import NAME_MAX_CHARS
from vermilion.storage import StorageFailed

if TYPE_CHECKING:
    # Declared by the library for type checkers alone.
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"
PARTS_MAX = 8
KIND_MAX_BYTES: dict[Kind, int] = {"image": 50 * 2**20, "audio": 50 * 2**20, "video": 500 * 2**20}
_OTHER_FIELDS_MAX_BYTES = 64 * 1024
_UNWANTED_IN_NAMES = re.compile(r"[/\\:*?\"<>|]+")


@dataclass(frozen=True, slots=True)
class Received:
    """An upload in the spool, and the name it was sent under, made harmless; None when nothing is left of it."""

    file: Spooled
    name: str | None


async def receive_upload(
    content_type: str | None, body: AsyncIterator[bytes], spool_dir: Path, *, max_bytes: int
) -> Received:
    """The part named `file` of a multipart/form-data body.

    Raises 415 `asset.type_refused` and 413 `asset.too_large` while the body is still coming, 422
    `asset.no_file` when there is none, 400 `request.unreadable` for a body that is not multipart. Nothing stays
    in the spool unless this returns.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
        raise AppError("request.unreadable", "Send the file as multipart/form-data, in a part named file.", status=400)
    spool = Spool(spool_dir, max_bytes=max_bytes)
    form = _Form(boundary)
    head = bytearray()
    judged = False
    try:
        async for chunk in body:
            for piece in form.feed(chunk):
                if not judged:
                    head += piece
                    judged = len(head) >= HEAD_BYTES
                    if judged:
                        _judge(head, spool)
                await spool.write(piece)
        form.end()
        if not form.found:
            raise Invalid("asset.no_file", "The body has no file in a part named file.", field=FIELD)
        if not judged:
            _judge(head, spool)
        return Received(await spool.finish(), form.name)
    except TooLarge as error:
        raise too_large(error.max_bytes) from error
    except OSError as error:
        raise StorageFailed(f"The upload could not be written: {error.strerror}.", again=True) from error
    finally:
        await spool.discard()


async def spool_pieces(pieces: AsyncIterable[bytes], spool_dir: Path, *, max_bytes: int) -> Spooled:
    """A file that comes in pieces, judged by its first bytes like an upload; raises 413, 415 and `StorageFailed`."""
    spool = Spool(spool_dir, max_bytes=max_bytes)
    head = bytearray()
    judged = False
    try:
        async for piece in pieces:
            if not judged:
                head += piece[:HEAD_BYTES]
                judged = len(head) >= HEAD_BYTES
                if judged:
                    _judge(head, spool)
            await spool.write(piece)
        if not judged:
            _judge(head, spool)
        return await spool.finish()
    except TooLarge as error:
        raise too_large(error.max_bytes) from error
    except OSError as error:
        raise StorageFailed(f"The file could not be written: {error.strerror}.", again=True) from error
    finally:
        await spool.discard()


def display_name(name: str) -> str | None:
    """A file's name as people may see and save it: no folders, no control or bidirectional characters, bounded."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(char for char in last if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return " ".join(_UNWANTED_IN_NAMES.sub(" ", visible).split()).strip(". ")[:NAME_MAX_CHARS].strip() or None


def _judge(head: bytearray, spool: Spool) -> None:
    content_type = content_type_of(bytes(head[:HEAD_BYTES]))
    if content_type is None:
        raise type_refused("The file is none of the types the studio keeps.")
    spool.max_bytes = min(spool.max_bytes, KIND_MAX_BYTES[KINDS[content_type]])


class _Form:
    """A multipart body, of which only the part named `file` is wanted."""

    def __init__(self, boundary: bytes) -> None:
        self.found = False
        self.name: str | None = None
        self._ended = False
        self._wanted = False
        self._parts = 0
        self._other_bytes = 0
        self._header = [bytearray(), bytearray()]
        self._disposition = b""
        self._pieces: list[bytes] = []
        append: Callable[[int, bytes, int, int], None] = self._on_header_text
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": partial(append, 0),
            "on_header_value": partial(append, 1),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The wanted part's bytes among the chunk."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise AppError("request.unreadable", "The multipart body is malformed.", status=400) from error
        pieces, self._pieces = self._pieces, []
        return pieces

    def end(self) -> None:
        if not self._ended:
            raise AppError("request.unreadable", "The multipart body breaks off.", status=400)

    def _on_part_begin(self) -> None:
        self._parts += 1
        self._disposition = b""
        if self._parts > PARTS_MAX:
            raise AppError("request.unreadable", f"More than {PARTS_MAX} parts.", status=400)

    def _on_header_text(self, which: int, data: bytes, start: int, end: int) -> None:
        self._header[which] += data[start:end]

    def _on_header_end(self) -> None:
        name, value = (bytes(text) for text in self._header)
        self._header = [bytearray(), bytearray()]
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._wanted = not self.found and options.get(b"name") == FIELD.encode() and b"filename" in options
        if self._wanted:
            self.found = True
            # The one escape browsers use in file names (HTML, "multipart/form-data encoding").
            self.name = display_name(options[b"filename"].replace(b"%22", b'"').decode("utf-8", "replace"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._pieces.append(data[start:end])
            return
        self._other_bytes += end - start
        if self._other_bytes > _OTHER_FIELDS_MAX_BYTES:
            raise too_large(_OTHER_FIELDS_MAX_BYTES)

    def _on_end(self) -> None:
        self._ended = True
