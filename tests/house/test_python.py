"""How Python reads in this house."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house.tree import ROOT, assert_none, house_code, parsed, text_of, under

_COMMENT = re.compile(r"\s*# (?:\S+ ){3}")
_REASON = re.compile(r"#\s*noqa:\s*BLE001\s*-\s*\S+")


def undocumented(source: str) -> list[str]:
    """A module without a docstring; an empty file needs none outside of packages' front doors."""
    return [] if ast.get_docstring(parsed(source)) else ["1: no docstring says what this module is for"]


def prints(source: str) -> list[str]:
    """Calls of `print`."""
    return [
        f"{node.lineno}: print"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def catches_everything(source: str) -> list[str]:
    """Handlers of every exception that neither raise it again nor say why they may.

    The reason stands on the line (`# noqa: BLE001 - why`) or as a comment in the line below it.
    """
    lines = [*source.splitlines(), ""]
    found = []
    for node in ast.walk(parsed(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = any(
            kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
            for kind in caught
        )
        raised_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        reason = _REASON.search(lines[node.lineno - 1]) or _COMMENT.match(lines[node.lineno])
        if broad and not raised_again and not reason:
            found.append(f"{node.lineno}: catches everything and gives no reason")
    return found


def commits(source: str) -> list[str]:
    """Calls of `….commit()`."""
    return [
        f"{node.lineno}: commits"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]


def mocked_time(source: str) -> list[str]:
    """Wall clocks read past the clock that the house is given."""
    return [
        f"{node.lineno}: reads the wall clock; ask the clock"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date"}
    ]


def unfinished(source: str) -> list[str]:
    """Marks of work left undone."""
    words = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
    return [f"{number}: unfinished" for number, line in enumerate(source.splitlines(), 1) if words.search(line)]


def banners(source: str) -> list[str]:
    """Lines of decoration."""
    rule = re.compile(r"^\s*(?:#|//)\s*[-=*#~_]{4,}")
    return [f"{number}: banner" for number, line in enumerate(source.splitlines(), 1) if rule.search(line)]


Rule = Callable[[str], list[str]]

RULES: list[tuple[Rule, tuple[str, ...], tuple[str, ...], str, str]] = [
    # rule, where it holds, where it does not, a bad sample, a good one
    (undocumented, ("src/vermilion",), (), "x = 1\n", '"""What x is."""\nx = 1\n'),
    (prints, ("src/vermilion",), (), "print('here')\n", "console.print('here')\n"),
    (
        catches_everything,
        ("src/vermilion",),
        (),
        "try:\n    x()\nexcept Exception:\n    pass\n",
        "try:\n    x()\nexcept Exception:  # noqa: BLE001 - the rim: handed to the caller\n    pass\n",
    ),
    (commits, ("src/vermilion",), ("src/vermilion/db",), "tx.commit()\n", "tx.execute(statement)\n"),
    (
        mocked_time,
        ("src/vermilion",),
        # The sandbox imports nothing of the house; what the terminal runs is over before a clock could be moved.
        (
            "src/vermilion/kit/clock.py",
            "src/vermilion/sandbox",
            "src/vermilion/terminal",
            "src/vermilion/db/schema/snapshots.py",
        ),
        "datetime.now(UTC)\n",
        "clock.now()\n",
    ),
    (unfinished, ("src/vermilion", "tests"), ("tests/house/test_python.py",), "# TODO: later\n", "# later\n"),
    (banners, ("src/vermilion", "tests"), (), "# -----------\n# Part two\n", "# Because of this.\n"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0].__name__)
def test_the_house_keeps_the_rule(rule: tuple[Rule, tuple[str, ...], tuple[str, ...], str, str]) -> None:
    problems_of, where, not_where, _bad, _good = rule
    assert_none(
        f"{path}:{problem}"
        for path in under(*where, suffixes=(".py",))
        if not any(path.is_relative_to(exempt) for exempt in not_where)
        for problem in problems_of(text_of(path))
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0].__name__)
def test_the_rule_can_fail(rule: tuple[Rule, tuple[str, ...], tuple[str, ...], str, str]) -> None:
    problems_of, _where, _not_where, bad, good = rule
    assert problems_of(bad)
    assert problems_of(good) == []


@pytest.mark.parametrize(
    "handler",
    [
        "except:",
        "except BaseException:",
        "except (ValueError, Exception) as error:",
        "except Exception:  # noqa: BLE001",
        "except Exception:\n    # why",
    ],
)
def test_every_way_of_catching_everything_is_noticed(handler: str) -> None:
    assert catches_everything(f"try:\n    x()\n{handler}\n    pass\n")


def front_doors_missing(packages: dict[str, str]) -> list[str]:
    """Packages (folder → text of `__init__.py`) whose door does not say what lives there."""
    return [folder for folder, text in packages.items() if not text or undocumented(text)]


def test_every_package_has_a_front_door_that_says_what_lives_there() -> None:
    # Alembic loads the scripts of `versions` by their path; it is no package.
    folders = {path.parent for path in house_code()} - {Path("src/vermilion/db/migrations/versions")}
    doors = {}
    for folder in folders:
        door = ROOT / folder / "__init__.py"
        doors[str(folder)] = door.read_text(encoding="utf-8") if door.exists() else ""
    assert_none(front_doors_missing(doors))


def test_a_silent_door_is_noticed() -> None:
    assert front_doors_missing({"a": "", "b": "import c\n", "d": '"""Here."""\n'}) == ["a", "b"]
