"""What Ark's image API answers beside pictures: its errors, and what was used."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web

from .dreamwork_requests import Asked
from .jobs import Job

_PIXELS_PER_TOKEN = 256

FAILURES: dict[str, tuple[int, str]] = {
    "InputTextSensitiveContentDetected": (400, "The input text may contain sensitive information."),
    "InputImageSensitiveContentDetected": (400, "The input image may contain sensitive information."),
    "OutputImageSensitiveContentDetected": (400, "The output image may contain sensitive information."),
    "InvalidEndpoint.ClosedEndpoint": (400, "The endpoint is closed or temporarily unavailable."),
    "AuthenticationError": (401, "The API key or AK/SK in the request is missing or invalid."),
    "AccountOverdueError": (403, "The account has an overdue balance."),
    "AccessDenied": (403, "The request does not have permission to access the requested resource."),
    "ModelNotOpen": (404, "Your account has not activated the model."),
    "ModelAccountIpmRateLimitExceeded": (429, "The images per minute limit of the account has been exceeded."),
    "QuotaExceeded": (429, "Your account has exhausted its free trial quota for the model."),
    "SetLimitExceeded": (429, "The account has reached the set inference limit for the model."),
    "ServerOverloaded": (429, "The service is currently overloaded."),
    "InternalServiceError": (500, "The service encountered an unexpected internal error."),
    "ServiceUnavailable": (503, "The service is unavailable."),
}
"""Ark's errors by code: status and words."""

REFUSALS = {401: "AuthenticationError", 403: "AccessDenied", 429: "ModelAccountIpmRateLimitExceeded",
             500: "InternalServiceError", 503: "ServiceUnavailable"}  # fmt: skip


def failure_of(job: Job) -> str | None:
    if job.fault("nsfw"):
        return "OutputImageSensitiveContentDetected"
    fail = job.fault("fail")
    if fail is not None:
        return fail.argument if fail.argument in FAILURES else "InternalServiceError"
    return "InternalServiceError" if job.notes.get("failed_once") else None


def usage(asked: Asked, made: int) -> dict[str, Any]:
    tokens = asked.width * asked.height * made // _PIXELS_PER_TOKEN
    used: dict[str, Any] = {"generated_images": made, "output_tokens": tokens, "total_tokens": tokens}
    if asked.pictures:
        used["input_images"] = len(asked.pictures)
    if asked.search:
        used["tool_usage"] = {"web_search": 1}
    return used


def reply(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers={"X-Request-Id": uuid.uuid4().hex})


def error_body(code: str, message: str, param: str = "", kind: str = "") -> dict[str, Any]:
    words = f"{message} Request id: {uuid.uuid4().hex}"
    return {"error": {"code": code, "message": words, "param": param, "type": kind or code.partition(".")[0]}}


def failed(code: str) -> dict[str, Any]:
    """The body of a known error."""
    return error_body(code, FAILURES[code][1])


def error(status: int, code: str, message: str, param: str = "") -> web.Response:
    return reply(error_body(code, message, param, "BadRequest" if status == 400 else ""), status)


def failure(code: str) -> web.Response:
    status, words = FAILURES[code]
    return error(status, code, words)


def event(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()
