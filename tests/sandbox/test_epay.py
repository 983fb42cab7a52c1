"""The EPay server on localhost: what it takes, what it answers, and how it tells the merchant."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web

from .conftest import Client, Start

KEY = "sandbox-epay-key-not-secret"
ORDER = {"pid": "1000", "type": "alipay", "out_trade_no": "A1", "name": "500 credits", "money": "6.00"}


def signed(parameters: dict[str, str], key: str = KEY) -> dict[str, str]:
    """By the facts, in the test's own words."""
    text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if value)
    return {**parameters, "sign": hashlib.md5((text + key).encode()).hexdigest(), "sign_type": "MD5"}


class Merchant:
    """A shop on loopback that writes down what it is told and answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.answers: list[str] = []
        self.address = ""

    async def hear(self, request: web.Request) -> web.Response:
        told = dict(request.query) or {name: str(value) for name, value in (await request.post()).items()}
        self.heard.append((request.method, told))
        return web.Response(text=self.answers.pop(0) if self.answers else "success")

    async def has_heard(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.heard) < count:  # noqa: ASYNC110 - a list sets no event
                await asyncio.sleep(0.02)

    def order(self, **more: str) -> dict[str, str]:
        """A request for an order of this shop's, signed."""
        addresses = {"notify_url": f"{self.address}/notify", "return_url": f"{self.address}/back"}
        return signed({**ORDER, **addresses, **more})


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    shop = Merchant()
    app = web.Application()
    app.router.add_route("*", "/notify", shop.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shop.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield shop
    await runner.cleanup()


async def api(sandbox: Client, **query: str) -> Any:
    return (await sandbox.ask("GET", "/epay/api.php", key=False, params=query)).json


async def mapi(sandbox: Client, order: dict[str, str]) -> Any:
    reply = await sandbox.ask("POST", "/epay/mapi.php", key=False, data=order)
    assert reply.status == 200
    return reply.json


def announced(merchant: Merchant, **more: str) -> dict[str, str]:
    """An order for mapi.php, which wants the buyer's address signed along."""
    bare = {name: value for name, value in merchant.order(**more).items() if not name.startswith("sign")}
    return signed({**bare, "clientip": "203.0.113.9", "device": "pc"})


async def pay(sandbox: Client, number: str = "A1", fault: str = "") -> str:
    paid = await sandbox.ask("POST", f"/epay/pay/{number}", key=False, data={"fault": fault})
    assert paid.status == 303
    return str(paid.headers["Location"])


async def arm(sandbox: Client, kind: str, argument: str = "") -> None:
    body = {"vendor": "epay", "kind": kind, "argument": argument}
    assert (await sandbox.ask("POST", "/control/faults", key=False, json=body)).status == 201


async def test_an_order_is_paid_on_the_page_and_reported_by_get(sandbox: Client, merchant: Merchant) -> None:
    page = await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    assert page.status == 200 and "¥6.00".encode() in page.body and b"Pay with play money" in page.body
    before = await api(sandbox, act="order", pid="1000", key=KEY, out_trade_no="A1")
    assert (before["code"], before["status"], before["money"]) == (1, 0, "6.00")
    back = await pay(sandbox)
    await merchant.has_heard(1)
    ((method, told),) = merchant.heard
    assert method == "GET" and told["trade_status"] == "TRADE_SUCCESS"
    assert told == signed({name: value for name, value in told.items() if not name.startswith("sign")})
    # The browser brings the same signed words back.
    assert dict(parse_qsl(urlsplit(back).query)) == told
    after = await api(sandbox, act="order", pid="1000", key=KEY, trade_no=told["trade_no"])
    assert (after["status"], after["out_trade_no"], after["pid"]) == (1, "A1", "1000")
    again = await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    assert b"This order is paid" in again.body


async def test_a_notice_comes_until_it_is_answered_with_success(start: Start, merchant: Merchant) -> None:
    sandbox = await start(speed=100.0)
    merchant.answers = ["fail", "ok", '"success"', " success", "success"]
    await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    await pay(sandbox)
    await merchant.has_heard(5)
    await asyncio.sleep(0.3)
    assert len(merchant.heard) == 5
    known = (await sandbox.ask("GET", "/epay/orders.json", key=False)).json["items"]
    assert known[0]["delivered"] and known[0]["notices"] == 5


async def test_the_api_has_three_forms_of_reply_and_two_of_codes(sandbox: Client, merchant: Merchant) -> None:
    plain = await mapi(sandbox, announced(merchant))
    assert plain["code"] == 1 and plain["payurl"].startswith(f"{sandbox.origin}/epay/submit.php?")
    page = await sandbox.ask("GET", plain["payurl"], key=False)
    assert b"Pay with play money" in page.body
    # The same order again is the same; with another sum it is refused.
    assert (await mapi(sandbox, announced(merchant)))["trade_no"] == plain["trade_no"]
    assert (await mapi(sandbox, announced(merchant, money="7.00")))["code"] == -1
    for number, kind, name in (("A2", "reply-qrcode", "qrcode"), ("A3", "reply-urlscheme", "urlscheme")):
        await arm(sandbox, kind)
        reply = await mapi(sandbox, announced(merchant, out_trade_no=number))
        assert reply["code"] == 1 and set(reply) & {"payurl", "qrcode", "urlscheme"} == {name}
    await arm(sandbox, "reply-refused")
    assert (await mapi(sandbox, announced(merchant, out_trade_no="A4")))["code"] == -1
    await arm(sandbox, "code-text")
    assert (await mapi(sandbox, announced(merchant, out_trade_no="A5")))["code"] == "1"
    told = await api(sandbox, act="order", pid="1000", key=KEY, out_trade_no="A5")
    assert (told["code"], told["status"]) == ("1", "0")


@pytest.mark.parametrize(
    ("fault", "times"),
    [("notify-duplicate", 2), ("notify-parallel", 5), ("notify-bad-sign", 2), ("notify-late", 1)],
)
async def test_a_notice_may_come_wrong_often_or_late(
    sandbox: Client, merchant: Merchant, fault: str, times: int
) -> None:
    await arm(sandbox, fault, "1" if fault == "notify-late" else "")
    await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    await pay(sandbox)
    await merchant.has_heard(times)
    await asyncio.sleep(0.2)
    assert len(merchant.heard) == times
    if fault == "notify-bad-sign":
        assert merchant.heard[0][1]["sign"] != merchant.heard[1][1]["sign"]


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        ("notify-wrong-money", "money", "0.01"),
        ("notify-wrong-pid", "pid", "9999"),
        ("notify-unpaid", "trade_status", "TRADE_CLOSED"),
        ("notify-extra", "bonus", "1000000"),
    ],
)
async def test_a_notice_may_say_something_else_under_a_true_signature(
    sandbox: Client, merchant: Merchant, fault: str, field: str, value: str
) -> None:
    await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    await pay(sandbox, fault=fault)
    await merchant.has_heard(1)
    told = merchant.heard[0][1]
    assert told[field] == value
    assert told == signed({name: text for name, text in told.items() if not name.startswith("sign")})


async def test_a_notice_may_be_posted_lost_early_or_doubted(sandbox: Client, merchant: Merchant) -> None:
    await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    await pay(sandbox, fault="notify-post")
    await merchant.has_heard(1)
    assert merchant.heard[0][0] == "POST"
    await arm(sandbox, "notify-early")
    await mapi(sandbox, announced(merchant, out_trade_no="A2"))
    assert merchant.heard[1][1]["out_trade_no"] == "A2", "it came before the answer"
    await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order(out_trade_no="A3"))
    await pay(sandbox, "A3", "notify-lost")
    await asyncio.sleep(0.2)
    assert len(merchant.heard) == 2
    await sandbox.ask("GET", "/epay/submit.php", key=False, params=merchant.order(out_trade_no="A4"))
    await pay(sandbox, "A4", "unconfirmed")
    asked = [await api(sandbox, act="order", pid="1000", key=KEY, out_trade_no="A4") for _ in range(3)]
    assert [told["status"] for told in asked] == [0, 0, 1]


async def test_strangers_learn_and_buy_nothing(sandbox: Client, merchant: Merchant) -> None:
    for wrong in ({"key": "wrong"}, {"key": ""}, {"pid": "7"}):
        told = await api(sandbox, **{"act": "query", "pid": "1000", "key": KEY, **wrong})
        assert told["code"] == -3
    assert (await api(sandbox, act="query", pid="1000", key=KEY))["active"] == 1
    assert (await api(sandbox, act="order", pid="1000", key=KEY, out_trade_no="never"))["code"] == -1
    for order in (
        {**merchant.order(), "money": "0.01"},
        {**merchant.order(), "sign": ""},
        signed({**ORDER, "notify_url": "x", "return_url": "y"}, "another key"),
        merchant.order(money="-1"),
        merchant.order(name="x" * 128),
    ):
        page = await sandbox.ask("GET", "/epay/submit.php", key=False, params=order)
        assert page.status == 200 and b"Pay with play money" not in page.body
    assert (await sandbox.ask("POST", "/epay/pay/never", key=False)).status == 404


async def test_orders_outlive_a_restart(start: Start, merchant: Merchant, tmp_path: Any) -> None:
    first = await start(data_dir=tmp_path)
    await first.ask("GET", "/epay/submit.php", key=False, params=merchant.order())
    await pay(first, fault="notify-lost")
    await first.stop()
    second = await start(data_dir=tmp_path)
    assert (await api(second, act="order", pid="1000", key=KEY, out_trade_no="A1"))["status"] == 1
