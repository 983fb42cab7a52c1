"""`vermilion serve`: it says where it is, refuses in words, and leaves nothing behind."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.studio import Studio
from tests.terminal.conftest import Terminal, complaint


@pytest.fixture
def fresh(tmp_path: Path) -> Studio:
    """A studio of this test's own, not started."""
    return Studio(tmp_path, sandbox_speed=40)


def said(studio: Studio) -> str:
    return (studio.data / "serve.log").read_text()


def test_it_greets_with_its_address_and_a_link_for_the_first_admin(fresh: Studio) -> None:
    fresh.start()
    try:
        until = time.monotonic() + 10
        while "Data:" not in said(fresh) and time.monotonic() < until:
            time.sleep(0.05)
        assert f"is open at {fresh.url}" in said(fresh)
        assert re.search(rf"{fresh.url}/first-admin#token=[\w-]{{40,}}", said(fresh))
        fresh.make_admin("operator@example.com")
    finally:
        fresh.stop()
    before = len(said(fresh))
    fresh.start()
    fresh.stop()
    assert "first-admin" not in said(fresh)[before:], "somebody is in charge now"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_its_sandbox_ends_with_it(fresh: Studio, ending: signal.Signals) -> None:
    fresh.start()
    assert fresh.process is not None
    children = [
        child for child in psutil.Process(fresh.process.pid).children() if "vermilion.sandbox" in child.cmdline()
    ]
    assert len(children) == 1
    fresh.process.send_signal(ending)
    status = fresh.process.wait(30)
    assert status == (-signal.SIGKILL if ending == signal.SIGKILL else 0), said(fresh)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_sandbox_that_dies_is_started_again(fresh: Studio) -> None:
    fresh.start()
    try:
        assert fresh.process is not None
        (child,) = [
            each for each in psutil.Process(fresh.process.pid).children() if "vermilion.sandbox" in each.cmdline()
        ]
        child.kill()
        until = time.monotonic() + 30
        again: list[psutil.Process] = []
        while not again and time.monotonic() < until:
            again = [
                each
                for each in psutil.Process(fresh.process.pid).children()
                if each.pid != child.pid and "vermilion.sandbox" in each.cmdline()
            ]
            time.sleep(0.1)
        assert again
    finally:
        fresh.stop()


def test_a_connection_without_a_request_is_kept_as_long_as_proxies_keep_it(studio: Studio) -> None:
    """Usual servers close it after five seconds: whatever a proxy sends just then is lost."""
    line = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=30)
    for pause_seconds in (0, 6):
        time.sleep(pause_seconds)
        # It opens no second connection of its own.
        line.auto_open = line.sock is None
        line.request("GET", "/api/v1/health")
        answer = line.getresponse()
        assert answer.read() and answer.status == 200
    line.close()


def test_a_second_server_on_the_same_data_is_refused(vermilion: Terminal, studio: Studio) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = complaint(vermilion("serve", "--data", str(studio.data), "--port", str(port)))
    assert "is in use by another server" in told


def test_a_port_in_use_is_told_with_what_to_do(vermilion: Terminal, studio: Studio, tmp_path: Path) -> None:
    told = complaint(vermilion("serve", "--data", str(tmp_path), "--port", str(studio.port)))
    assert told == f"Cannot listen on 127.0.0.1:{studio.port}: address already in use. Choose another --port."


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("VERMILION_LOG_LEVEL", "loud", "must be debug, info, warning or error"),
        ("VERMILION_PUBLIC_URL", "studio.example", "must be http://host or https://host"),
        ("VERMILION_WORKERS", "0", "should be greater than or equal to 1"),
        ("VERMILION_DATABASE_URL", "mysql://somewhere", "must begin with sqlite:/// or postgresql://"),
    ],
)
def test_a_broken_setting_is_named(vermilion: Terminal, tmp_path: Path, name: str, value: str, words: str) -> None:
    told = complaint(vermilion("db", "upgrade", "--data", str(tmp_path), **{name: value}))
    assert told.startswith(name)
    assert words in told


def test_asking_for_help_imports_nothing_heavy() -> None:
    heavy = "'sqlalchemy', 'fastapi', 'aiohttp', 'pydantic'"
    code = f"import sys; from vermilion.cli import app; print([each for each in ({heavy}) if each in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout == "[]\n"


def test_every_command_explains_itself(vermilion: Terminal) -> None:
    for command in (
        (),
        *((name,) for name in ("serve", "sandbox", "create", "models", "version", "admin", "db", "ledger")),
        *(("db", name) for name in ("status", "upgrade", "snapshot", "restore", "doctor")),
        ("admin", "create"),
        ("admin", "grant"),
        ("ledger", "fsck"),
    ):
        told = vermilion(*command, "--help")
        assert told.exit_code == 0
        assert len(told.stdout.splitlines()) > 5, command
    assert vermilion("version").stdout.strip()
