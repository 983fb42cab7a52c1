"""The files of the repository, as the rules look at them."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file git knows or would add, relative to the repository; generated and ignored ones are not among them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted({Path(name) for name in listed.split("\0") if name})
    return tuple(path for path in paths if (ROOT / path).is_file())


def under(*folders: str, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """The tracked files below these folders, with one of these suffixes if any are named."""
    for path in tracked_files():
        if any(path.is_relative_to(folder) for folder in folders) and (not suffixes or path.suffix in suffixes):
            yield path


def text_of(path: Path) -> str:
    """A tracked file's text; nothing for a binary one."""
    content = (ROOT / path).read_bytes()
    if b"\0" in content[:8192]:
        return ""
    return content.decode("utf-8", "replace")


def parsed(source: str) -> ast.Module:
    """The syntax tree of Python source."""
    return ast.parse(source)


def house_code() -> Iterator[Path]:
    """The Python files of the product itself."""
    return under("src/vermilion", suffixes=(".py",))


def assert_none(problems: Iterable[str]) -> None:
    """Fail with one line for each problem."""
    found = list(problems)
    assert not found, "\n" + "\n".join(found)
