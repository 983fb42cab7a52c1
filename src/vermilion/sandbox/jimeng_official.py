"""Volcengine's signed visual API: `?Action=CVSync2AsyncSubmitTask` and `?Action=CVSync2AsyncGetResult`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from .jimeng_desk import Desk
from .jimeng_login import NotSigned, signer_of
from .jimeng_records import visual_data, wants_addresses
from .jimeng_replies import done, error, refused_at_the_door
from .jimeng_work import VENDOR, Refused, failure_of, fingerprint, state_of
from .reading import table_in

SUBMIT, RESULT = "CVSync2AsyncSubmitTask", "CVSync2AsyncGetResult"
VERSION = "2022-08-31"


class Official:
    """The vendor's own door."""

    def __init__(self, desk: Desk, secrets: Sequence[Mapping[str, str]]) -> None:
        self._desk = desk
        self._stage = desk.stage
        self._secrets = secrets

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request to the door."""
        action = request.query.get("Action", "")
        if request.method != "POST":
            return refused_at_the_door(405, 100012, "MethodNotAllowed", "Only POST is allowed.", action)
        try:
            index = signer_of(request, await request.read(), self._secrets, self._stage.now())
        except NotSigned as problem:
            return refused_at_the_door(401, problem.number, problem.word, str(problem), action)
        if action not in {SUBMIT, RESULT} or request.query.get("Version") != VERSION:
            return refused_at_the_door(404, 100008, "InvalidActionOrVersion", "There is no such action.", action)
        body = await table_in(request)
        if body is None:
            return error(50215, "the body is not JSON")
        owner = f"{VENDOR}:{index}"
        return await (self._submit if action == SUBMIT else self._result)(request, body, owner)

    async def _submit(self, request: web.Request, body: dict[str, Any], owner: str) -> web.StreamResponse:
        vendor = self._desk.vendor
        faults = vendor.marked(body.get("prompt"))

        async def answer() -> web.StreamResponse:
            try:
                struck = [*faults, *vendor.struck_job()]
                job = await self._desk.accept(body, str(body.get("req_key")), owner, struck)
            except Refused as problem:
                return error(problem.code, problem.about)
            return done({"task_id": job.id})

        return await vendor.with_faults(request, "submit", faults, fingerprint(owner, body), answer)

    async def _result(self, request: web.Request, body: dict[str, Any], owner: str) -> web.StreamResponse:
        job = self._desk.known(body.get("task_id"), owner)

        async def answer() -> web.StreamResponse:
            if not body.get("req_key") or not isinstance(body.get("task_id"), str):
                return error(50215, "req_key and task_id")
            if job is None:
                return done({"status": "not_found"})
            code = failure_of(self._stage, job) if state_of(self._stage, job) == "done" else None
            if code is not None:
                return error(code)
            wanted, base = wants_addresses(body), self._desk.vendor.base_of(request)
            return done(await visual_data(self._stage, self._desk.addresses, job, base, with_addresses=wanted))

        return await self._desk.asked(request, job, answer)
