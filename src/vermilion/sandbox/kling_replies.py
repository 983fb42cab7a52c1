"""How Kling answers: its envelope, its table of errors, and a relay's words for the same.

Facts: Kling's pages on errors and authentication; the sources of public relays.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web

ERRORS: dict[int, tuple[int, str]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization has expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Resource pack depleted or expired"),
    1103: (403, "No permission for this resource"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid parameter"),
    1202: (404, "The requested method is invalid"),
    1203: (404, "The requested resource does not exist"),
    1300: (400, "The request triggers the platform's policy"),
    1301: (400, "The request triggers the content security policy"),
    1302: (429, "The request rate is too high"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "The caller's address is not in the whitelist"),
    5000: (500, "Internal server error"),
    5001: (503, "The service is under maintenance"),
    5002: (504, "The service timed out"),
}
"""HTTP status and message by code, as Kling's page lists them."""

_UNKNOWN = (400, "Unknown error")
REFUSALS = {401: 1002, 403: 1103, 429: 1302, 500: 5000, 503: 5001}


class Refusal(Exception):
    """A request that is not served, with Kling's code and words."""

    def __init__(self, code: int, message: str | None = None) -> None:
        super().__init__(message or ERRORS.get(code, _UNKNOWN)[1])
        self.code = code


def envelope(data: Any, code: int = 0, message: str = "SUCCEED") -> dict[str, Any]:
    """Kling's own envelope."""
    return {"code": code, "message": message, "request_id": str(uuid.uuid4()), "data": data}


def reply(body: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body, ensure_ascii=False), status=status, content_type="application/json")


def success(data: Any) -> web.Response:
    return reply(envelope(data))


def refused(code: int, message: str | None = None) -> web.Response:
    """An error; such an answer has no `data` at all."""
    status, usual = ERRORS.get(code, _UNKNOWN)
    body = envelope(None, code, message or usual)
    del body["data"]
    return reply(body, status)


def relay_error(status: int, code: str, message: str) -> web.Response:
    """A relay's own error."""
    return reply({"code": code, "message": message, "data": None}, status)


def relay_unauthorized() -> web.Response:
    """A relay speaks of keys in OpenAI's form."""
    error = {"message": "Invalid token", "type": "new_api_error", "param": "", "code": "invalid_token"}
    return reply({"error": error}, 401)


def handed_on(answer: web.Response) -> web.Response:
    """Kling's refusal as a relay hands it on: the status copied, the body as text."""
    return relay_error(answer.status, "fail_to_fetch_task", answer.text or "")


def relay_refusal(status: int) -> web.Response:
    """A relay's own error for 401, 403, 429, 500 and 503."""
    if status == 401:
        return relay_unauthorized()
    if status == 403:
        return relay_error(403, "quota_not_enough", "user quota is not enough")
    if status == 500:
        return relay_error(500, "do_request_failed", "context deadline exceeded")
    error = {"message": "No available channel" if status == 503 else "Too many requests", "type": "new_api_error"}
    return reply({"error": {**error, "code": ""}}, status)
