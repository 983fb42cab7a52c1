"""What Kling tells about a whole account: its jobs, page by page, and its resource packs."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from .jobs import Job
from .kling_reading import body_of, moment_at, number_at
from .kling_replies import Refusal, success
from .kling_work import LIFETIME_SECONDS, VENDOR, first_view, is_forgotten, newer_view
from .stage import Stage

_COSTS_PAUSE_SECONDS = 1.0
_TASKS_MAX = 500


class Accounts:
    """The accounts of one sandbox."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._costs_asked_at: dict[str, float] = {}

    def clear(self) -> None:
        """Forget who asked when."""
        self._costs_asked_at.clear()

    def jobs(self, account: str) -> Sequence[Job]:
        """An account's jobs, oldest first."""
        return [job for job in self.stage.jobs.all() if job.vendor == VENDOR and job.notes["account"] == account]

    def by_external(self, account: str, external: str | None) -> Job | None:
        """The job somebody gave this reference."""
        if external is None:
            return None
        return next((job for job in self.jobs(account) if job.notes["external"] == external), None)

    async def first_list(self, request: web.Request, account: str, path: str) -> web.StreamResponse:
        """A page of one resource's jobs, newest first."""
        page, size = number_at(request, "pageNum", 1, 1000), number_at(request, "pageSize", 30, 500)
        mine = [job for job in self.jobs(account) if job.notes["path"] == path and not is_forgotten(self.stage, job)]
        newest = mine[::-1][(page - 1) * size : page * size]
        return success([first_view(self.stage, job) for job in newest])

    async def newer_list(self, request: web.Request, account: str) -> web.StreamResponse:
        """A page of the second generation's jobs, newest first."""
        body = await body_of(request)
        limit, cursor = body.get("limit", 100), body.get("cursor", "")
        if not isinstance(limit, int) or not 1 <= limit <= _TASKS_MAX or not isinstance(cursor, str):
            raise Refusal(1201, "limit or cursor is invalid")
        since, until = (moment_at(body, name) for name in ("start_time", "end_time"))
        mine = [job for job in self.jobs(account) if job.notes["newer"]][::-1]
        mine = [job for job in mine if (since or 0) <= job.created_at * 1000 <= (until or float("inf"))]
        start = int(cursor) if cursor.isdigit() else 0
        page = [newer_view(self.stage, job) for job in mine[start : start + limit]]
        more = start + limit < len(mine)
        told = {"result": page, "count": len(page), "next_cursor": str(start + limit) if more else "", "has_more": more}
        return success(told)

    async def costs(self, request: web.Request, account: str) -> web.StreamResponse:
        """The resource packs; to be asked for once a second."""
        if not all(request.query.get(name, "").isdigit() for name in ("start_time", "end_time")):
            raise Refusal(1201, "start_time and end_time are required")
        now = self.stage.now()
        before = self._costs_asked_at.get(account, 0.0)
        self._costs_asked_at[account] = now
        if now - before < _COSTS_PAUSE_SECONDS / self.stage.speed:
            raise Refusal(1302)
        pack = {
            "resource_pack_name": "Sandbox videos",
            "resource_pack_id": "sandbox",
            "resource_pack_type": "decreasing_total",
            "total_quantity": 1000.0,
            "remaining_quantity": 1000.0 - sum(1 for _ in self.jobs(account)) % 1000,
            "purchase_time": int(now * 1000),
            "effective_time": int(now * 1000),
            "invalid_time": int((now + LIFETIME_SECONDS) * 1000),
            "status": "online",
        }
        return success({"code": 0, "msg": "", "resource_pack_subscribe_infos": [pack]})
