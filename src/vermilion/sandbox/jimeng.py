"""Jimeng on localhost, three ways: Volcengine's signed visual API, a relay of it, and an aggregator gateway.

Parts: `/jimeng/?Action=…` signed · `/jimeng/jimeng/?Action=…` relay · `/jimeng/jimeng/submit/videos` and
`/jimeng/jimeng/fetch/{id}` aggregator · `/jimeng/files` results, a film for one hour and a picture for a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from aiohttp import web

from .faults import job_word, wire_words, words
from .jimeng_desk import Desk
from .jimeng_gateway import Gateway
from .jimeng_models import MODELS
from .jimeng_official import VERSION, Official
from .jimeng_relay import Relay
from .jimeng_replies import ERRORS, GATEWAY_WORDS, refuse
from .jimeng_work import VENDOR, order_of
from .outputs import hand_out, is_there
from .stage import Stage
from .vendor import BaseVendor, Card


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

    places = ("submit", "status", "result", "download", "probe")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._desk = Desk(self)
        self._official = Official(self._desk, self.secrets)
        self._relay = Relay(self._desk, self.secrets)
        self._gateway = Gateway(self._desk, self.secrets)

    def login(self, origin: str) -> dict[str, str]:
        """What to enter where somebody asks for keys and an address of Jimeng: the official API."""
        return {**self.secrets[0], "base_url": f"{origin}{self.prefix}", "protocol": "volcengine"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(
                ("official, signed", f"{base}/?Action=…&Version={VERSION}"),
                ("relay", f"{base}/jimeng/?Action=…&Version={VERSION}"),
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
                return await self._official.answer(request)
            case ["jimeng"]:
                return await self._relay.answer(request)
            case ["jimeng", "submit", "videos"] if request.method == "POST":
                return await self._gateway.submit(request)
            case ["jimeng", "fetch", job_id] if request.method == "GET":
                return await self._gateway.fetch(request, job_id)
            case ["files", name] if request.method in {"GET", "HEAD"}:
                return await self._file(request, name)
        return web.json_response({"error": {"message": f"Invalid URL ({request.method} {path})"}}, status=404)

    async def _file(self, request: web.Request, name: str) -> web.StreamResponse:
        query = request.query
        found = self._desk.addresses.behind(name, query.get("x-expires", ""), query.get("x-signature", ""))
        if found is None:
            # Object stores refuse an address that has expired; they do not say that nothing is there.
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="text/xml")
        job, index = found

        async def handed() -> web.StreamResponse:
            if not is_there(self.stage, job, index, None):
                return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>", content_type="text/xml")
            return await hand_out(request, self.stage, job, index, lambda: order_of(self.stage, job, index))

        return await self.with_faults(request, "download", job.faults, name, handed)
