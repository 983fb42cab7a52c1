"""Who may import whom: the contracts of `.importlinter`, on the house and on small houses built wrong."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, assert_none, house_code, parsed, text_of

CONFIG = ROOT / ".importlinter"

SOUND = {
    **dict.fromkeys(
        ["app", "cli", "wiring", "settings", "generation", "billing", "library", "ledger", "catalog", "events"], ""
    ),
    **dict.fromkeys(["identity", "engine", "storage", "providers", "sms", "db", "kit", "sandbox", "dialects"], ""),
    "ledger/api": "import fastapi",
    "ledger/commands": "import sqlalchemy\nfrom vermilion import kit, db",
    "ledger/queries": "import sqlalchemy",
    "ledger/tables": "import sqlalchemy",
    "generation/pipeline": "from vermilion import ledger, library, catalog, events, identity, providers",
    "providers/wire": "import aiohttp",
    "kit/download": "import aiohttp",
    "app/serving": "import vermilion.sandbox\nfrom vermilion import wiring",
    "wiring/opening": "from vermilion import settings",
}

BROKEN = [
    ("kit/clock", "from vermilion import db", "floors"),
    ("db/opening", "import vermilion.ledger", "floors"),
    ("identity/audit", "def late():\n    from vermilion import events", "floors"),
    ("ledger/peek", "from vermilion import library", "floors"),
    ("engine/local", "from vermilion import storage", "floors"),
    ("app/cheat", "from vermilion import cli", "floors"),
    ("attic", "", "floors"),
    ("sandbox/borrowed", "from vermilion import kit", "sandbox-stands-alone"),
    ("sandbox/borrowed", "from vermilion.providers import wire", "sandbox-stands-alone"),
    ("providers/borrowed", "from vermilion import sandbox", "sandbox-is-started-from-above"),
    ("ledger/commands", "from fastapi import Request", "commands-without-http"),
    ("ledger/queries", "from starlette.requests import Request", "commands-without-http"),
    ("ledger/api", "from sqlalchemy import select", "api-without-sql"),
    ("dialects/stats", "from sqlalchemy import select", "api-without-sql"),
    ("generation/shortcut", "from vermilion import dialects", "floors"),
    ("generation/shortcut", "import aiohttp", "vendors-by-aiohttp"),
    ("billing/epay", "import aiohttp", "vendors-by-aiohttp"),
    ("billing/shortcut", "from vermilion import generation", "floors"),
    ("library/shortcut", "import httpx", "vendors-by-aiohttp"),
]


def _lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())",
            "--config",
            str(CONFIG),
            "--no-cache",
            "--no-logo",
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def _build(folder: Path, modules: dict[str, str]) -> None:
    (folder / "vermilion").mkdir()
    (folder / "vermilion/__init__.py").touch()
    for name, source in modules.items():
        path = folder / "vermilion" / name
        if "/" not in name:
            path.mkdir(exist_ok=True)
            path = path / "__init__"
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".py").write_text(source + "\n", encoding="utf-8")


def test_the_house_keeps_its_contracts() -> None:
    result = _lint(ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_small_sound_house_keeps_them_too(tmp_path: Path) -> None:
    _build(tmp_path, SOUND)
    result = _lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("module", "source", "contract"), BROKEN)
def test_a_house_built_wrong_breaks_its_contract(tmp_path: Path, module: str, source: str, contract: str) -> None:
    _build(tmp_path, {**SOUND, module: source})
    result = _lint(tmp_path, "--contract", contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout


BY_NAME = {"vermilion.kit": {"addresses", "download", "sealed", "spool"}, "vermilion.db": {"lock", "schema"}}
"""Modules that are doors of their own: few need them, and they pull in more than the front door should."""

SAME_ROOM = {"vermilion.cli": "vermilion.terminal"}
"""The command line is the face of the terminal; it imports one command at a time, so that `--help` is quick."""


def other_doors(module: str, source: str) -> list[str]:
    """The imports in `source` (the text of `module`) that reach into another package past its front door."""
    found = []
    room = ".".join(module.split(".")[:2])
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] != "vermilion" or len(parts) < 3:
                continue
            door = ".".join(parts[:2])
            if door not in {room, SAME_ROOM.get(room)} and parts[2] not in BY_NAME.get(door, set()):
                found.append(f"{module}: imports {name}; come in by {door}")
    return found


def _module_of(path: Path) -> str:
    return ".".join(path.relative_to("src").with_suffix("").parts).removesuffix(".__init__")


def test_packages_are_entered_by_their_front_door() -> None:
    assert_none(problem for path in house_code() for problem in other_doors(_module_of(path), text_of(path)))


def test_a_side_door_is_noticed() -> None:
    assert other_doors("vermilion.generation.steps", "from vermilion.ledger.commands import hold")
    assert other_doors("vermilion.generation.steps", "import vermilion.ledger.commands")
    assert other_doors("vermilion.app", "from vermilion.ledger.api import router")
    assert not other_doors("vermilion.generation.steps", "from vermilion.ledger import hold")
    assert not other_doors("vermilion.ledger.api", "from vermilion.ledger.commands import hold")
    assert not other_doors("vermilion.library.keeper", "from vermilion.kit.download import Downloader")
