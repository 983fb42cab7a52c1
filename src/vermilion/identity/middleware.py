"""The rim of the house: what is done to every request before a route sees it, and to every answer after.

From the outside in: a request id, security headers, the last catch for errors of ours, quotas by address, the check
that a browser's write comes from our own pages, and the bounds on bodies (`bodies`).
"""

from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vermilion.identity.access import ALLOWANCES, SAFE_METHODS, House, cookie_name
from vermilion.identity.addresses import address_bucket, client_ip
from vermilion.identity.bodies import BodyGuard, BodyLimit
from vermilion.identity.problems import REQUEST_ID, answer_with_problems, internal_error, problem_response
from vermilion.identity.rates import Allowance, rate_headers
from vermilion.kit import AppError, Forbidden, new_id

API_PREFIX = "/api/"

_LOGGED_SEGMENTS = 3
"""How much of an address is logged where no route was found for it: `/api/v1/credit`."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HSTS = b"max-age=31536000"

_FIXED_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

_log = structlog.get_logger("vermilion.identity")


def protect(app: FastAPI, *, body_limits: Sequence[BodyLimit] = (), unmetered_prefixes: Sequence[str] = ()) -> None:
    """Put the rim around the app; `app.state.house` must be set before the first request.

    `body_limits` are other sizes for some paths; `unmetered_prefixes` are paths without a quota by address
    (callbacks, of which a vendor sends as many as there is work; health).
    """
    answer_with_problems(app)
    # Starlette runs the one added last first.
    app.add_middleware(BodyGuard, limits=body_limits)
    app.add_middleware(OriginCheck)
    app.add_middleware(AddressQuota, unmetered_prefixes=unmetered_prefixes)
    app.add_middleware(LastCatch)
    app.add_middleware(AnswerHeaders)
    app.add_middleware(RequestId)


class RequestId:
    """Names the request, for its answer, its log lines and its problem; a client's own id is not taken over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(new_id())
        scope[REQUEST_ID] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, answer)


class AnswerHeaders:
    """Adds the security headers and the quotas' state; a route that set one of them (a file's CSP) keeps its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._complete(scope, list(message.get("headers", ())))}
            await send(message)

        await self._app(scope, receive, answer)

    def _complete(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in headers}
        wanted = [*_FIXED_HEADERS]
        if _house(scope).secure_cookies:
            wanted.append((b"strict-transport-security", HSTS))
        if scope["path"].startswith(API_PREFIX):
            wanted.append((b"cache-control", b"no-store"))
        allowances: list[Allowance] = scope.get(ALLOWANCES, [])
        if allowances:
            wanted += [(name.lower().encode(), value.encode()) for name, value in rate_headers(allowances).items()]
        return headers + [header for header in wanted if header[0] not in present]


class LastCatch:
    """Turns what nobody expected into 500 `internal.error`; what happened is in the log, under the request's id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except AppError as error:
            # A middleware further in refused; routes' own problems were answered by the app.
            if started:
                raise
            await problem_response(error, scope)(scope, receive, send)
        except Exception:
            # The outermost rim: a fault of ours must become an answer, and a line in the log.
            _log.exception("request.failed", method=scope["method"], path=_place(scope))
            if started:
                raise
            await problem_response(internal_error(), scope)(scope, receive, send)


class AddressQuota:
    """Counts a client's API requests by its address, before anything is looked up for it."""

    def __init__(self, app: ASGIApp, *, unmetered_prefixes: Sequence[str] = ()) -> None:
        self._app = app
        self._unmetered = tuple(unmetered_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(API_PREFIX) and not path.startswith(self._unmetered):
            self._count(scope)
        await self._app(scope, receive, send)

    def _count(self, scope: Scope) -> None:
        house = _house(scope)
        quotas = house.limiter.quotas
        quota = quotas.reads_per_ip if scope["method"] in SAFE_METHODS else quotas.writes_per_ip
        ip = client_ip(scope, house.trusted_proxies)
        allowance = house.limiter.require(quota, address_bucket(ip))
        if allowance is not None:
            scope.setdefault(ALLOWANCES, []).append(allowance)


class OriginCheck:
    """Refuses writes that another site makes a browser send.

    Browsers say where a request comes from, in `Sec-Fetch-Site` (on trustworthy addresses) and `Origin`; a write
    that names another site is refused, signed in or not, and so is one that carries our cookie and names
    nothing. A request with `Authorization` is judged by that alone and needs no such proof: no other site can
    make a browser send one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            if "authorization" not in headers and not _from_our_pages(headers, _house(scope)):
                raise Forbidden("auth.cross_site", "This request did not come from a page of this studio.")
        await self._app(scope, receive, send)


def _place(scope: Scope) -> str:
    """The path as logs may have it: a whole redemption code can stand where a route takes a parameter."""
    path: str = scope["path"]
    if "path_params" not in scope:
        head = path.split("/", _LOGGED_SEGMENTS + 1)
        return "/".join(head[: _LOGGED_SEGMENTS + 1]) + ("/…" if len(head) > _LOGGED_SEGMENTS + 1 else "")
    for name, value in scope["path_params"].items():
        if value != "":
            path = path.replace(f"/{value}", f"/{{{name}}}")
    return path


def _from_our_pages(headers: Headers, house: House) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin in house.public_origins:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    if origin is not None:
        if house.public_origins:
            return False
        try:
            return urlsplit(origin).netloc == headers.get("host", "")
        except ValueError:
            return False
    return not _has_cookie(headers, cookie_name(house))


def _has_cookie(headers: Headers, name: str) -> bool:
    # Read leniently on purpose: whatever any parser might take for our cookie counts as one.
    return any(f"{name}=" in header for header in headers.getlist("cookie"))


def _house(scope: Scope) -> House:
    return cast(House, scope["app"].state.house)
