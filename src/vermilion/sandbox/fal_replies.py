"""How fal's answers look on the wire: JSON, a request id, and its error bodies."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web

from .fal_answers import failure


def json_answer(body: Any, status: int = 200) -> web.Response:
    """Plain JSON, as the storage hosts answer."""
    return web.json_response(body, status=status)


def reply(
    body: dict[str, Any], status: int = 200, request_id: str = "", extra: dict[str, str] | None = None
) -> web.Response:
    headers = {"x-fal-request-id": request_id or str(uuid.uuid4()), "Content-Type": "application/json"}
    if extra:
        headers.update(extra)
    return web.Response(body=json.dumps(body, separators=(",", ":")).encode(), status=status, headers=headers)


def error(status: int, detail: str, extra: dict[str, str] | None = None, request_id: str = "") -> web.Response:
    return reply({"detail": detail}, status, request_id, extra)


def unauthorized() -> web.Response:
    return error(401, "Authentication is required to access this application")


def refuse(status: int) -> web.Response:
    match status:
        case 401:
            return unauthorized()
        case 403:
            return error(403, "This account is locked: its balance is used up")
        case 429:
            return error(429, "Too many requests")
    broken = failure("internal_error" if status == 500 else "runner_scheduling_failure")
    return reply(broken.body, broken.status, extra=broken.headers)
