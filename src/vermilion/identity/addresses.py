"""Where a request came from: proxies are believed only when the operator named them."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

Networks = Sequence[IPv4Network | IPv6Network]

_IPV4_NETWORK_BITS = 24
_IPV6_NETWORK_BITS = 48
_IPV6_HOME_BITS = 64
"""One household or server is given at least a /64; limiting single addresses in it would limit nobody."""


def client_ip(scope: Scope, trusted_proxies: Networks) -> str | None:
    """The client's address; None where the server does not know it (a Unix socket).

    `X-Forwarded-For` is read from its right end, and only as far as the hops are trusted proxies: whatever a
    client wrote into it itself stands further left and is not reached.
    """
    peer = scope.get("client")
    address = _parsed(peer[0]) if peer else None
    if address is None or not _is_trusted(address, trusted_proxies):
        return str(address) if address else None
    hops = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    for hop in reversed(hops):
        further = _parsed(hop.strip())
        if further is None:
            break
        address = further
        if not _is_trusted(address, trusted_proxies):
            break
    return str(address)


def address_bucket(ip: str | None) -> str:
    """The name under which an address's requests are counted together."""
    address = _parsed(ip) if ip else None
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _IPV6_HOME_BITS), strict=False))
    return str(address) if address else "unknown"


def network_bucket(ip: str | None) -> str:
    """The name under which the requests of an address's whole network are counted together."""
    address = _parsed(ip) if ip else None
    if address is None:
        return "unknown"
    bits = _IPV6_NETWORK_BITS if isinstance(address, IPv6Address) else _IPV4_NETWORK_BITS
    return str(ip_network((address, bits), strict=False))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.split("%", maxsplit=1)[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_trusted(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
