"""Jobs coming in at a Midjourney proxy: every submit, the windows that buttons open, and uploads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .faults import Fault
from .jobs import Job
from .midjourney_callbacks import Callbacks
from .midjourney_drawing import picture_of
from .midjourney_replies import Dialect, missing, refuse, refusing, relay_error, reply, thrown
from .midjourney_submits import SIMPLE, followed, pressed_by, wanted_by
from .midjourney_tasks import Addresses
from .midjourney_work import Refused, Wanted, confirm, known, read_picture, take_in
from .reading import table_in
from .vendor import BaseVendor

REASONS = ("3", "4", "9", "23", "24", "-1", "30", "concurrent", "queue", "daily", "timeout", "quota")
"""What a submit can be refused for, by the argument of `[[refuse:…]]`."""

_QUEUE_MAX = 10


class Making:
    """Takes submits in for one vendor."""

    def __init__(self, vendor: BaseVendor, addresses: Addresses) -> None:
        self._vendor = vendor
        self._stage = vendor.stage
        self._addresses = addresses
        self._callbacks = Callbacks(vendor.stage, addresses)

    def resume(self) -> None:
        """After a restart: deliver what was still owed."""
        self._callbacks.resume()

    async def submit(
        self, request: web.Request, dialect: Dialect, door: str, owner: str, mode: str | None
    ) -> web.StreamResponse:
        """Any door but those of windows and uploads."""
        body = await table_in(request) or {}
        if door == "simple-change":
            door, body = "change", _simple(body)
        parent = known(self._stage, body.get("taskId"), owner)
        faults = self._vendor.marked(body.get("prompt"))

        async def answer() -> web.StreamResponse:
            struck = [*faults, *self._vendor.struck_job()]
            refusal = _refusal(dialect, next((fault for fault in struck if fault.kind == "refuse"), None))
            if refusal is not None:
                return refusal
            goes_on = door in {"action", "change"} or body.get("action") == "extend"
            if goes_on and parent is None:
                return missing(dialect)
            if parent is not None and parent.state(self._stage.now()) != "finished":
                return reply(4, None, "关联任务状态错误")
            if dialect != "relay" and self._stage.jobs.waiting_count(owner) >= _QUEUE_MAX:
                return reply(23 if dialect == "java" else 9, None, "队列已满，请稍后尝试")
            if dialect != "fork" and any(fault.kind == "nsfw" for fault in struck):
                return reply(24, None, promptEn=body.get("prompt"), bannedWord="nsfw")
            try:
                return await self._taken(request, dialect, door, body, owner, mode, parent, struck)
            except Refused as problem:
                return reply(problem.code, None, problem.about)

        subject = f"{owner}|{door}|{json.dumps({**body, 'state': 0, 'notifyHook': 0}, sort_keys=True)[:4000]}"
        return await self._vendor.with_faults(request, "submit", faults, subject, answer, refuse=refusing(dialect))

    async def _taken(
        self,
        request: web.Request,
        dialect: Dialect,
        door: str,
        body: dict[str, Any],
        owner: str,
        mode: str | None,
        parent: Job | None,
        faults: list[Fault],
    ) -> web.StreamResponse:
        window, wanted, count = False, None, 1
        if door in {"action", "change"} and parent is not None:
            pressed, window = pressed_by(door, body, parent, dialect)
            window = window or any(fault.kind == "remix" for fault in faults)
            count = len(parent.notes["texts"]) if pressed.action == "PICK_ALL" else 1
            several = []
            for index in range(count):
                each = type(pressed)("IMAGINE", index + 1) if count > 1 else pressed
                several.append(
                    await followed(self._stage, parent, each, dialect, owner, strong=bool(body.get("strong")))
                )
        else:
            wanted = await wanted_by(self._stage, door, body, dialect, owner, parent)
            several = [wanted]
        jobs = [self._begin(each, body, mode, faults, window=window) for each in several]
        for job in jobs:
            await self._accompanied(request, job)
        job = jobs[0]
        task_id = ",".join(each.id for each in jobs)
        if window:
            hidden = dialect == "relay" and job.model not in {"INPAINT", "ZOOM"}
            about = {"finalPrompt": job.body["prompt"], "remix": True}
            return reply(1 if hidden else 21, task_id, **about)
        waiting = self._stage.jobs.ahead(job)
        if waiting and dialect != "relay":
            return reply(22, task_id, f"排队中，前面还有{waiting}个任务", numberOfQueues=waiting)
        return reply(1, task_id, discordInstanceId="1118000000000000000")

    def _begin(
        self, wanted: Wanted, body: Mapping[str, Any], mode: str | None, faults: list[Fault], *, window: bool
    ) -> Job:
        wanted.state = body.get("state") if isinstance(body.get("state"), str) else None
        wanted.hook = body.get("notifyHook") if isinstance(body.get("notifyHook"), str) else None
        wanted.faults = faults
        wanted.speed = mode or wanted.speed
        return take_in(self._stage, wanted, window=window)

    async def _accompanied(self, request: web.Request, job: Job) -> None:
        if job.notes["window"]:
            return
        if job.fault("webhook-early"):
            await self._callbacks.deliver_early(job, self._vendor.base_of(request))
        else:
            self._callbacks.expect(job, self._vendor.base_of(request))

    async def window(self, request: web.Request, dialect: Dialect, owner: str) -> web.StreamResponse:
        """The answer to a window that a button opened."""
        body = await table_in(request) or {}
        job = known(self._stage, body.get("taskId"), owner)

        async def answer() -> web.StreamResponse:
            if job is None:
                return missing(dialect)
            if not job.notes["window"]:
                return reply(4, None, "关联任务状态错误")
            prompt = str(body.get("prompt") or "").strip() or str(job.body["prompt"])
            if not prompt:
                return reply(4, None, "prompt不能为空")
            mask, before = None, None
            try:
                if job.model == "INPAINT":
                    mask = await read_picture(self._stage, body.get("maskBase64"))
                    parent = known(self._stage, job.notes["parent"], owner)
                    before = None if parent is None else await picture_of(self._stage, parent, 1)
            except Refused as problem:
                return reply(problem.code, None, problem.about or "maskBase64 不能为空")
            begun = confirm(self._stage, job, prompt=prompt, mask=mask, before=before)
            await self._accompanied(request, begun)
            return reply(1, begun.id)

        faults = self._vendor.marked(body.get("prompt"))
        subject = f"modal|{body.get('taskId')}"
        return await self._vendor.with_faults(request, "submit", faults, subject, answer, refuse=refusing(dialect))

    async def upload(self, request: web.Request, dialect: Dialect, owner: str) -> web.StreamResponse:
        """Pictures kept for a day, without a task."""
        body = await table_in(request) or {}

        async def answer() -> web.StreamResponse:
            given = body.get("base64Array")
            if not isinstance(given, list) or not given:
                return reply(4, None, "base64Array 不能为空")
            try:
                pictures = [await read_picture(self._stage, item) for item in given]
            except Refused as problem:
                return reply(problem.code, None, problem.about)
            wanted = [Wanted("UPLOAD", owner, dialect, "picture", ready=picture) for picture in pictures]
            jobs = [take_in(self._stage, each) for each in wanted]
            for job in jobs:
                self._stage.jobs.finish(job)
            return reply(1, [self._addresses.of(job, 0, self._vendor.base_of(request)) for job in jobs])

        return await self._vendor.with_faults(request, "upload", [], "", answer, refuse=refusing(dialect))


def _simple(body: Mapping[str, Any]) -> dict[str, Any]:
    """A `simple-change` in the words of a `change`."""
    found = SIMPLE.fullmatch(str(body.get("content") or "").strip())
    if found is None:
        return dict(body)
    if found["again"]:
        return {**body, "taskId": found["again"], "action": "REROLL", "index": 1}
    action = "UPSCALE" if found["word"] == "U" else "VARIATION"
    return {**body, "taskId": found["id"], "action": action, "index": int(found["n"])}


def _refusal(dialect: Dialect, fault: Fault | None) -> web.Response | None:
    if fault is None:
        return None
    match fault.argument:
        case "-1" | "concurrent":
            return thrown("并发数已达上限")
        case "queue":
            return thrown("队列数已达上限")
        case "daily":
            return thrown("用户今日绘图次数已达上限")
        case "timeout":
            return relay_error("do_request_failed: context deadline exceeded (Client.Timeout exceeded)")
        case "quota":
            return relay_error("quota_not_enough")
        case "30":
            return refuse("relay", 429)
        case "9":
            return reply(9, None, "系统异常")
        case "24":
            return reply(24, None, promptEn="a word", bannedWord="word")
    return reply(int(fault.argument) if fault.argument in {"3", "23"} else 4, None)
