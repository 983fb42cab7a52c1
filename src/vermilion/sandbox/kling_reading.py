"""Reading requests to Kling: bodies, queries, and where in them people may have written markers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .kling_replies import Refusal


async def body_of(request: web.Request) -> dict[str, Any]:
    """The body, which must be an object; raises `Refusal` as all of these do."""
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Refusal(1200, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Refusal(1200, "the body is not an object")
    return body


def prompts_in(body: Mapping[str, Any]) -> list[object]:
    """Everything in a body that a marker may stand in."""
    contents = body.get("contents")
    told = [item.get("text") for item in contents if isinstance(item, dict)] if isinstance(contents, list) else []
    given = body.get("input")
    return [body.get("prompt"), given.get("text") if isinstance(given, dict) else None, *told]


def text_at(table: Mapping[str, Any], name: str) -> str | None:
    """A short text, or None where there is none."""
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > 2000):
        raise Refusal(1201, f"{name} is invalid")
    return value or None


def number_at(request: web.Request, name: str, usual: int, most: int) -> int:
    """A number of the query, at least 1."""
    told = request.query.get(name, str(usual))
    if not told.isdigit() or not 1 <= int(told) <= most:
        raise Refusal(1201, f"{name} is invalid")
    return int(told)


def moment_at(body: Mapping[str, Any], name: str) -> float | None:
    """Milliseconds since 1970, which this generation writes as text."""
    told = body.get(name)
    if told is None:
        return None
    if not isinstance(told, str) or not told.isdigit():
        raise Refusal(1201, f"{name} must be milliseconds as text")
    return float(told)
