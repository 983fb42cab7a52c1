"""OpenAI's image API on localhost, and beside it a gateway that speaks it more loosely.

`/openai/v1` is the official API: generations, edits (multipart and JSON), the retired variations, models.
`/openai/openai/deployments/{model}/images/…` is the same as a deployment at Azure. `/openai/relay/v1` is a gateway:
any model, unknown fields ignored, addresses that live for an hour unless base64 is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from . import at_once
from . import openai_answers as answers
from .at_once import BadPicture, Picture, Refusal, picture_at, read_picture
from .faults import job_word
from .jobs import Job
from .openai_requests import MODELS, Asked, official, relayed
from .stage import Stage
from .vendor import BaseVendor, Card

_FILE_SECONDS = 3600.0
_PICTURE_FIELD = re.compile(r"^image(\[\d*\])?$")
_DEPLOYMENT = re.compile(r"^/openai/deployments/([^/]+)(/.*)$")
_MAX_PICTURE_BYTES = 50 * 1024 * 1024


class Vendor(BaseVendor):
    name = "openai"
    title = "OpenAI images"
    default_secrets: ClassVar[Mapping[str, str]] = {"key": "sk-sandbox-not-secret"}
    hosts = frozenset({"api.openai.localhost", "api.openai.com"})
    places = at_once.PLACES
    faults = (
        *at_once.FAULTS,
        job_word("data-url", "Pictures as data URLs where plain base64 belongs, as some gateways write them."),
    )

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._owners = {login["key"]: f"openai:{index}" for index, login in enumerate(self.secrets)}

    def login(self, origin: str) -> dict[str, str]:
        return {"key": self.secrets[0]["key"], "base_url": f"{origin}{self.prefix}/v1"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(("API", f"{base}/v1"), ("gateway", f"{base}/relay/v1"), ("deployments as at Azure", base)),
            models=tuple(MODELS),
            example=(
                f"curl {base}/v1/images/generations \\\n  -H 'Authorization: Bearer {self.secrets[0]['key']}'"
                " -H 'Content-Type: application/json' \\\n"
                """  -d '{"model": "gpt-image-2", "prompt": "mist over a mountain lake, red sun"}'"""
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
        owner = self._owner(request)
        if owner is None:
            return answers.failure("invalid_api_key")
        deployed = _DEPLOYMENT.match(path)
        relay = path.startswith("/relay/")
        plain = (deployed[2] if deployed else path.removeprefix("/relay")).removeprefix("/v1")
        if deployed and not request.query.get("api-version"):
            return answers.reply(answers.error_body("404", "Resource not found"), 404)
        match (request.method, plain.removeprefix("/openai") if "api-version" in request.query else plain):
            case ("GET", "/models"):
                return await self.with_faults(request, "probe", [], "", self._models)
            case ("POST", "/images/generations"):
                return await self._make(
                    request, owner, edit=False, relay=relay, model=deployed[1] if deployed else None
                )
            case ("POST", "/images/edits"):
                return await self._make(request, owner, edit=True, relay=relay, model=deployed[1] if deployed else None)
            case ("POST", "/images/variations"):
                return answers.reply(answers.error_body("endpoint_retired", "This endpoint has been retired."), 404)
        return answers.reply(answers.error_body("unknown_url", f"Invalid URL ({request.method} {path[:80]})"), 404)

    async def _models(self) -> web.StreamResponse:
        items = [{"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "sandbox"} for name in MODELS]
        return answers.reply({"object": "list", "data": items})

    async def _make(
        self, request: web.Request, owner: str, *, edit: bool, relay: bool, model: str | None
    ) -> web.StreamResponse:
        """One call from request to pictures. Once taken in it goes on, whether or not the caller stays."""
        try:
            asked = await self._read(request, edit=edit, relay=relay, model=model)
        except Refusal as refusal:
            body = answers.error_body(refusal.code, refusal.message, param=refusal.param)
            return answers.reply(body, refusal.status)
        except BadPicture as bad:
            return answers.reply(answers.error_body("invalid_image_file", f"Invalid image: {bad}", param="image"), 400)
        faults = self.marked(asked.prompt)

        async def done() -> web.StreamResponse:
            job = at_once.begin(self, request, owner, asked, [*faults, *self.struck_job()])
            if asked.stream:
                return await self._stream(request, job, asked, edit=edit)
            await at_once.over(self.stage, job)
            code = answers.failure_of(job)
            if code is not None:
                return answers.failure(code, job.id)
            return answers.reply(await answers.result(self.stage, job, asked), 200, job.id)

        return await self.with_faults(request, "submit", faults, at_once.fingerprint(owner, asked), done)

    async def _read(self, request: web.Request, *, edit: bool, relay: bool, model: str | None) -> Asked:
        json_body = request.content_type == "application/json"
        if json_body:
            fields, pictures, mask = await self._read_json(request, edit=edit)
        elif request.content_type == "multipart/form-data" and edit:
            fields, pictures, mask = await _read_form(request)
        else:
            raise Refusal(400, "invalid_content_type", "Unsupported content type.")
        if model is not None:
            fields["model"] = model
        if relay:
            return relayed(fields, pictures, mask)
        return official(fields, pictures, mask, edit=edit, json_body=json_body)

    async def _read_json(
        self, request: web.Request, *, edit: bool
    ) -> tuple[dict[str, Any], list[Picture], Picture | None]:
        try:
            fields = json.loads(await request.read())
        except ValueError as error:
            raise Refusal(400, "invalid_json", "We could not parse the JSON body of your request.") from error
        if not isinstance(fields, dict):
            raise Refusal(400, "invalid_json", "The JSON body must be an object.")
        if not edit:
            return fields, [], None
        listed, masked = fields.pop("images", []), fields.pop("mask", None)
        if not isinstance(listed, list):
            raise Refusal(400, "invalid_type", "'images' must be an array.", "images")
        pictures = [await self._referenced(item, "images") for item in listed[:17]]
        return fields, pictures, await self._referenced(masked, "mask") if masked is not None else None

    async def _referenced(self, item: Any, param: str) -> Picture:
        if not isinstance(item, dict) or not isinstance(item.get("image_url"), str):
            raise Refusal(400, "invalid_value", "The sandbox takes image_url only.", param)
        return await picture_at(self.stage, item["image_url"])

    async def _stream(self, request: web.Request, job: Job, asked: Asked, *, edit: bool) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "x-request-id": job.id})
        await response.prepare(request)
        async for event in answers.events(self.stage, job, asked, edit=edit):
            await response.write(answers.as_event(event))
        await response.write_eof()
        return response

    def _owner(self, request: web.Request) -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        key = token if scheme == "Bearer" else request.headers.get("api-key", "")
        return self._owners.get(key)


async def _read_form(request: web.Request) -> tuple[dict[str, Any], list[Picture], Picture | None]:
    fields: dict[str, Any] = {}
    pictures: list[Picture] = []
    mask = None
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            data = value.file.read()
            if len(data) > _MAX_PICTURE_BYTES:
                raise BadPicture("larger than 50 MB")
            if name == "mask":
                mask = read_picture(data)
            elif _PICTURE_FIELD.match(name):
                pictures.append(read_picture(data))
            else:
                raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
        elif isinstance(value, str):
            fields[name] = value
    return fields, pictures, mask
