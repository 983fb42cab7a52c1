"""Midjourney on localhost, as three proxies tell it: the original, its successor, and a gateway in front of that.

Parts: `/midjourney/java/mj/…` original · `/midjourney/fork/[mj-fast/]mj/…` successor · `/midjourney/relay/[mode/]mj/…`
gateway · `/midjourney/attachments` pictures, for a day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from .faults import Fault, job_word, wire_words, words
from .jobs import Job
from .midjourney_asked import Asked
from .midjourney_callbacks import Callbacks
from .midjourney_replies import Dialect, missing, no_such_path, refuse, relay_error, reply, thrown
from .midjourney_submits import SIMPLE, followed, pressed_by, wanted_by
from .midjourney_tasks import Addresses
from .midjourney_work import (
    FAILURES,
    VENDOR,
    Refused,
    Wanted,
    confirm,
    picture_of,
    read_picture,
    take_in,
)
from .reading import table_in
from .stage import Stage
from .vendor import BaseVendor, Card

_MODES = {"mj-fast": "fast", "mj-turbo": "turbo", "mj-relax": "relax"}
_DIALECTS: dict[str, Dialect] = {"java": "java", "fork": "fork", "relay": "relay"}
_DOORS: dict[Dialect, frozenset[str]] = {
    "java": frozenset({"imagine", "blend", "describe", "change", "simple-change"}),
    "fork": frozenset({"imagine", "blend", "describe", "shorten", "action", "edit", "edits", "retexture", "video"}),
    "relay": frozenset(
        {"imagine", "blend", "describe", "shorten", "action", "change", "simple-change", "edits", "video"}
    ),
}
_QUEUE_MAX = 10
_REFUSALS = ("3", "4", "9", "23", "24", "-1", "30", "concurrent", "queue", "daily", "timeout", "quota")


class Vendor(BaseVendor):
    """The Midjourney vendor of one sandbox; `answer` takes any request under its prefix."""

    name = VENDOR
    title = "Midjourney"
    default_secrets: ClassVar[Mapping[str, str]] = {"secret": "sk-sandbox-midjourney-not-secret"}
    faults = (
        *wire_words(),
        *words("fail", "fail-once", "nsfw", "slow", "queue", "never", "forget", "unknown-status", "drift"),
        *words("empty-output", "null-output", "404-output", "expire", "partial", "garbage-image", "html-image"),
        *words("truncated-image", "huge-output", "wrong-size", "ssrf-output", "redirect-output"),
        *words("webhook-early", "webhook-duplicate", "webhook-forged", "webhook-late", "webhook-lost"),
        job_word("webhook-out-of-order", "After the last callback an earlier one arrives."),
        job_word("refuse", "The submit is refused with this code, or for this reason.", "code (4)"),
        job_word("remix", "Every button opens a window first, as with remix mode on."),
        job_word("apart", "The successor also names the four pictures one by one."),
    )

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._addresses = Addresses(stage)
        self._callbacks = Callbacks(stage, self._addresses)
        self._asked = Asked(self, self._addresses)

    def resume(self) -> None:
        self._callbacks.resume()

    def login(self, origin: str) -> dict[str, str]:
        """What to enter where somebody asks for a Midjourney proxy: the successor."""
        return {**self.secrets[0], "base_url": f"{origin}{self.prefix}/fork", "dialect": "auto", "mask": "white"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(
                ("original", f"{base}/java/mj"),
                ("successor", f"{base}/fork/mj"),
                ("gateway", f"{base}/relay/mj"),
                ("pictures", f"{base}/attachments"),
            ),
            models=("8.1", "7", "6.1", "niji-7"),
            example=(
                f"curl -X POST {base}/fork/mj/submit/imagine \\\n"
                f"  -H 'mj-api-secret: {self.secrets[0]['secret']}' -H 'Content-Type: application/json' \\\n"
                """  -d '{"prompt": "mist over a mountain lake, red sun --ar 16:9 --v 7"}'"""
            ),
            notes=(
                "The original has no buttons, no speeds in its paths and no windows; the gateway lists nothing and "
                "hears of a job's state every 15 seconds. A job may also fail with any other text.",
            ),
            arguments={"fail": tuple(FAILURES), "refuse": _REFUSALS},
        )

    def refuse(self, status: int) -> web.Response:
        return refuse("fork", status)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self.path_of(request)
        parts = path.strip("/").split("/")
        if parts[0] == "attachments" and len(parts) == 2 and request.method in {"GET", "HEAD"}:
            return await self._asked.attachment(request, parts[1])
        dialect = _DIALECTS.get(parts[0])
        if dialect is None:
            return web.json_response({"error": "nothing lives here"}, status=404)
        rest, mode = parts[1:], None
        if dialect != "java" and len(rest) > 1 and rest[0] != "mj" and (dialect == "relay" or rest[0] in _MODES):
            mode, rest = _MODES.get(rest[0]), rest[1:]
        if not rest or rest[0] != "mj":
            return no_such_path(dialect, request.method, path)
        if dialect == "relay" and rest[1:2] == ["image"] and len(rest) == 3:
            return await self._asked.relayed_image(request, rest[2])
        owner = self._owner(request, dialect)
        if owner is None:
            return refuse(dialect, 401)
        # A gateway keeps the speed to itself: the proxy behind it never learns of it.
        return await self._inside(request, dialect, rest[1:], owner, None if dialect == "relay" else mode)

    async def _inside(
        self, request: web.Request, dialect: Dialect, parts: list[str], owner: str, mode: str | None
    ) -> web.StreamResponse:
        method = request.method
        match parts:
            case ["submit", "modal"] if method == "POST" and dialect != "java":
                return await self._window(request, dialect, owner)
            case ["submit", "upload-discord-images"] if method == "POST" and dialect != "java":
                return await self._upload(request, dialect, owner)
            case ["submit", door] if method == "POST" and door in _DOORS[dialect]:
                return await self._submit(request, dialect, door, owner, mode)
            case ["task", "list-by-condition"] if method == "POST":
                return await self._asked.several(request, dialect, owner)
            case ["task", "list-by-ids"] if method == "POST" and dialect == "fork":
                return await self._asked.several(request, dialect, owner)
            case ["task", "list"] if method == "GET" and dialect != "relay":
                return await self._asked.listed(request, dialect, owner)
            case ["task", job_id, "fetch"] if method == "GET":
                return await self._asked.fetch(request, dialect, owner, job_id)
            case ["task", job_id, "image-seed"] if method == "GET" and dialect != "java":
                return await self._asked.seed(request, dialect, owner, job_id)
            case ["task", job_id, "cancel"] if method == "POST" and dialect == "fork":
                return await self._asked.cancel(request, dialect, owner, job_id)
            case ["account", "list"] if method == "GET" and dialect == "java":
                return web.json_response([{"id": "1118000000000000000", "enable": True, "coreSize": 3}])
        return no_such_path(dialect, method, request.path)

    async def _submit(
        self, request: web.Request, dialect: Dialect, door: str, owner: str, mode: str | None
    ) -> web.StreamResponse:
        body = await table_in(request) or {}
        if door == "simple-change":
            door, body = "change", _simple(body)
        parent = self._asked.known(body.get("taskId"), owner)
        faults = self.marked(body.get("prompt"))

        async def answer() -> web.StreamResponse:
            struck = [*faults, *self.struck_job()]
            refusal = _refusal(dialect, next((fault for fault in struck if fault.kind == "refuse"), None))
            if refusal is not None:
                return refusal
            goes_on = door in {"action", "change"} or body.get("action") == "extend"
            if goes_on and parent is None:
                return missing(dialect)
            if parent is not None and parent.state(self.stage.now()) != "finished":
                return reply(4, None, "关联任务状态错误")
            if dialect != "relay" and self.stage.jobs.waiting_count(owner) >= _QUEUE_MAX:
                return reply(23 if dialect == "java" else 9, None, "队列已满，请稍后尝试")
            if dialect != "fork" and any(fault.kind == "nsfw" for fault in struck):
                return reply(24, None, promptEn=body.get("prompt"), bannedWord="nsfw")
            try:
                return await self._taken(request, dialect, door, body, owner, mode, parent, struck)
            except Refused as problem:
                return reply(problem.code, None, problem.about)

        subject = f"{owner}|{door}|{json.dumps({**body, 'state': 0, 'notifyHook': 0}, sort_keys=True)[:4000]}"
        refusing = lambda status: refuse(dialect, status)  # noqa: E731 - one expression
        return await self.with_faults(request, "submit", faults, subject, answer, refuse=refusing)

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
                    await followed(self.stage, parent, each, dialect, owner, strong=bool(body.get("strong")))
                )
        else:
            wanted = await wanted_by(self.stage, door, body, dialect, owner, parent)
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
        waiting = self.stage.jobs.ahead(job)
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
        return take_in(self.stage, wanted, window=window)

    async def _accompanied(self, request: web.Request, job: Job) -> None:
        if job.fault("webhook-early"):
            await self._callbacks.deliver_early(job, self.base_of(request))
        elif not job.notes["window"]:
            self._callbacks.expect(job, self.base_of(request))

    async def _window(self, request: web.Request, dialect: Dialect, owner: str) -> web.StreamResponse:
        body = await table_in(request) or {}
        job = self._asked.known(body.get("taskId"), owner)

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
                    mask = await read_picture(self.stage, body.get("maskBase64"))
                    parent = self._asked.known(job.notes["parent"], owner)
                    before = None if parent is None else await picture_of(self.stage, parent, 1)
            except Refused as problem:
                return reply(problem.code, None, problem.about or "maskBase64 不能为空")
            begun = confirm(self.stage, job, prompt=prompt, mask=mask, before=before)
            await self._accompanied(request, begun)
            return reply(1, begun.id)

        faults = self.marked(body.get("prompt"))
        return await self.with_faults(request, "submit", faults, f"modal|{body.get('taskId')}", answer)

    async def _upload(self, request: web.Request, dialect: Dialect, owner: str) -> web.StreamResponse:
        body = await table_in(request) or {}
        given = body.get("base64Array")
        if not isinstance(given, list) or not given:
            return reply(4, None, "base64Array 不能为空")
        try:
            pictures = [await read_picture(self.stage, item) for item in given]
        except Refused as problem:
            return reply(problem.code, None, problem.about)
        wanted = [Wanted("UPLOAD", owner, dialect, "picture", ready=picture) for picture in pictures]
        jobs = [take_in(self.stage, each) for each in wanted]
        for job in jobs:
            self.stage.jobs.finish(job)
        return reply(1, [self._addresses.of(job, 0, self.base_of(request)) for job in jobs])

    def _owner(self, request: web.Request, dialect: Dialect) -> str | None:
        given = request.headers.get("mj-api-secret")
        authorization = request.headers.get("Authorization")
        if dialect == "fork":
            given = authorization or given
        elif dialect == "relay" and authorization is not None:
            given = authorization.removeprefix("Bearer ")
        for index, login in enumerate(self.secrets):
            if given == login["secret"]:
                return f"{VENDOR}:{dialect}:{index}"
        return None


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
