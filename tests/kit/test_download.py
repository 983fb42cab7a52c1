"""What the one download door promises, against a real server on loopback."""

import asyncio
import gzip
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.serving import serving
from vermilion.kit import connections
from vermilion.kit.download import Downloaded, Downloader, DownloadFailed, DownloadLimits

LIMITS = DownloadLimits(max_bytes=1_000_000, total_seconds=10, idle_seconds=5)
PICTURE = os.urandom(700_000)


class FakeResolver(AbstractResolver):
    """Answers names from a table; a name with several answers gives them one look-up after the other."""

    def __init__(self, names: dict[str, list[list[str]]]) -> None:
        self.names = names
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self.names.get(host)
        if not answers:
            raise OSError(None, "no such name")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


class Server:
    """A web server on loopback that notes what it was asked."""

    def __init__(self) -> None:
        self.app = web.Application()
        self.requests: list[web.Request] = []
        self.port = 0
        self.app.router.add_get("/{name}", self._answer)
        self.answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{name}"

    def give(self, name: str, body: bytes = PICTURE, status: int = 200, **headers: str) -> str:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

        self.answers[name] = answer
        return self.url(name)

    def redirect(self, name: str, target: str, status: int = 302) -> str:
        return self.give(name, b"", status, Location=target)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.answers[request.match_info["name"]](request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with serving(made.app) as origin:
        made.port = int(origin.rpartition(":")[2])
        yield made


@pytest.fixture
async def door() -> AsyncIterator[Downloader]:
    opened = Downloader.open()
    yield opened
    await opened.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


async def _fetch(
    door: Downloader, url: str, spool: Path, limits: DownloadLimits = LIMITS, **headers: str
) -> Downloaded:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.fetch(url, spool, limits=limits, allow_private_hosts=True, headers=named)


def _left(spool: Path) -> list[Path]:
    return list(spool.iterdir())


async def _failure(coroutine: Awaitable[Downloaded], spool: Path) -> DownloadFailed:
    with pytest.raises(DownloadFailed) as failed:
        await coroutine
    assert _left(spool) == [], "a failed download leaves nothing behind"
    return failed.value


async def test_a_file_comes_in_whole_with_its_hash(door: Downloader, server: Server, spool: Path) -> None:
    url = server.give("a.png", Content_Type="image/png")
    done = await _fetch(door, url, spool)
    assert done.path.read_bytes() == PICTURE
    assert (done.size_bytes, done.sha256) == (len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    assert (done.content_type_claimed, done.url_final) == ("image/png", url)
    assert done.path.parent == spool


async def test_large_files_are_written_on_the_way(door: Downloader, server: Server, spool: Path) -> None:
    body = os.urandom(5_000_000)
    done = await _fetch(door, server.give("b", body), spool, DownloadLimits(max_bytes=len(body)))
    assert done.sha256 == hashlib.sha256(body).hexdigest()
    assert done.path.stat().st_size == len(body)


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (401, "expired", False),
        (403, "expired", False),
        (404, "expired", False),
        (410, "expired", False),
        (400, "status", False),
        (204, "status", False),
        (429, "status", True),
        (500, "status", True),
        (503, "status", True),
    ],
)
async def test_every_other_answer_says_whether_to_come_again(
    door: Downloader, server: Server, spool: Path, status: int, kind: str, again: bool
) -> None:
    failure = await _failure(_fetch(door, server.give("x", b"", status), spool), spool)
    assert (failure.kind, failure.again, failure.status) == (kind, again, status)


async def test_a_file_that_announces_too_much_is_refused_unread(door: Downloader, server: Server, spool: Path) -> None:
    failure = await _failure(_fetch(door, server.give("x", bytes(1_000_001)), spool), spool)
    assert failure.kind == "too_large"
    assert failure.again is False


async def test_a_file_that_announces_nothing_is_cut_off_at_the_cap(
    door: Downloader, server: Server, spool: Path
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 50_000_000:
            await response.write(bytes(100_000))
            sent += 100_000
        return response

    server.answers["x"] = endless
    assert (await _failure(_fetch(door, server.url("x"), spool), spool)).kind == "too_large"
    assert sent < 50_000_000


async def test_a_compressed_file_is_bounded_by_what_it_decodes_to(
    door: Downloader, server: Server, spool: Path
) -> None:
    bomb = gzip.compress(bytes(200_000_000))
    assert len(bomb) < LIMITS.max_bytes
    url = server.give("bomb", bomb, Content_Encoding="gzip")
    assert (await _failure(_fetch(door, url, spool), spool)).kind == "too_large"
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


async def test_a_coding_nobody_asked_for_is_undone_or_refused(door: Downloader, server: Server, spool: Path) -> None:
    done = await _fetch(door, server.give("fine", gzip.compress(PICTURE), Content_Encoding="gzip"), spool)
    assert done.path.read_bytes() == PICTURE
    done.path.unlink()
    cut = gzip.compress(PICTURE)[:-20]
    assert (await _failure(_fetch(door, server.give("c", cut, Content_Encoding="gzip"), spool), spool)).again
    strange = server.give("s", b"?", Content_Encoding="br")
    assert (await _failure(_fetch(door, strange, spool), spool)).kind == "refused"


async def test_a_file_that_breaks_off_is_not_taken_for_whole(door: Downloader, server: Server, spool: Path) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 500)
        assert request.transport is not None
        request.transport.close()
        return response

    server.answers["x"] = break_off
    failure = await _failure(_fetch(door, server.url("x"), spool), spool)
    assert (failure.kind, failure.again) == ("unreachable", True)


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(400):
        await response.write(b"x")
        await asyncio.sleep(0.02)
    return response


@pytest.mark.parametrize(
    "limits",
    [
        DownloadLimits(total_seconds=0.3),
        DownloadLimits(total_seconds=60, idle_seconds=60, patience_seconds=0.2),
    ],
)
async def test_a_slow_drip_ends(door: Downloader, server: Server, spool: Path, limits: DownloadLimits) -> None:
    server.answers["x"] = _drip
    failure = await _failure(_fetch(door, server.url("x"), spool, limits), spool)
    assert (failure.kind, failure.again) == ("timeout", True)


async def test_silence_ends(door: Downloader, server: Server, spool: Path) -> None:
    async def fall_silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 5000)
        await asyncio.sleep(30)
        return response

    server.answers["x"] = fall_silent
    limits = DownloadLimits(total_seconds=60, idle_seconds=0.2)
    assert (await _failure(_fetch(door, server.url("x"), spool, limits), spool)).kind == "timeout"


async def test_a_canceled_download_leaves_nothing_behind(door: Downloader, server: Server, spool: Path) -> None:
    server.answers["x"] = _drip
    task = asyncio.create_task(_fetch(door, server.url("x"), spool))
    await asyncio.sleep(0.2)
    assert server.requests
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _left(spool) == []


async def test_a_full_disk_is_not_the_servers_fault(door: Downloader, server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed) as failed:
        await _fetch(door, server.give("x"), tmp_path / "nowhere")
    assert (failed.value.kind, failed.value.again) == ("disk", True)


async def test_nobody_there_may_be_there_later(door: Downloader, spool: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        failure = await _failure(_fetch(door, url, spool), spool)
    assert (failure.kind, failure.again) == ("unreachable", True)


async def test_redirects_are_followed_three_times_and_no_more(door: Downloader, server: Server, spool: Path) -> None:
    server.give("end")
    for place, status in ((3, 301), (2, 303), (1, 307), (0, 308)):
        server.redirect(f"hop{place}", "end" if place == 3 else f"/hop{place + 1}", status)
    assert (await _fetch(door, server.url("hop1"), spool)).url_final == server.url("end")
    (spooled,) = _left(spool)
    spooled.unlink()
    assert (await _failure(_fetch(door, server.url("hop0"), spool), spool)).kind == "refused"


async def test_headers_go_to_the_first_origin_only(server: Server, spool: Path) -> None:
    door = Downloader.open(FakeResolver({"vendor.test": [["127.0.0.1"]], "cdn.test": [["127.0.0.1"]]}))
    try:
        server.give("end")
        server.redirect("there", server.url("back", "cdn.test"))
        server.redirect("back", server.url("end", "cdn.test"))
        server.redirect("same", "/end")
        headers = {"Authorization": "Bearer sandbox-key-not-secret", "Cookie": "a=b"}
        for name in ("there", "same"):
            await _fetch(door, server.url(name, "vendor.test"), spool, LIMITS, **headers)
    finally:
        await door.close()
    seen = [
        (request.host.split(":")[0], request.path, "Authorization" in request.headers or "Cookie" in request.headers)
        for request in server.requests
    ]
    assert seen == [
        ("vendor.test", "/there", True),
        ("cdn.test", "/back", False),
        ("cdn.test", "/end", False),
        ("vendor.test", "/same", True),
        ("vendor.test", "/end", True),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "gopher://example.com/",
        "javascript:alert(1)",
        "//example.com/x",
        "example.com/x",
        "http://",
        "http:///x",
        "http://user:word@example.com/x",
        "http://user@example.com/x",
        "https://example.com:22/x",
        "https://example.com:6379/x",
        "http://example.com:99999/x",
        "http://[::1/x",
        "http://exa mple.com/x",
        "http://example.com/" + "x" * 9000,
        "",
    ],
)
async def test_only_plain_http_urls_are_fetched(door: Downloader, spool: Path, url: str) -> None:
    failure = await _failure(door.fetch(url, spool, limits=LIMITS), spool)
    assert (failure.kind, failure.again) == ("refused", False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.01",
        "0",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "１２７.０.０.１",
        "127。0。0。1",
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(
    door: Downloader, server: Server, spool: Path, host: str
) -> None:
    server.give("secret")
    with pytest.raises(DownloadFailed) as failed:
        await door.fetch(server.url("secret", host), spool, limits=LIMITS)
    assert failed.value.kind in ("refused", "unreachable")
    assert server.requests == []
    assert _left(spool) == []


async def test_a_redirect_inward_is_refused_even_though_it_began_outside(
    server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For this test alone, loopback's 127.0.0.9 stands for the internet.
    check = connections.check_address

    def pretend(host: str, *, allow_private: bool) -> None:
        if host != "127.0.0.9":
            check(host, allow_private=allow_private)

    monkeypatch.setattr(connections, "check_address", pretend)
    outside = web.Application()

    async def lead(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.query["to"])

    outside.router.add_get("/lead", lead)
    runner = web.AppRunner(outside, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.9", 0).start()
    port = runner.addresses[0][1]
    door = Downloader.open(FakeResolver({"inner.test": [["10.0.0.1"]], "vendor.test": [["127.0.0.9"]]}))
    server.give("secret")
    try:
        for target in (
            server.url("secret"),
            server.url("secret", "localhost"),
            server.url("secret", "inner.test"),
            "http://169.254.169.254/latest/meta-data/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "file:///etc/passwd",
            "http://vendor.test:22/",
        ):
            url = f"http://vendor.test:{port}/lead"
            failure = await _failure(
                door.fetch(str(aiohttp.client.URL(url).with_query(to=target)), spool, limits=LIMITS), spool
            )
            assert failure.kind in ("refused", "unreachable"), target
    finally:
        await door.close()
        await runner.cleanup()
    assert server.requests == []


async def test_a_name_with_one_private_address_among_public_ones_is_refused(server: Server, spool: Path) -> None:
    resolver = FakeResolver({"mixed.test": [["8.8.8.8", "127.0.0.1"]]})
    door = Downloader.open(resolver)
    try:
        failure = await _failure(door.fetch(server.url("x", "mixed.test"), spool, limits=LIMITS), spool)
    finally:
        await door.close()
    assert failure.kind == "refused"
    assert resolver.asked == ["mixed.test"]
    assert server.requests == []


async def test_a_name_that_changes_its_mind_is_checked_at_the_socket(
    server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first check is made to see another address than the one connected to, as a rebinding name would.
    seen: list[str] = []
    check = connections.check_address

    def fooled_once(host: str, *, allow_private: bool) -> None:
        seen.append(host)
        if len(seen) > 1:
            check(host, allow_private=allow_private)

    monkeypatch.setattr(connections, "check_address", fooled_once)
    server.give("secret")
    door = Downloader.open(FakeResolver({"rebind.test": [["127.0.0.1"]]}))
    try:
        failure = await _failure(door.fetch(server.url("secret", "rebind.test"), spool, limits=LIMITS), spool)
    finally:
        await door.close()
    assert failure.kind == "refused"
    assert seen == ["127.0.0.1", "127.0.0.1"]
    assert server.requests == []


async def test_a_rebinding_name_is_refused_on_the_look_up_that_turns_inward(server: Server, spool: Path) -> None:
    resolver = FakeResolver({"rebind.test": [["192.0.0.192"], ["127.0.0.1"], ["::ffff:127.0.0.1"]]})
    door = Downloader.open(resolver)
    server.give("secret")
    try:
        for _ in range(3):
            failure = await _failure(door.fetch(server.url("secret", "rebind.test"), spool, limits=LIMITS), spool)
            assert failure.kind == "refused"
    finally:
        await door.close()
    assert len(resolver.asked) == 3
    assert server.requests == []


async def test_a_connection_opened_for_a_private_host_is_not_lent_to_others(
    door: Downloader, server: Server, spool: Path
) -> None:
    url = server.give("x")
    (await _fetch(door, url, spool)).path.unlink()
    assert (await _failure(door.fetch(url, spool, limits=LIMITS), spool)).kind == "refused"
    assert len(server.requests) == 1


async def test_the_environments_proxies_are_ignored(
    server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    door = Downloader.open()
    try:
        assert (await _fetch(door, server.give("x"), spool)).size_bytes == len(PICTURE)
    finally:
        await door.close()
    assert server.requests[0].path == "/x"


async def test_the_message_never_shows_the_url(door: Downloader, server: Server, spool: Path) -> None:
    url = server.give("x", b"", 403) + "?X-Signature=very-secret"
    failure = await _failure(_fetch(door, url, spool), spool)
    assert "secret" not in str(failure)
