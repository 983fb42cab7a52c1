"""The sandbox as a child of the server: it starts first, and ends with its parent whatever happens to that."""

import asyncio
import contextlib
import ctypes
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from vermilion.settings import Settings
from vermilion.terminal.problem import Problem

log = structlog.get_logger(__name__)

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
RESTART_PAUSE_SECONDS: Final = 1.0
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class SandboxLogin:
    """How a provider's adapter reaches the sandbox: the fields of a credential."""

    provider: str
    fields: Mapping[str, str]


def listening_socket(host: str, port: int, *, option: str) -> socket.socket:
    """Take the port now, so that nobody else does; raises `Problem` naming the option that chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except OSError as error:
        taken.close()
        raise Problem(
            f"Cannot listen on {host}:{port}: {(error.strerror or '').lower()}. Choose another {option}."
        ) from error
    return taken


@contextmanager
def running_sandbox(settings: Settings) -> Iterator["SandboxProcess"]:
    """The sandbox, started; ended on leaving. Raises `Problem` when its port is taken."""
    sandbox = SandboxProcess(settings)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


class SandboxProcess:
    """One sandbox and its address."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.url_of_sandbox
        self._port = settings.port_of_sandbox
        self._data = settings.data.resolve() / "sandbox"
        self._speed = settings.sandbox_speed
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it answers a little later."""
        listening_socket("127.0.0.1", self._port, option="VERMILION_SANDBOX_PORT").close()
        self._data.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - our own module, and numbers and a path of ours
            [
                sys.executable,
                "-m",
                "vermilion.sandbox",
                f"--port={self._port}",
                f"--data={self._data}",
                f"--speed={self._speed}",
            ],
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - there is one thread yet, and it only makes a system call
        )

    def wait_until_it_answers(self) -> None:
        """Return once it is up; raises `Problem` when it ends instead, or takes too long."""
        until = time.monotonic() + START_SECONDS
        while True:
            if self._process is not None and (code := self._process.poll()) is not None:
                raise Problem(f"The sandbox ended at its start (exit status {code}); its reason stands above.")
            with contextlib.suppress(OSError):
                self._ask("health")
                return
            if time.monotonic() > until:
                self.stop()
                raise Problem(f"The sandbox did not answer within {START_SECONDS:.0f} seconds.")
            time.sleep(0.02)

    def logins(self) -> list[SandboxLogin]:
        """How each provider's adapter reaches it."""
        told = self._ask("logins")
        return [SandboxLogin(item["provider"], item["fields"]) for item in told["items"]]

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """While inside, start it again whenever it ends by itself; it keeps its jobs in its folder."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RESTART_PAUSE_SECONDS)
            if self._process is None or self._process.poll() is None:
                continue
            log.error("sandbox.ended", exit_status=self._process.returncode)
            try:
                # Here and not in a thread: the kernel ends a child with the thread that made it, not the process.
                self.start()
            except Problem as problem:
                log.error("sandbox.not_restarted", reason=str(problem))

    def _ask(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/control/{what}", timeout=2) as answer:  # noqa: S310 - our own address
            told: dict[str, Any] = json.load(answer)
            return told


def run_sandbox(*, host: str, port: int, data: Path | None, speed: float, fast: bool, seed: int) -> None:
    """Serve the sandbox in this process until told to stop."""
    from vermilion.sandbox import SandboxConfig, serve

    listening_socket(host, port, option="--port").close()
    try:
        config = SandboxConfig(host=host, port=port, data_dir=data, speed=speed, fast=fast, seed=seed)
    except ValueError as error:
        raise Problem(f"The sandbox cannot start: {error}.") from error
    sys.stderr.write(f"Sandbox at http://{host}:{port}\n")
    serve(config)


def _end_with_parent() -> None:
    """In the child, before it becomes the sandbox: be terminated when the parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
