"""A relay of the visual API, as newer ones answer: a key and no signatures, OpenAI's form for a new job, records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from .jimeng_desk import Desk
from .jimeng_login import bearer_of
from .jimeng_models import MODELS
from .jimeng_official import SUBMIT
from .jimeng_records import relayed_task
from .jimeng_replies import done, gateway_done, no_such_task, refuse_as_relay, relay_error
from .jimeng_work import VENDOR, Refused, fingerprint, model_of
from .reading import table_in


class Relay:
    """The relay's door."""

    def __init__(self, desk: Desk, secrets: Sequence[Mapping[str, str]]) -> None:
        self._desk = desk
        self._stage = desk.stage
        self._secrets = secrets

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request to the door."""
        index = bearer_of(request, self._secrets)
        if index is None:
            return refuse_as_relay(401)
        action = request.query.get("Action", "")
        if not action:
            return web.json_response({"error": {"message": "Action query parameter is required"}}, status=400)
        body = await table_in(request) or {}
        return await (self._submit if action == SUBMIT else self._result)(request, body, f"{VENDOR}:{index}")

    async def _submit(self, request: web.Request, body: dict[str, Any], owner: str) -> web.StreamResponse:
        vendor = self._desk.vendor
        faults = vendor.marked(body.get("prompt"))

        async def answer() -> web.StreamResponse:
            try:
                if body.get("req_key") in MODELS and model_of(str(body["req_key"])).kind != "video":
                    raise Refused(50204)
                struck = [*faults, *vendor.struck_job()]
                job = await self._desk.accept(body, str(body.get("req_key")), owner, struck)
            except Refused as problem:
                return relay_error(problem.code)
            if job.fault("raw-reply"):
                return done({"task_id": job.id})
            told = {"id": job.id, "task_id": job.id, "object": "video", "model": job.model, "status": ""}
            return web.json_response(told | {"progress": 0, "created_at": int(job.created_at)})

        subject = fingerprint(owner, body)
        return await vendor.with_faults(request, "submit", faults, subject, answer, refuse=refuse_as_relay)

    async def _result(self, request: web.Request, body: dict[str, Any], owner: str) -> web.StreamResponse:
        if not body.get("task_id"):
            return web.json_response({"error": {"message": "task_id is required"}}, status=400)
        job = self._desk.known(body["task_id"], owner)

        async def answer() -> web.StreamResponse:
            if job is None:
                return no_such_task()
            base = self._desk.vendor.base_of(request)
            return gateway_done(await relayed_task(self._stage, self._desk.addresses, job, base))

        return await self._desk.asked(request, job, answer, refuse_as_relay)
