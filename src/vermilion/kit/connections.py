"""Connections to addresses that others chose: every one is checked twice.

Once when its name is resolved, and again at the moment the socket to that very address is made, so a name that
changes its mind in between (DNS rebinding) gains nothing.
"""

import socket
from collections.abc import Callable

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from vermilion.kit.addresses import check_address

CONNECTIONS = 128
READ_BYTES = 256 * 1024


class _CheckedResolver(AbstractResolver):
    """Resolves names, and refuses a name of which any address is refused."""

    def __init__(self, inner: AbstractResolver, *, allow_private: bool) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answers = await self._inner.resolve(host, port, family)
        for answer in answers:
            check_address(answer["host"], allow_private=self._allow_private)
        return answers

    async def close(self) -> None:
        """The inner resolver is shared, and closed by its owner."""


def checked_session(resolver: AbstractResolver, *, allow_private: bool) -> aiohttp.ClientSession:
    """A session that connects nowhere it must not, keeps no cookies, and decodes nothing by itself."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=CONNECTIONS,
            ttl_dns_cache=10,
            resolver=_CheckedResolver(resolver, allow_private=allow_private),
            socket_factory=_checked_sockets(allow_private=allow_private),
        ),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "vermilion", "Accept-Encoding": "identity"},
        auto_decompress=False,
        read_bufsize=READ_BYTES,
        raise_for_status=False,
    )


def _checked_sockets(*, allow_private: bool) -> Callable[[aiohttp.AddrInfoType], socket.socket]:
    def make(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = address
        check_address(str(where[0]), allow_private=allow_private)
        return socket.socket(family, kind, protocol)

    return make
