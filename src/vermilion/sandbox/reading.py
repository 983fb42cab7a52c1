"""What every vendor reads of a request."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


async def table_in(request: web.Request) -> dict[str, Any] | None:
    """The JSON object a request carries; None for anything else."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
