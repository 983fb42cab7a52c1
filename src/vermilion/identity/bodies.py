"""What may come in as a body: bounded in size, in time, and if it is JSON, in what it holds (`checked_json`).

JSON is collected here, ahead of the routes, which is why more than a little of it is taken only from who is signed in;
what is being collected has a bounded time and a bounded place.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vermilion.identity.access import SAFE_METHODS, ip_of, nobody, who_is_asking
from vermilion.identity.addresses import address_bucket
from vermilion.identity.checked_json import bad_characters, check_json
from vermilion.identity.held_bytes import HeldBytes, Hold
from vermilion.identity.problems import problem_response
from vermilion.kit import AppError

JSON_BODY_BYTES_MAX = 1 << 20
SMALL_BODY_SECONDS = 30.0
LARGE_BODY_SECONDS = 120.0
"""How long a body may take to arrive; 24 MiB need 1.7 Mbit/s."""

_SMALL_HELD = {"most_bytes": 128 * 2**20, "share_bytes": 32 * 2**20}
"""While they arrive, per address."""

_LARGE_HELD = {"most_bytes": 96 * 2**20, "share_bytes": 48 * 2**20}
"""Until they are answered, per person; each may be in memory a few times over while it is read."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Another size for paths that begin with `prefix`; `raw` leaves the content to the route (uploads, callbacks).

    Unless it is raw, only JSON may have more than `JSON_BODY_BYTES_MAX`, and only from who is signed in.
    """

    prefix: str
    max_bytes: int
    raw: bool = True


class BodyGuard:
    """Refuses bodies and addresses that nothing behind it could digest: 400 or 413, never later and never 500."""

    def __init__(self, app: ASGIApp, *, limits: Sequence[BodyLimit] = ()) -> None:
        self._app = app
        self._limits = sorted(limits, key=lambda limit: len(limit.prefix), reverse=True)
        self._default = BodyLimit("", JSON_BODY_BYTES_MAX, raw=False)
        self._small = HeldBytes(**_SMALL_HELD)
        self._large = HeldBytes(**_LARGE_HELD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        limit = next((limit for limit in self._limits if path.startswith(limit.prefix)), self._default)
        headers = Headers(scope=scope)
        collects = scope["method"] not in SAFE_METHODS and not limit.raw and _is_json(headers)
        if not collects and not limit.raw:
            limit = self._default
        with ExitStack() as held:
            try:
                _check_address(scope)
                announced = _announced_size(headers, limit)
                if collects:
                    body = await self._collect(Request(scope), receive, limit, announced, held)
                    receive = _replay(body, receive)
            except AppError as error:
                await problem_response(error, scope)(scope, receive, send)
                return
            await self._run_counting(scope, receive, send, limit)

    async def _collect(
        self, request: Request, receive: Receive, limit: BodyLimit, announced: int, held: ExitStack
    ) -> bytes:
        """The whole body, checked; what it holds of the place for large ones is given back with `held`."""
        coming = _Coming(receive, limit)
        if announced <= JSON_BODY_BYTES_MAX:
            with self._small.hold(address_bucket(ip_of(request))) as hold:
                await coming.read(min(limit.max_bytes, JSON_BODY_BYTES_MAX), SMALL_BODY_SECONDS, hold)
            if coming.whole:
                body = coming.content()
                check_json(body)
                return body
        known = await who_is_asking(request)
        if known is None:
            raise nobody(request)
        # Who does not announce a size may send as much as is allowed.
        size_bytes = announced if announced > JSON_BODY_BYTES_MAX else limit.max_bytes
        held.enter_context(self._large.hold(str(known.user_id))).enlarge(size_bytes)
        await coming.read(limit.max_bytes, LARGE_BODY_SECONDS)
        body = coming.content()
        # Others are answered in between.
        await asyncio.to_thread(check_json, body)
        return body

    async def _run_counting(self, scope: Scope, receive: Receive, send: Send, limit: BodyLimit) -> None:
        """Run the app on a body that is counted while it is read, for bodies that did not announce their size."""
        seen = 0
        started = False
        refused: AppError | None = None

        async def count() -> Message:
            nonlocal seen, refused
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit.max_bytes:
                    refused = _too_large(limit)
                    raise refused
            return message

        async def answer(message: Message) -> None:
            nonlocal started
            # Whatever the app makes of the interrupted body, the client is told the reason.
            if refused is None or started:
                started = True
                await send(message)

        try:
            await self._app(scope, count, answer)
        except AppError as error:
            if error is not refused:
                raise
        if refused is not None and not started:
            await problem_response(refused, scope)(scope, receive, send)


class _Coming:
    """A body while it arrives: what is there of it, and whether that is all."""

    def __init__(self, receive: Receive, limit: BodyLimit) -> None:
        self._receive = receive
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self.whole = False

    async def read(self, most_bytes: int, seconds: float, hold: Hold | None = None) -> None:
        """Read until it is whole or more than `most_bytes` are there; 400 and 413 as the limits say.

        What must wait for more is counted in `hold`.
        """
        try:
            async with asyncio.timeout(seconds) as patience:
                while not self.whole and self._size <= most_bytes:
                    await self._next(hold)
        except TimeoutError:
            if not patience.expired():
                raise
            raise AppError(
                "request.too_slow",
                f"The body did not arrive within {seconds:g} s.",
                headers={"Connection": "close"},
            ) from None

    async def _next(self, hold: Hold | None) -> None:
        message = await self._receive()
        if message["type"] != "http.request":
            raise AppError("request.interrupted", "The body ended early.")
        chunk: bytes = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._limit.max_bytes:
            raise _too_large(self._limit)
        self.whole = not message.get("more_body", False)
        if hold is not None and not self.whole:
            hold.enlarge(len(chunk))
        self._chunks.append(chunk)

    def content(self) -> bytes:
        """What is there, once."""
        content = b"".join(self._chunks)
        self._chunks.clear()
        return content


def _check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
        raise bad_characters()


def _announced_size(headers: Headers, limit: BodyLimit) -> int:
    """How many bytes the client says it sends, 0 if it does not say."""
    announced = headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit() or len(announced) > 18:
        raise AppError("request.bad_length", "Content-Length is not a number.")
    if int(announced) > limit.max_bytes:
        raise _too_large(limit)
    return int(announced)


def _is_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "application/json").split(";", maxsplit=1)[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once more, and after it what really comes (the client leaving)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _too_large(limit: BodyLimit) -> AppError:
    return AppError(
        "request.too_large",
        f"The body is larger than {limit.max_bytes} bytes.",
        status=413,
        extras={"limit_bytes": limit.max_bytes},
    )
