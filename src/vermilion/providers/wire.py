"""The one way adapters speak HTTP: aiohttp, bounded, and honest about what a lost answer means.

A request that changes something at the provider is marked `effect=True`. When its answer is lost after it may
have been sent, `Ambiguous` is raised; everything that certainly had no effect is `Unreachable`.
"""

import contextlib
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NoReturn

import aiohttp
from multidict import CIMultiDictProxy

from vermilion.providers.errors import Ambiguous, Drifted, Unreachable

CONNECT_TIMEOUT_SECONDS = 10.0
TOTAL_TIMEOUT_SECONDS = 60.0
EFFECT_TIMEOUT_SECONDS = 80.0
"""How long a submit, with the pictures in it, may take at a provider that can be asked what became of it. Others may
take longer: there the result is in the answer itself, and once the call broke off there is nothing to look for."""
ANSWER_MAX_BYTES = 64 * 2**20
"""Enough for anything but several large pictures inside an answer; who expects those says so."""
MESSAGE_MAX_BYTES = 8 * 2**20
"""The largest message heard on a socket."""
HEARTBEAT_SECONDS = 60.0
"""How often a silent socket is asked whether anybody is still there. Whoever loads a large model may be slow to say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer, read whole."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; raises `Drifted` when it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError) as error:
            raise Drifted(
                f"The provider answered {self.status} with something that is not JSON.",
                vendor_message=self.text(200),
            ) from error

    def text(self, most: int = 500) -> str:
        """The beginning of the body as text, for messages."""
        return self.body[: most * 4].decode("utf-8", "replace")[:most]

    @property
    def retry_after_seconds(self) -> float | None:
        """`Retry-After` in seconds where the provider sent a number, bounded to an hour."""
        value = self.headers.get("Retry-After", "")
        try:
            return min(max(float(value), 0.0), 3600.0)
        except ValueError:
            return None


class Socket:
    """An open WebSocket: text messages are `str`, binary ones `bytes`; other frames are not seen."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: Any) -> None:
        """Send one message as JSON."""
        await self._socket.send_str(json.dumps(message))

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Every message until the provider closes; raises `Unreachable` when the line breaks instead."""
        async for message in self._socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                yield message.data
        if self._socket.exception() is not None or self._socket.close_code != aiohttp.WSCloseCode.OK:
            raise Unreachable("The provider's line broke.")


class Wire:
    """HTTP for adapters; one per process, shared by all of them."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._listening: aiohttp.ClientSession | None = None

    @classmethod
    def open(cls, *, limit: int = 512) -> "Wire":
        """A wire with its own connection pool; must be called on a running event loop."""
        return cls(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=limit, ttl_dns_cache=60),
                timeout=aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_SECONDS, sock_connect=CONNECT_TIMEOUT_SECONDS),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "vermilion"},
                auto_decompress=True,
            )
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        if self._listening is not None:
            await self._listening.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        effect: bool = False,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        data: bytes | aiohttp.FormData | None = None,
        total_timeout_seconds: float = TOTAL_TIMEOUT_SECONDS,
        answer_max_bytes: int = ANSWER_MAX_BYTES,
    ) -> Answer:
        """One exchange: `body` is sent as JSON, `data` as it is. Redirects are not followed.

        Raises `Unreachable` when nothing can have happened at the provider, `Ambiguous` when `effect` is set and
        the answer was lost, `Drifted` when the answer is larger than any legitimate one.
        """
        if body is not None:
            headers = {"Content-Type": "application/json", **(headers or {})}
            data = json.dumps(body).encode()
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                params=query,
                # In pieces: written in one go, a picture of many megabytes would hold up everything else.
                data=io.BytesIO(data) if isinstance(data, bytes) else data,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=total_timeout_seconds, sock_connect=CONNECT_TIMEOUT_SECONDS),
            ) as response:
                content = bytearray()
                async for piece in response.content.iter_any():
                    content += piece
                    if len(content) > answer_max_bytes:
                        raise Drifted("The provider's answer is larger than any this house expects.")
                return Answer(response.status, response.headers, bytes(content))
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise Unreachable(f"No connection to the provider: {type(error).__name__}.") from error
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            if effect:
                raise Ambiguous(f"The provider's answer was lost: {type(error).__name__}.") from error
            raise Unreachable(f"The provider did not answer: {type(error).__name__}.") from error

    @contextlib.asynccontextmanager
    async def socket(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        message_max_bytes: int = MESSAGE_MAX_BYTES,
    ) -> AsyncIterator[Socket]:
        """Listen at an `http(s)` address by WebSocket while the block runs. Redirects are not followed.

        Raises `Unreachable` when there is no connection, or it breaks, or a message is larger than allowed.
        """
        try:
            async with self._listening_session().ws_connect(
                url,
                headers=headers,
                params=query,
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=message_max_bytes,
            ) as socket:
                yield Socket(socket)
        except aiohttp.WSServerHandshakeError as error:
            raise Unreachable(f"The provider does not let us listen: {error.status}.") from error
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise Unreachable(f"No line to the provider: {type(error).__name__}.") from error

    def _listening_session(self) -> aiohttp.ClientSession:
        """Connections of their own: one that listens is held for long, and must not keep a call waiting."""
        if self._listening is None:
            stays = aiohttp.TraceConfig()
            stays.on_request_redirect.append(_refuse_redirect)
            self._listening = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "vermilion"},
                trace_configs=[stays],
            )
        return self._listening


async def _refuse_redirect(_session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> NoReturn:
    """A socket cannot be opened without following redirects; this ends it before another host is asked."""
    raise aiohttp.ClientError("redirected")
