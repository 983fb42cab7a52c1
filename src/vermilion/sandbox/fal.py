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

from .fal_account import Keys, account_answer
from .fal_addresses import HOSTS, PREFIX, Bases, locate
from .fal_answers import MODEL_ERRORS, PLATFORM_ERRORS, model_failure, position
from .fal_asked import Asked, job_url
from .fal_files import Files
from .fal_models import MODELS
from .fal_replies import error, json_answer, refuse, reply, unauthorized
from .fal_webhooks import Webhooks
from .fal_work import VENDOR, fingerprint, take_in
from .faults import Fault
from .jobs import Job
from .misbehave import hang_up
from .stage import Stage
from .vendor import BaseVendor, Card

_APPS = {"/".join(model_id.split("/")[:2]) for model_id in MODELS}


class Vendor(BaseVendor):
    """The fal vendor of one sandbox; `answer` takes any request under its prefix or hosts."""

    name = VENDOR
    title = "fal.ai"
    # Shaped like a fal.ai key (id:secret) and visibly not one.
    default_secrets: ClassVar[Mapping[str, str]] = {"key": "sandbox-fal-key:not-secret"}
    hosts = frozenset(HOSTS)

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._keys = Keys(self.secrets)
        self._asked = Asked(self)
        self._files = Files(self, self._keys)
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
                return await self._account(request, parts[1:])
            case "run":
                return await self._run(request, "/".join(parts[1:]), bases)
        if "requests" in parts[2:]:
            owner = self._keys.owner(request)
            return await self._asked.answer(request, parts, owner, bases) if owner else unauthorized()
        if request.method != "POST":
            return error(405, "Method not allowed")
        return await self._submit(request, "/".join(parts), bases)

    async def _account(self, request: web.Request, parts: list[str]) -> web.StreamResponse:
        owner = self._keys.owner(request)
        if owner is None:
            return unauthorized()

        async def told() -> web.StreamResponse:
            return account_answer(self.stage, request, parts, owner)

        return await self.with_faults(request, "probe", [], "", told)

    async def _submit(self, request: web.Request, model_id: str, bases: Bases) -> web.StreamResponse:
        entry = await self._read_request(request, model_id)
        if isinstance(entry, web.Response):
            return entry
        owner, body, faults = entry

        async def answer() -> web.StreamResponse:
            limit = request.query.get("fal_max_queue_length", "")
            if limit.isdigit() and self.stage.jobs.waiting_count(owner) >= int(limit):
                return error(429, "The queue is longer than fal_max_queue_length")
            struck = [*faults, *self.struck_job()]
            if any(fault.kind == "validate-at-submit" for fault in struck):
                problems = MODELS[model_id].read(body)[1]
                if problems:
                    refused = model_failure(problems)
                    return reply(refused.body, refused.status, extra=refused.headers)
            job = self._take_in(request, model_id=model_id, owner=owner, body=body, faults=struck, bases=bases)
            if job.webhook_url and job.fault("webhook-early"):
                await self.webhooks.deliver_early(job)
            else:
                self.webhooks.expect(job)
            root = job_url(job, bases)
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
            struck = [*faults, *self.struck_job()]
            job = self._take_in(request, model_id=model_id, owner=owner, body=body, faults=struck, bases=bases)
            while (left := job.finished_at - self.stage.now()) > 0:
                if request.transport is None or request.transport.is_closing():
                    self.stage.jobs.cancel(job, after_seconds=0.0)
                    return hang_up(request)
                await asyncio.sleep(min(left, 0.2))
            return await self._asked.result(job, bases)

        return await self.with_faults(request, "submit", faults, fingerprint(owner, model_id, body), answer)

    async def _read_request(
        self, request: web.Request, model_id: str
    ) -> web.Response | tuple[str, dict[str, Any], list[Fault]]:
        owner = self._keys.owner(request)
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
