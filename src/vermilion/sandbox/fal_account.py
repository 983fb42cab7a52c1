"""Whose request it is, and what fal's platform tells about an account (fal's Platform APIs, "Account Billing")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from .fal_replies import error, json_answer
from .stage import Stage

_BALANCE_FIRST = 25.0
_COST_EACH = 0.01


class Keys:
    """The keys of one sandbox; each is an account of its own."""

    def __init__(self, secrets: Sequence[Mapping[str, str]]) -> None:
        self._owners = {f"Key {login['key']}": f"fal:{index}" for index, login in enumerate(secrets)}

    def owner(self, request: web.Request) -> str | None:
        """Whose key the request carries; None for one that opens nothing."""
        return self._owners.get(request.headers.get("Authorization", ""))


def account_answer(stage: Stage, request: web.Request, parts: list[str], owner: str) -> web.Response:
    """The answer to a request below the platform's address; every job taken in has cost a cent."""
    if parts != ["account", "billing"] or request.method != "GET":
        return error(404, "Not found")
    told: dict[str, object] = {"username": "sandbox"}
    if "credits" in request.query.getall("expand", []):
        spent = _COST_EACH * sum(1 for job in stage.jobs.all() if job.owner == owner)
        told["credits"] = {"current_balance": round(_BALANCE_FIRST - spent, 2), "currency": "USD"}
    return json_answer(told)
