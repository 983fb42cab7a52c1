"""The sandbox as one aiohttp application, and the loop that serves it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from urllib.parse import urlsplit

import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler

from .config import SandboxConfig
from .control import Controls
from .index import page
from .pictures import seal
from .stage import Stage
from .vendor import BaseVendor, vendors

_ICON_PIXELS = 64


def create_app(config: SandboxConfig) -> web.Application:
    """One sandbox with its own jobs. It starts empty, or with what `config.data_dir` holds."""
    stage = Stage(config)
    here = {name: vendor(stage) for name, vendor in vendors().items()}
    by_host = _by_host(here.values())

    async def index(request: web.Request) -> web.StreamResponse:
        vendor = by_host.get(_hostname(request))
        if vendor is not None:
            return await vendor.answer(request)
        return web.Response(text=page(config, here.values(), str(request.url.origin())), content_type="text/html")

    async def icon(request: web.Request) -> web.StreamResponse:
        """What browsers ask every host for."""
        vendor = by_host.get(_hostname(request))
        if vendor is not None:
            return await vendor.answer(request)
        return web.Response(body=seal(_ICON_PIXELS), content_type="image/png")

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        """A vendor by host name, or else by the first part of the path."""
        vendor = by_host.get(_hostname(request)) or here.get(request.path.split("/", 2)[1])
        if vendor is not None:
            return await vendor.answer(request)
        return web.json_response({"error": "nothing lives here; see /"}, status=404)

    @web.middleware
    async def keep_to_own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Control is open to whoever reaches it, so a page from elsewhere must not reach it through a browser."""
        origin = request.headers.get("Origin")
        if origin and request.path.startswith("/control/") and urlsplit(origin).netloc != request.host:
            return web.json_response({"error": "not from another site"}, status=403)
        return await handler(request)

    app = web.Application(client_max_size=config.max_upload_bytes, middlewares=[keep_to_own_pages])
    Controls(stage, here).add_to(app)
    app.router.add_get("/", index)
    app.router.add_get("/favicon.ico", icon)
    app.router.add_route("*", "/{tail:.*}", elsewhere)

    async def start(_: web.Application) -> None:
        for vendor in here.values():
            vendor.resume()

    async def stop(_: web.Application) -> None:
        await stage.close()

    app.on_startup.append(start)
    app.on_cleanup.append(stop)
    return app


def _by_host(here: Iterable[BaseVendor]) -> dict[str, BaseVendor]:
    """Which vendor answers as which host name. Raises `TypeError` where two claim the same."""
    found: dict[str, BaseVendor] = {}
    for vendor in here:
        for host in vendor.hosts:
            if host in found:
                raise TypeError(f"{vendor.name} and {found[host].name} both claim {host}")
            found[host] = vendor
    return found


def _hostname(request: web.Request) -> str:
    return request.host.partition(":")[0]


def serve(config: SandboxConfig) -> None:
    """Serve until the process is told to stop (SIGINT or SIGTERM)."""
    uvloop.run(_serve(config))


async def _serve(config: SandboxConfig) -> None:
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, backlog=1024).start()
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stopped.set)
        await stopped.wait()
    finally:
        await runner.cleanup()


def run(host: str, port: int, data_dir: str | None = None) -> None:
    """Serve with everything else as it comes."""
    from pathlib import Path

    serve(SandboxConfig(host=host, port=port, data_dir=Path(data_dir) if data_dir else None))
