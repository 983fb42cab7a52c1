"""How a fault of the wire is acted out on an HTTP exchange, whatever the vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from .faults import Fault

Answer = Callable[[], Awaitable[web.StreamResponse]]
Refuse = Callable[[int], web.Response]

_INGRESS_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_HTML_PAGE = b"<!doctype html><title>We will be right back</title><h1>We will be right back</h1>"
_MIB = 1024 * 1024
_MAX_FLOOD_MIB = 2048
_MAX_HANG_SECONDS = 600.0


async def misbehave(request: web.Request, fault: Fault, answer: Answer, refuse: Refuse) -> web.StreamResponse:
    """Answer a request the way the fault says.

    `answer` does the work and makes the true answer; it is not called by faults under which
    nothing is done. `refuse` makes the vendor's own error body for 401, 403, 429, 500 and 503.
    """
    kind = fault.kind
    refusal = {"throttle": 429, "unauthorized": 401, "locked": 403, "error-500": 500, "error-503": 503}.get(kind)
    if refusal is not None:
        response = refuse(refusal)
        if refusal == 429:
            response.headers["Retry-After"] = "1"
        return response
    match kind:
        case "html-502":
            return web.Response(status=502, body=_INGRESS_PAGE, content_type="text/html")
        case "html-200":
            return web.Response(body=_HTML_PAGE, content_type="text/html")
        case "reset":
            return hang_up(request)
        case "hang":
            await asyncio.sleep(min(fault.number(60.0), _MAX_HANG_SECONDS))
            return hang_up(request)
        case "oversize":
            return await flood(request, "application/json", fault.number(64), opening=b'{"images": [')
        case "lost-answer":
            await answer()
            return hang_up(request)
    return await _distort(request, fault, await answer())


async def _distort(request: web.Request, fault: Fault, true: web.StreamResponse) -> web.StreamResponse:
    """Faults that change how a true answer arrives. A streamed answer is left as it is."""
    if not isinstance(true, web.Response):
        return true
    body = true.body if isinstance(true.body, bytes) else b""
    match fault.kind:
        case "truncated-json":
            true.body = body[: len(body) // 2]
        case "wrong-type":
            true.content_type = "text/html"
        case "slow-drip":
            return await drip(request, true, body, fault.number(10.0))
        case "cut-short":
            response = await _begin(request, true, len(body))
            await response.write(body[: len(body) // 2])
            return _cut(request, response)
    return true


def hang_up(request: web.Request) -> web.Response:
    """Cut the connection; whatever is returned afterwards is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response


async def _begin(request: web.Request, like: web.Response, length: int | None) -> web.StreamResponse:
    headers = {key: value for key, value in like.headers.items() if key.lower() not in {"content-length", "date"}}
    response = web.StreamResponse(status=like.status, headers=headers)
    if length is not None:
        response.content_length = length
    await response.prepare(request)
    return response


async def drip(request: web.Request, like: web.Response, body: bytes, seconds: float) -> web.StreamResponse:
    """Send a body in small pieces spread over `seconds`."""
    response = await _begin(request, like, len(body))
    steps = max(2, min(len(body) or 1, int(seconds * 10) or 2))
    size = -(-len(body) // steps)
    for start in range(0, len(body), size or 1):
        await asyncio.sleep(seconds / steps)
        await response.write(body[start : start + size])
    await response.write_eof()
    return response


async def flood(
    request: web.Request, content_type: str, mib: float, *, opening: bytes = b"", filler: bytes = b" "
) -> web.StreamResponse:
    """Send `mib` MiB of filler after an opening, without announcing a length."""
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    await response.write(opening)
    piece = filler * (_MIB // 4 // len(filler))
    for _ in range(int(min(mib, _MAX_FLOOD_MIB) * 4)):
        await response.write(piece)
    await response.write_eof()
    return response
