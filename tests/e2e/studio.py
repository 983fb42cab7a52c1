"""A studio as an operator starts it: `vermilion serve --sandbox` in a process of its own, with a folder of its own."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
PASSWORD = "ink and paper, dawn"


def free_ports() -> int:
    """A port that is free, and whose next one is free too, for the sandbox.

    Below those that the system gives to connections, so that nobody is given it before the studio listens.
    """
    for _ in range(200):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise RuntimeError("no two free ports beside each other")


@dataclass
class Studio:
    """A running studio; `restart` kills it without warning and starts it again on the same folder."""

    data: Path
    port: int = field(default_factory=free_ports)
    sandbox_speed: float = 4.0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What its processes, and the terminal beside it, are told."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("VERMILION_")},
            "VERMILION_DATA": str(self.data),
            "VERMILION_PORT": str(self.port),
            "VERMILION_SANDBOX_SPEED": str(self.sandbox_speed),
            "VERMILION_RATE_LIMITS": "false",
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.data / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vermilion", "serve", "--sandbox"],
                env=self.environment,
                stdout=log,
                stderr=log,
                cwd=self.data,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/api/v1/health/ready", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError((self.data / "serve.log").read_text()[-3000:])

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def terminal(self, *words: str) -> str:
        """What `vermilion <words>` prints; raises when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "vermilion", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"vermilion {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def make_admin(self, email: str) -> str:
        """An admin, and their API key."""
        printed = self.terminal("admin", "create", "--email", email, "--password", PASSWORD, "--api-key")
        return printed.split()[-1]

    def ask(self, method: str, path: str, key: str, body: object | None = None) -> object:
        """One request to the API."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def make_model(self, key: str, name: str) -> str:
        """A model of the house's own on offer, made of its first template; its id."""
        providers: Any = self.ask("GET", "/admin/providers", key)
        template = cast(Any, self.ask("GET", "/admin/models/templates", key))["items"][0]
        provider = next(one for one in providers["items"] if one["provider"] == template["provider"])
        begun = {"credential_id": provider["credentials"][0]["id"], "template": template["id"], "settings": {}}
        proposed = cast(Any, self.ask("POST", "/admin/models/proposals", key, begun))["entry"]
        model = f"own-{name.lower().replace(' ', '-')}"
        own = {"id": model, "name": {"en": name, "zh": name}, "enabled": True}
        self.ask("POST", "/admin/models", key, {**proposed, **own})
        return model


_LINE = re.compile(r"^\s*'(?P<key>[a-z_0-9.]+)':\s*(?P<quote>['\"])(?P<text>.*)(?P=quote),?$")


def words(locale: str) -> dict[str, str]:
    """The web app's own catalogue, so that tests find things by what people read."""
    found: dict[str, str] = {}
    for path in (ROOT / "web/src/lib/i18n" / locale).glob("*.ts"):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = _LINE.match(line)
            if match:
                found[match["key"]] = match["text"].replace("\\'", "'")
    return found
