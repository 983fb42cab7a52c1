"""The one door through which files at addresses chosen by others come in.

Every hop's address is checked, and its connection again (`connections`). Downloads that may reach private hosts have
a connection pool of their own: a connection one of them opened is never reused by the others.
"""

import asyncio
import re
import time
import zlib
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from vermilion.kit.addresses import AddressRefused, port_refusal
from vermilion.kit.connections import READ_BYTES, checked_session
from vermilion.kit.spool import Spool, TooLarge

REDIRECTS_MAX = 3
URL_MAX_CHARS = 8192
THREADS = 4
_CONNECT_TIMEOUT_SECONDS = 10.0
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_REDIRECTS = {301, 302, 303, 307, 308}
_EXPIRED = {401, 403, 404, 410}
_AGAIN = {408, 425, 429}
_DECODERS: dict[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Content codings to undo though none was asked for, with zlib's window argument."""

FailureKind = Literal["refused", "expired", "too_large", "unreachable", "timeout", "status", "disk"]


class DownloadFailed(Exception):
    """The file did not come in, and nothing of it was left behind.

    `kind`: `refused` the address, port, scheme or coding is not allowed; `expired` 401/403/404/410, which a signed
    URL answers after its time; `too_large`; `unreachable` no connection, or it broke; `timeout` in total, idle or
    too slow; `status` any other answer; `disk` our own disk took no more. `again` says whether the same URL
    may work later; `detail` is one English sentence without the URL, whose query may be a credential.
    """

    def __init__(self, kind: FailureKind, detail: str, *, again: bool, status: int | None = None) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.again = again
        self.status = status


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """How large, how long and how slow a download may be.

    `max_bytes` bounds both what crosses the wire and what it decodes to. A download that after
    `patience_seconds` averages less than `slowest_bytes_per_second` is ended, however steadily it drips.
    """

    max_bytes: int = 500 * 2**20
    total_seconds: float = 300.0
    idle_seconds: float = 30.0
    patience_seconds: float = 30.0
    slowest_bytes_per_second: int = 1024


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file in the spool; the caller moves or removes it. `content_type_claimed` is the server's word, unchecked."""

    path: Path
    size_bytes: int
    sha256: str
    content_type_claimed: str | None
    url_final: str


class Downloader:
    """Fetches files; one per process. Make it with `Downloader.open()` on a running event loop, end it with `close`."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vermilion-download")
        self._public = checked_session(resolver, allow_private=False)
        self._private = checked_session(resolver, allow_private=True)

    @classmethod
    def open(cls, resolver: AbstractResolver | None = None) -> "Downloader":
        """A door with its own connections and threads; `resolver` replaces the machine's own."""
        return cls(resolver or aiohttp.DefaultResolver())

    async def close(self) -> None:
        """Close every connection and end the threads."""
        await self._public.close()
        await self._private.close()
        await self._resolver.close()
        self._threads.shutdown(wait=False)

    async def fetch(
        self,
        url: str,
        spool_dir: Path,
        *,
        limits: DownloadLimits,
        allow_private_hosts: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Downloaded:
        """Fetch `url` into `spool_dir`; raises `DownloadFailed`.

        `headers` go only to the origin (scheme, host, port) of `url` itself, never to where it redirects.
        `allow_private_hosts` is the operator's choice for one provider, never for a URL a person gave.
        """
        spool = Spool(spool_dir, max_bytes=limits.max_bytes, executor=self._threads)
        try:
            async with asyncio.timeout(limits.total_seconds):
                return await self._fetch(url, spool, limits, allow_private_hosts, dict(headers or {}))
        except TimeoutError as error:
            raise DownloadFailed("timeout", "The download took too long.", again=True) from error
        except TooLarge as error:
            raise DownloadFailed(
                "too_large", f"The file is larger than {error.max_bytes} bytes.", again=False
            ) from error
        except aiohttp.ClientError as error:
            raise _connection_failure(error) from error
        except OSError as error:
            raise DownloadFailed("disk", f"The spool could not be written: {error.strerror}.", again=True) from error
        finally:
            await spool.discard()

    async def _fetch(
        self, url: str, spool: Spool, limits: DownloadLimits, allow_private: bool, headers: dict[str, str]
    ) -> Downloaded:
        session = self._private if allow_private else self._public
        target = _checked_url(url, allow_private=allow_private)
        first = target
        for _ in range(REDIRECTS_MAX + 1):
            async with session.get(
                target,
                headers=headers if target.origin() == first.origin() else {},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=_CONNECT_TIMEOUT_SECONDS, sock_read=limits.idle_seconds
                ),
            ) as response:
                if response.status in _REDIRECTS:
                    target = _next_hop(target, response, allow_private=allow_private)
                    continue
                if response.status != 200:
                    raise _status_failure(response.status)
                if response.content_length is not None and response.content_length > limits.max_bytes:
                    raise TooLarge(limits.max_bytes)
                async with aclosing(_pieces(response, limits)) as pieces:
                    async for piece in pieces:
                        await spool.write(piece)
                done = await spool.finish()
                return Downloaded(
                    done.path, done.size_bytes, done.sha256, response.headers.get("Content-Type"), str(target)
                )
        raise DownloadFailed("refused", f"More than {REDIRECTS_MAX} redirects.", again=False)


def _checked_url(text: str, *, allow_private: bool) -> URL:
    """The URL, if its form is one the house fetches; the address behind the name is checked on connecting."""
    if len(text) > URL_MAX_CHARS:
        raise _refused("The URL is longer than any this house follows.")
    try:
        url = URL(text)
        port = url.port
    except ValueError as error:
        raise _refused("The URL is malformed.") from error
    if url.scheme not in ("http", "https") or not url.host or port is None:
        raise _refused("Only http and https URLs are fetched.")
    if not _HOST.fullmatch(url.raw_host or ""):
        raise _refused("The URL's host is malformed.")
    if url.user is not None or url.password is not None:
        raise _refused("A URL with a user name or password in it is not fetched.")
    why = port_refusal(port, allow_private=allow_private)
    if why is not None:
        raise _refused(f"The URL is refused: {why}.")
    return url.with_fragment(None)


def _next_hop(target: URL, response: aiohttp.ClientResponse, *, allow_private: bool) -> URL:
    location = response.headers.get("Location")
    if not location:
        raise DownloadFailed("status", "A redirect without a destination.", status=response.status, again=False)
    try:
        joined = target.join(URL(location))
    except ValueError as error:
        raise _refused("The redirect's destination is malformed.") from error
    return _checked_url(str(joined), allow_private=allow_private)


async def _pieces(response: aiohttp.ClientResponse, limits: DownloadLimits) -> AsyncGenerator[bytes, None]:
    """The decoded body, as it comes; bounded on the wire here, decoded by the spool."""
    decoder = _decoder(response)
    wire_bytes = 0
    begun = time.monotonic()
    async for piece in response.content.iter_any():
        wire_bytes += len(piece)
        if wire_bytes > limits.max_bytes:
            raise TooLarge(limits.max_bytes)
        elapsed = time.monotonic() - begun
        if elapsed > limits.patience_seconds and wire_bytes < elapsed * limits.slowest_bytes_per_second:
            raise TimeoutError
        if decoder is None:
            yield piece
            continue
        try:
            while piece:
                yield decoder.decompress(piece, READ_BYTES)
                piece = decoder.unconsumed_tail  # noqa: PLW2901 - what is left of it, by the decoder's own design
        except zlib.error as error:
            raise DownloadFailed("unreachable", "The file's coding is damaged.", again=True) from error
    if decoder is not None and not decoder.eof:
        raise DownloadFailed("unreachable", "The file broke off.", again=True)


def _decoder(response: aiohttp.ClientResponse) -> "zlib._Decompress | None":
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return None
    if coding not in _DECODERS:
        raise _refused("The server used a content coding it was not offered.")
    return zlib.decompressobj(_DECODERS[coding])


def _refused(detail: str) -> DownloadFailed:
    return DownloadFailed("refused", detail, again=False)


def _status_failure(status: int) -> DownloadFailed:
    if status in _EXPIRED:
        return DownloadFailed("expired", f"The server answered {status}.", status=status, again=False)
    return DownloadFailed(
        "status", f"The server answered {status}.", status=status, again=status >= 500 or status in _AGAIN
    )


def _connection_failure(error: aiohttp.ClientError) -> DownloadFailed:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return _refused(f"The download was refused: {cause}.")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ServerTimeoutError):
        return DownloadFailed("timeout", "The server fell silent.", again=True)
    if isinstance(error, aiohttp.InvalidURL):
        return _refused("The URL is malformed.")
    return DownloadFailed("unreachable", f"The connection failed: {type(error).__name__}.", again=True)
