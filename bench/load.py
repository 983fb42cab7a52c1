"""A load generator that costs next to nothing itself: prepared requests over connections that are kept alive."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it."""

    seconds: float
    latencies_seconds: list[float]
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies_seconds) / self.seconds

    def percentile_seconds(self, share: float) -> float:
        """The latency that this share of the answers stayed within."""
        ordered = sorted(self.latencies_seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def post(path: str, port: int, body: Any, headers: Mapping[str, str]) -> bytes:
    """A whole POST request as bytes."""
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


class _Client(asyncio.Protocol):
    """One connection: sends a request, waits for its whole answer, sends the next until there is none."""

    def __init__(self, next_request: Callable[[], bytes | None], done: asyncio.Future[None], into: Load) -> None:
        self._next, self._done, self._into = next_request, done, into
        self._buffer = bytearray()
        self._begun = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            raise RuntimeError(f"an answer without a length: {head[:200]!r}")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        status = int(head[9:12])
        self._into.latencies_seconds.append(time.perf_counter() - self._begun)
        self._into.statuses[status] = self._into.statuses.get(status, 0) + 1
        del self._buffer[: end + 4 + length]
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def _send(self) -> None:
        assert self._transport is not None
        request = self._next()
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._transport.write(request)


async def drive(port: int, make_request: Callable[[], bytes], *, count: int, clients: int) -> Load:
    """Send `count` requests over `clients` connections as fast as the answers come."""
    left = count

    def next_request() -> bytes | None:
        nonlocal left
        if left == 0:
            return None
        left -= 1
        return make_request()

    loop = asyncio.get_running_loop()
    load = Load(0.0, [], {})
    begun = time.perf_counter()
    ends = [loop.create_future() for _ in range(clients)]
    for done in ends:
        await loop.create_connection(lambda done=done: _Client(next_request, done, load), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return Load(time.perf_counter() - begun, load.latencies_seconds, load.statuses)
