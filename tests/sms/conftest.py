"""A sandbox that plays the vendor, and a wire to it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from vermilion.sandbox import SandboxConfig, create_app
from vermilion.sms import SmsWire


async def served(app: web.Application) -> tuple[web.AppRunner, str]:
    """The app, served on loopback, and its origin."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    return runner, f"http://127.0.0.1:{port}"


@pytest.fixture
async def vendor() -> AsyncIterator[str]:
    """The origin of a sandbox."""
    runner, origin = await served(create_app(SandboxConfig()))
    yield origin
    await runner.cleanup()


@pytest.fixture
async def wire() -> AsyncIterator[SmsWire]:
    """A wire that loses patience soon."""
    opened = SmsWire.open(timeout_seconds=1.0)
    yield opened
    await opened.close()
