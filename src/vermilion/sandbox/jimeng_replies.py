"""How Jimeng and the gateways before it answer: envelopes, error tables, and the same errors in each one's words."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web

SUCCESS = 10_000

ERRORS: dict[int, tuple[int, str]] = {
    50200: (400, "Bad Request"),
    50204: (400, "req_key is not supported"),
    50215: (400, "Input invalid for this service"),
    50218: (400, "Resource exists risk"),
    50400: (403, "Access Denied"),
    50411: (400, "Pre Img Risk Not Pass"),
    50412: (400, "Text Risk Not Pass"),
    50413: (400, "Post Text Risk Not Pass"),
    50429: (429, "Request Has Reached API Limit, Please Try Later"),
    50430: (429, "Request Has Reached API Concurrent Limit, Please Try Later"),
    50500: (500, "Internal Error"),
    50501: (500, "Internal RPC Error"),
    50511: (400, "Post Img Risk Not Pass"),
    50512: (400, "Post Text Risk Not Pass"),
    50513: (400, "Pre Video Risk Not Pass"),
    50514: (400, "Pre Audio Risk Not Pass"),
    50516: (400, "Post Video Risk Not Pass"),
    50517: (400, "Post Audio Risk Not Pass"),
    50518: (400, "Pre Img Risk Not Pass: Copyright"),
    50519: (400, "Post Img Risk Not Pass: Copyright"),
    50520: (400, "Risk Internal Error"),
    50521: (400, "Antidirt Internal Error"),
    50522: (400, "Image Copyright Internal Error"),
}
"""HTTP status and message by code, as the vendor's pages list them."""

GATEWAY_WORDS: dict[str, int] = {
    "InputImageSensitiveContentDetected": 400,
    "InvalidParameter": 400,
    "InsufficientBalance": 403,
    "RateLimitExceeded": 429,
    "BadRequest": 400,
}
"""HTTP status by the words an aggregator has for failures."""

_IN_GATEWAY_WORDS = {
    50411: "InputImageSensitiveContentDetected",
    50518: "InputImageSensitiveContentDetected",
    50204: "InvalidParameter",
    50215: "InvalidParameter",
    50429: "RateLimitExceeded",
    50430: "RateLimitExceeded",
}


def envelope(data: Any, code: int = SUCCESS, message: str = "Success") -> dict[str, Any]:
    """Jimeng's own envelope."""
    told = {"code": code, "data": data, "message": message, "request_id": uuid.uuid4().hex}
    return told | {"status": code, "time_elapsed": "36.799829ms"}


def done(data: Any) -> web.Response:
    return web.json_response(envelope(data))


def error(code: int, about: str = "") -> web.Response:
    """An error of Jimeng's table; `about` is added to its message."""
    status, message = ERRORS[code]
    return web.json_response(envelope(None, code, f"{message}: {about}" if about else message), status=status)


def refused_at_the_door(status: int, number: int, word: str, about: str, action: str = "") -> web.Response:
    """What stands before Jimeng at Volcengine says no."""
    problem = {"CodeN": number, "Code": word, "Message": about}
    told = {"RequestId": uuid.uuid4().hex, "Action": action, "Version": "2022-08-31", "Service": "cv"}
    return web.json_response({"ResponseMetadata": told | {"Region": "cn-north-1", "Error": problem}}, status=status)


def refuse(status: int) -> web.Response:
    """Volcengine's own failures, for 401, 403, 429, 500 and 503."""
    match status:
        case 401:
            return refused_at_the_door(401, 100009, "InvalidAccessKey", "The access key is not known.")
        case 503:
            return refused_at_the_door(503, 100019, "ServiceUnavailableTemp", "The service is not available.")
    return error({403: 50400, 429: 50429}.get(status, 50500))


def relay_error(code: int) -> web.Response:
    """A relay tells every refusal of Jimeng as a 500 of its own, with the code as text."""
    return web.json_response({"code": str(code), "message": ERRORS[code][1], "data": None}, status=500)


def refuse_as_relay(status: int) -> web.Response:
    words = {401: "invalid_api_key", 403: "insufficient_user_quota", 429: "rate_limit_exceeded"}
    if status >= 500:
        return relay_error(50500)
    problem = {"message": "The relay refuses this request.", "type": words[status], "code": words[status]}
    return web.json_response({"error": problem}, status=status)


def gateway_done(data: Any) -> web.Response:
    return web.json_response({"code": "success", "message": "", "data": data})


def gateway_error(word: str, about: str, *, status: int | None = None) -> web.Response:
    """An aggregator's error: the true one is JSON inside the message."""
    inner = json.dumps({"error": {"code": word, "message": about}})
    told = {"code": "fail_to_fetch_task", "message": inner, "data": None}
    return web.json_response(told, status=status or GATEWAY_WORDS.get(word, 400))


def gateway_error_of(code: int) -> web.Response:
    """An error of Jimeng's table as an aggregator passes it on."""
    status, message = ERRORS[code]
    return gateway_error(gateway_word(code), message, status=status)


def gateway_word(code: int) -> str:
    return _IN_GATEWAY_WORDS.get(code, "BadRequest")


def no_such_task() -> web.Response:
    """How relays and gateways speak of a job nobody knows."""
    return web.json_response({"code": "task_not_exist", "message": "task_not_exist", "data": None}, status=400)


def refuse_as_gateway(status: int) -> web.Response:
    match status:
        case 401:
            return web.json_response({"code": "invalid_api_key", "message": "Invalid token", "data": None}, status=401)
        case 403:
            return gateway_error("InsufficientBalance", "The account's balance is used up.")
        case 429:
            return gateway_error("RateLimitExceeded", "Too many requests.")
    return gateway_error("InternalServiceError", "The gateway failed.", status=status)
