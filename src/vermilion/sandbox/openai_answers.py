"""What OpenAI's image API answers: pictures with usage, its error bodies, and the events of a stream."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from .at_once import address, at_share, is_told_by_address, order_of, over
from .cutouts import with_transparent_ground, within_mask
from .jobs import Job
from .openai_requests import Asked
from .outputs import bytes_of
from .pictures import Order
from .stage import Stage

_TOKENS = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 6240, "max": 8320}
_TOKENS_PER_PARTIAL = 100
_TOKENS_PER_INPUT = 765
_SAFETY = (
    "Your request was rejected by the safety system. If you believe this is an error, contact us with request ID {id}."
    " safety_violations=[sandbox]."
)

FAILURES: dict[str, tuple[int, str, str]] = {
    "moderation_blocked": (400, "image_generation_user_error", _SAFETY),
    "content_policy_violation": (
        400,
        "invalid_request_error",
        "Your request was rejected as a result of our safety system.",
    ),
    "invalid_value": (400, "invalid_request_error", "Invalid value."),
    "billing_hard_limit_reached": (400, "invalid_request_error", "Billing hard limit has been reached."),
    "invalid_api_key": (401, "invalid_request_error", "Incorrect API key provided."),
    "unsupported_country_region_territory": (403, "request_forbidden", "Country, region, or territory not supported."),
    "model_not_found": (404, "invalid_request_error", "The model does not exist or you do not have access to it."),
    "rate_limit_exceeded": (429, "images", "Rate limit reached for images per minute."),
    "insufficient_quota": (429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
    "credit_balance_exhausted": (429, "insufficient_quota", "Your credit balance is exhausted."),
    "server_error": (500, "server_error", "The server had an error while processing your request. Sorry about that!"),
    "server_is_overloaded": (503, "server_error", "The engine is currently overloaded, please try again later."),
}
"""Errors by `code`: status, type, words."""

REFUSALS = {401: "invalid_api_key", 403: "unsupported_country_region_territory", 429: "rate_limit_exceeded",
            500: "server_error", 503: "server_is_overloaded"}  # fmt: skip


def reply(body: Any, status: int = 200, request_id: str = "") -> web.Response:
    """JSON under a request id."""
    headers = {"x-request-id": request_id or f"req_{uuid.uuid4().hex}", "openai-processing-ms": "12"}
    return web.json_response(body, status=status, headers=headers)


def error_body(
    code: str, message: str, kind: str = "invalid_request_error", param: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def failure(code: str, request_id: str = "req_sandbox") -> web.Response:
    """The answer of a known error; an unknown code is a failure of the server."""
    status, kind, words = FAILURES.get(code, FAILURES["server_error"])
    return reply(error_body(code, words.replace("{id}", request_id), kind), status, request_id)


def failure_of(job: Job) -> str | None:
    """The error code a finished job ends in, or None."""
    if job.fault("nsfw"):
        return "moderation_blocked"
    fail = job.fault("fail")
    if fail is not None:
        return fail.argument or "server_error"
    return "server_error" if job.notes.get("failed_once") else None


async def picture(stage: Stage, job: Job, asked: Asked, index: int) -> bytes:
    """The bytes of one picture of a job."""
    order = order_of(stage, job, index)
    data = await bytes_of(stage, job, index, order)
    if job.fault("garbage-image") or job.fault("truncated-image"):
        return data
    if asked.mask is not None:
        before = asked.pictures[0].data
        return await asyncio.to_thread(within_mask, before, data, asked.mask.data, asked.format)
    if asked.background == "transparent":
        return await asyncio.to_thread(with_transparent_ground, data, asked.format)
    return data


async def result(stage: Stage, job: Job, asked: Asked) -> dict[str, Any]:
    """The body of a success."""
    if job.fault("null-output"):
        return {"created": int(job.finished_at), "data": None}
    if job.fault("error-in-200"):
        return {
            "created": int(job.finished_at),
            **error_body("server_error", FAILURES["server_error"][2], "server_error"),
        }
    items: list[dict[str, Any]] = []
    as_url = is_told_by_address(job, asked)
    for index in range(0 if job.fault("empty-output") else asked.count):
        if as_url:
            items.append({"url": address(job, index)})
        else:
            text = base64.b64encode(await picture(stage, job, asked, index)).decode()
            items.append({"b64_json": f"data:image/{asked.format};base64,{text}" if job.fault("data-url") else text})
    if job.fault("drift"):
        return {"created": int(job.finished_at), "pictures": items}
    if as_url:
        return {"created": int(job.finished_at), "data": items}
    return {"created": int(job.finished_at), **_resolved(asked), "data": items, "usage": usage(asked)}


def _resolved(asked: Asked) -> dict[str, str]:
    return {
        "background": asked.background,
        "output_format": asked.format,
        "quality": asked.quality,
        "size": f"{asked.width}x{asked.height}",
    }


def usage(asked: Asked) -> dict[str, Any]:
    """Tokens: of words and pictures in, of pictures out."""
    text = max(1, len(asked.prompt) // 4)
    given = _TOKENS_PER_INPUT * len(asked.pictures)
    each = (
        round(_TOKENS[asked.quality] * asked.width * asked.height / (1024 * 1024))
        + asked.partials * _TOKENS_PER_PARTIAL
    )
    made = each * asked.count
    return {
        "total_tokens": text + given + made,
        "input_tokens": text + given,
        "output_tokens": made,
        "input_tokens_details": {"text_tokens": text, "image_tokens": given},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
    }


async def events(stage: Stage, job: Job, asked: Asked, *, edit: bool) -> AsyncIterator[dict[str, Any]]:
    """What a stream says: partial pictures while the job runs, then each picture; or the error."""
    family = "image_edit" if edit else "image_generation"
    for index in range(asked.partials):
        await at_share(stage, job, (index + 1) / (asked.partials + 1))
        order = order_of(stage, job, 0)
        rough = Order(order.prompt, order.seed, 256, 256, order.format, order.sources)
        data = await stage.easel.picture(rough, f"{job.id}/partial/{index}")
        yield {
            "type": f"{family}.partial_image",
            "b64_json": base64.b64encode(data).decode(),
            "partial_image_index": index,
            "created_at": int(stage.now()),
            **_resolved(asked),
        }
    await over(stage, job)
    code = failure_of(job) or ("server_error" if job.fault("error-in-200") else None)
    if code is not None:
        _, kind, words = FAILURES.get(code, FAILURES["server_error"])
        yield {"type": "error", **error_body(code, words.replace("{id}", job.id), kind)}
        return
    nothing = job.fault("empty-output") or job.fault("null-output")
    name = "picture" if job.fault("drift") else "b64_json"
    for index in range(0 if nothing else asked.count):
        yield {
            "type": f"{family}.completed",
            name: base64.b64encode(await picture(stage, job, asked, index)).decode(),
            "created_at": int(stage.now()),
            **_resolved(asked),
            "usage": usage(asked),
        }


def as_event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
