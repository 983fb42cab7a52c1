"""Questions about a proxy's tasks: one, several, all; their seeds, their end, and their pictures."""

from __future__ import annotations

from aiohttp import web

from .jobs import Job
from .midjourney_drawing import order_of
from .midjourney_replies import Dialect, missing, refusing, relay_error, reply
from .midjourney_tasks import Addresses, task
from .midjourney_work import known
from .outputs import hand_out
from .reading import table_in
from .vendor import BaseVendor

_LISTED_MAX = 100


class Asked:
    """Answers questions for one vendor."""

    def __init__(self, vendor: BaseVendor, addresses: Addresses) -> None:
        self._vendor = vendor
        self._stage = vendor.stage
        self._addresses = addresses

    async def fetch(self, request: web.Request, dialect: Dialect, owner: str, job_id: str) -> web.StreamResponse:
        job = known(self._stage, job_id, owner)

        async def answer() -> web.StreamResponse:
            if job is None:
                if dialect == "relay":
                    return relay_error("task_no_found")
                return web.Response(status=200 if dialect == "java" else 204)
            return web.json_response(task(self._stage, self._addresses, job, self._vendor.base_of(request)))

        return await self._vendor.about(request, [job] if job is not None else [], answer, refusing(dialect))

    async def several(self, request: web.Request, dialect: Dialect, owner: str) -> web.StreamResponse:
        body = await table_in(request) or {}
        ids = body.get("ids")
        jobs = [known(self._stage, job_id, owner) for job_id in ids] if isinstance(ids, list) else []
        found = [job for job in jobs if job is not None]

        async def answer() -> web.StreamResponse:
            base = self._vendor.base_of(request)
            return web.json_response([task(self._stage, self._addresses, job, base) for job in found])

        return await self._vendor.about(request, found, answer, refusing(dialect))

    async def listed(self, request: web.Request, dialect: Dialect, owner: str) -> web.StreamResponse:
        ours = [job for job in self._stage.jobs.all() if job.owner == owner and job.model != "UPLOAD"]
        newest = sorted(ours, key=lambda job: -job.created_at)
        shown = newest[:_LISTED_MAX] if dialect == "fork" else newest

        async def answer() -> web.StreamResponse:
            base = self._vendor.base_of(request)
            return web.json_response([task(self._stage, self._addresses, job, base) for job in shown])

        return await self._vendor.about(request, [], answer, refusing(dialect))

    async def seed(self, request: web.Request, dialect: Dialect, owner: str, job_id: str) -> web.StreamResponse:
        job = known(self._stage, job_id, owner)

        async def answer() -> web.StreamResponse:
            if job is None:
                return missing("fork")
            if job.state(self._stage.now()) != "finished" or job.notes["kind"] == "text":
                body = {"code": 4, "description": "关联任务状态错误", "result": None, "properties": {}}
                return web.json_response(body, status=400)
            return reply(1, str(job.notes["seed"]))

        return await self._vendor.about(request, [], answer, refusing(dialect))

    async def cancel(self, request: web.Request, dialect: Dialect, owner: str, job_id: str) -> web.StreamResponse:
        job = known(self._stage, job_id, owner)

        async def answer() -> web.StreamResponse:
            if job is not None and not job.notes["window"]:
                self._stage.jobs.cancel(job, after_seconds=0.0)
            return web.Response()

        jobs = [job] if job is not None else []
        return await self._vendor.about(request, jobs, answer, refusing(dialect), place="cancel")

    async def attachment(self, request: web.Request, name: str) -> web.StreamResponse:
        query = request.query
        found = self._addresses.behind(name, query.get("ex", ""), query.get("hm", ""))
        return await self._handed(request, found, name)

    async def relayed_image(self, request: web.Request, job_id: str) -> web.StreamResponse:
        found = self._addresses.plain(f"{job_id}_0.png")
        if found is None:
            return web.json_response({"error": "midjourney_task_not_found"}, status=400)
        return await self._handed(request, found, job_id)

    async def _handed(
        self, request: web.Request, found: tuple[Job, int | None] | None, name: str
    ) -> web.StreamResponse:
        if found is None:
            return web.Response(status=404, text="This content is no longer available.")
        job, index = found
        if index is None:
            preview = order_of(self._stage, job, 0)
            return await hand_out(request, self._stage, job, 0, lambda: preview)
        return await self._vendor.with_faults(
            request,
            "download",
            job.faults,
            name,
            lambda: hand_out(request, self._stage, job, index, lambda: order_of(self._stage, job, index)),
        )
