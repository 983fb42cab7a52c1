"""Where all three doors of Jimeng hand requests in and ask about jobs."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .faults import Fault
from .jimeng_models import MODELS
from .jimeng_work import (
    GATEWAY_MODEL,
    VENDOR,
    Addresses,
    Refused,
    code_named,
    model_of,
    read_pictures,
    state_of,
    take_in,
)
from .jobs import Job
from .misbehave import Refuse
from .vendor import Answer, BaseVendor


class Desk:
    """One vendor's jobs, and the addresses of what they made."""

    def __init__(self, vendor: BaseVendor) -> None:
        self.vendor = vendor
        self.stage = vendor.stage
        self.addresses = Addresses(vendor.stage)

    async def accept(self, body: dict[str, Any], model_id: str, owner: str, faults: list[Fault]) -> Job:
        """Take a job in with all faults that concern it; raises `Refused`."""
        code = code_named(next((fault for fault in faults if fault.kind == "refuse"), None), 50413)
        if code is not None:
            raise Refused(code)
        if model_id != GATEWAY_MODEL and model_id not in MODELS:
            raise Refused(50204)
        model = model_of(model_id)
        given = await read_pictures(self.stage, model, body)
        problem = model.problem(body, len(given.pictures))
        if problem is not None:
            raise Refused(50215, problem)
        if self.stage.jobs.is_full(owner):
            raise Refused(50430)
        return take_in(self.stage, model_id=model_id, body=body, given=given, owner=owner, faults=faults)

    def known(self, job_id: Any, owner: str) -> Job | None:
        """The job of this owner, while the vendor remembers it."""
        job = self.stage.jobs.get(job_id) if isinstance(job_id, str) else None
        if job is None or job.vendor != VENDOR or job.owner != owner:
            return None
        return None if state_of(self.stage, job) == "not_found" else job

    async def asked(
        self, request: web.Request, job: Job | None, answer: Answer, refuse: Refuse | None = None
    ) -> web.StreamResponse:
        """Answer a question about a job, or about one nobody knows, with what may go wrong on the way."""
        return await self.vendor.about(request, [job] if job is not None else [], answer, refuse)
