"""The one way senders speak HTTP: aiohttp, bounded, and honest about what a lost answer means."""

from collections.abc import Mapping
from typing import Final

import aiohttp

CONNECT_TIMEOUT_SECONDS: Final = 5.0
TOTAL_TIMEOUT_SECONDS: Final = 10.0
"""Somebody is looking at a spinning button meanwhile."""

ANSWER_MAX_BYTES: Final = 16 * 1024
"""Answers are a few characters; an error page in between may be longer, and is of no interest."""


class NoConnection(Exception):
    """Nothing was sent: there is no connection to the vendor."""


class AnswerLost(Exception):
    """The request may have arrived, and its answer did not."""


class SmsWire:
    """HTTP for senders; one per process, shared by all of them."""

    def __init__(self, session: aiohttp.ClientSession, *, timeout_seconds: float) -> None:
        self._session = session
        self._timeout_seconds = timeout_seconds

    @classmethod
    def open(cls, *, timeout_seconds: float = TOTAL_TIMEOUT_SECONDS) -> "SmsWire":
        """A wire with its own connections; must be called on a running event loop."""
        session = aiohttp.ClientSession(
            # Each request on a connection of its own: on a kept one that the vendor closed meanwhile, nobody could
            # tell whether a message went out.
            connector=aiohttp.TCPConnector(limit=64, ttl_dns_cache=60, force_close=True),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "vermilion"},
            middlewares=(_once,),
        )
        return cls(session, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def get(self, url: str, query: Mapping[str, str]) -> tuple[int, str]:
        """The status and the beginning of the answer as text; redirects are not followed.

        Raises `NoConnection` and `AnswerLost`; neither says the address, which carries the secret.
        """
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds, sock_connect=CONNECT_TIMEOUT_SECONDS)
        try:
            async with self._session.get(url, params=query, allow_redirects=False, timeout=timeout) as response:
                body = await response.content.read(ANSWER_MAX_BYTES)
                return response.status, body.decode("utf-8", "replace")
        except aiohttp.InvalidURL as error:
            raise NoConnection(type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise AnswerLost(type(error).__name__) from None


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send it once. aiohttp sends a GET whose connection broke a second time by itself; here that is a second message,
    so what would make it do so is turned into an error of ours before it is seen."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NoConnection(type(error).__name__) from None
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise AnswerLost(type(error).__name__) from None
