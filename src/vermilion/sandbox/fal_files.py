"""fal's storage: upload tokens, both ways to upload, and the public file addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from .fal_account import Keys
from .fal_addresses import Bases
from .fal_replies import error, json_answer, unauthorized
from .fal_work import lifetime_seconds, order_of
from .jobs import Job
from .outputs import hand_out, is_there
from .vendor import BaseVendor

_TOKEN_SECONDS = 3600
_PICTURE = re.compile(r"^([0-9a-f]{32})_(\d)$")
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
_MAX_OPEN_UPLOADS = 50
_MAX_PARTS = 10_000


def _gone() -> web.Response:
    return json_answer({"detail": "File not found"}, 404)


class Files:
    """The `rest` and `cdn` parts of fal."""

    def __init__(self, vendor: BaseVendor, keys: Keys) -> None:
        self._vendor = vendor
        self._stage = stage = vendor.stage
        self._keys = keys
        self._secret = stage.jobs.secret("fal upload secret")
        self._parts: dict[str, dict[int, bytes]] = {}
        self._about: dict[str, tuple[str, float | None]] = {}

    def token(self, bases: Bases) -> web.Response:
        """A short-lived token for direct uploads."""
        ends = int(self._stage.now()) + _TOKEN_SECONDS
        return json_answer(
            {
                "token": f"{ends}.{self._sign(f'token {ends}')}",
                "token_type": "Bearer",
                "base_url": bases.cdn,
                "expires_at": datetime.fromtimestamp(ends, UTC).isoformat(),
            }
        )

    def token_is_good(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        ends, _, signature = token.partition(".")
        if scheme != "Bearer" or not ends.isdigit() or int(ends) < self._stage.now():
            return False
        return hmac.compare_digest(signature, self._sign(f"token {ends}"))

    async def initiate(self, request: web.Request, bases: Bases, *, multipart: bool) -> web.Response:
        """Two-step upload: where to PUT the bytes, and the address they will have."""
        try:
            body = await request.json()
            file_name, content_type = str(body["file_name"]), str(body["content_type"])
        except (ValueError, KeyError, TypeError):
            return json_answer({"detail": "file_name and content_type are required"}, 422)
        path, stem = _new_file(file_name)
        self._open(stem, content_type, request)
        file_url = f"{bases.cdn}/{path}"
        upload_url = f"{bases.cdn}/upload/{self._sign(stem)}/{stem}"
        if multipart:
            upload_url = f"{file_url}/multipart/{self._sign(stem)}"
        return json_answer({"upload_url": upload_url, "file_url": file_url})

    async def upload(self, request: web.Request, bases: Bases) -> web.Response:
        """Direct upload of one body with a token."""
        path, stem = _new_file(request.headers.get("X-Fal-File-Name", "upload.bin"))
        self._open(stem, request.content_type, request)
        return await self._keep(stem, await request.read(), {"access_url": f"{bases.cdn}/{path}"})

    async def begin_parts(self, request: web.Request, bases: Bases) -> web.Response:
        """Direct upload in parts: the address and the upload's id."""
        path, stem = _new_file(request.headers.get("X-Fal-File-Name", "upload.bin"))
        self._open(stem, request.content_type, request)
        return json_answer({"access_url": f"{bases.cdn}/{path}", "uploadId": self._sign(stem)})

    async def put(self, request: web.Request, signature: str, stem: str) -> web.Response:
        """The second step of a two-step upload."""
        if not hmac.compare_digest(signature, self._sign(stem)) or stem not in self._about:
            return json_answer({"detail": "This upload address is not valid"}, 403)
        return await self._keep(stem, await request.read(), {})

    async def part(self, request: web.Request, stem: str, signature: str, tail: str) -> web.Response:
        """One part of an upload, or its completion."""
        if not hmac.compare_digest(signature, self._sign(stem)) or stem not in self._about:
            return json_answer({"detail": "This upload is not known"}, 404)
        parts = self._parts.setdefault(stem, {})
        if request.method == "PUT" and tail.isdigit() and 0 < int(tail) <= _MAX_PARTS:
            data = await request.read()
            if sum(map(len, parts.values())) + len(data) > self._stage.config.max_upload_bytes:
                return json_answer({"detail": "The file is too large"}, 413)
            parts[int(tail)] = data
            return web.Response(headers={"ETag": _etag(data)})
        if request.method != "POST" or tail != "complete":
            return json_answer({"detail": "Not found"}, 404)
        return await self._complete(request, stem, parts)

    async def _complete(self, request: web.Request, stem: str, parts: dict[int, bytes]) -> web.Response:
        """Join the parts a client lists, if they are the parts that arrived."""
        try:
            listed = sorted((int(entry["partNumber"]), str(entry["etag"])) for entry in (await request.json())["parts"])
        except (ValueError, KeyError, TypeError):
            return json_answer({"detail": "parts are required"}, 422)
        if not listed or any(number not in parts or _etag(parts[number]) != etag for number, etag in listed):
            return json_answer({"detail": "A part is missing or differs"}, 400)
        whole = b"".join(parts[number] for number, _ in listed)
        del self._parts[stem]
        return await self._keep(stem, whole, {})

    async def download(self, request: web.Request, name: str) -> web.StreamResponse:
        """A public file: an upload, or a picture of a finished job."""
        stem = name.rpartition(".")[0] or name
        file = self._stage.shelf.get(stem)
        if file is not None:
            return web.Response(body=file.data, headers={"Content-Type": file.content_type, "ETag": _etag(file.data)})
        job = self.job_behind(name)
        index = int(stem.rpartition("_")[2]) if job is not None else 0
        if job is None or not self._may_see(job, index):
            return _gone()
        return await hand_out(request, self._stage, job, index, lambda: order_of(self._stage, job, index))

    def job_behind(self, name: str) -> Job | None:
        """The job whose picture a file name stands for, if any."""
        drawn = _PICTURE.match(name.rpartition(".")[0] or name)
        return self._stage.jobs.get(str(uuid.UUID(drawn[1]))) if drawn else None

    async def rest(self, request: web.Request, parts: list[str], bases: Bases) -> web.StreamResponse:
        """Any request to the storage's API."""
        if self._keys.owner(request) is None:
            return unauthorized()
        multipart = parts[-1] == "initiate-multipart"
        if request.method == "POST" and parts[:2] == ["storage", "upload"]:
            return await self._vendor.with_faults(
                request, "upload", [], "", lambda: self.initiate(request, bases, multipart=multipart)
            )
        if request.method == "POST" and parts == ["storage", "auth", "token"]:
            return self.token(bases)
        return error(404, "Not found")

    async def cdn(self, request: web.Request, parts: list[str], bases: Bases) -> web.StreamResponse:
        """Any request where files lie."""
        match (request.method, *parts):
            case ("GET" | "HEAD", "files", _, name):
                job = self.job_behind(name)
                return await self._vendor.with_faults(
                    request, "download", job.faults if job else [], name, lambda: self.download(request, name)
                )
            case ("PUT", "upload", signature, stem):
                return await self._vendor.with_faults(
                    request, "upload", [], "", lambda: self.put(request, signature, stem)
                )
            case ("PUT" | "POST", "files", "upload", name, "multipart", upload_id, tail):
                stem = name.rpartition(".")[0] or name
                return await self._vendor.with_faults(
                    request, "upload", [], "", lambda: self.part(request, stem, upload_id, tail)
                )
            case ("POST", "files", "upload", *rest) if rest in ([], ["multipart"]):
                if not self.token_is_good(request.headers.get("Authorization", "")) and not self._keys.owner(request):
                    return unauthorized()
                begin = self.begin_parts if rest else self.upload
                return await self._vendor.with_faults(request, "upload", [], "", lambda: begin(request, bases))
        return error(404, "Not found")

    def clear(self) -> None:
        self._parts.clear()
        self._about.clear()

    def _may_see(self, job: Job, index: int) -> bool:
        if index >= job.notes["count"] or job.notes.get("problems"):
            return False
        return is_there(self._stage, job, index, job.notes.get("lifetime_seconds"))

    def _open(self, stem: str, content_type: str, request: web.Request) -> None:
        raw = request.headers.get("X-Fal-Object-Lifecycle") or request.headers.get("X-Fal-Object-Lifecycle-Preference")
        while len(self._about) >= _MAX_OPEN_UPLOADS:
            oldest = next(iter(self._about))
            del self._about[oldest]
            self._parts.pop(oldest, None)
        self._about[stem] = (content_type, lifetime_seconds(raw))

    async def _keep(self, stem: str, data: bytes, answer: dict[str, Any]) -> web.Response:
        content_type, lifetime = self._about.pop(stem)
        ends = self._stage.now() + lifetime if lifetime is not None else None
        self._stage.shelf.put(stem, data, content_type, ends)
        return json_answer(answer)

    def _sign(self, text: str) -> str:
        digest = hmac.new(self._secret, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()


def _new_file(file_name: str) -> tuple[str, str]:
    """A path under the CDN for a new upload, and its name on the shelf (the path without suffix)."""
    stem, _, suffix = file_name.rpartition(".")
    clean = _UNSAFE.sub("-", stem or suffix)[:40].strip("-") or "upload"
    suffix = _UNSAFE.sub("", suffix)[:8] if stem else ""
    name = f"{uuid.uuid4().hex[:20]}_{clean}"
    return f"files/upload/{name}" + (f".{suffix}" if suffix else ""), name


def _etag(data: bytes) -> str:
    return '"' + hashlib.blake2b(data, digest_size=12).hexdigest() + '"'
