"""Which hosts files may be sent to: never a cloud's metadata address, and one's own network only if that is meant."""

import socket
from ipaddress import ip_address

from vermilion.kit.addresses import address_refusal
from vermilion.storage.errors import StorageFailed


def require_reachable_host(host: str, *, allow_private: bool) -> None:
    """Raise `StorageFailed` where the name leads to an address we refuse; blocks while it is looked up.

    A name nobody knows is left to the connection itself: behind a proxy that is nothing unusual.
    """
    try:
        found = socket.getaddrinfo(host, 443, proto=socket.IPPROTO_TCP)
    except (socket.gaierror, UnicodeError):
        return
    for *_, name in found:
        why = address_refusal(ip_address(str(name[0]).partition("%")[0]), allow_private=allow_private)
        if why is not None:
            raise StorageFailed(
                f"{host} leads to an address that is refused ({why}); allow private hosts if that is meant.",
                again=False,
                reason="misconfigured",
            )
