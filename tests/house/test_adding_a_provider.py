"""The page that builds a provider builds one: its files go into a copy of the house, and everything runs there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, text_of, under

PAGE = ROOT / "docs/adding-a-provider.md"
_FILE = re.compile(r"^`([^`\n]+/[^`\n]+)`\n\n```[a-z]+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(page: str) -> dict[str, str]:
    """The files a page contains: a path in a line of its own, then the content as a block of code."""
    return dict(_FILE.findall(page))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house with the page's provider in it, and nothing else changed."""
    folder = tmp_path_factory.mktemp("copy")
    kept = (*under("src/vermilion", "tests"), Path("pyproject.toml"))
    for path in kept:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    for name, content in files_of(text_of(PAGE)).items():
        assert not (folder / name).exists(), f"{name} would change what is there"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}"}
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert ended.returncode == 0, f"{ended.stdout[-4000:]}\n{ended.stderr[-2000:]}"


def test_the_page_contains_every_file_a_provider_needs() -> None:
    rooms = {Path(name).parent.as_posix() for name in files_of(text_of(PAGE))}
    assert {
        "src/vermilion/providers",
        "src/vermilion/catalog/entries",
        "src/vermilion/sandbox",
        "tests/providers",
    } <= rooms


def test_the_copy_is_the_house_that_runs(copy: Path) -> None:
    run(copy, "pytest", "--version")
    script = "import sys, vermilion; sys.exit(not vermilion.__file__.startswith(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    subprocess.run([sys.executable, "-c", script, str(copy)], cwd=copy, env=environment, check=True, timeout=60)


def test_its_code_is_as_the_house_writes_code(copy: Path) -> None:
    written = [name for name in files_of(text_of(PAGE)) if name.endswith(".py")]
    run(copy, "ruff", "check", *written)
    run(copy, "ruff", "format", "--check", *written)


def vendor() -> str:
    """The name of the provider the page builds."""
    return next(Path(name).stem for name in files_of(text_of(PAGE)) if name.startswith("src/vermilion/providers/"))


# A run within a run: in one process, whatever the outer one uses.
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def test_its_provider_keeps_the_contract_and_a_request_walks_through_the_house(copy: Path) -> None:
    run(copy, *PYTEST, f"--basetemp={copy / 'walk'}", f"tests/providers/test_{vendor()}.py")


def test_its_sandbox_is_found_and_told_like_the_others(copy: Path) -> None:
    run(copy, *PYTEST, f"--basetemp={copy / 'found'}", "-k", vendor(), "tests/sandbox/test_vendors.py")


def test_a_file_is_a_path_and_the_block_below_it() -> None:
    page = "Some `code`.\n\n`a/b.py`\n\n```python\nx = 1\n```\n\n```sh\nls\n```\n"
    assert files_of(page) == {"a/b.py": "x = 1\n"}
