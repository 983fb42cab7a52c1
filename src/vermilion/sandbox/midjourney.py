"""Midjourney on localhost, as three proxies tell it: the original, its successor, and a gateway in front of that.

Parts: `/midjourney/java/mj/…` original · `/midjourney/fork/[mj-fast/]mj/…` successor · `/midjourney/relay/[mode/]mj/…`
gateway · `/midjourney/attachments` pictures, for a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from aiohttp import web

from .faults import job_word, wire_words, words
from .midjourney_asked import Asked
from .midjourney_making import REASONS, Making
from .midjourney_replies import Dialect, no_such_path, refuse
from .midjourney_tasks import Addresses
from .midjourney_work import FAILURES, VENDOR
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
        self._making = Making(self, self._addresses)
        self._asked = Asked(self, self._addresses)

    def resume(self) -> None:
        self._making.resume()

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
            arguments={"fail": tuple(FAILURES), "refuse": REASONS},
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
                return await self._making.window(request, dialect, owner)
            case ["submit", "upload-discord-images"] if method == "POST" and dialect != "java":
                return await self._making.upload(request, dialect, owner)
            case ["submit", door] if method == "POST" and door in _DOORS[dialect]:
                return await self._making.submit(request, dialect, door, owner, mode)
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
