"""A studio to talk to, and a way to talk to it as a person at a terminal does."""

import os
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from tests.e2e.studio import Studio
from vermilion.cli import app

Terminal = Callable[..., Result]


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio with its sandbox for all tests here."""
    running = Studio(tmp_path_factory.mktemp("studio"), sandbox_speed=40)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def api_key(studio: Studio) -> str:
    """The key of an admin of that studio, as the terminal prints it."""
    return studio.make_admin("operator@example.com")


@pytest.fixture
def vermilion(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Runs `vermilion …` in this process; settings of the machine do not reach it, those given do."""

    def run(*arguments: str, **env: str) -> Result:
        return CliRunner().invoke(app, arguments, env=env, prog_name="vermilion")

    for name in [name for name in os.environ if name.startswith("VERMILION_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    return run


@pytest.fixture
def visitor(vermilion: Terminal, studio: Studio, api_key: str) -> Terminal:
    """The same, with the address and the key of the studio in the environment."""

    def run(*arguments: str) -> Result:
        return vermilion(*arguments, VERMILION_URL=studio.url, VERMILION_API_KEY=api_key)

    return run


def complaint(result: Result) -> str:
    """The one line that a failed command says."""
    assert result.exit_code == 1, result.output
    told = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(told) == 1, told
    assert told[0].startswith("vermilion: ")
    return told[0].removeprefix("vermilion: ")
