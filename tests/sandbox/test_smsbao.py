"""The vendor of text messages: its logins, its answers, its balance, and the outbox where codes are read."""

from __future__ import annotations

import hashlib

import pytest

from .conftest import Client, Reply

TEXT = "【朱砂画室】您的登录验证码是123456，5分钟内有效。"
LOGIN = {"u": "sandbox-account", "p": "sandbox-sms-key-not-secret"}


async def send(sandbox: Client, path: str = "sms", *, m: str = "13800138000", c: str = TEXT, **login: str) -> Reply:
    return await sandbox.ask("GET", f"/smsbao/{path}", key=False, params={**LOGIN, "m": m, "c": c, **login})


async def outbox(sandbox: Client) -> list[dict[str, str]]:
    return list((await sandbox.ask("GET", "/smsbao/outbox.json", key=False)).json["items"])


async def balance(sandbox: Client) -> bytes:
    return (await sandbox.ask("GET", "/smsbao/query", key=False, params=LOGIN)).body


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, b"0"),
        ({"p": hashlib.md5(b"sandbox-sms-password-not-secret").hexdigest()}, b"0"),
        ({"p": hashlib.md5(b"sandbox-sms-password-not-secret").hexdigest().upper()}, b"0"),
        ({"p": hashlib.md5(b"sandbox-sms-key-not-secret").hexdigest()}, b"30"),
        ({"p": "sandbox-sms-password-not-secret"}, b"30"),
        ({"u": "nobody"}, b"40"),
        ({"u": ""}, b"-1"),
        ({"m": ""}, b"-1"),
        ({"c": "您的登录验证码是123456"}, b"50"),
        ({"c": "您的登录验证码是123456【朱砂画室】"}, b"0"),
        ({"m": "12800138000"}, b"51"),
        ({"m": "+8613800138000"}, b"51"),
        ({"m": "13800138000,13800138001"}, b"0"),
    ],
)
async def test_what_is_wrong_is_a_bare_number(sandbox: Client, given: dict[str, str], code: bytes) -> None:
    reply = await send(sandbox, **given)
    assert (reply.status, reply.body) == (200, code)
    assert bool(await outbox(sandbox)) == (code == b"0")


async def test_numbers_abroad_have_a_door_of_their_own(sandbox: Client) -> None:
    assert (await send(sandbox, "wsms", m="+447700900123")).body == b"0"
    assert (await send(sandbox, "wsms", m="13800138000")).body == b"51"
    assert (await send(sandbox, "voice", c="123456")).body == b"0"
    assert (await send(sandbox, "voice")).body == b"50"


async def test_each_number_and_each_segment_costs(sandbox: Client) -> None:
    assert await balance(sandbox) == b"0\n0,12988"
    await send(sandbox)
    await send(sandbox, m="13800138000,13800138001")
    await send(sandbox, c="【朱砂画室】" + "长" * 100)
    assert await balance(sandbox) == b"0\n5,12983"
    await send(sandbox, m="12")
    assert await balance(sandbox) == b"0\n5,12983"


@pytest.mark.parametrize("code", ["30", "40", "41", "42", "43", "50", "51"])
async def test_every_refusal_can_be_had(sandbox: Client, code: str) -> None:
    assert (await send(sandbox, m=f"130000000{code}")).body == code.encode()
    assert (await send(sandbox, c=f"{TEXT}[[answer:{code}]]")).body == code.encode()
    armed = {"vendor": "smsbao", "kind": "answer", "argument": code}
    assert (await sandbox.ask("POST", "/control/faults", key=False, json=armed)).status == 201
    assert [(await send(sandbox)).body for _ in range(2)] == [code.encode(), b"0"]


async def test_what_is_accepted_need_not_arrive(sandbox: Client) -> None:
    armed = {"vendor": "smsbao", "kind": "undelivered"}
    await sandbox.ask("POST", "/control/faults", key=False, json=armed)
    assert (await send(sandbox)).body == b"0"
    assert await outbox(sandbox) == []
    assert await balance(sandbox) == b"0\n1,12987"


async def test_the_outbox_is_a_page_anybody_can_read(sandbox: Client) -> None:
    await send(sandbox, c="【<b>画室】验证码 654321 <script>alert(1)</script>")
    page = (await sandbox.ask("GET", "/smsbao/outbox", key=False)).body.decode()
    assert "654321" in page and "13800138000" in page
    assert "<script" not in page and "<b>" not in page
    assert "/smsbao/outbox" in (await sandbox.ask("GET", "/", key=False)).body.decode()
    assert (await sandbox.ask("POST", "/control/reset", key=False)).status == 204
    assert await outbox(sandbox) == []
