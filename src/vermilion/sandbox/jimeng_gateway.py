"""An aggregator's gateway: `submit/videos` and `fetch/{id}`, with words, records and errors of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from .jimeng_desk import Desk
from .jimeng_login import bearer_of
from .jimeng_records import gateway_task
from .jimeng_replies import (
    GATEWAY_WORDS,
    gateway_done,
    gateway_error,
    gateway_error_of,
    no_such_task,
    refuse_as_gateway,
)
from .jimeng_work import GATEWAY_MODEL, VENDOR, Refused, fingerprint, visual_body
from .reading import table_in


class Gateway:
    """The aggregator's door."""

    def __init__(self, desk: Desk, secrets: Sequence[Mapping[str, str]]) -> None:
        self._desk = desk
        self._stage = desk.stage
        self._secrets = secrets

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """A new film."""
        index = bearer_of(request, self._secrets)
        if index is None:
            return refuse_as_gateway(401)
        vendor, owner = self._desk.vendor, f"{VENDOR}:{index}"
        sent = await table_in(request) or {}
        faults = vendor.marked(sent.get("prompt"))

        async def answer() -> web.StreamResponse:
            struck = [*faults, *vendor.struck_job()]
            word = next((fault for fault in struck if fault.kind in {"refuse", "error-in-200"}), None)
            if word is not None and (word.argument in GATEWAY_WORDS or word.kind == "error-in-200"):
                status = 200 if word.kind == "error-in-200" else None
                return gateway_error(word.argument or "BadRequest", "Refused as the marker says.", status=status)
            try:
                job = await self._desk.accept(visual_body(sent), GATEWAY_MODEL, owner, struck)
            except Refused as problem:
                if not problem.about:
                    return gateway_error_of(problem.code)
                return gateway_error("InvalidParameter", problem.about)
            if job.fault("kling-reply"):
                told = {"task_id": job.id, "task_status": "submitted"}
                return web.json_response({"code": 0, "request_id": job.id, "data": told})
            return gateway_done(job.id)

        subject = fingerprint(owner, sent)
        return await vendor.with_faults(request, "submit", faults, subject, answer, refuse=refuse_as_gateway)

    async def fetch(self, request: web.Request, job_id: str) -> web.StreamResponse:
        """How a film is."""
        index = bearer_of(request, self._secrets)
        if index is None:
            return refuse_as_gateway(401)
        job = self._desk.known(job_id, f"{VENDOR}:{index}")

        async def answer() -> web.StreamResponse:
            if job is None:
                return no_such_task()
            base = self._desk.vendor.base_of(request)
            return gateway_done(gateway_task(self._stage, self._desk.addresses, job, base))

        return await self._desk.asked(request, job, answer, refuse_as_gateway)
