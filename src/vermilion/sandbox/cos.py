"""Tencent COS on localhost: objects in one bucket, asked for with COS' own signature or with SigV4, as S3 clients do.

`/cos/<bucket>/<key>` · and by its host name, `<bucket>.cos.<region>.myqcloud.com`. The bucket of the login is the only
one there is: any other answers `NoSuchBucket`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import unquote

from aiohttp import web

from .cos_answers import GIVEN_BACK, given_out, keys_named, listed, parts_named, refusal, xml
from .cos_buckets import Bucket, Stored
from .cos_signing import Asked, Refused, require_signature
from .faults import FaultKind, wire_words
from .stage import Stage
from .vendor import BaseVendor, Card

BUCKET = "studio-1250000000"
REGION = "ap-guangzhou"
_PLACES = {"PUT": "upload", "POST": "upload", "GET": "download", "HEAD": "probe", "DELETE": "cancel"}
_KEEP, _END = "keep", "end"
"""Where what it does with an object can be struck, whatever it answers."""


class Vendor(BaseVendor):
    name = "cos"
    title = "Tencent COS (storage)"
    default_secrets: ClassVar[dict[str, str]] = {
        "access_key": "sandbox-cos-id-not-secret",
        "secret_key": "sandbox-cos-key-not-secret",
    }
    hosts = frozenset({f"{BUCKET}.cos.{REGION}.myqcloud.com"})
    faults = (
        *wire_words(),
        FaultKind("half-kept", (_KEEP,), "An object is answered for and half of it is kept."),
        FaultKind("false-end", (_END,), "An upload in parts ends in 200 with an error in it; nothing is kept."),
    )
    places = (*dict.fromkeys(_PLACES.values()), _KEEP, _END)

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        data_dir = stage.config.data_dir
        self.bucket = Bucket(BUCKET, data_dir / "cos" if data_dir else None)

    def login(self, origin: str) -> dict[str, str]:
        """The bucket is in the path here, so that no name has to lead to this machine."""
        return {**self.secrets[0], "bucket": BUCKET, "region": REGION, "endpoint_url": f"{origin}{self.prefix}"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(
                ("admin page Storage: kind", "Tencent Cloud COS (S3 reaches it too)"),
                ("endpoint", base),
                ("bucket", BUCKET),
                ("region", REGION),
            ),
            notes=(
                "Enter these on the admin page Storage, with private hosts allowed: new files then lie here.",
                "Signatures are really checked, COS' own and SigV4: a changed key is answered with "
                "SignatureDoesNotMatch, an unknown one with InvalidAccessKeyId, another bucket with NoSuchBucket. "
                "Faults strike at upload, download, probe (HEAD) and cancel (DELETE); throttle is COS' SlowDown.",
            ),
            example=f"curl -X POST {root}/control/faults -H 'Content-Type: application/json' \\\n"
            '  -d \'{"vendor": "cos", "kind": "throttle", "at": "upload", "count": 5}\'',
        )

    def refuse(self, status: int) -> web.Response:
        code, answered = {
            401: ("InvalidAccessKeyId", 403),
            403: ("AccessDenied", 403),
            429: ("SlowDown", 503),
            503: ("ServiceUnavailable", 503),
        }.get(status, ("InternalError", 500))
        return refusal("GET", Refused(code, "The sandbox was asked to refuse.", answered), "")

    def clear(self) -> None:
        self.bucket.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        place = _PLACES.get(request.method)
        if place is None:
            return refusal(request.method, Refused("MethodNotAllowed", "This method is not allowed.", 405), "")
        return await self.with_faults(request, place, [], "", lambda: self._answer(request))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            raw = request.raw_path
            # A client that speaks through a proxy names the host in the first line too.
            path, _, query = (raw if raw.startswith("/") else raw.partition("://")[2].partition("/")[2]).partition("?")
            path = f"/{path.lstrip('/')}"
            headers = {name.lower(): value for name, value in request.headers.items()}
            bucket, key = self._named(request, path)
            body = await request.read()
            require_signature(Asked(request.method, path, query, headers), self._secret_of, self.stage.now())
            _require_whole(headers, body)
            if bucket != BUCKET:
                raise Refused("NoSuchBucket", "The specified bucket does not exist.", 404)
            return self._object(request, key, body) if key else self._whole_bucket(request, body)
        except Refused as refused:
            return refusal(request.method, refused, request.path)

    def _named(self, request: web.Request, path: str) -> tuple[str, str]:
        """The bucket and the key an address names."""
        if self._by_host(request):
            return BUCKET, unquote(path[1:])
        bucket, _, key = path.removeprefix(self.prefix).lstrip("/").partition("/")
        return unquote(bucket), unquote(key)

    def _secret_of(self, access_key: str) -> str | None:
        return next((login["secret_key"] for login in self.secrets if login["access_key"] == access_key), None)

    def _whole_bucket(self, request: web.Request, body: bytes) -> web.StreamResponse:
        match request.method:
            case "HEAD":
                return web.Response()
            case "GET" if not {"uploads", "list-type"} & request.query.keys():
                return listed(self.bucket, request.query)
            case "POST" if "delete" in request.query:
                keys = keys_named(body)
                for key in keys:
                    self.bucket.delete(key)
                return xml("DeleteResult", [("Deleted", [("Key", key)]) for key in keys])
        raise Refused("NotImplemented", "The sandbox does not play this.", 501)

    def _object(self, request: web.Request, key: str, body: bytes) -> web.StreamResponse:
        upload_id = request.query.get("uploadId")
        match request.method:
            case "PUT" if upload_id is not None:
                number = int(request.query.get("partNumber", "0") or 0)
                etag = self.bucket.add_part(key, upload_id, number, body)
                return web.Response(headers={"ETag": f'"{etag}"'})
            case "PUT":
                return self._put(request, key, body)
            case "POST" if "uploads" in request.query:
                begun = self.bucket.begin(key, _kept_headers(request), self.stage.now())
                told = [("Bucket", BUCKET), ("Key", key), ("UploadId", begun)]
                return xml("InitiateMultipartUploadResult", told)
            case "POST" if upload_id is not None:
                return self._completed(request, key, upload_id, body)
            case "DELETE" if upload_id is not None:
                self.bucket.upload(key, upload_id)
                del self.bucket.uploads[upload_id]
                return web.Response(status=204)
            case "DELETE":
                self.bucket.delete(key)
                return web.Response(status=204)
            case "GET" | "HEAD" if upload_id is None:
                return given_out(request, self._stored(key))
        raise Refused("NotImplemented", "The sandbox does not play this.", 501)

    def _put(self, request: web.Request, key: str, body: bytes) -> web.StreamResponse:
        there = self.bucket.get(key) is not None
        if there and request.headers.get("x-cos-forbid-overwrite") == "true":
            raise Refused("FileAlreadyExists", "The object you specified already exists.", 409)
        if there and request.headers.get("If-None-Match") == "*":
            raise Refused("PreconditionFailed", "At least one of the pre-conditions did not hold.", 412)
        source = request.headers.get("x-cos-copy-source") or request.headers.get("x-amz-copy-source")
        if source is not None:
            copied = self._stored(unquote(source.lstrip("/").partition("/")[2]))
            stored = self.bucket.put(key, copied.data, copied.etag, copied.headers, self.stage.now())
            return xml("CopyObjectResult", [("ETag", f'"{stored.etag}"')])
        etag = hashlib.md5(body).hexdigest()  # noqa: S324 - what the vendor calls an ETag
        kept = body[: len(body) // 2] if self.stage.faults.strike(self.name, _KEEP) else body
        self.bucket.put(key, kept, etag, _kept_headers(request), self.stage.now())
        return web.Response(headers={"ETag": f'"{etag}"'})

    def _completed(self, request: web.Request, key: str, upload_id: str, body: bytes) -> web.StreamResponse:
        if self.stage.faults.strike(self.name, _END):
            return xml("Error", [("Code", "InternalError"), ("Message", "We encountered an internal error.")])
        stored = self.bucket.complete(key, upload_id, parts_named(body), self.stage.now())
        location = f"{BUCKET}.cos.{REGION}.myqcloud.com/{key}"
        told = [("Location", location), ("Bucket", BUCKET), ("Key", key), ("ETag", f'"{stored.etag}"')]
        return xml("CompleteMultipartUploadResult", told)

    def _stored(self, key: str) -> Stored:
        found = self.bucket.get(key)
        if found is None:
            raise Refused("NoSuchKey", "The specified key does not exist.", 404)
        return found


def _require_whole(headers: Mapping[str, str], body: bytes) -> None:
    """Raise `Refused` where the body is not the one whose checksum came with it."""
    md5 = headers.get("content-md5")
    try:
        if md5 is not None and base64.b64decode(md5, validate=True) != hashlib.md5(body).digest():  # noqa: S324
            raise Refused("InvalidDigest", "The Content-MD5 you specified is not valid.", 400)
    except binascii.Error as error:
        raise Refused("InvalidDigest", "The Content-MD5 you specified is not valid.", 400) from error
    told = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    if told != "UNSIGNED-PAYLOAD" and told != hashlib.sha256(body).hexdigest():
        raise Refused("XAmzContentSHA256Mismatch", "The body is not the one that was signed.", 400)


def _kept_headers(request: web.Request) -> dict[str, str]:
    given = {name: request.headers[name] for name in GIVEN_BACK if name in request.headers}
    own = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-cos-meta-")}
    return {"Content-Type": "application/octet-stream", **given, **own}
