"""Large bodies: only from who is signed in, bounded in what they take of memory and time."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from tests.identity.conftest import PICTURES_BYTES_MAX, Browser, SmallHouse, make_key, sign_up
from vermilion.identity import bodies
from vermilion.identity.checked_json import check_json
from vermilion.kit import AppError

MIB = 2**20


class Connection:
    """A client that speaks to the app itself: its body comes in pieces, and can stop coming."""

    def __init__(self, app: FastAPI, *, path: str, ip: str = "192.0.2.7", **headers: str) -> None:
        self._app = app
        given = {"content-type": "application/json", "sec-fetch-site": "same-origin", **headers}
        self._scope = {
            "type": "http",
            "method": "POST",
            "path": f"/api/v1{path}",
            "query_string": b"",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
            "client": (ip, 40000),
        }
        self.taken_bytes = 0
        self.waits = asyncio.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self._content = b""

    async def send(self, pieces: Iterator[bytes], *, ends: bool = True) -> "Connection":
        """Send these; if it does not end, it waits for ever then."""

        async def receive() -> Message:
            for piece in pieces:
                self.taken_bytes += len(piece)
                return {"type": "http.request", "body": piece, "more_body": True}
            if ends:
                return {"type": "http.request", "body": b"", "more_body": False}
            self.waits.set()
            await asyncio.Future()
            raise AssertionError("nothing comes after for ever")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            self._content += message.get("body", b"")

        await self._app(self._scope, receive, answer)
        return self

    @property
    def problem(self) -> tuple[int, str]:
        """The status and the problem's code."""
        return self.status, json.loads(self._content)["code"]

    @asynccontextmanager
    async def hanging(self, *pieces: bytes) -> AsyncIterator[None]:
        """These were taken, and it waits for more; or it was answered already."""
        sending = asyncio.create_task(self.send(iter(pieces), ends=False))
        waiting = asyncio.create_task(self.waits.wait())
        await asyncio.wait({sending, waiting}, return_when=asyncio.FIRST_COMPLETED)
        try:
            yield
        finally:
            for task in (sending, waiting):
                task.cancel()
            await asyncio.gather(sending, waiting, return_exceptions=True)


@asynccontextmanager
async def all_hanging(connect: Callable[[], Connection], count: int, *pieces: bytes) -> AsyncIterator[None]:
    """So many connections at once that wait for more of their body; each has been let in."""
    if count == 0:
        yield
        return
    connection = connect()
    async with connection.hanging(*pieces):
        assert connection.waits.is_set(), connection.problem
        async with all_hanging(connect, count - 1, *pieces):
            yield


def text_of(size_bytes: int) -> Iterator[bytes]:
    """One long text in JSON, in pieces as a server passes them on."""
    yield b'{"a": "'
    for _ in range(size_bytes // 65536):
        yield b"x" * 65536
    yield b'"}'


async def key_of(house: SmallHouse, client: httpx.AsyncClient, email: str = "ada@example.test") -> str:
    """What somebody new sends as `Authorization`."""
    user = await sign_up(client, email)
    return f"Bearer {await make_key(house, user['id'], 'read', 'generate')}"


@pytest.mark.parametrize("known_as", ["nobody", "a wrong key"])
async def test_nothing_large_is_read_of_who_is_not_signed_in(app: FastAPI, known_as: str) -> None:
    headers = {} if known_as == "nobody" else {"authorization": "Bearer vk_sandbox-key-not-secret"}
    announced = Connection(app, path="/pictures", content_length=str(2 * MIB), **headers)
    assert (await announced.send(text_of(2 * MIB))).problem == (401, "auth.required")
    assert announced.taken_bytes == 0
    assert announced.headers["www-authenticate"]
    silent = Connection(app, path="/pictures", transfer_encoding="chunked", **headers)
    assert (await silent.send(text_of(3 * MIB))).problem == (401, "auth.required")
    assert silent.taken_bytes < 1.2 * MIB


async def test_who_is_signed_in_may_send_large_bodies_within_the_bound(
    app: FastAPI, browser: Browser, house: SmallHouse
) -> None:
    client = browser()
    key = await key_of(house, client)
    for someone in (client, browser(headers={"Authorization": key})):
        for size in (3 * MIB, 10):
            answer = await someone.post("/pictures", json={"a": "x" * size, "b": "é" * 1000})
            assert answer.json() == {"a": size, "b": 1000}
        assert (await someone.post("/pictures", json={"a": "x" * PICTURES_BYTES_MAX})).status_code == 413
        bad = await someone.post("/pictures", content=b"x" * 2 * MIB, headers={"Content-Type": "application/json"})
        assert (bad.status_code, bad.json()["code"]) == (400, "request.not_json")
    as_it_goes = Connection(app, path="/pictures", authorization=key, transfer_encoding="chunked")
    assert (await as_it_goes.send(text_of(3 * MIB))).status == 200
    endless = Connection(app, path="/pictures", authorization=key, transfer_encoding="chunked")
    assert (await endless.send(text_of(64 * MIB))).problem == (413, "request.too_large")
    assert endless.taken_bytes < PICTURES_BYTES_MAX + MIB


async def test_only_json_may_be_large(browser: Browser) -> None:
    client = browser()
    await sign_up(client)
    answer = await client.post("/pictures", content=b"x" * 2 * MIB, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, MIB)


async def test_one_person_holds_no_more_than_a_share_of_the_place(
    app: FastAPI, browser: Browser, house: SmallHouse
) -> None:
    ada, eve, fox = [await key_of(house, browser(), f"{name}@example.test") for name in ("ada", "eve", "fox")]

    def announced(key: str) -> Connection:
        return Connection(app, path="/pictures", authorization=key, content_length=str(PICTURES_BYTES_MAX))

    def unannounced(key: str) -> Connection:
        return Connection(app, path="/pictures", authorization=key, transfer_encoding="chunked")

    async with all_hanging(lambda: announced(ada), 12):
        refused = await announced(ada).send(text_of(2 * MIB))
        assert refused.problem == (429, "request.no_room")
        assert refused.headers["retry-after"] == "5"
        assert refused.taken_bytes == 0
        # What is not announced counts as large as it may become.
        assert (await unannounced(ada).send(text_of(2 * MIB))).status == 429
        # Small ones need no such place, and another person has their own share, while there is any place at all.
        assert (await unannounced(ada).send(text_of(65536))).status == 200
        async with all_hanging(lambda: announced(eve), 12):
            assert (await announced(fox).send(text_of(2 * MIB))).status == 429
        assert (await announced(fox).send(text_of(2 * MIB))).status == 200
    # Whoever leaves gives back what they held, and so does whoever is answered.
    for _ in range(20):
        assert (await announced(ada).send(text_of(2 * MIB))).status == 200


async def test_one_address_holds_no_more_than_a_share_of_small_bodies(app: FastAPI) -> None:
    almost = b'"' + b"x" * (MIB - 10)

    def knocking(ip: str = "192.0.2.7") -> Connection:
        return Connection(app, path="/auth/sign-in", ip=ip)

    async with all_hanging(knocking, 32, almost):
        refused = knocking()
        async with refused.hanging(almost):
            assert refused.problem == (429, "request.no_room")
        async with all_hanging(lambda: knocking("192.0.2.8"), 1, almost):
            pass
    async with all_hanging(knocking, 1, almost):
        pass


@pytest.mark.parametrize("size", ["small", "large"])
async def test_a_body_that_does_not_come_is_not_waited_for(
    app: FastAPI, browser: Browser, house: SmallHouse, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setattr(bodies, f"{size.upper()}_BODY_SECONDS", 0.05)
    headers = {"authorization": await key_of(house, browser())}
    if size == "large":
        headers["content_length"] = str(2 * MIB)
    slow = Connection(app, path="/pictures", **headers)
    async with asyncio.timeout(20):
        await slow.send(iter([b'{"a": ']), ends=False)
    assert slow.problem == (400, "request.too_slow")
    # The server keeps no line open to who does not send.
    assert slow.headers["connection"] == "close"


def test_a_body_of_countless_values_is_refused_before_it_becomes_them() -> None:
    body = b"[" + b"{}," * MIB + b"1]"
    tracemalloc.start()
    try:
        with pytest.raises(AppError, match="too_many_values"):
            check_json(body)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < len(body)


def test_text_of_any_alphabet_is_checked_about_as_fast_as_it_is_read() -> None:
    body = json.dumps({"a": "é" * 4 * MIB}, ensure_ascii=False).encode()

    def quickest_seconds(reading: Callable[[bytes], Any]) -> float:
        took = []
        for _ in range(5):
            begun = time.perf_counter()
            reading(body)
            took.append(time.perf_counter() - begun)
        return min(took)

    assert quickest_seconds(check_json) < 5 * quickest_seconds(json.loads)


@pytest.mark.parametrize("text", ["é\\u0000", "é\\ud800", "深\\udfff深", "\\u0000"])
def test_bad_characters_are_found_among_good_ones(text: str) -> None:
    check_json('{"a": "é😀\\ud83d\\ude00"}'.encode())
    for body in (f'{{"a": ["{text}"]}}', f'{{"{text}": 1}}'):
        with pytest.raises(AppError, match="bad_characters"):
            check_json(body.encode())
