"""Vendors are found, not listed; each has its own logins, names, words and place on the index page."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from PIL import Image

from vermilion.providers import adapters
from vermilion.sandbox.config import SandboxConfig
from vermilion.sandbox.faults import KINDS
from vermilion.sandbox.stage import Stage
from vermilion.sandbox.vendor import vendors

from .conftest import Client, Start

NAMES = sorted(vendors())


def test_every_adapter_has_somebody_to_speak_to() -> None:
    assert set(adapters()) <= set(vendors())


def test_no_two_vendors_answer_to_one_host_name() -> None:
    claimed = [host for vendor in vendors().values() for host in vendor.hosts]
    assert len(claimed) == len(set(claimed))


@pytest.mark.parametrize("name", NAMES)
def test_a_word_that_two_vendors_share_means_the_same(name: str) -> None:
    assert all(KINDS.get(kind.name, kind) == kind for kind in vendors()[name].faults)


@pytest.mark.parametrize("name", NAMES)
async def test_a_login_has_what_the_credential_asks_for(sandbox: Client, name: str) -> None:
    told = (await sandbox.ask("GET", "/control/logins", key=False)).json["items"]
    fields = next(item["fields"] for item in told if item["provider"] == name)
    assert all(value and isinstance(value, str) for value in fields.values())
    assert any(value.startswith(sandbox.origin) for value in fields.values())
    adapter = adapters().get(name)
    if adapter is not None:
        asked = {field.name: field for field in adapter.credential_fields}
        assert fields.keys() <= asked.keys()
        assert {key for key, field in asked.items() if field.required} <= fields.keys()


@pytest.mark.parametrize("name", NAMES)
async def test_the_index_page_tells_each_vendor_and_how_to_make_it_fail(sandbox: Client, name: str) -> None:
    page = (await sandbox.ask("GET", "/", key=False)).body.decode()
    assert f"<a href='#{name}'>" in page
    own = page.partition(f"<section id='{name}'>")[2].partition("</section>")[0]
    vendor = vendors()[name]
    assert vendor.title in own
    assert f"{sandbox.origin}/{name}" in own
    assert all(value in own for value in vendor.default_secrets.values())
    assert all(f"[[{kind.name}" in own for kind in vendor.faults)
    told = (await sandbox.ask("GET", "/control/logins", key=False)).json["items"]
    fields = next(item["fields"] for item in told if item["provider"] == name)
    assert any(value in own for value in fields.values() if value.startswith(sandbox.origin))


@pytest.mark.parametrize("name", NAMES)
async def test_what_may_follow_a_marker_is_listed_for_markers_the_vendor_has(sandbox: Client, name: str) -> None:
    page = (await sandbox.ask("GET", "/", key=False)).body.decode()
    own = page.partition(f"<section id='{name}'>")[2].partition("</section>")[0]
    vendor = vendors()[name](Stage(SandboxConfig()))
    for kind, words in vendor.card(sandbox.origin).arguments.items():
        assert vendor.kinds[kind].argument
        assert words and all(f"<code>{word}</code>" in own for word in words)


async def test_browsers_find_the_icon_they_ask_for(sandbox: Client) -> None:
    icon = await sandbox.ask("GET", "/favicon.ico", key=False)
    assert (icon.status, icon.headers["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(icon.body)).size == (64, 64)


async def test_every_address_within_the_index_page_leads_somewhere(sandbox: Client) -> None:
    page = (await sandbox.ask("GET", "/", key=False)).body.decode()
    names = set(re.findall(r"\bid=['\"]?([a-z0-9-]+)", page))
    assert set(re.findall(r"href=['\"]#([^'\"]+)", page)) <= names


@pytest.mark.parametrize("name", NAMES)
async def test_the_keys_one_sets_are_the_keys_that_are_told(start: Start, name: str) -> None:
    given = {field: f"chosen-{field}-not-secret" for field in vendors()[name].default_secrets}
    sandbox = await start(secrets={name: [given]})
    told = (await sandbox.ask("GET", "/control/logins", key=False)).json["items"]
    fields = next(item["fields"] for item in told if item["provider"] == name)
    assert set(given.values()) <= set(fields.values())


async def test_a_fault_is_armed_only_at_a_vendor_that_knows_it(sandbox: Client) -> None:
    for vendor, kind in (("nobody", "throttle"), (NAMES[0], "no-such-word")):
        refused = await sandbox.ask("POST", "/control/faults", json={"vendor": vendor, "kind": kind})
        assert refused.status == 422


async def test_what_no_vendor_claims_is_not_found(sandbox: Client) -> None:
    assert (await sandbox.ask("GET", "/nobody/lives/here", key=False)).status == 404


@pytest.mark.parametrize("login", ["nobody:key=x", f"{NAMES[0]}:", f"{NAMES[0]}:no_such_field=x"])
def test_a_login_nobody_asks_for_is_refused_at_the_start(login: str) -> None:
    command = [sys.executable, "-m", "vermilion.sandbox", "--login", login]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "--login" in ended.stderr
