"""fal.ai on localhost: the queue, synchronous runs, storage, files and webhooks, on the wire.

Written from fal's documentation and from what its own clients send and read. Parts:
`/fal/{model}` queue · `/fal/run/{model}` synchronous · `/fal/rest` storage and keys ·
`/fal/cdn` files · `/fal/platform` the account.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from .fal_account import account_answer
from .fal_addresses import HOSTS, PREFIX, Bases, locate
from .fal_answers import MODEL_ERRORS, PLATFORM_ERRORS, log_lines, model_failure, position, status_body
from .fal_files import Files
from .fal_models import MODELS
from .fal_replies import error, json_answer, refuse, reply, unauthorized
from .fal_webhooks import Webhooks
from .fal_work import VENDOR, failure_of, fingerprint, result_of, take_in
from .faults import Fault
from .jobs import Job
from .misbehave import hang_up
from .stage import Stage
from .vendor import BaseVendor, Card

_NAMESPACES = {"workflows", "comfy"}
_APPS = {"/".join(model_id.split("/")[:2]) for model_id in MODELS}
_CANCEL_SECONDS = 0.3
_STREAM_TICK_SECONDS = 0.1
_TRUE = {"1", "true", "True", "yes"}


class Vendor(BaseVendor):
    """The fal vendor of one sandbox; `answer` takes any request under its prefix or hosts."""

    name = VENDOR
    title = "fal.ai"
    # Shaped like a fal.ai key (id:secret) and visibly not one.
    default_secrets: ClassVar[Mapping[str, str]] = {"key": "sandbox-fal-key:not-secret"}
    hosts = frozenset(HOSTS)

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._keys = {f"Key {login['key']}": f"fal:{index}" for index, login in enumerate(self.secrets)}
        self._files = Files(stage, self)
        self.webhooks = Webhooks(stage)

    def clear(self) -> None:
        self._files.clear()

    def login(self, origin: str) -> dict[str, str]:
        """What to enter where somebody asks for a key and addresses of fal."""
        base = f"{origin}{PREFIX}"
        more = {"rest_url": f"{base}/rest", "platform_url": f"{base}/platform"}
        return {"key": self.secrets[0]["key"], "base_url": base, **more}

    def card(self, root: str) -> Card:
        base = f"{root}{PREFIX}"
        return Card(
            parts=(
                ("queue", base),
                ("synchronous runs", f"{base}/run"),
                ("storage, webhook keys", f"{base}/rest"),
                ("files", f"{base}/cdn"),
                ("balance", f"{base}/platform"),
            ),
            models=tuple(MODELS),
            example=(
                f"curl -X POST {base}/fal-ai/flux-1/schnell \\\n"
                f"  -H 'Authorization: Key {self.secrets[0]['key']}' -H 'Content-Type: application/json' \\\n"
                """  -d '{"prompt": "mist over a mountain lake, red sun"}'"""
            ),
            arguments={"fail": (*MODEL_ERRORS, *PLATFORM_ERRORS)},
        )

    def refuse(self, status: int) -> web.Response:
        return refuse(status)

    def resume(self) -> None:
        self.webhooks.resume()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path, bases = locate(request, self.stage.config.public_url)
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        match parts[0]:
            case "cdn":
                return await self._files.cdn(request, parts[1:], bases)
            case "rest":
                if parts[1:] == [".well-known", "jwks.json"]:
                    return json_answer(self.webhooks.jwks())
                return await self._files.rest(request, parts[1:], bases)
            case "platform":
                owner = self.owner(request)
                return account_answer(self.stage, request, parts[1:], owner) if owner else unauthorized()
            case "run":
                return await self._run(request, "/".join(parts[1:]), bases)
        if "requests" in parts[2:]:
            return await self._about_job(request, parts, bases)
        if request.method != "POST":
            return error(405, "Method not allowed")
        return await self._submit(request, "/".join(parts), bases)

    async def _submit(self, request: web.Request, model_id: str, bases: Bases) -> web.StreamResponse:
        entry = await self._read_request(request, model_id)
        if isinstance(entry, web.Response):
            return entry
        owner, body, faults = entry

        async def answer() -> web.StreamResponse:
            limit = request.query.get("fal_max_queue_length", "")
            if limit.isdigit() and self.stage.jobs.waiting_count(owner) >= int(limit):
                return error(429, "The queue is longer than fal_max_queue_length")
            if any(fault.kind == "validate-at-submit" for fault in faults):
                problems = MODELS[model_id].read(body)[1]
                if problems:
                    refused = model_failure(problems)
                    return reply(refused.body, refused.status, extra=refused.headers)
            job = self._take_in(request, model_id=model_id, owner=owner, body=body, faults=faults, bases=bases)
            if job.webhook_url and job.fault("webhook-early"):
                await self.webhooks.deliver_early(job)
            else:
                self.webhooks.expect(job)
            root = _job_url(job, bases)
            ticket = {
                "status": "IN_QUEUE",
                "request_id": job.id,
                "response_url": root,
                "status_url": f"{root}/status",
                "cancel_url": f"{root}/cancel",
                "queue_position": position(job, self.stage.now(), self.stage.jobs.ahead(job)),
                "logs": None,
                "metrics": {},
                "gateway_request_id": job.id,
            }
            return reply(ticket, 200, job.id)

        return await self.with_faults(request, "submit", faults, fingerprint(owner, model_id, body), answer)

    async def _run(self, request: web.Request, model_id: str, bases: Bases) -> web.StreamResponse:
        """A synchronous run: the answer is the result, and leaving cancels the job."""
        entry = await self._read_request(request, model_id)
        if isinstance(entry, web.Response):
            return entry
        owner, body, faults = entry

        async def answer() -> web.StreamResponse:
            if self.stage.jobs.is_full(owner):
                return error(429, "Too many concurrent requests", {"Retry-After": "1"})
            job = self._take_in(request, model_id=model_id, owner=owner, body=body, faults=faults, bases=bases)
            while (left := job.finished_at - self.stage.now()) > 0:
                if request.transport is None or request.transport.is_closing():
                    self.stage.jobs.cancel(job, after_seconds=0.0)
                    return hang_up(request)
                await asyncio.sleep(min(left, 0.2))
            return await self._result_answer(job, bases)

        return await self.with_faults(request, "submit", faults, fingerprint(owner, model_id, body), answer)

    async def _read_request(
        self, request: web.Request, model_id: str
    ) -> web.Response | tuple[str, dict[str, Any], list[Fault]]:
        owner = self.owner(request)
        if owner is None:
            return unauthorized()
        if model_id not in MODELS:
            app = "/".join(model_id.split("/")[:2])
            what = f"Path /{model_id.removeprefix(app).strip('/')}" if app in _APPS else f"Application {app!r}"
            return error(404, f"{what} not found")
        raw = await request.read()
        if len(raw) > self.stage.config.max_body_bytes:
            return error(413, "The request is too large")
        try:
            body = json.loads(raw)
        except ValueError:
            return error(400, "The body is not JSON", {"X-Fal-Error-Type": "bad_request"})
        if not isinstance(body, dict):
            body = {}
        return owner, body, self.marked(body.get("prompt"))

    def _take_in(
        self,
        request: web.Request,
        *,
        model_id: str,
        owner: str,
        body: dict[str, Any],
        faults: list[Fault],
        bases: Bases,
    ) -> Job:
        return take_in(
            self.stage,
            model_id=model_id,
            body=body,
            faults=faults,
            owner=owner,
            headers=request.headers,
            webhook_url=request.query.get("fal_webhook"),
            bases=bases,
        )

    async def _about_job(self, request: web.Request, parts: list[str], bases: Bases) -> web.StreamResponse:
        """Status, stream, result and cancel; the address names owner and app only."""
        owner = self.owner(request)
        if owner is None:
            return unauthorized()
        at = parts.index("requests", 2)
        app, rest = "/".join(parts[:at]), parts[at + 1 :]
        job = self.stage.jobs.get(rest[0]) if rest else None
        if job is not None and (job.owner != owner or _app(job.model) != app or self._is_forgotten(job)):
            job = None
        verb = "/".join(rest[1:])
        if request.method == "PUT" and verb == "cancel":
            if job is None:
                return reply({"status": "NOT_FOUND"}, 404)
            found = job
            return await self.with_faults(request, "cancel", job.faults, job.id, lambda: self._cancel(found))
        if request.method != "GET":
            return error(405, "Method not allowed")
        if job is None:
            return error(404, "Request not found")
        known = job
        with_logs = request.query.get("logs", "") in _TRUE
        match verb:
            case "status":
                return await self.with_faults(
                    request, "status", job.faults, job.id, lambda: self._status(known, bases, with_logs=with_logs)
                )
            case "status/stream":
                return await self._stream(request, job, bases, with_logs=with_logs)
            case "":
                return await self.with_faults(
                    request, "result", job.faults, job.id, lambda: self._result_answer(known, bases)
                )
        return error(404, "Not found")

    async def _status(self, job: Job, bases: Bases, *, with_logs: bool) -> web.StreamResponse:
        status, body = await self._status_body(job, bases, with_logs=with_logs)
        return reply(body, status, job.id)

    async def _status_body(self, job: Job, bases: Bases, *, with_logs: bool) -> tuple[int, dict[str, Any]]:
        now = self.stage.now()
        state = job.state(now)
        failed = await failure_of(self.stage, job, "status") if state == "finished" else None
        ahead = self.stage.jobs.ahead(job) if state == "queued" else 0
        return status_body(job, now, ahead, failed, with_logs=with_logs, response_url=_job_url(job, bases))

    async def _stream(self, request: web.Request, job: Job, bases: Bases, *, with_logs: bool) -> web.StreamResponse:
        """Server-sent events: one status object per change; the end follows COMPLETED."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "x-fal-request-id": job.id}
        )
        await response.prepare(request)
        told: tuple[Any, ...] | None = None
        while True:
            _, body = await self._status_body(job, bases, with_logs=with_logs)
            news = (body["status"], body.get("queue_position"), len(log_lines(job, self.stage.now())))
            if news != told:
                told = news
                await response.write(f"data: {json.dumps(body)}\n\n".encode())
            if body["status"] == "COMPLETED":
                break
            await asyncio.sleep(_STREAM_TICK_SECONDS)
        await response.write_eof()
        return response

    async def _result_answer(self, job: Job, bases: Bases) -> web.StreamResponse:
        if job.state(self.stage.now()) != "finished":
            return error(400, "Request is still in progress", request_id=job.id)
        failed = await failure_of(self.stage, job, "result")
        if failed is not None:
            return reply(failed.body, failed.status, job.id, failed.headers)
        return reply(await result_of(self.stage, job, bases), 200, job.id)

    async def _cancel(self, job: Job) -> web.StreamResponse:
        state = job.state(self.stage.now())
        if state == "finished":
            return reply({"status": "ALREADY_COMPLETED"}, 400, job.id)
        if state == "queued":
            self.stage.jobs.cancel(job, after_seconds=0.0)
            return reply({"status": "OK"}, 200, job.id)
        if not job.fault("cancel-ignored"):
            self.stage.jobs.cancel(job, after_seconds=_CANCEL_SECONDS / self.stage.speed)
        return reply({"status": "CANCELLATION_REQUESTED"}, 202, job.id)

    def owner(self, request: web.Request) -> str | None:
        """Whose key the request carries; None for one that opens nothing."""
        return self._keys.get(request.headers.get("Authorization", ""))

    def _is_forgotten(self, job: Job) -> bool:
        return job.fault("forget") is not None and job.state(self.stage.now()) != "queued"


def _app(model_id: str) -> str:
    parts = model_id.split("/")
    return "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])


def _job_url(job: Job, bases: Bases) -> str:
    return f"{bases.queue}/{_app(job.model)}/requests/{job.id}"
