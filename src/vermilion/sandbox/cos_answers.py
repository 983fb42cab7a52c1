"""How COS answers: its XML, its errors, its ranges (Tencent Cloud, "API documentation", "Error codes")."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web

from .cos_buckets import Bucket, Stored
from .cos_signing import Refused

GIVEN_BACK = ("Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Expires")
LIST_MAX = 1000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_Tree = Iterable[tuple[str, "str | _Tree"]]


def refusal(method: str, refused: Refused, resource: str) -> web.Response:
    """The vendor's error; a HEAD is told by the status alone."""
    if method == "HEAD":
        return web.Response(status=refused.status)
    told = [
        ("Code", refused.code),
        ("Message", refused.message),
        ("Resource", resource),
        ("RequestId", uuid4().hex),
        ("TraceId", uuid4().hex),
    ]
    return xml("Error", told, refused.status)


def xml(name: str, tree: _Tree, status: int = 200) -> web.Response:
    """A document of one element."""
    root = ET.Element(name)
    _fill(root, tree)
    return web.Response(status=status, body=ET.tostring(root, encoding="utf-8"), content_type="application/xml")


def given_out(request: web.Request, stored: Stored) -> web.Response:
    """The object, or the range of it that was asked for."""
    headers = {
        **stored.headers,
        "ETag": f'"{stored.etag}"',
        "Last-Modified": format_datetime(datetime.fromtimestamp(stored.modified, UTC), usegmt=True),
        "Accept-Ranges": "bytes",
    }
    for name, value in request.query.items():
        if name.startswith("response-"):
            headers["-".join(part.title() for part in name.removeprefix("response-").split("-"))] = value
    total = len(stored.data)
    wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
    if wanted is None or not any(wanted.groups()):
        return _bytes(request, 200, stored.data, headers)
    first, last = wanted.groups()
    start = max(total - int(last), 0) if not first else int(first)
    end = total if not first or not last else min(int(last) + 1, total)
    if start >= end:
        raise Refused("InvalidRange", "The requested range cannot be satisfied.", 416)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{total}"
    return _bytes(request, 206, stored.data[start:end], headers)


def listed(bucket: Bucket, query: Mapping[str, str]) -> web.Response:
    """The first version of listing: by markers."""
    prefix, delimiter, marker = query.get("prefix", ""), query.get("delimiter", ""), query.get("marker", "")
    most = min(int(query.get("max-keys", LIST_MAX)), LIST_MAX)
    contents: list[str] = []
    folders: list[str] = []
    last = ""
    truncated = False
    for key in bucket.keys(prefix, marker):
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        folder = key[: cut + len(delimiter)] if cut >= 0 else ""
        if folder and (folder in folders or folder == marker):
            continue
        if len(contents) + len(folders) >= most:
            truncated = True
            break
        (folders if folder else contents).append(folder or key)
        last = folder or key
    named = quote if query.get("encoding-type") == "url" else str
    tree: list[tuple[str, str | _Tree]] = [
        ("Name", bucket.name),
        ("Prefix", named(prefix)),
        ("Marker", named(marker)),
        ("MaxKeys", str(most)),
        ("IsTruncated", str(truncated).lower()),
    ]
    if truncated:
        tree.append(("NextMarker", named(last)))
    for key in contents:
        tree.append(("Contents", [("Key", named(key)), *_about(bucket.get(key))]))
    tree += [("CommonPrefixes", [("Prefix", named(folder))]) for folder in folders]
    return xml("ListBucketResult", tree)


def parts_named(body: bytes) -> list[tuple[int, str]]:
    """The parts a completion names; raises `Refused` for what is no such document."""
    return [
        (int(part.findtext("{*}PartNumber", "0")), part.findtext("{*}ETag", ""))
        for part in _parsed(body).findall("{*}Part")
    ]


def keys_named(body: bytes) -> list[str]:
    """The keys a deletion of several names."""
    return [found.findtext("{*}Key", "") for found in _parsed(body).findall("{*}Object")]


def _parsed(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body)  # noqa: S314 - from whoever tries the sandbox on their own machine
    except ET.ParseError as error:
        raise Refused("MalformedXML", "The XML you provided was not well-formed.", 400) from error


def _about(stored: Stored | None) -> list[tuple[str, str]]:
    if stored is None:
        return []
    modified = datetime.fromtimestamp(stored.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return [
        ("LastModified", modified),
        ("ETag", f'"{stored.etag}"'),
        ("Size", str(len(stored.data))),
        ("StorageClass", "STANDARD"),
    ]


def _bytes(request: web.Request, status: int, data: bytes, headers: Mapping[str, str]) -> web.Response:
    if request.method != "HEAD":
        return web.Response(status=status, body=data, headers=headers)
    # The length is told of what a GET would have answered with.
    return web.Response(status=status, headers={**headers, "Content-Length": str(len(data))})


def _fill(element: ET.Element, tree: _Tree) -> None:
    for name, value in tree:
        child = ET.SubElement(element, name)
        if isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)
