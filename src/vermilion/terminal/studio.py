"""Running the studio: the house, the app in front of it, and who stops them."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import uvicorn
from rich.console import Console
from rich.panel import Panel

from vermilion import __version__
from vermilion.app import create_app
from vermilion.billing import GATEWAY, disable_sandbox_gateway, ensure_sandbox_gateway
from vermilion.catalog import disable_sandbox_credentials, ensure_sandbox_credential
from vermilion.db import Tx, open_database
from vermilion.identity import disable_sandbox_sms, ensure_sandbox_sms, make_first_admin_link, sandbox_outbox
from vermilion.kit.sealed import load_or_create_key
from vermilion.providers import adapters
from vermilion.settings import Settings
from vermilion.sms import KINDS
from vermilion.terminal.sandbox_process import SandboxLogin, SandboxProcess
from vermilion.wiring import House, open_house

DRAIN_SECONDS = 10
"""How long answers under way may take once the server was told to stop."""

IDLE_SECONDS = 150
"""How long a connection without a request stays open: longer than the proxies in front keep theirs (nginx a minute,
Caddy two). Whoever closes first must be them, or a request is sent into a door that is just closing."""


def run(settings: Settings, door: socket.socket, sandbox: SandboxProcess | None) -> None:
    """Serve at the open door until told to stop; the schema must be up to date."""
    if sandbox is not None:
        sandbox.wait_until_it_answers()
    _point_at_sandbox(settings, sandbox.logins() if sandbox is not None else ())
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(_serve(settings, door, sandbox))


def _calm_the_collector() -> None:
    """Look for cycles less often, and not among what lives as long as the process.

    With Python's own thresholds each burst of requests looks through every waiting generation again: with a few
    thousand of them a pause of a tenth of a second, which was most of the slowest answers' time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


def _event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def _point_at_sandbox(settings: Settings, logins: Sequence[SandboxLogin]) -> None:
    """Before anything is driven: the sandbox's credentials lead to where it listens this time, or are off.

    Each vendor it plays gets one, if there is an adapter that speaks to it.
    """
    sealer = load_or_create_key(settings.data.resolve() / "secret.key")

    def point(tx: Tx) -> None:
        if not logins:
            disable_sandbox_credentials(tx)
            disable_sandbox_sms(tx, datetime.now(UTC))
            disable_sandbox_gateway(tx)
        spoken_to = (login for login in logins if login.provider in adapters())
        for login in spoken_to:
            ensure_sandbox_credential(tx, sealer, login.provider, login.fields, datetime.now(UTC))
        for login in logins:
            if login.provider in KINDS:
                ensure_sandbox_sms(tx, sealer, login.fields, datetime.now(UTC))
            if login.provider == GATEWAY:
                ensure_sandbox_gateway(tx, sealer, login.fields, datetime.now(UTC))

    database = open_database(settings.url_of_database)
    try:
        database.write_now(point)
    finally:
        database.close()


async def _serve(settings: Settings, door: socket.socket, sandbox: SandboxProcess | None) -> None:
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(settings, sandbox=sandbox is not None))
        if sandbox is not None:
            await stack.enter_async_context(sandbox.watched())
        token = await house.db.write(make_first_admin_link, house.clock.now())
        outbox = await house.db.read(sandbox_outbox, settings.url_of_sandbox) if sandbox is not None else None
        app = create_app(house)
        _calm_the_collector()
        server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                timeout_keep_alive=IDLE_SECONDS,
            )
        )
        with _stopping(server, house):
            welcome = asyncio.create_task(_greet_when_up(server, settings, token, sandbox, outbox))
            try:
                await server.serve(sockets=[door])
            finally:
                welcome.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await welcome


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: it would raise the signal again before the house could close."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _stopping(server: uvicorn.Server, house: House) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if server.should_exit:
            server.force_exit = True
        # Streams never end by themselves; uvicorn would wait for them.
        house.hub.stop()
        server.should_exit = True

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    try:
        yield
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)


async def _greet_when_up(
    server: uvicorn.Server, settings: Settings, token: str | None, sandbox: SandboxProcess | None, outbox: str | None
) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and nothing to wait for
        await asyncio.sleep(0.01)
    lines = [f"Vermilion {__version__} is open at {settings.address}"]
    if token is not None:
        lines += ["", "Nobody is in charge yet. This link, which works once, makes you the first admin:"]
        lines += [f"{settings.address}/first-admin#token={token}"]
    if sandbox is not None:
        lines += ["", f"The sandbox plays every vendor at {sandbox.url}: no account and no key is needed."]
    if outbox is not None:
        lines += [f"Codes to phones go into its outbox: {outbox}"]
    lines += ["", f"Data: {settings.data.resolve()}", "Stop with Ctrl-C; what is under way goes on at the next start."]
    console = Console(stderr=True, highlight=False)
    text = "\n".join(lines)
    if console.is_terminal:
        console.print(Panel.fit(text, border_style="red"), soft_wrap=True)
    else:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
