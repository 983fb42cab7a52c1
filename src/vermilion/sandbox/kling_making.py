"""Jobs coming in at Kling, on either generation's paths or through a relay, and what is answered in the call itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .jobs import Job
from .kling_account import Accounts
from .kling_callbacks import Callbacks
from .kling_lips import Lips
from .kling_newer import read_newer
from .kling_reading import body_of, prompts_in, text_at
from .kling_replies import Refusal, success
from .kling_requests import Asked, read_image, read_sound, read_try_on, read_video
from .kling_work import fingerprint, first_view, made_by, newer_view, take_in
from .misbehave import Refuse
from .vendor import BaseVendor

NEWER = ("text-to-video/", "image-to-video/", "omni-video/")
"""How the second generation's paths begin."""

AT_ONCE = frozenset({"v1/videos/identify-face", "v1/audio/tts"})
"""What is answered in the call itself."""


class Making:
    """Takes requests in for one vendor. Everything here raises `Refusal`."""

    def __init__(self, vendor: BaseVendor, lips: Lips, accounts: Accounts, callbacks: Callbacks) -> None:
        self._vendor = vendor
        self._stage = vendor.stage
        self._lips = lips
        self._accounts = accounts
        self._callbacks = callbacks

    async def create(
        self,
        request: web.Request,
        account: str,
        path: str,
        told: Callable[[Job], web.Response],
        refuse: Refuse | None = None,
    ) -> web.StreamResponse:
        """Take a job in, and answer as `told` says."""
        body = await body_of(request)
        newer = path.startswith(NEWER)
        options = body.get("options", {}) if newer else body
        if not isinstance(options, dict):
            raise Refusal(1201, "options must be an object")
        external = text_at(options, "external_task_id")
        faults = [*self._vendor.marked(*prompts_in(body)), *self._vendor.struck_job()]
        known = self._accounts.by_external(account, external)
        if known is not None and not any(fault.kind == "same-reference-new" for fault in faults):
            if any(fault.kind == "same-reference-first" for fault in faults):
                return told(known)
            raise Refusal(1201, "external_task_id is used already")

        async def done() -> web.StreamResponse:
            job = await take_in(
                self._stage,
                await self._asked(account, path, body),
                account=account,
                path=path,
                body=body,
                faults=faults,
                base=self._vendor.base_of(request),
                newer=newer,
                external=external,
                callback_url=text_at(options, "callback_url"),
            )
            if job.webhook_url and job.fault("webhook-early"):
                await self._callbacks.deliver_early(job)
            else:
                self._callbacks.expect(job)
            return told(job)

        return await self._vendor.with_faults(
            request, "submit", faults, fingerprint(account, path, body), done, refuse=refuse
        )

    def as_kling(self, job: Job) -> web.Response:
        """The answer to a new job in Kling's own words: as it was when it came in, whatever has happened since."""
        if job.notes["newer"]:
            view, names = newer_view, ("id", "status", "create_time", "update_time", "external_id")
        else:
            view, names = first_view, ("task_id", "task_status", "task_info", "created_at", "updated_at")
        told = view(self._stage, job, job.created_at)
        return success({name: told[name] for name in names})

    async def at_once(
        self, request: web.Request, account: str, path: str, refuse: Refuse | None = None
    ) -> web.StreamResponse:
        """The faces in a film, and speech."""
        body = await body_of(request)
        fault = self._stage.faults.strike(self._vendor.name, "upload")
        faceless = fault is not None and fault.kind == "no-face"

        async def done() -> web.StreamResponse:
            if path == "v1/audio/tts":
                return success(self._lips.speak(body, self._vendor.base_of(request)))
            return success(await self._lips.identify(account, body, faceless=faceless))

        if fault is None or faceless:
            return await done()
        return await self._vendor.act_out(request, fault, done, refuse or self._vendor.refuse)

    async def _asked(self, account: str, path: str, body: dict[str, Any]) -> Asked:
        if path.startswith(NEWER):
            return read_newer(path, body)
        if path == "v1/videos/advanced-lip-sync":
            return await self._lips.read(account, body)
        if path == "v1/videos/lip-sync":
            return await self._lips.read_older(account, body)
        if path == "v1/images/generations":
            return read_image(body)
        if path == "v1/images/kolors-virtual-try-on":
            return read_try_on(body)
        if path == "v1/audio/text-to-audio":
            return read_sound(body)
        asked = read_video(path.removeprefix("v1/videos/"), body)
        if asked.parent_id is not None:
            parent = made_by(self._stage, account, asked.parent_id)
            if not parent.model.startswith("kling-v1") and parent.model != "video-extend":
                raise Refusal(1201, "this video cannot be extended")
            asked.prompt = asked.prompt or str(parent.notes["prompt"])
            asked.seconds = float(parent.notes["seconds"]) + 4.5
        return asked
