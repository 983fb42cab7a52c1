"""What only a cloud does: refuse in its own words, be slow, keep half; and what we never let it do."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clouds import ACCESS_KEY, SECRET_KEY, Cloud, cloud_here
from vermilion.storage import (
    KINDS,
    Address,
    CloudStorage,
    StorageFailed,
    content_key,
    open_cloud,
    require_reachable_host,
)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with cloud_here() as here:
        yield here


def spooled(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "incoming"
    path.write_bytes(content)
    return path, content_key(hashlib.sha256(content).hexdigest())


async def _put(storage: CloudStorage, folder: Path, content: bytes = b"x") -> StorageFailed:
    spool, key = spooled(folder, content)
    with pytest.raises(StorageFailed) as failed:
        await storage.put(spool, key)
    storage.close()
    assert spool.exists()
    return failed.value


@pytest.mark.parametrize(
    ("address", "login", "reason", "again"),
    [
        ({}, {"secret_key": "wrong"}, "wrong_secret", False),
        ({}, {"access_key": "nobody"}, "unknown_key", False),
        ({"bucket": "another-1250000000"}, {}, "no_bucket", False),
        ({"endpoint_url": "http://127.0.0.1:1"}, {}, "unreachable", True),
        ({"endpoint_url": "http://nowhere.invalid"}, {}, "unreachable", True),
    ],
)
async def test_what_is_wrong_is_said_in_words(
    cloud: Cloud, tmp_path: Path, address: dict[str, str], login: dict[str, str], reason: str, again: bool
) -> None:
    known = cloud.address("cos")
    at = Address(
        known.kind, address.get("bucket", known.bucket), known.region, address.get("endpoint_url", known.endpoint_url)
    )
    storage = open_cloud(at, login.get("access_key", ACCESS_KEY), login.get("secret_key", SECRET_KEY))
    failed = await _put(storage, tmp_path)
    assert (failed.reason, failed.again) == (reason, again), failed.detail
    assert at.host in failed.detail
    assert SECRET_KEY not in failed.detail and "<" not in failed.detail and len(failed.detail) < 200


async def test_what_passes_is_tried_again_and_what_lasts_is_said(cloud: Cloud, tmp_path: Path) -> None:
    await cloud.arm("throttle", at="upload", count=2)
    storage = cloud.open("cos")
    spool, key = spooled(tmp_path, b"patience")
    await storage.put(spool, key)
    assert await storage.digest(key) == hashlib.sha256(b"patience").hexdigest()
    await cloud.arm("throttle", at="upload", count=50)
    failed = await _put(storage, tmp_path, b"no patience")
    assert (failed.reason, failed.again) == ("busy", True)


@pytest.mark.parametrize("size_bytes", [100, 20 * 2**20])
async def test_half_a_file_is_noticed_at_once(cloud: Cloud, tmp_path: Path, size_bytes: int) -> None:
    storage = cloud.open("cos")
    await cloud.arm("half-kept" if size_bytes == 100 else "false-end", count=5)
    failed = await _put(storage, tmp_path, bytes(size_bytes))
    assert failed.again is True


async def test_a_cut_answer_is_no_whole_file(cloud: Cloud, tmp_path: Path) -> None:
    storage = cloud.open("cos")
    content = bytes(range(256)) * 4000
    spool, key = spooled(tmp_path, content)
    await storage.put(spool, key)
    await cloud.arm("cut-short", at="download", count=1)
    assert b"".join([piece async for piece in await storage.open(key)]) == content
    await cloud.arm("cut-short", at="download", count=50)
    with pytest.raises(StorageFailed) as failed:
        assert [piece async for piece in await storage.open(key)]
    assert failed.value.again is True
    storage.close()


async def test_the_house_goes_on_while_a_cloud_is_slow(cloud: Cloud, tmp_path: Path) -> None:
    """A blocking call that held the interpreter would stop the cloud too, which runs on this very loop."""
    storage = cloud.open("cos")
    await cloud.arm("slow-drip", at="upload", count=1, argument="0.3")
    spool, key = spooled(tmp_path, b"drop by drop")
    before = time.monotonic()
    await storage.put(spool, key)
    assert time.monotonic() - before < 30
    assert await storage.exists(key)
    storage.close()


async def test_no_login_is_taken_from_the_environment(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "from-the-environment",
        "AWS_SECRET_ACCESS_KEY": "from-the-environment",
        "AWS_SESSION_TOKEN": "from-the-environment",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_REGION": "nowhere",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_UNSIGNED_PAYLOAD": "true",
        "AWS_S3_EXPRESS": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_BUCKET": "elsewhere",
    }.items():
        monkeypatch.setenv(name, value)
    storage = cloud.open("s3")
    spool, key = spooled(tmp_path, b"ours")
    await storage.put(spool, key)
    assert await storage.exists(key)
    storage.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bucket_is_found_by_its_own_name_in_its_region(kind: str) -> None:
    known = KINDS[kind]  # type: ignore[index]
    at = Address(known.name, "studio", known.region_example)
    assert at.url == known.endpoint.format(region=known.region_example).replace("https://", "https://studio.")
    assert at.host.startswith("studio.") and known.region_example in at.host
    assert not at.bucket_in_path


@pytest.mark.parametrize("kind", KINDS)
async def test_requests_go_to_the_buckets_own_host_over_tls(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen by a proxy that lets nothing through; what it is told is all that leaves the process."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
    known = KINDS[kind]  # type: ignore[index]
    storage = open_cloud(Address(known.name, "studio", known.region_example), ACCESS_KEY, SECRET_KEY)
    with pytest.raises(StorageFailed):
        await storage.size(content_key("ab" * 32))
    storage.close()
    proxy.close()
    host = known.endpoint.format(region=known.region_example).removeprefix("https://")
    assert set(asked) == {f"CONNECT studio.{host}:443 HTTP/1.1\r\n".encode()}


def test_an_endpoint_of_ones_own_is_called_as_its_kind_is() -> None:
    internal = Address("oss", "studio", "cn-hangzhou", "https://oss-cn-hangzhou-internal.aliyuncs.com")
    assert internal.url == "https://studio.oss-cn-hangzhou-internal.aliyuncs.com"
    with_bucket = Address("cos", "studio-1", "", "https://studio-1.cos.accelerate.myqcloud.com")
    assert with_bucket.url == "https://studio-1.cos.accelerate.myqcloud.com"
    assert Address("s3", "studio", "", "https://minio.example.com").url == "https://minio.example.com"
    assert Address("cos", "studio-1", "", "http://127.0.0.1:8081/cos").url == "http://127.0.0.1:8081/cos"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "100.100.100.200"])
def test_files_are_not_sent_into_ones_own_network_unless_that_is_meant(host: str) -> None:
    with pytest.raises(StorageFailed, match="refused"):
        require_reachable_host(host, allow_private=False)
    if host.startswith(("169", "100")):
        with pytest.raises(StorageFailed, match="refused"):
            require_reachable_host(host, allow_private=True)
    else:
        require_reachable_host(host, allow_private=True)
