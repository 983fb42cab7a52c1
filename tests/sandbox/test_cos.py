"""Object storage on localhost: the documented signatures, what is refused, and what each fault does."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from vermilion.sandbox.cos import BUCKET
from vermilion.sandbox.cos_buckets import PART_MIN_BYTES
from vermilion.sandbox.cos_signing import (
    Asked,
    Refused,
    canonical_request,
    cos_signature,
    require_signature,
    sigv4_signature,
)

from .conftest import Client, Reply, Start

ID, SECRET = "sandbox-cos-id-not-secret", "sandbox-cos-key-not-secret"
AT = f"/cos/{BUCKET}"


def test_the_vendors_header_vector_is_met() -> None:
    headers = {
        "content-length": "9",
        "content-type": "image/png",
        "host": "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com",
        "x-cos-acl": "public-read",
    }
    made = cos_signature("SECRETEXAMPLE", "1700000000;1700003660", "PUT", "/images/a b.png", [], headers.items())
    assert made == "3622b68d98bdcb5199def8bcc6c8df3d4d47d7a6"
    authorization = (
        "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time=1700000000;1700003660&q-key-time=1700000000;1700003660"
        f"&q-header-list=content-length;content-type;host;x-cos-acl&q-url-param-list=&q-signature={made}"
    )
    asked = Asked("PUT", "/images/a%20b.png", "", {**headers, "authorization": authorization})
    require_signature(asked, {"AKIDEXAMPLE": "SECRETEXAMPLE"}.get, 1700000100)
    with pytest.raises(Refused, match="expired"):
        require_signature(asked, {"AKIDEXAMPLE": "SECRETEXAMPLE"}.get, 1700003660)
    with pytest.raises(Refused) as unknown:
        require_signature(asked, {}.get, 1700000100)
    assert unknown.value.code == "InvalidAccessKeyId"


VECTORS = {
    "COS in the address": (
        "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time=1700000000%3B1700003660&q-key-time=1700000000%3B1700003660"
        "&q-header-list=host&q-url-param-list=&q-signature=5c5e786e0cebc4aab3f88574ff37728c39c22c9f"
    ),
    "SigV4 in the address": (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20231114%2Fap-guangzhou%2Fs3%2Faws4_request"
        "&X-Amz-Date=20231114T221320Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=de2f1810db9a6c0a7f2573ea0292b695fb8f65e704d5d0f8bcfdf9805dacefbd"
    ),
}


@pytest.mark.parametrize("query", VECTORS.values(), ids=VECTORS)
def test_the_vendors_addresses_with_signatures_are_met_until_they_expire(query: str) -> None:
    headers = {"host": "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com"}
    asked = Asked("GET", "/images/a.png", query, headers)
    require_signature(asked, {"AKIDEXAMPLE": "SECRETEXAMPLE"}.get, 1700000100)
    for wrong in (
        Asked("GET", "/images/b.png", query, headers),
        Asked("PUT", "/images/a.png", query, headers),
        Asked("GET", "/images/a.png", query, {"host": "another-1250000000.cos.ap-guangzhou.myqcloud.com"}),
    ):
        with pytest.raises(Refused) as refused:
            require_signature(wrong, {"AKIDEXAMPLE": "SECRETEXAMPLE"}.get, 1700000100)
        assert refused.value.code == "SignatureDoesNotMatch"
    with pytest.raises(Refused, match="expired"):
        require_signature(asked, {"AKIDEXAMPLE": "SECRETEXAMPLE"}.get, 1700003700)


def test_sigv4_in_a_header_is_met() -> None:
    payload = hashlib.sha256(b"hello cos").hexdigest()
    assert payload == "86ce84e2fa22f28f454377a0d0f6e274c8f08929f634580da4d44e916cc4241d"
    headers = {
        "content-type": "image/png",
        "host": "127.0.0.1:9000",
        "x-amz-content-sha256": payload,
        "x-amz-date": "20231114T221320Z",
    }
    scope = "20231114/us-east-1/s3/aws4_request"
    canonical = canonical_request("PUT", "/media/images/a.png", [], list(headers.items()), payload)
    made = sigv4_signature("minioadmin", scope, headers["x-amz-date"], canonical)
    assert made == "3ec88694d36f71f55754d38f4afcd4ae830d0a73bc9c14cda4df9a9b4fc4fa51"
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=minioadmin/{scope}, "
        f"SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature={made}"
    )
    asked = Asked("PUT", "/media/images/a.png", "", {**headers, "authorization": authorization})
    require_signature(asked, {"minioadmin": "minioadmin"}.get, 1700000000)
    with pytest.raises(Refused) as skewed:
        require_signature(asked, {"minioadmin": "minioadmin"}.get, 1700001000)
    assert skewed.value.code == "RequestTimeTooSkewed"


class Bucket:
    """A client that signs as COS' own clients do."""

    def __init__(self, sandbox: Client, secret: str = SECRET, at: str = AT) -> None:
        self._sandbox = sandbox
        self._secret = secret
        self._at = at

    async def ask(
        self, method: str, key: str, body: bytes = b"", query: str = "", headers: Mapping[str, str] | None = None
    ) -> Reply:
        path = f"{self._at}{key}"
        key_time = f"{int(time.time()) - 60};{int(time.time()) + 600}"
        given = {"host": urlsplit(self._sandbox.origin).netloc, **(headers or {})}
        params = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
        signature = cos_signature(self._secret, key_time, method, path, params, given.items())
        named, listed = ";".join(sorted(given)), ";".join(sorted(name.lower() for name, _ in params))
        authorization = (
            f"q-sign-algorithm=sha1&q-ak={ID}&q-sign-time={key_time}&q-key-time={key_time}"
            f"&q-header-list={named}&q-url-param-list={listed}&q-signature={signature}"
        )
        address = f"{self._sandbox.origin}{quote(path)}" + (f"?{query}" if query else "")
        return await self._sandbox.ask(
            method, address, key=False, data=body, headers={**(headers or {}), "Authorization": authorization}
        )


@pytest.fixture
def bucket(sandbox: Client) -> Bucket:
    return Bucket(sandbox)


async def test_an_object_is_kept_given_in_ranges_and_gone(bucket: Bucket) -> None:
    put = await bucket.ask("PUT", "/a/b c.png", b"hello cos", headers={"content-type": "image/png"})
    assert (put.status, put.headers["ETag"]) == (200, f'"{hashlib.md5(b"hello cos").hexdigest()}"')
    got = await bucket.ask("GET", "/a/b c.png")
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, b"hello cos", "image/png")
    part = await bucket.ask("GET", "/a/b c.png", headers={"range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"llo", "bytes 2-4/9")
    assert (await bucket.ask("GET", "/a/b c.png", headers={"range": "bytes=9-"})).status == 416
    head = await bucket.ask("HEAD", "/a/b c.png")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "9", b"")
    assert (await bucket.ask("DELETE", "/a/b c.png")).status == 204
    assert (await bucket.ask("DELETE", "/a/b c.png")).status == 204
    missing = await bucket.ask("HEAD", "/a/b c.png")
    assert (missing.status, missing.body) == (404, b"")
    assert b"<Code>NoSuchKey</Code>" in (await bucket.ask("GET", "/a/b c.png")).body


async def test_what_must_not_be_overwritten_is_not(bucket: Bucket) -> None:
    only_new = {"x-cos-forbid-overwrite": "true"}
    assert (await bucket.ask("PUT", "/once", b"first", headers=only_new)).status == 200
    again = await bucket.ask("PUT", "/once", b"second", headers=only_new)
    assert again.status == 409 and b"FileAlreadyExists" in again.body
    assert (await bucket.ask("PUT", "/once", b"third")).status == 200
    assert (await bucket.ask("GET", "/once")).body == b"third"


async def test_wrong_logins_buckets_and_bodies_are_refused(sandbox: Client, bucket: Bucket) -> None:
    assert b"SignatureDoesNotMatch" in (await Bucket(sandbox, "wrong").ask("GET", "/x")).body
    assert b"NoSuchBucket" in (await Bucket(sandbox, at="/cos/another-1250000000").ask("PUT", "/x", b"x")).body
    nobody = await sandbox.ask("GET", f"{AT}/x", key=False)
    assert nobody.status == 403 and b"AccessDenied" in nobody.body
    damaged = await bucket.ask("PUT", "/x", b"x", headers={"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert damaged.status == 400 and b"InvalidDigest" in damaged.body


async def test_listing_goes_on_from_marker_to_marker(bucket: Bucket) -> None:
    for key in ("/p/1", "/p/2", "/p/3/x", "/p/3/y", "/q"):
        await bucket.ask("PUT", key, b"x")
    first = await bucket.ask("GET", "/", query="prefix=p/&max-keys=2")
    assert b"<IsTruncated>true</IsTruncated><NextMarker>p/2</NextMarker>" in first.body
    rest = await bucket.ask("GET", "/", query="prefix=p/&marker=p/2&delimiter=/")
    assert b"<CommonPrefixes><Prefix>p/3/</Prefix></CommonPrefixes>" in rest.body
    assert b"IsTruncated>false" in rest.body and b"NextMarker" not in rest.body and b"<Key>q" not in rest.body


async def test_parts_make_one_object_and_small_ones_are_refused(bucket: Bucket) -> None:
    begun = (await bucket.ask("POST", "/big", query="uploads=")).body.decode()
    upload = begun.partition("<UploadId>")[2].partition("<")[0]
    tags = []
    for number, size in ((1, PART_MIN_BYTES), (2, 10)):
        part = await bucket.ask("PUT", "/big", bytes(size), query=f"partNumber={number}&uploadId={upload}")
        tags.append((number, part.headers["ETag"]))
    assert (await bucket.ask("HEAD", "/big")).status == 404

    def named(parts: list[tuple[int, str]]) -> bytes:
        inner = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in parts)
        return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()

    too_small = await bucket.ask("PUT", "/big", b"tiny", query=f"partNumber=3&uploadId={upload}")
    wrong = [(1, tags[0][1]), (4, "none")]
    assert b"InvalidPart" in (await bucket.ask("POST", "/big", named(wrong), query=f"uploadId={upload}")).body
    small = [(2, tags[1][1]), (3, too_small.headers["ETag"])]
    assert b"EntityTooSmall" in (await bucket.ask("POST", "/big", named(small), query=f"uploadId={upload}")).body
    done = await bucket.ask("POST", "/big", named(tags), query=f"uploadId={upload}")
    assert b'-2"</ETag>' in done.body
    assert int((await bucket.ask("HEAD", "/big")).headers["Content-Length"]) == PART_MIN_BYTES + 10
    gone = await bucket.ask("PUT", "/big", b"x", query=f"partNumber=1&uploadId={upload}")
    assert gone.status == 404 and b"NoSuchUpload" in gone.body


async def test_an_aborted_upload_leaves_nothing(bucket: Bucket) -> None:
    begun = (await bucket.ask("POST", "/left", query="uploads=")).body.decode()
    upload = begun.partition("<UploadId>")[2].partition("<")[0]
    await bucket.ask("PUT", "/left", b"x", query=f"partNumber=1&uploadId={upload}")
    assert (await bucket.ask("DELETE", "/left", query=f"uploadId={upload}")).status == 204
    assert (await bucket.ask("DELETE", "/left", query=f"uploadId={upload}")).status == 404
    assert (await bucket.ask("HEAD", "/left")).status == 404


async def test_faults_strike_where_they_were_armed(sandbox: Client, bucket: Bucket) -> None:
    async def arm(kind: str, **more: Any) -> None:
        armed = await sandbox.ask("POST", "/control/faults", json={"vendor": "cos", "kind": kind, **more})
        assert armed.status == 201, armed.body

    await arm("throttle", at="upload", count=1)
    slowed = await bucket.ask("PUT", "/x", b"x")
    assert slowed.status == 503 and b"SlowDown" in slowed.body
    await arm("half-kept")
    assert (await bucket.ask("PUT", "/x", b"whole")).status == 200
    assert (await bucket.ask("GET", "/x")).body == b"wh"
    await arm("false-end")
    begun = (await bucket.ask("POST", "/y", query="uploads=")).body.decode()
    upload = begun.partition("<UploadId>")[2].partition("<")[0]
    ended = await bucket.ask("POST", "/y", b"<CompleteMultipartUpload/>", query=f"uploadId={upload}")
    assert ended.status == 200 and b"<Error><Code>InternalError" in ended.body
    assert (await bucket.ask("HEAD", "/y")).status == 404


async def test_objects_survive_a_restart_with_a_folder(start: Start, tmp_path: Path) -> None:
    first = await start(data_dir=tmp_path)
    await Bucket(first).ask("PUT", "/kept", b"still here", headers={"content-type": "image/webp"})
    await first.stop()
    got = await Bucket(await start(data_dir=tmp_path)).ask("GET", "/kept")
    assert (got.body, got.headers["Content-Type"]) == (b"still here", "image/webp")
