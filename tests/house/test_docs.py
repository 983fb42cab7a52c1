"""The documentation tells what the code has: every setting, every error code; and nothing that is not there."""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.house.tree import ROOT, assert_none, house_code, parsed, text_of, tracked_files
from vermilion.settings import Settings

_SETTING = re.compile(r"\bVERMILION_[A-Z][A-Z_]*[A-Z]\b")
_CODE = re.compile(r"[a-z][a-z_]*[a-z]\.[a-z][a-z0-9_]*[a-z0-9]")
_ROW = re.compile(r"^\| `([^`]+)` \|(.*)$", re.MULTILINE)

SETTINGS_PAGE = ROOT / "docs/settings.md"
ERRORS_PAGE = ROOT / "docs/errors.md"

FAILURE_FEATURES = frozenset({"output", "provider", "storage"})
"""What a generation's `failure.code` begins with, beside the codes of the API."""

_TELLERS = frozenset({"emit", "Change"})
_NOT_ERRORS = _TELLERS | frozenset({"audit", "ForeignKey", "getLogger", "get_logger"})
_LOGGERS = frozenset({"log", "_log", "logger"})


def settings_named(source: str) -> set[str]:
    """The settings a file names; those of the test suite are none of the product's."""
    return {name for name in _SETTING.findall(source) if not name.startswith("VERMILION_TEST_")}


def error_classes(sources: Iterable[str]) -> set[str]:
    """The names of `AppError` and of every class that derives from it."""
    bases: dict[str, set[str]] = {}
    for source in sources:
        for node in ast.walk(parsed(source)):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(_name_of(base) for base in node.bases)
    known = {"AppError"}
    while found := {name for name, parents in bases.items() if parents & known} - known:
        known |= found
    return known


def error_codes(sources: Mapping[str, str]) -> dict[str, str]:
    """Every code `feature.reason` of a problem or a failure, and a file that has it.

    A text of that shape is a code when its feature is one that problems have, unless it names an event, an audited
    action, a column or a line of the log.
    """
    classes = error_classes(sources.values())
    texts: dict[str, str] = {}
    events: set[str] = set()
    features = set(FAILURE_FEATURES)
    for name, source in sources.items():
        tree = parsed(source)
        elsewhere: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                if _is_not_an_error(node.func):
                    inside = [inner for part in node.args + node.keywords for inner in ast.walk(part)]
                    elsewhere |= {id(inner) for inner in inside}
                    if _name_of(node.func) in _TELLERS:
                        # Who listens compares with the event's name, which is no error there either.
                        events |= {str(inner.value) for inner in inside if isinstance(inner, ast.Constant)}
                elif _name_of(node.func) in classes and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and _CODE.fullmatch(str(first.value)):
                        features.add(str(first.value).partition(".")[0])
            elif isinstance(node, ast.JoinedStr):
                elsewhere |= {id(inner) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in elsewhere:
                texts.setdefault(node.value, name)
    return {
        text: name
        for text, name in texts.items()
        if _CODE.fullmatch(text) and text not in events and text.partition(".")[0] in features
    }


def statuses(sources: Mapping[str, str]) -> dict[str, set[int]]:
    """The HTTP statuses of each code that is raised where it is written: the class's own, or the one given."""
    trees = [parsed(source) for source in sources.values()]
    classes = error_classes(sources.values())
    own: dict[str, int] = {}
    parents: dict[str, str] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in classes:
                parents[node.name] = next((_name_of(base) for base in node.bases if _name_of(base) in classes), "")
                for line in node.body:
                    if isinstance(line, ast.Assign) and _name_of(line.targets[0]) == "status":
                        own[node.name] = ast.literal_eval(line.value)
    found: dict[str, set[int]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and _name_of(node.func) in classes and node.args):
                continue
            first, name = node.args[0], _name_of(node.func)
            while name not in own:
                name = parents[name]
            given = next(
                (keyword.value for keyword in node.keywords if keyword.arg == "status"), ast.Constant(own[name])
            )
            if isinstance(first, ast.Constant) and isinstance(given, ast.Constant):
                found.setdefault(str(first.value), set()).add(int(str(given.value)))
    return found


def codes_put_together(source: str, classes: set[str]) -> list[str]:
    """Problems whose code is no literal: it could be neither found nor documented."""
    return [
        f"{node.lineno}: write the code whole"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call)
        and _name_of(node.func) in classes
        and node.args
        and isinstance(node.args[0], ast.JoinedStr)
    ]


def _is_not_an_error(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id in _LOGGERS:
        return True
    return _name_of(called) in _NOT_ERRORS


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name_of(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _rows(page: Path) -> dict[str, str]:
    """The rows of a page's tables: what stands in the first column as code, and the rest of the row."""
    rows = _ROW.findall(page.read_text(encoding="utf-8"))
    names = [name for name, _ in rows]
    assert len(names) == len(set(names)), f"{page.name} explains something twice"
    return dict(rows)


def _sources() -> dict[str, str]:
    elsewhere = ("src/vermilion/sandbox", "src/vermilion/db/migrations")
    return {
        str(path): text_of(path) for path in house_code() if not any(path.is_relative_to(other) for other in elsewhere)
    }


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    named = {f"VERMILION_{name.upper()}" for name in Settings.model_fields}
    for path in tracked_files():
        if path.is_relative_to("src/vermilion") or path.name in {"Makefile", "Dockerfile", "compose.yaml"}:
            named |= settings_named(text_of(path))
    documented = set(_rows(SETTINGS_PAGE))
    assert_none([f"not in docs/settings.md: {name}" for name in sorted(named - documented)])
    assert_none([f"docs/settings.md explains what is not there: {name}" for name in sorted(documented - named)])


def test_documented_defaults_are_the_defaults() -> None:
    rows = _rows(SETTINGS_PAGE)
    for name, field in Settings.model_fields.items():
        default = rows[f"VERMILION_{name.upper()}"].split("|")[0].strip()
        if field.default in (None, ""):
            assert not re.fullmatch(r"`[^`]*`", default), f"{name} has no default of its own"
        else:
            assert default == f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def test_every_error_code_is_documented_and_every_documented_code_exists() -> None:
    codes = error_codes(_sources())
    documented = set(_rows(ERRORS_PAGE))
    assert_none([f"not in docs/errors.md: {code} ({codes[code]})" for code in sorted(codes.keys() - documented)])
    assert_none([f"docs/errors.md explains what is not there: {code}" for code in sorted(documented - codes.keys())])


def test_documented_statuses_are_the_statuses() -> None:
    rows = _rows(ERRORS_PAGE)
    for code, raised in statuses(_sources()).items():
        documented = {int(status) for status in re.findall(r"\b[45]\d\d\b", rows[code].split("|")[0])}
        assert raised <= documented, f"{code} is answered with {raised}"


def test_every_error_code_is_written_whole() -> None:
    sources = _sources()
    classes = error_classes(sources.values())
    assert_none(
        f"{name}:{problem}" for name, source in sources.items() for problem in codes_put_together(source, classes)
    )


def test_a_setting_is_found_wherever_it_is_named() -> None:
    assert settings_named('x("VERMILION_DATA_DIR"), VERMILION_TEST_DATABASE, VERMILION_…') == {"VERMILION_DATA_DIR"}


SAMPLE = """
class Full(AppError): ...
class Fuller(Full): ...
raise Fuller("attic.full", "…")
raise AppError("attic.dark" if night else "attic.dusty", "…")
helper("attic.locked")
Rule(Move.RELEASE, "provider.gone")
emit(tx, user_id, "attic.changed", {})
changes.append(Change("attic.swept", {}))
Rule(Move.RELEASE, "attic.rechanged")
audit(tx, actor, "attic.open", target="x")
log.info("attic.visited")
if event.name == "attic.changed": ...
open("cellar.txt")
f"attic.{reason}"
"""


def test_codes_are_found_and_told_from_other_words() -> None:
    assert set(error_codes({"sample.py": SAMPLE})) == {
        "attic.full",
        "attic.dark",
        "attic.dusty",
        "attic.locked",
        "attic.rechanged",
        "provider.gone",
    }


@pytest.mark.parametrize("call", ['AppError(f"attic.{reason}", "…")', 'kit.AppError(f"{feature}.full", "…")'])
def test_a_code_put_together_is_noticed(call: str) -> None:
    assert codes_put_together(call, {"AppError"})


def test_the_status_of_a_code_is_found() -> None:
    sample = """
class AppError(Exception):
    status = 400
class Full(AppError):
    status = 409
class Fuller(Full): ...
raise AppError("a.a", "…")
raise Full("b.b", "…")
raise Fuller("c.c", "…")
raise AppError("d.d", "…", status=503)
"""
    assert statuses({"sample.py": sample}) == {"a.a": {400}, "b.b": {409}, "c.c": {409}, "d.d": {503}}
