"""What may come in as a body: bounded in size, and if it is JSON, in depth, count and alphabet.

What is refused here would otherwise fail deeper down: text with NUL cannot be stored by PostgreSQL, half a surrogate
pair cannot be sent, NaN is not JSON, and a number of ten thousand digits takes seconds to read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vermilion.identity.access import SAFE_METHODS
from vermilion.identity.problems import problem_response
from vermilion.kit import AppError

JSON_BODY_BYTES_MAX = 1 << 20
JSON_DEPTH_MAX = 32
JSON_VALUES_MAX = 20_000
JSON_INTEGER_MAX = 2**63 - 1
"""Larger integers fit neither the database nor a reader's 64 bits."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Another size for paths that begin with `prefix`; `raw` leaves the content to the route (uploads, callbacks)."""

    prefix: str
    max_bytes: int
    raw: bool = True


class BodyGuard:
    """Refuses bodies and addresses that nothing behind it could digest: 400 or 413, never later and never 500."""

    def __init__(self, app: ASGIApp, *, limits: Sequence[BodyLimit] = ()) -> None:
        self._app = app
        self._limits = sorted(limits, key=lambda limit: len(limit.prefix), reverse=True)
        self._default = BodyLimit("", JSON_BODY_BYTES_MAX, raw=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        limit = next((limit for limit in self._limits if path.startswith(limit.prefix)), self._default)
        headers = Headers(scope=scope)
        try:
            _check_address(scope)
            _check_announced_size(headers, limit)
            if scope["method"] not in SAFE_METHODS and not limit.raw and _is_json(headers):
                body = await _whole_body(receive, limit)
                check_json(body)
                receive = _replay(body, receive)
        except AppError as error:
            await problem_response(error, scope)(scope, receive, send)
            return
        await self._run_counting(scope, receive, send, limit)

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


def check_json(body: bytes) -> None:
    """Raise 400 unless `body` is empty or JSON within the limits above."""
    if not body:
        return
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AppError("request.not_utf8", "The body is not UTF-8.") from error
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise AppError("request.not_json", "The body is not JSON.") from error
    _check_values(value)


def _check_values(root: Any) -> None:
    waiting: list[tuple[Any, int]] = [(root, 1)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > JSON_VALUES_MAX:
            raise AppError("request.too_many_values", f"The body holds more than {JSON_VALUES_MAX} values.")
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > JSON_DEPTH_MAX:
                raise _too_deep()
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                waiting.extend((child, depth + 1) for child in value.values())
            else:
                waiting.extend((child, depth + 1) for child in value)
        elif isinstance(value, int) and abs(value) > JSON_INTEGER_MAX:
            raise AppError("request.number_too_large", "An integer in the body has more than 64 bits.")
        elif isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise AppError("request.number_too_large", "A number in the body is too large.")


def _check_text(text: str) -> None:
    if "\0" in text or (not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)):
        raise _bad_characters()


def _check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
        raise _bad_characters()


def _check_announced_size(headers: Headers, limit: BodyLimit) -> None:
    announced = headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit() or len(announced) > 18:
        raise AppError("request.bad_length", "Content-Length is not a number.")
    if int(announced) > limit.max_bytes:
        raise _too_large(limit)


def _is_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "application/json").split(";", maxsplit=1)[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def _whole_body(receive: Receive, limit: BodyLimit) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise AppError("request.interrupted", "The body ended early.")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit.max_bytes:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


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


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _bad_characters() -> AppError:
    return AppError("request.bad_characters", "The request has characters that cannot be stored (NUL, half a pair).")


def _too_deep() -> AppError:
    return AppError("request.too_deep", f"The body is nested deeper than {JSON_DEPTH_MAX} levels.")


def _too_large(limit: BodyLimit) -> AppError:
    return AppError(
        "request.too_large",
        f"The body is larger than {limit.max_bytes} bytes.",
        status=413,
        extras={"limit_bytes": limit.max_bytes},
    )
