"""What fal's platform tells about an account: who it is and what is left (fal's Platform APIs, "Account Billing")."""

from __future__ import annotations

from aiohttp import web

from .fal_replies import error, json_answer
from .stage import Stage

_BALANCE_FIRST = 25.0
_COST_EACH = 0.01


def account_answer(stage: Stage, request: web.Request, parts: list[str], owner: str) -> web.Response:
    """The answer to a request below the platform's address; every job taken in has cost a cent."""
    if parts != ["account", "billing"] or request.method != "GET":
        return error(404, "Not found")
    told: dict[str, object] = {"username": "sandbox"}
    if "credits" in request.query.getall("expand", []):
        spent = _COST_EACH * sum(1 for job in stage.jobs.all() if job.owner == owner)
        told["credits"] = {"current_balance": round(_BALANCE_FIRST - spent, 2), "currency": "USD"}
    return json_answer(told)
