"""ComfyUI on localhost: two servers of its two generations, and a door with a lock in front of the first.

`/comfyui/1/…` is a newer server (`/api/jobs`, strict prompt ids, previews when asked for), `/comfyui/2/…` an older one
(started with previews). `/comfyui/guarded/…` is the first behind a proxy that wants a key. ComfyUI itself knows none.
"""

from __future__ import annotations

import base64
import hmac
import posixpath
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from aiohttp import web

from . import comfyui_prompts as prompts
from . import comfyui_transfers as transfers
from .comfyui_info import features, node_info, object_info, system_stats
from .comfyui_inputs import FOLDERS
from .comfyui_nodes import NODES
from .comfyui_server import VENDOR, Server
from .faults import job_word, wire_words, words
from .jobs import NEVER
from .stage import Stage
from .vendor import BaseVendor, Card

GUARDED = "guarded"


class Vendor(BaseVendor):
    """The ComfyUI vendor of one sandbox; `answer` takes any request under its prefix."""

    name = VENDOR
    title = "ComfyUI"
    default_secrets: ClassVar[Mapping[str, str]] = {"api_key": "sandbox-comfyui-key-not-secret"}
    faults = (
        *wire_words(),
        *words("fail", "fail-once", "slow", "queue", "never", "forget", "unknown-status", "drift"),
        *words("empty-output", "null-output", "404-output", "partial", "garbage-image", "html-image"),
        *words("truncated-image", "huge-output", "wrong-size", "redirect-output"),
        job_word("oom", "The card's memory runs out; the next attempt fits.", "how many times (1)"),
        job_word("execution-blocked", "A node of the workflow stops it half-way."),
        job_word("interrupted", "Somebody at the server stops it half-way."),
        job_word("restart", "The server starts again half-way: queue and history are lost."),
        job_word("lacks-file", "The server has no model files: the workflow is not taken."),
    )

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._servers = {"1": Server(stage, "1", "new"), "2": Server(stage, "2", "old")}

    def login(self, origin: str) -> dict[str, str]:
        """What to enter where somebody asks for a ComfyUI server."""
        return {**self.secrets[0], "base_url": f"{origin}{self.prefix}/1"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        return Card(
            parts=(
                ("newer server", f"{base}/1"),
                ("older server", f"{base}/2"),
                ("the first behind a lock", f"{base}/{GUARDED}"),
            ),
            models=FOLDERS["checkpoints"],
            example=f"curl {base}/1/system_stats",
            notes=(
                "Nobody needs a key for a ComfyUI server itself; the locked door takes it as a bearer token, as "
                "X-API-Key or as a password. Each server works on one workflow at a time. Both addresses are "
                "credentials of their own: given together they share the load.",
            ),
        )

    def refuse(self, status: int) -> web.Response:
        # Not ComfyUI's words: it has none. A proxy in front of it answers like this.
        return web.Response(status=status, text=f"{status}: {web.Response(status=status).reason}")

    def resume(self) -> None:
        """Serving begins, which loses queue and history, and what lay in temp."""
        for server in self._servers.values():
            server.files.wipe_temp()
        for job in self.stage.jobs.all():
            if job.vendor == self.name:
                job.notes["forgotten"] = True
                if job.finished_at == NEVER:
                    self.stage.jobs.cancel(job, after_seconds=0.0)

    def clear(self) -> None:
        for server in self._servers.values():
            server.reset()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != request.host:
            return web.Response(status=403)
        name, _, path = self.path_of(request).lstrip("/").partition("/")
        if name == GUARDED:
            if not self._has_key(request):
                return web.Response(status=401, text="401 Authorization Required")
            name = "1"
        server = self._servers.get(name)
        if server is None:
            return web.Response(status=404, text="404: Not Found")
        bare = path.removeprefix("api/").rstrip("/")
        handler = _ROUTES.get((request.method, bare))
        if handler is not None:
            return await handler(self, request, server)
        match [request.method, *bare.split("/")]:
            case ["GET", "history", prompt_id]:
                return await prompts.history(self, request, server, prompt_id)
            case ["GET", "object_info", *parts]:
                # A class may have a slash in its name; the address was read before it came here.
                kind = "/".join(parts)
                node = NODES.get(kind)
                info = {kind: node_info(node, server.generation, server.files.uploaded())} if node else {}
                return web.json_response(info)
            case ["GET", "models", folder] if folder in FOLDERS:
                return web.json_response(list(FOLDERS[folder]))
            case [_, "jobs", *rest] if path.startswith("api/") and server.generation == "new":
                return await prompts.jobs(self, request, server, rest)
        return web.Response(status=404, text="404: Not Found")

    def _has_key(self, request: web.Request) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        given = [request.headers.get("X-API-Key", ""), value if scheme == "Bearer" else ""]
        if scheme == "Basic":
            try:
                given.append(base64.b64decode(value, validate=True).decode().partition(":")[2])
            except ValueError:
                return False
        known = [secrets["api_key"] for secrets in self.secrets]
        return any(hmac.compare_digest(one.encode(), key.encode()) for one in given for key in known)


async def _listen(_vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    return await server.listen(request)


async def _object_info(_vendor: BaseVendor, _request: web.Request, server: Server) -> web.StreamResponse:
    return web.json_response(object_info(server.generation, server.files.uploaded()))


async def _system_stats(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    async def told() -> web.StreamResponse:
        return web.json_response(system_stats(server.generation, loaded=bool(server.remembered)))

    return await vendor.with_faults(request, "probe", [], "", told)


async def _models(_vendor: BaseVendor, _request: web.Request, _server: Server) -> web.StreamResponse:
    return web.json_response(list(FOLDERS))


async def _embeddings(_vendor: BaseVendor, _request: web.Request, _server: Server) -> web.StreamResponse:
    return web.json_response([posixpath.splitext(name)[0] for name in FOLDERS["embeddings"]])


async def _features(_vendor: BaseVendor, _request: web.Request, _server: Server) -> web.StreamResponse:
    return web.json_response(features())


async def _free(_vendor: BaseVendor, _request: web.Request, server: Server) -> web.StreamResponse:
    server.free()
    return web.Response()


Handler = Callable[[BaseVendor, web.Request, Server], Awaitable[web.StreamResponse]]
_ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "prompt"): prompts.post_prompt,
    ("GET", "prompt"): prompts.get_prompt,
    ("GET", "queue"): prompts.get_queue,
    ("POST", "queue"): prompts.post_queue,
    ("POST", "interrupt"): prompts.interrupt,
    ("GET", "history"): prompts.histories,
    ("POST", "history"): prompts.post_history,
    ("POST", "upload/image"): transfers.upload,
    ("POST", "upload/mask"): transfers.upload,
    ("GET", "view"): transfers.view,
    ("GET", "ws"): _listen,
    ("GET", "object_info"): _object_info,
    ("GET", "system_stats"): _system_stats,
    ("GET", "models"): _models,
    ("GET", "embeddings"): _embeddings,
    ("GET", "features"): _features,
    ("POST", "free"): _free,
}
