"""Giving files out: ranges, revalidation, and headers under which no file can act as a page (RFC 9110)."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from vermilion.library.inspection.types import EXTENSIONS
from vermilion.library.tables import AssetRow
from vermilion.storage import Storage

_RANGE = re.compile(r"bytes=(?:(?P<first>\d{1,18})-(?P<last>\d{0,18})|-(?P<suffix>\d{1,18}))", re.ASCII)
_ETAG = re.compile(r'(?:W/)?("[^"]*")')
_NOT_IN_QUOTES = re.compile(r"[^A-Za-z0-9 ._()+-]")


@dataclass(frozen=True, slots=True)
class Served:
    """What is to be given out: a stored file under the name and type it is known by."""

    key: str
    content_type: str
    filename: str
    size_bytes: int
    attachment: bool = False
    other_sites: bool = False
    """Whether pages of other sites may embed it (signed links); our own routes say no."""

    @property
    def etag(self) -> str:
        """Strong: the key is the content's hash."""
        return f'"{self.key.rsplit("/", 1)[-1]}"'


def filename_of(row: AssetRow) -> str:
    """The name a download is saved under; its extension is that of the content, never the uploader's choice."""
    extension = EXTENSIONS[row.content_type]
    stem = row.name or f"vermilion-{row.id.hex[-12:]}"
    if "." in stem:
        before, _, after = stem.rpartition(".")
        stem = before if len(after) <= 5 and before else stem
    return f"{stem}.{extension}"


async def serve(request: Request, storage: Storage, served: Served) -> Response:
    """The answer to a GET or HEAD: 200, 206, 304 or 416. Raises `FileMissing` before anything is sent."""
    headers = _headers(served)
    if _known(request.headers.get("if-none-match"), served.etag):
        return Response(status_code=304, headers=_without_body(headers))
    size = served.size_bytes
    start, end = 0, size
    status = 200
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", served.etag) == served.etag:
        try:
            part = _part(wanted, size)
        except _Unsatisfiable:
            refusal = {"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"}
            return Response(status_code=416, headers={**_without_body(headers), **refusal})
        if part is not None:
            start, end = part
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=served.content_type)
    pieces: AsyncIterator[bytes] = await storage.open(served.key, start, end)
    return StreamingResponse(pieces, status_code=status, headers=headers, media_type=served.content_type)


def _headers(served: Served) -> dict[str, str]:
    kind = "attachment" if served.attachment else "inline"
    plain = _NOT_IN_QUOTES.sub("_", served.filename)
    return {
        "ETag": served.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Disposition": f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(served.filename, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "cross-origin" if served.other_sites else "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def _without_body(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("Content-D")}


def _known(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _ETAG.findall(if_none_match[:4096])


class _Unsatisfiable(Exception):
    """The file ends before the range begins."""


def _part(wanted: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None for what may be answered whole: several ranges, or none."""
    match = _RANGE.fullmatch(wanted.strip().replace(" ", ""))
    if match is None:
        return None
    if match["suffix"] is not None:
        first, last = max(size - int(match["suffix"]), 0), size - 1
        if int(match["suffix"]) == 0:
            raise _Unsatisfiable
    else:
        first, last = int(match["first"]), int(match["last"] or size - 1)
        if match["last"] and last < first:
            return None
    if first >= size:
        raise _Unsatisfiable
    return first, min(last, size - 1) + 1
