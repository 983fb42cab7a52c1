"""Which addresses the house may connect to when somebody else chose the name.

Written out range by range, from the IANA special-purpose registries and the clouds' own manuals, because the
standard library's `is_global` answers another question: it passes `64:ff9b::a9fe:a9fe` (NAT64 of the metadata
address) and `192.0.0.192`, and its `is_private` misses `100.100.100.200`.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NEVER: tuple[tuple[Network, str], ...] = (
    (IPv4Network("0.0.0.0/8"), "unspecified"),
    (IPv4Network("100.100.100.200/32"), "cloud metadata"),
    (IPv4Network("168.63.129.16/32"), "cloud metadata"),
    (IPv4Network("169.254.0.0/16"), "link-local or cloud metadata"),
    (IPv4Network("192.0.0.0/24"), "protocol assignments or cloud metadata"),
    (IPv4Network("192.0.2.0/24"), "documentation"),
    (IPv4Network("192.88.99.0/24"), "6to4 relay"),
    (IPv4Network("198.51.100.0/24"), "documentation"),
    (IPv4Network("203.0.113.0/24"), "documentation"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved or broadcast"),
    (IPv6Network("::/128"), "unspecified"),
    (IPv6Network("::ffff:0:0/96"), "IPv4-mapped"),
    (IPv6Network("::ffff:0:0:0/96"), "IPv4-translated"),
    (IPv6Network("64:ff9b::/96"), "NAT64"),
    (IPv6Network("64:ff9b:1::/48"), "NAT64"),
    (IPv6Network("100::/64"), "discard"),
    (IPv6Network("2001::/23"), "Teredo or protocol assignments"),
    (IPv6Network("2001:db8::/32"), "documentation"),
    (IPv6Network("2002::/16"), "6to4"),
    (IPv6Network("3fff::/20"), "documentation"),
    (IPv6Network("fd00:ec2::/32"), "cloud metadata"),
    (IPv6Network("fd20:ce::/32"), "cloud metadata"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("fec0::/10"), "site-local"),
    (IPv6Network("ff00::/8"), "multicast"),
)

_PRIVATE: tuple[tuple[Network, str], ...] = (
    (IPv4Network("10.0.0.0/8"), "private"),
    (IPv4Network("100.64.0.0/10"), "carrier-grade NAT"),
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("172.16.0.0/12"), "private"),
    (IPv4Network("192.168.0.0/16"), "private"),
    # Benchmarking by the registry; in practice where proxying resolvers put their stand-in addresses.
    (IPv4Network("198.18.0.0/15"), "benchmarking"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("fc00::/7"), "unique local"),
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")

_PORTS_USUAL = {80, 443}
_PORT_FREE_FROM = 8080
_PORTS_OF_OTHER_SERVICES = {8086, 8125, 9042, 9092, 9200, 9300, 10250, 11211, 15672, 27017, 27018, 50070}
"""Databases, queues and cluster agents that happen to listen above the usual ports."""


class AddressRefused(OSError):
    """The house does not connect there. An `OSError`, so that it passes through connection code as one."""


def address_refusal(address: Address, *, allow_private: bool) -> str | None:
    """Why this address is refused, or None. `allow_private` opens the operator's own networks, and nothing more."""
    for network, why in _NEVER:
        if address.version == network.version and address in network:
            return why
    for network, why in _PRIVATE:
        if address.version == network.version and address in network:
            return None if allow_private else why
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return "not global unicast"
    return None


def port_refusal(port: int, *, allow_private: bool) -> str | None:
    """Why this port is refused, or None: mail, shells and databases are not web servers."""
    if allow_private or port in _PORTS_USUAL:
        return None
    if port >= _PORT_FREE_FROM and port not in _PORTS_OF_OTHER_SERVICES:
        return None
    return f"port {port} is not one web servers use"


def check_address(host: str, *, allow_private: bool) -> None:
    """Raise `AddressRefused` unless `host` is the text of an address the house may connect to."""
    try:
        address = ip_address(host)
    except ValueError as error:
        raise AddressRefused("the resolver answered with something that is not an address") from error
    why = address_refusal(address, allow_private=allow_private)
    if why is not None:
        raise AddressRefused(f"the address is refused: {why}")


def web_address_refusal(value: str, *, allow_private: bool) -> str | None:
    """Why an address that an operator typed is refused, as the end of a sentence, or None.

    `allow_private` allows plain http and addresses of the operator's own network.
    """
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no web address"
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or parts.query or parts.fragment:
        return "must be a web address without user, query or fragment"
    if allow_private:
        return None
    if parts.scheme != "https":
        return "must begin with https://, unless private hosts are allowed"
    try:
        refusal = address_refusal(ip_address(host), allow_private=False)
    except ValueError:
        refusal = "this machine" if host == "localhost" or host.endswith(".localhost") else None
    return None if refusal is None else f"points at {refusal}; allow private hosts if that is meant"
