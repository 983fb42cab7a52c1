"""Kling on localhost: both generations of its API, and a relay in front of it.

`/kling/v1/…` is the first generation (tokens or keys), `/kling/{text,image}-to-video/…`, `/kling/omni-video/…` and
`/kling/tasks` the second (keys). `/kling/relay/kling/v1/…` is a relay that answers in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from aiohttp import web

from .faults import Fault
from .jobs import Job
from .kling_account import Accounts
from .kling_callbacks import Callbacks
from .kling_faults import FAULTS
from .kling_lips import Lips, hum
from .kling_login import Logins
from .kling_making import AT_ONCE, NEWER, Making
from .kling_relay import Relay
from .kling_replies import (
    ERRORS,
    REFUSALS,
    Refusal,
    refused,
    success,
)
from .kling_work import (
    FAILURES,
    LIFETIME_SECONDS,
    VENDOR,
    first_view,
    is_forgotten,
    newer_view,
    order_at,
)
from .misbehave import Refuse
from .outputs import hand_out, is_there
from .stage import Stage
from .vendor import Answer, BaseVendor, Card

_VIDEOS = {
    "text2video", "image2video", "multi-image2video", "omni-video", "effects", "motion-control", "avatar/image2video",
    "video-extend",
}  # fmt: skip
_LIPS = {"v1/videos/advanced-lip-sync", "v1/videos/lip-sync"}
_RESOURCES = {
    *(f"v1/videos/{name}" for name in _VIDEOS),
    *_LIPS,
    "v1/images/generations",
    "v1/images/kolors-virtual-try-on",
    "v1/audio/text-to-audio",
}
_FILE = re.compile(r"^files/(\d+)/(\d{1,2})\.\w+$")
_SPEECH = re.compile(r"^files/speech/([0-9a-f]{32})\.wav$")


class Vendor(BaseVendor):
    name = VENDOR
    title = "Kling"
    default_secrets: ClassVar[Mapping[str, str]] = {
        "access_key": "sandbox-kling-access",
        "secret_key": "sandbox-kling-secret-not-secret",
        "api_key": "sandbox-kling-key-not-secret",
        "webhook_secret": "whsec_c2FuZGJveC1ub3Qtc2VjcmV0LWF0LWFsbA==",
    }
    hosts = frozenset({"api.klingai.com", "api-beijing.klingai.com", "api-singapore.klingai.com"})
    faults = FAULTS
    places = ("submit", "status", "result", "download", "upload", "probe")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._logins = Logins(self.secrets)
        self._lips = Lips(stage)
        secrets = {f"kling:{index}": login["webhook_secret"] for index, login in enumerate(self.secrets)}
        self._callbacks = Callbacks(stage, secrets)
        self._accounts = Accounts(stage)
        self._making = Making(self, self._lips, self._accounts, self._callbacks)
        self._relay = Relay(self, self._logins, self._making)

    def clear(self) -> None:
        self._lips.clear()
        self._accounts.clear()

    def resume(self) -> None:
        self._callbacks.resume()

    def login(self, origin: str) -> dict[str, str]:
        return {**self.secrets[0], "base_url": f"{origin}{self.prefix}", "generation": "2"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(("API", base), ("relay (API key only)", f"{base}/relay/kling")),
            models=tuple(sorted(_RESOURCES)),
            example=(
                f"curl {base}/v1/videos/text2video \\\n  -H 'Authorization: Bearer {self.secrets[0]['api_key']}'"
                " -H 'Content-Type: application/json' \\\n"
                """  -d '{"model_name": "kling-v2-6", "prompt": "mist over a mountain lake, red sun"}'"""
            ),
            notes=("As the reason of a failure any other text may be given too.",),
            arguments={"fail": tuple(FAILURES), "code": tuple(str(code) for code in ERRORS)},
        )

    def refuse(self, status: int) -> web.Response:
        return refused(REFUSALS[status])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self.path_of(request).strip("/")
        if path.startswith("files/"):
            return await self._file(request, path)
        if path.startswith("relay/kling/"):
            return await self._relay.answer(request, path.removeprefix("relay/kling/"))
        if path == "relay" or path.startswith("relay/"):
            # Elsewhere a relay shows its own web pages, whatever the path.
            return web.Response(text="<!doctype html><title>A relay</title>", content_type="text/html")
        try:
            first = path.startswith(("v1/", "account/"))
            header = request.headers.get("Authorization", "")
            account = self._logins.account(header, self.stage.now(), tokens=first)
            return await self._serve(request, account, path)
        except Refusal as refusal:
            return refused(refusal.code, str(refusal))

    async def _serve(self, request: web.Request, account: str, path: str) -> web.StreamResponse:
        resource, _, asked_id = path.rpartition("/")
        match request.method:
            case "POST" if path in _RESOURCES or path.startswith(NEWER):
                return await self._making.create(request, account, path, self._making.as_kling)
            case "POST" if path == "tasks":
                return await self.with_faults(
                    request, "status", [], "", lambda: self._accounts.newer_list(request, account)
                )
            case "POST" if path in AT_ONCE:
                return await self._making.at_once(request, account, path)
            case "GET" if path == "account/costs":
                return await self.with_faults(
                    request, "probe", [], account, lambda: self._accounts.costs(request, account)
                )
            case "GET" if path == "tasks":
                return await self._newer_tasks(request, account)
            case "GET" if path in _RESOURCES:
                return await self.with_faults(
                    request, "status", [], "", lambda: self._accounts.first_list(request, account, path)
                )
            case "GET" if resource in _RESOURCES:
                job = self._known(account, asked_id, resource)
                return await self.about(request, [job] if job else [], lambda: self._first_task(job))
        known = path in _RESOURCES or path in {"tasks", "account/costs"}
        return refused(1202 if known else 1203)

    async def _first_task(self, job: Job | None) -> web.StreamResponse:
        if job is None or is_forgotten(self.stage, job):
            raise Refusal(1203, "task does not exist")
        return success(first_view(self.stage, job))

    async def _newer_tasks(self, request: web.Request, account: str) -> web.StreamResponse:
        ids, references = request.query.get("task_ids"), request.query.get("external_task_ids")
        if (ids is None) == (references is None):
            raise Refusal(1201, "exactly one of task_ids and external_task_ids is required")
        names = (ids or references or "").split(",")
        found = [job for job in self._accounts.jobs(account) if job.notes["newer"]]
        asked = [job for job in found if (job.id if ids else job.notes["external"]) in names]

        async def done() -> web.StreamResponse:
            return success([newer_view(self.stage, job) for job in asked if not is_forgotten(self.stage, job)])

        return await self.about(request, asked, done)

    async def _file(self, request: web.Request, path: str) -> web.StreamResponse:
        if (speech := _SPEECH.match(path)) is not None:
            sound = self._lips.sound(speech[1])
            return refused(1203) if sound is None else web.Response(body=sound, content_type="audio/wav")
        found = _FILE.match(path)
        job = self.stage.jobs.get(found[1]) if found else None
        if found is None or job is None or job.vendor != VENDOR or int(found[2]) >= job.notes["count"]:
            return web.Response(status=404, text="NoSuchKey")
        if request.query.get("sign") != job.notes["sign"]:
            return web.Response(status=403, text="AccessDenied")
        index = int(found[2])

        async def done() -> web.StreamResponse:
            if not is_there(self.stage, job, index, LIFETIME_SECONDS):
                return web.Response(status=404, text="NoSuchKey")
            if job.notes["kind"] == "audio":
                return web.Response(body=hum(float(job.notes["seconds"])), content_type="audio/wav")
            return await hand_out(request, self.stage, job, index, lambda: order_at(self.stage, job, index))

        return await self.with_faults(request, "download", job.faults, path, done)

    async def act_out(self, request: web.Request, fault: Fault, answer: Answer, refuse: Refuse) -> web.StreamResponse:
        """As others do, and with Kling's own words."""
        match fault.kind:
            case "code":
                raise Refusal(int(fault.number(1303)))
            case "accepted-500" | "accepted-504":
                await answer()
                raise Refusal(5000 if fault.kind == "accepted-500" else 5002)

        async def told() -> web.StreamResponse:
            try:
                return await answer()
            except Refusal as refusal:
                return refused(refusal.code, str(refusal))

        return await super().act_out(request, fault, told, refuse)

    def _known(self, account: str, asked_id: str, resource: str) -> Job | None:
        job = self.stage.jobs.get(asked_id) or self._accounts.by_external(account, asked_id)
        if job is None or job.vendor != VENDOR or job.notes["account"] != account or job.notes["path"] != resource:
            return None
        return job
