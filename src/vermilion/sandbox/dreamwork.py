"""Ark's image API on localhost: Seedream and SeedEdit, and a gateway in OpenAI's style that passes them on.

`/dreamwork/api/v3` is Ark, `/dreamwork/v1` the gateway; the body of a call is the same. Results are addresses that live
for a day, or base64.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from . import at_once
from . import dreamwork_answers as answers
from .at_once import BadPicture, Refusal, picture_at
from .dreamwork_requests import MODELS, Asked, pictures_asked, understand
from .faults import Fault, job_word
from .jobs import Job
from .outputs import bytes_of
from .reading import table_in
from .stage import Stage
from .vendor import BaseVendor, Card

_FILE_SECONDS = 24 * 3600.0
_SERIES_WORD = "series"


class Vendor(BaseVendor):
    name = "dreamwork"
    title = "DreamWork (Seedream at Volcengine Ark)"
    default_secrets: ClassVar[Mapping[str, str]] = {"key": "sandbox-ark-key-not-secret"}
    hosts = frozenset({"ark.localhost", "ark.cn-beijing.volces.com"})
    places = at_once.PLACES
    faults = (
        *at_once.FAULTS,
        job_word("failed-pictures", "Every second picture of a series is an error entry; it is not billed."),
        job_word(_SERIES_WORD, "Of the pictures it may make for a series, the model makes this many.", "how many (1)"),
    )

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._owners = {f"Bearer {login['key']}": f"dreamwork:{index}" for index, login in enumerate(self.secrets)}

    def login(self, origin: str) -> dict[str, str]:
        return {"key": self.secrets[0]["key"], "base_url": f"{origin}{self.prefix}/api/v3"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(("Ark", f"{base}/api/v3"), ("gateway", f"{base}/v1")),
            models=tuple(MODELS),
            example=(
                f"curl {base}/api/v3/images/generations \\\n  -H 'Authorization: Bearer {self.secrets[0]['key']}'"
                " -H 'Content-Type: application/json' \\\n"
                """  -d '{"model": "doubao-seedream-4-0-250828", "prompt": "水墨山湖，红日", "watermark": false}'"""
            ),
            notes=(at_once.ADDRESSES_NOTE,),
            arguments={"fail": tuple(answers.FAILURES)},
        )

    def refuse(self, status: int) -> web.Response:
        return answers.failure(answers.REFUSALS[status])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self.path_of(request)
        if path.startswith("/files/"):
            name = path.removeprefix("/files/")
            return await at_once.file_answer(self, request, name, lifetime_seconds=_FILE_SECONDS)
        owner = self._owners.get(request.headers.get("Authorization", ""))
        if owner is None:
            return answers.failure("AuthenticationError")
        match (request.method, path):
            case ("POST", "/api/v3/images/generations" | "/v1/images/generations"):
                return await self._make(request, owner, strict=path.startswith("/api/"))
            case ("GET", "/api/v3/contents/generations/tasks"):
                return await self.with_faults(request, "probe", [], "", self._no_tasks)
            case ("GET", "/v1/models"):
                return await self.with_faults(request, "probe", [], "", self._models)
        return answers.reply(
            {"error": {"code": "NotFound", "message": "The path does not exist.", "type": "NotFound"}}, 404
        )

    async def _no_tasks(self) -> web.StreamResponse:
        return answers.reply({"items": [], "total": 0})

    async def _models(self) -> web.StreamResponse:
        return answers.reply({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})

    async def _make(self, request: web.Request, owner: str, *, strict: bool) -> web.StreamResponse:
        """One call from request to pictures. Once taken in it goes on and is billed, also without its caller."""
        try:
            asked = await self._read(request, strict=strict)
        except Refusal as refusal:
            return answers.error(refusal.status, refusal.code, refusal.message, refusal.param or "")
        except BadPicture as bad:
            if not strict:
                return answers.reply({"code": 0, "msg": f"submit failed: image {bad}"}, 400)
            return answers.error(400, "InvalidParameter", f"The parameter `image` is not valid: {bad}.", "image")
        faults = self.marked(asked.prompt)

        async def done() -> web.StreamResponse:
            job = self._begin(request, owner, asked, faults)
            if asked.stream:
                return await self._stream(request, job, asked)
            await at_once.over(self.stage, job)
            code = answers.failure_of(job)
            if code is not None:
                return answers.failure(code)
            return answers.reply(await self._result(job, asked), 200)

        return await self.with_faults(request, "submit", faults, at_once.fingerprint(owner, asked), done)

    async def _read(self, request: web.Request, *, strict: bool) -> Asked:
        body = await table_in(request)
        if body is None:
            raise Refusal(400, "InvalidParameter", "The request body is not a JSON object.")
        addresses = pictures_asked(body)
        pictures = [await picture_at(self.stage, address) for address in addresses[:15]]
        shown = [f"{address[:40]}… ({len(address)} characters)" for address in addresses]
        sent = {**body, **({"image": shown if isinstance(body["image"], list) else shown[0]} if shown else {})}
        return understand(body, pictures, sent, strict=strict)

    def _begin(self, request: web.Request, owner: str, asked: Asked, faults: list[Fault]) -> Job:
        faults = [*faults, *self.struck_job()]
        series = next((fault for fault in faults if fault.kind == _SERIES_WORD), None)
        if series is not None:
            asked.count = min(asked.count, max(1, int(series.number(1))))
        seed = asked.sent.get("seed", -1)
        return at_once.begin(self, request, owner, asked, faults, seed=None if seed == -1 else seed)

    async def _result(self, job: Job, asked: Asked) -> dict[str, Any]:
        head = {"model": asked.model, "created": int(job.finished_at)}
        if job.fault("error-in-200"):
            return {**head, **answers.failed("InternalServiceError")}
        if job.fault("null-output"):
            return {**head, "data": None}
        items = [
            await self._item(job, asked, index) for index in range(0 if job.fault("empty-output") else asked.count)
        ]
        name = "pictures" if job.fault("drift") else "data"
        return {**head, name: items, "usage": answers.usage(asked, sum("error" not in item for item in items))}

    async def _item(self, job: Job, asked: Asked, index: int) -> dict[str, Any]:
        if job.fault("failed-pictures") and index % 2:
            return answers.failed("OutputImageSensitiveContentDetected")
        item: dict[str, Any] = {"size": f"{asked.width}x{asked.height}"}
        if "output_format" in asked.sent:
            item["output_format"] = asked.format
        if at_once.is_told_by_address(job, asked):
            item["url"] = at_once.address(job, index)
            return item
        data = await bytes_of(self.stage, job, index, at_once.order_of(self.stage, job, index))
        item["b64_json"] = base64.b64encode(data).decode()
        return item

    async def _stream(self, request: web.Request, job: Job, asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Request-Id": job.id})
        await response.prepare(request)
        head = {"model": asked.model, "created": int(job.created_at)}
        made = 0
        wanted = 0 if job.fault("empty-output") or job.fault("null-output") else asked.count
        for index in range(wanted):
            await at_once.at_share(self.stage, job, (index + 1) / asked.count)
            code = answers.failure_of(job) or ("InternalServiceError" if job.fault("error-in-200") else None)
            item = await self._item(job, asked, index) if code is None else answers.failed(code)
            failed = "error" in item
            item = {"picture": item} if job.fault("drift") else item
            made += not failed
            kind = "image_generation.partial_failed" if failed else "image_generation.partial_succeeded"
            await response.write(answers.event({"type": kind, **head, "image_index": index, **item}))
        await response.write(
            answers.event({"type": "image_generation.completed", **head, "usage": answers.usage(asked, made)})
        )
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response
