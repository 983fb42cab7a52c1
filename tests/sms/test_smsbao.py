"""The sender against the sandbox: what is sent, and what each answer of the vendor is taken for."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.serving import serving
from vermilion.sms import Accepted, Outcome, Purpose, Reason, Refused, Smsbao, SmsWire, Unknown

CODE = {"code": "123456", "minutes": "5"}
PHONE = "+8613800138000"


def account(wire: SmsWire, origin: str, **more: Any) -> Smsbao:
    """The account that the sandbox knows."""
    given: dict[str, Any] = {
        "account": "sandbox-account",
        "secret": "sandbox-sms-password-not-secret",
        "is_api_key": False,
        "signature": "朱砂画室",
        "base_url": f"{origin}/smsbao",
        **more,
    }
    return Smsbao(wire, **given)


async def outbox(origin: str) -> list[Any]:
    """What was sent, the newest first."""
    async with aiohttp.ClientSession() as session, session.get(f"{origin}/smsbao/outbox.json") as answer:
        return list((await answer.json())["items"])


async def arm(origin: str, kind: str, **more: Any) -> None:
    """Let the next message fail in this way."""
    body = {"vendor": "smsbao", "kind": kind, **more}
    async with aiohttp.ClientSession() as session, session.post(f"{origin}/control/faults", json=body) as answer:
        assert answer.status == 201, await answer.text()


@pytest.mark.parametrize(
    ("purpose", "words"), [("register", "注册"), ("login", "登录"), ("bind", "绑定"), ("change", "更改")]
)
async def test_a_mainland_number_is_told_in_chinese(vendor: str, wire: SmsWire, purpose: Purpose, words: str) -> None:
    assert await account(wire, vendor).send(PHONE, purpose, CODE) == Accepted()
    (message,) = await outbox(vendor)
    assert (message["phone"], message["code"], message["kind"]) == ("13800138000", "123456", "sms")
    assert message["text"].startswith("【朱砂画室】") and words in message["text"] and "5分钟" in message["text"]


async def test_other_countries_are_told_in_english_by_another_door(vendor: str, wire: SmsWire) -> None:
    assert await account(wire, vendor).send("+447700900123", "login", CODE) == Accepted()
    (message,) = await outbox(vendor)
    assert (message["phone"], message["kind"]) == ("+447700900123", "wsms")
    assert "123456 is your code to sign in" in message["text"]


async def test_an_api_key_goes_as_it_is(vendor: str, wire: SmsWire) -> None:
    by_key = account(wire, vendor, secret="sandbox-sms-key-not-secret", is_api_key=True)
    assert await by_key.send(PHONE, "login", CODE) == Accepted()
    hashed = account(wire, vendor, secret="sandbox-sms-key-not-secret")
    assert (await hashed.send(PHONE, "login", CODE)) == Refused("operator", "The password or the ApiKey is wrong (30).")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("30", "operator"),
        ("40", "operator"),
        ("41", "operator"),
        ("42", "operator"),
        ("43", "operator"),
        ("50", "text"),
        ("51", "number"),
    ],
)
async def test_each_refusal_says_whose_move_it_is(vendor: str, wire: SmsWire, code: str, reason: Reason) -> None:
    await arm(vendor, "answer", argument=code)
    outcome = await account(wire, vendor).send(PHONE, "login", CODE)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, f"({code})" in outcome.detail) == (reason, True)
    assert await outbox(vendor) == []


@pytest.mark.parametrize("kind", ["html-502", "html-200", "error-500", "lost-answer", "reset", "oversize"])
async def test_an_answer_that_is_lost_or_makes_no_sense_is_unknown(vendor: str, wire: SmsWire, kind: str) -> None:
    await arm(vendor, kind, at="submit")
    assert isinstance(await account(wire, vendor).send(PHONE, "login", CODE), Unknown)


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(vendor: str, wire: SmsWire) -> None:
    """The client library would: the call is a GET."""
    await arm(vendor, "lost-answer", at="submit")
    await account(wire, vendor).send(PHONE, "login", CODE)
    assert len(await outbox(vendor)) == 1


async def test_a_vendor_that_hangs_is_not_waited_for(vendor: str, wire: SmsWire) -> None:
    assert isinstance(await account(wire, vendor).send("+8613000000098", "login", CODE), Unknown)


async def test_accepted_is_not_arrived(vendor: str, wire: SmsWire) -> None:
    assert await account(wire, vendor).send("+8613000000099", "login", CODE) == Accepted()
    assert await outbox(vendor) == []


async def test_without_a_connection_nothing_was_sent(wire: SmsWire) -> None:
    outcome = await account(wire, "http://127.0.0.1:1").send(PHONE, "login", CODE)
    assert isinstance(outcome, Refused) and outcome.reason == "operator"


async def test_no_outcome_tells_the_secret_or_the_code(wire: SmsWire) -> None:
    hashed = hashlib.md5(b"sandbox-sms-password-not-secret").hexdigest()
    for origin in ("http://127.0.0.1:1", "http://nobody.invalid", "http://[broken"):
        outcome = await account(wire, origin).send(PHONE, "login", CODE)
        assert not any(told in repr(outcome) for told in ("sandbox-sms", hashed, "123456"))


async def test_the_balance_is_asked_for(vendor: str, wire: SmsWire) -> None:
    sender = account(wire, vendor)
    await sender.send(PHONE, "login", CODE)
    found = await sender.probe()
    assert (found.problem, found.sent, found.remaining) == (None, 1, 12_987)
    wrong = await account(wire, vendor, account="nobody").probe()
    assert wrong.problem == "There is no such account (40)."
    away = await account(wire, "http://127.0.0.1:1").probe()
    assert away.problem is not None and "does not answer" in away.problem


Handler = Callable[[web.Request], Awaitable[web.Response]]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("0\n12,988", (12, 988)),
        ("0 12,988\r\n", (12, 988)),
        ("0\n12, 988", (12, 988)),
        ("0", None),
        ("0\nmany,few", None),
        ("<html>", None),
        ("", None),
    ],
)
async def test_a_balance_is_read_however_it_is_spaced(
    wire: SmsWire, answer: str, found: tuple[int, int] | None
) -> None:
    async def reply(_: web.Request) -> web.Response:
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_get("/smsbao/query", reply)
    async with serving(app) as origin:
        standing = await account(wire, origin).probe()
    assert (standing.sent, standing.remaining) == (found or (None, None))
    assert (standing.problem is None) == (found is not None)


async def test_the_request_is_the_vendors_own(wire: SmsWire) -> None:
    """The query of the vendor's documentation: MD5 of the password, number without country, text with its signature."""
    asked: list[web.Request] = []

    async def reply(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(text="0\n")

    app = web.Application()
    app.router.add_get("/smsbao/{door}", reply)
    async with serving(app) as origin:
        sender = account(wire, origin, account="demo", secret="password123", signature="测试签名")
        outcomes: list[Outcome] = [await sender.send(phone, "login", CODE) for phone in (PHONE, "+447700900123")]
    assert outcomes == [Accepted(), Accepted()]
    home, abroad = asked
    assert home.path == "/smsbao/sms"
    assert (home.query["u"], home.query["p"]) == ("demo", "482c811da5d5b4bc6d497ffa98491e38")
    assert home.query["m"] == "13800138000" and home.query["c"].startswith("【测试签名】")
    assert abroad.path == "/smsbao/wsms" and "m=%2B447700900123" in abroad.raw_path


async def test_a_redirect_is_not_followed(wire: SmsWire) -> None:
    """The query has the secret: it goes to no other host."""
    asked = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/stolen")

    app = web.Application()
    app.router.add_get("/{tail:.*}", elsewhere)
    async with serving(app) as origin:
        assert isinstance(await account(wire, origin).send(PHONE, "login", CODE), Unknown)
    assert asked == ["/smsbao/sms"]
