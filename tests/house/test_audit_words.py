"""Everything the audit writes down has words in both languages."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, assert_none, house_code, text_of
from vermilion.billing.order_views import NewPackage
from vermilion.billing.views import CodesAsked, NewCodes
from vermilion.identity import ChoicesPatch
from vermilion.identity.phone_views import SmsChoice
from vermilion.identity.views import UserPatch
from vermilion.providers import adapters
from vermilion.storage import Address

CATALOGUES = ("en", "zh")


def actions_in(source: str) -> Iterator[str]:
    """The actions that a module audits; `*` stands for what is only known when it happens."""
    tree = ast.parse(source)
    handed_on = dict(_handed_on(tree))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        at = 2 if name == "audit" else handed_on.get(name)
        if at is not None and at < len(call.args):
            yield from _said(call.args[at])


def _handed_on(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions that are told the action, and where among their arguments."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        names = [argument.arg for argument in function.args.args]
        if "action" in names and function.name != "audit":
            yield function.name, names.index("action")


def _said(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
        yield "".join(str(part) for part in parts)
    elif isinstance(node, ast.IfExp):
        yield from _said(node.body)
        yield from _said(node.orelse)


def words_of(locale: str) -> set[str]:
    """The actions the audit's catalogue has words for."""
    text = (ROOT / f"web/src/lib/i18n/{locale}/audit.ts").read_text(encoding="utf-8")
    return set(re.findall(r"^  'audit\.do\.([a-z_.]+)':", text, re.M))


def _audited() -> list[tuple[Path, str]]:
    return [(path, action) for path in house_code() for action in actions_in(text_of(path))]


@pytest.mark.parametrize("locale", CATALOGUES)
def test_every_action_of_the_audit_has_words(locale: str) -> None:
    known = words_of(locale)
    found = _audited()
    assert len(found) >= 15
    assert_none(
        f"{path}: {action} has no words in {locale}"
        for path, action in found
        if not any(re.fullmatch(re.escape(action).replace(r"\*", "[a-z_]+"), word) for word in known)
    )


def members() -> set[str]:
    """The members whose changes the audit keeps, as far as a look at the code tells them."""
    kept = (NewPackage, CodesAsked, NewCodes, ChoicesPatch, SmsChoice, UserPatch)
    found = {name for model in kept for name in model.model_fields}
    found |= {field.name for field in dataclasses.fields(Address)}
    found |= {field.name for adapter in adapters().values() for field in adapter.credential_fields}
    for path in house_code():
        for function in ast.walk(ast.parse(text_of(path))):
            if isinstance(function, ast.FunctionDef) and function.name == "_audited":
                dicts = (node for node in ast.walk(function) if isinstance(node, ast.Dict))
                found |= {
                    key.value
                    for node in dicts
                    for key in node.keys
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                }
    # Told member by member, never told, or kept masked under another name.
    return (found | {"title.en", "title.zh", "target"}) - {"title", "fields", "digest", "secret_sealed"}


@pytest.mark.parametrize("locale", CATALOGUES)
def test_every_member_the_audit_keeps_has_words(locale: str) -> None:
    pages = (ROOT / "web/src/lib/admin/audit.ts").read_text(encoding="utf-8")
    labels = pages[pages.index("const LABELS") : pages.index("const UNTOLD")]
    named = {quoted or plain for quoted, plain in re.findall(r"(?:'([\w.]+)'|\b(\w+)): '", labels)}
    text = (ROOT / f"web/src/lib/i18n/{locale}/audit.ts").read_text(encoding="utf-8")
    named |= set(re.findall(r"^  'audit\.member\.([a-z_]+)':", text, re.M))
    found = members()
    assert {"price_minor", "endpoint_url", "bucket", "api_key", "pid"} <= found
    assert_none(f"{member} has no words in {locale}" for member in sorted(found - named))


@pytest.mark.parametrize(
    ("source", "actions"),
    [
        ('audit(tx, actor, "model.add", target)', ["model.add"]),
        ('audit(tx, actor, f"review.{how}", target)', ["review.*"]),
        ('audit(tx, actor, "a.one" if ended else "a.two", target)', ["a.one", "a.two"]),
        (
            'def _change(tx, actor, action):\n    audit(tx, actor, action)\n_change(tx, actor, "user.bind")',
            ["user.bind"],
        ),
    ],
)
def test_it_finds_actions_however_they_are_handed_over(source: str, actions: list[str]) -> None:
    assert list(actions_in(source)) == actions
