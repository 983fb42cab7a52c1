"""Jimeng on localhost, three ways: Volcengine's signed visual API, a relay of it, and an aggregator gateway.

Parts: `/jimeng/?Action=…` signed · `/jimeng/jimeng/?Action=…` relay · `/jimeng/jimeng/submit/videos` and
`/jimeng/jimeng/fetch/{id}` aggregator · `/jimeng/files` results, a film for one hour and a picture for a day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from .faults import Fault, job_word, wire_words, words
from .jimeng_login import NotSigned, bearer_of, signer_of
from .jimeng_models import MODELS
from .jimeng_records import gateway_task, relayed_task, visual_data, wants_addresses
from .jimeng_replies import (
    ERRORS,
    GATEWAY_WORDS,
    done,
    error,
    gateway_done,
    gateway_error,
    gateway_error_of,
    refuse,
    refuse_as_gateway,
    refuse_as_relay,
    refused_at_the_door,
    relay_error,
)
from .jimeng_work import (
    GATEWAY_MODEL,
    VENDOR,
    Addresses,
    Refused,
    code_named,
    failure_of,
    fingerprint,
    model_of,
    order_of,
    read_pictures,
    state_of,
    take_in,
    visual_body,
)
from .jobs import Job
from .outputs import hand_out
from .stage import Stage
from .vendor import BaseVendor, Card

_SUBMIT, _RESULT = "CVSync2AsyncSubmitTask", "CVSync2AsyncGetResult"
_VERSION = "2022-08-31"


class Vendor(BaseVendor):
    """The Jimeng vendor of one sandbox; `answer` takes any request under its prefix or its host."""

    name = VENDOR
    title = "Jimeng"
    default_secrets: ClassVar[Mapping[str, str]] = {
        # Shaped like Volcengine's pair and a gateway's key, and visibly none of them.
        "access_key": "AKLTSANDBOXNOTSECRET",
        "secret_key": "c2FuZGJveC1ub3Qtc2VjcmV0==",
        "api_key": "sk-sandbox-jimeng-not-secret",
    }
    hosts = frozenset({"visual.volcengineapi.com"})
    faults = (
        *wire_words(),
        *words("fail", "fail-once", "fail-then-succeed", "nsfw", "slow", "queue", "never", "forget"),
        *words("unknown-status", "drift", "empty-output", "null-output", "404-output", "expire"),
        *words("garbage-image", "html-image", "truncated-image", "huge-output", "wrong-size"),
        *words("ssrf-output", "redirect-output"),
        job_word("refuse", "The submit is refused with this code, or this word of a gateway.", "code (50413)"),
        job_word("expired", "The finished job's state is `expired`."),
        job_word("inline", "Pictures come as base64 though addresses were asked for."),
        job_word("address-at", "An aggregator names the film's address at another of the places seen.", "1 to 5"),
        job_word("kling-reply", "An aggregator answers a submit in the form of its Kling routes."),
        job_word("raw-reply", "A relay answers a submit as the vendor does."),
        job_word("error-in-200", "An aggregator refuses the submit with status 200.", "word (BadRequest)"),
    )

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._addresses = Addresses(stage)

    def login(self, origin: str) -> dict[str, str]:
        """What to enter where somebody asks for keys and an address of Jimeng: the official API."""
        return {**self.secrets[0], "base_url": f"{origin}{self.prefix}", "protocol": "volcengine"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(
                ("official, signed", f"{base}/?Action=…&Version={_VERSION}"),
                ("relay", f"{base}/jimeng/?Action=…&Version={_VERSION}"),
                ("gateway", f"{base}/jimeng/submit/videos"),
                ("results", f"{base}/files"),
            ),
            models=tuple(MODELS),
            example=(
                f"curl -X POST {base}/jimeng/submit/videos \\\n"
                f"  -H 'Authorization: Bearer {self.secrets[0]['api_key']}' -H 'Content-Type: application/json' \\\n"
                """  -d '{"prompt": "mist over a mountain lake, red sun"}'"""
            ),
            notes=(
                "A caller of the relay or the gateway enters this vendor's address and the api key, and names the "
                "protocol. Films can be fetched for one hour, pictures for a day; records are kept for twelve hours.",
            ),
            arguments={
                "fail": tuple(str(code) for code in ERRORS),
                "refuse": (*(str(code) for code in ERRORS), *GATEWAY_WORDS),
                "error-in-200": tuple(GATEWAY_WORDS),
            },
        )

    def refuse(self, status: int) -> web.Response:
        return refuse(status)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self.path_of(request)
        match path.strip("/").split("/"):
            case [""]:
                return await self._official(request)
            case ["jimeng"]:
                return await self._relay(request)
            case ["jimeng", "submit", "videos"] if request.method == "POST":
                return await self._gateway_submit(request)
            case ["jimeng", "fetch", job_id] if request.method == "GET":
                return await self._gateway_fetch(request, job_id)
            case ["files", name] if request.method in {"GET", "HEAD"}:
                return await self._file(request, name)
        return web.json_response({"error": {"message": f"Invalid URL ({request.method} {path})"}}, status=404)

    async def _official(self, request: web.Request) -> web.StreamResponse:
        action = request.query.get("Action", "")
        if request.method != "POST":
            return refused_at_the_door(405, 100012, "MethodNotAllowed", "Only POST is allowed.", action)
        raw = await request.read()
        try:
            owner = f"{VENDOR}:{signer_of(request, raw, self.secrets, self.stage.now())}"
        except NotSigned as problem:
            return refused_at_the_door(401, problem.number, problem.word, str(problem), action)
        if action not in {_SUBMIT, _RESULT} or request.query.get("Version") != _VERSION:
            return refused_at_the_door(404, 100008, "InvalidActionOrVersion", "There is no such action.", action)
        body = _table(raw)
        if body is None:
            return error(50215, "the body is not JSON")
        if action == _SUBMIT:
            faults = self.marked(body.get("prompt"))

            async def submit() -> web.StreamResponse:
                try:
                    job = await self._accept(body, str(body.get("req_key")), owner, faults)
                except Refused as problem:
                    return error(problem.code, problem.about)
                return done({"task_id": job.id})

            return await self.with_faults(request, "submit", faults, fingerprint(owner, body), submit)
        return await self._official_result(request, body, owner)

    async def _official_result(self, request: web.Request, body: dict[str, Any], owner: str) -> web.StreamResponse:
        job = self._job(body.get("task_id"), owner)

        async def answer() -> web.StreamResponse:
            if not body.get("req_key") or not isinstance(body.get("task_id"), str):
                return error(50215, "req_key and task_id")
            if job is None:
                return done({"status": "not_found"})
            code = failure_of(self.stage, job) if state_of(self.stage, job) == "done" else None
            if code is not None:
                return error(code)
            wanted = wants_addresses(body)
            base = self.base_of(request)
            return done(await visual_data(self.stage, self._addresses, job, base, with_addresses=wanted))

        if job is None:
            return await self.with_faults(request, "probe", [], "", answer)
        return await self.with_faults(request, self._place(job), job.faults, job.id, answer)

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        index = bearer_of(request, self.secrets)
        if index is None:
            return refuse_as_relay(401)
        owner, action = f"{VENDOR}:{index}", request.query.get("Action", "")
        if not action:
            return web.json_response({"error": {"message": "Action query parameter is required"}}, status=400)
        body = _table(await request.read()) or {}
        if action == _SUBMIT:
            faults = self.marked(body.get("prompt"))

            async def submit() -> web.StreamResponse:
                try:
                    if body.get("req_key") in MODELS and model_of(str(body["req_key"])).kind != "video":
                        raise Refused(50204)
                    job = await self._accept(body, str(body.get("req_key")), owner, faults)
                except Refused as problem:
                    return relay_error(problem.code)
                if job.fault("raw-reply"):
                    return done({"task_id": job.id})
                told = {"id": job.id, "task_id": job.id, "object": "video", "model": job.model, "status": ""}
                return web.json_response(told | {"progress": 0, "created_at": int(job.created_at)})

            return await self.with_faults(
                request, "submit", faults, fingerprint(owner, body), submit, refuse=refuse_as_relay
            )
        if not body.get("task_id"):
            return web.json_response({"error": {"message": "task_id is required"}}, status=400)
        job = self._job(body["task_id"], owner)
        if job is None:
            return await self.with_faults(request, "probe", [], "", _no_such_task, refuse=refuse_as_relay)
        found = job

        async def result() -> web.StreamResponse:
            return gateway_done(await relayed_task(self.stage, self._addresses, found, self.base_of(request)))

        return await self.with_faults(request, self._place(job), job.faults, job.id, result, refuse=refuse_as_relay)

    async def _gateway_submit(self, request: web.Request) -> web.StreamResponse:
        index = bearer_of(request, self.secrets)
        if index is None:
            return refuse_as_gateway(401)
        owner, sent = f"{VENDOR}:{index}", _table(await request.read()) or {}
        faults = self.marked(sent.get("prompt"))

        async def answer() -> web.StreamResponse:
            word = next((fault for fault in faults if fault.kind in {"refuse", "error-in-200"}), None)
            if word is not None and (word.argument in GATEWAY_WORDS or word.kind == "error-in-200"):
                status = 200 if word.kind == "error-in-200" else None
                return gateway_error(word.argument or "BadRequest", "Refused as the marker says.", status=status)
            try:
                job = await self._accept(visual_body(sent), GATEWAY_MODEL, owner, faults)
            except Refused as problem:
                if not problem.about:
                    return gateway_error_of(problem.code)
                return gateway_error("InvalidParameter", problem.about)
            if job.fault("kling-reply"):
                told = {"task_id": job.id, "task_status": "submitted"}
                return web.json_response({"code": 0, "request_id": job.id, "data": told})
            return gateway_done(job.id)

        return await self.with_faults(
            request, "submit", faults, fingerprint(owner, sent), answer, refuse=refuse_as_gateway
        )

    async def _gateway_fetch(self, request: web.Request, job_id: str) -> web.StreamResponse:
        index = bearer_of(request, self.secrets)
        if index is None:
            return refuse_as_gateway(401)
        job = self._job(job_id, f"{VENDOR}:{index}")
        if job is None:
            return await self.with_faults(request, "probe", [], "", _no_such_task, refuse=refuse_as_gateway)
        found = job

        async def answer() -> web.StreamResponse:
            return gateway_done(gateway_task(self.stage, self._addresses, found, self.base_of(request)))

        return await self.with_faults(request, self._place(job), job.faults, job.id, answer, refuse=refuse_as_gateway)

    async def _file(self, request: web.Request, name: str) -> web.StreamResponse:
        query = request.query
        found = self._addresses.behind(name, query.get("x-expires", ""), query.get("x-signature", ""))
        if found is None:
            # Object stores refuse an address that has expired; they do not say that nothing is there.
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="text/xml")
        job, index = found
        return await self.with_faults(
            request,
            "download",
            job.faults,
            name,
            lambda: hand_out(request, self.stage, job, index, lambda: order_of(self.stage, job, index)),
        )

    async def _accept(self, body: dict[str, Any], model_id: str, owner: str, faults: list[Fault]) -> Job:
        """Take a job in; raises `Refused`."""
        armed = [*faults, *self.struck_job()]
        code = code_named(next((fault for fault in armed if fault.kind == "refuse"), None), 50413)
        if code is not None:
            raise Refused(code)
        if model_id != GATEWAY_MODEL and model_id not in MODELS:
            raise Refused(50204)
        given = await read_pictures(self.stage, body)
        problem = model_of(model_id).problem(body, len(given.pictures))
        if problem is not None:
            raise Refused(50215, problem)
        if self.stage.jobs.is_full(owner):
            raise Refused(50430)
        return take_in(self.stage, model_id=model_id, body=body, given=given, owner=owner, faults=armed)

    def _job(self, job_id: Any, owner: str) -> Job | None:
        job = self.stage.jobs.get(job_id) if isinstance(job_id, str) else None
        known = job is not None and job.vendor == VENDOR and job.owner == owner
        return job if known and job is not None and state_of(self.stage, job) != "not_found" else None

    def _place(self, job: Job) -> str:
        return "result" if job.state(self.stage.now()) == "finished" else "status"


async def _no_such_task() -> web.StreamResponse:
    return web.json_response({"code": "task_not_exist", "message": "task_not_exist", "data": None}, status=400)


def _table(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
