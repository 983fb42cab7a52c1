"""Which words may stand where: vendors' names, and names that say nothing."""

import re
from pathlib import Path

import pytest

from tests.house.tree import assert_none, text_of, tracked_files, under
from vermilion.providers import adapters

BRANDS = ("flux", "kuaishou", "dreamina", "seedream", "seedance", "volcengine", "comfy", "bfl")
"""What vendors and their models are called beside their providers' names."""

VENDORS = (*adapters(), *BRANDS)
_VENDOR = re.compile(rf"(?<![a-z])(?:{'|'.join(VENDORS)})(?![a-z])")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

VENDORS_LIVE_IN = (
    re.compile(r"src/vermilion/catalog/entries/"),
    re.compile(r"src/vermilion/dialects/"),
    re.compile(rf"src/vermilion/(?:providers|sandbox)/(?:{'|'.join(VENDORS)})(?:_[a-z_]+)?\.py$"),
)


TESTED_WITHOUT_VENDORS = tuple(
    f"tests/{room}"
    for room in ("kit", "db", "engine", "storage", "identity", "events", "ledger", "library", "generation", "pipeline")
)
"""The tests of rooms that know no vendor: they work with a provider of their own invention."""


def vendor_words(source: str) -> list[str]:
    """The vendors named in `source`, each with its line, whether in `snake_case`, `CamelCase` or prose."""
    found = []
    for number, line in enumerate(source.splitlines(), 1):
        split = _CAMEL.sub(" ", line).lower()
        names = set(_VENDOR.findall(line.lower())) | set(_VENDOR.findall(split))
        found += [f"{number}: {name}" for name in sorted(names)]
    return found


def vendors_may_be_named(path: str) -> bool:
    """Whether a file is a vendor's own: its adapter, its catalog file, its sandbox, a dialect."""
    return any(pattern.match(path) for pattern in VENDORS_LIVE_IN)


def test_a_vendor_is_named_only_in_its_own_files() -> None:
    assert_none(
        f"{path}:{word}"
        for path in under(
            "src/vermilion", "web/src", *TESTED_WITHOUT_VENDORS, suffixes=(".py", ".ts", ".svelte", ".css", ".html")
        )
        if not vendors_may_be_named(path.as_posix())
        for word in (*vendor_words(path.stem), *vendor_words(text_of(path)))
    )


@pytest.mark.parametrize(
    "line",
    [
        'provider = "fal"',
        "class FalAdapter:",
        "def submit_to_fal(call):",
        "FAL_KEY = 1",
        "# what Midjourney says",
        "import { FluxForm } from './flux'",
        "const klingUrl = 'x';",
        "ComfyUI",
    ],
)
def test_a_vendor_is_recognised_in_any_spelling(line: str) -> None:
    assert vendor_words(line)


@pytest.mark.parametrize("line", ["a fallback, or false", "influx of users", "falling", "welcome", "sparkling water"])
def test_other_words_are_no_vendors(line: str) -> None:
    assert vendor_words(line) == []


def test_only_a_vendors_own_files_are_its_own() -> None:
    assert vendors_may_be_named("src/vermilion/providers/fal.py")
    assert vendors_may_be_named("src/vermilion/providers/fal_webhook.py")
    assert vendors_may_be_named("src/vermilion/sandbox/kling.py")
    assert not vendors_may_be_named("src/vermilion/providers/wire.py")
    assert not vendors_may_be_named("src/vermilion/sandbox/server.py")
    assert not vendors_may_be_named("src/vermilion/generation/fal.py")


SAY_NOTHING = frozenset(
    {"util", "utils", "helper", "helpers", "common", "manager", "managers", "service", "services", "misc", "stuff"}
)


def names_that_say_nothing(path: Path) -> set[str]:
    """The words of a path that do not tell what is inside."""
    words = {word for part in (*path.parent.parts, path.stem) for word in _CAMEL.sub(" ", part).lower().split()}
    return {piece for word in words for piece in re.split(r"[^a-z]+", word)} & SAY_NOTHING


def test_files_are_named_for_what_is_inside() -> None:
    code = (path for path in tracked_files() if path.suffix in {".py", ".ts", ".js", ".svelte"})
    assert_none(str(path) for path in code if names_that_say_nothing(path))


@pytest.mark.parametrize(
    "path",
    ["src/vermilion/utils.py", "src/vermilion/ledger/account_service.py", "web/src/lib/common/a.ts", "UserManager.ts"],
)
def test_an_empty_name_is_noticed(path: str) -> None:
    assert names_that_say_nothing(Path(path))


def test_a_telling_name_is_left_alone() -> None:
    assert not names_that_say_nothing(Path("src/vermilion/identity/commonplace.py"))
