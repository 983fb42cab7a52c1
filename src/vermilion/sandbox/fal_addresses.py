"""Which part of fal a request is for, and the addresses fal would write into its answer.

Everything lives under one prefix (`/fal`, `/fal/run`, `/fal/rest`, `/fal/cdn`). A client that can
only be given host names reaches the same parts by Host header: `queue.fal.localhost`,
`fal.localhost`, `rest.fal.localhost`, `v3.fal.localhost`, or fal's own names behind a proxy.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

PREFIX = "/fal"


@dataclass(frozen=True, slots=True)
class Bases:
    """Base URLs without a trailing slash."""

    queue: str
    run: str
    rest: str
    cdn: str


_FAMILIES = (
    ("queue.fal.localhost", "fal.localhost", "rest.fal.localhost", "v3.fal.localhost"),
    ("queue.fal.run", "fal.run", "rest.fal.ai", "v3.fal.media"),
)
_PREFIXES = (PREFIX, f"{PREFIX}/run", f"{PREFIX}/rest", f"{PREFIX}/cdn")
HOSTS: dict[str, tuple[str, int]] = {
    host: (prefix, family)
    for family, hosts in enumerate(_FAMILIES)
    for host, prefix in zip(hosts, _PREFIXES, strict=True)
}


def locate(request: web.Request, public_url: str | None) -> tuple[str, Bases]:
    """The request's path as if under the prefix, and the bases its answer should use."""
    host, _, port = request.host.partition(":")
    known = HOSTS.get(host)
    if known is None:
        root = (public_url or f"{request.scheme}://{request.host}").rstrip("/") + PREFIX
        return request.path, Bases(root, f"{root}/run", f"{root}/rest", f"{root}/cdn")
    prefix, family = known
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    tail = f":{port}" if port else ""
    return prefix + request.path, Bases(*(f"{scheme}://{name}{tail}" for name in _FAMILIES[family]))
