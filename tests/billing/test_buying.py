"""Buying credits against the sandbox's gateway: whatever it does, what was paid is credited once, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from tests.api.studio import Person, Studio, open_studio, running_sandbox
from tests.conftest import database_copy
from vermilion import billing
from vermilion.billing import GATEWAY, NewOrder, PaymentDesk, ensure_sandbox_gateway
from vermilion.billing.commands.orders import place_order
from vermilion.billing.epay import signature
from vermilion.billing.tables import GatewayRow, OrderRow
from vermilion.db import Tx
from vermilion.kit import AppError, Conflict, SystemClock, new_id
from vermilion.providers import Wire

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Later(SystemClock):
    """A clock that goes ahead by as much as a test says."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(database_template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    """A studio whose money the sandbox takes."""
    data = tmp_path_factory.mktemp("buying")
    with (
        running_sandbox(data / "sandbox", "--speed", "100") as sandbox,
        database_copy(database_template, data) as url,
    ):
        async with open_studio(data / "house", url, sandbox) as opened:
            await opened.house.db.write(
                ensure_sandbox_gateway, opened.house.sealer, login_at(sandbox), opened.house.clock.now()
            )
            yield opened
            await opened.is_sound()


@pytest_asyncio.fixture(loop_scope="module")
async def desk(studio: Studio) -> AsyncIterator[tuple[PaymentDesk, Later]]:
    """The same desk at a clock of its own, as after a restart."""
    clock, wire = Later(), Wire.open()
    house = studio.house
    yield PaymentDesk(house.db, clock, wire, house.sealer, reachable=studio.origin, address=studio.origin), clock
    await wire.close()


def login_at(sandbox: str) -> dict[str, str]:
    """The merchant at the sandbox."""
    told = httpx.get(f"{sandbox}/control/logins").json()["items"]
    return next(item["fields"] for item in told if item["provider"] == GATEWAY)


async def ordered(someone: Person, *, position: int = 0, **more: Any) -> dict[str, Any]:
    """An order for a package, placed; with `pay_url`."""
    package = (await someone.get("/credits/offers"))["packages"][position]
    body = {"id": str(new_id()), "package_id": package["id"], "method": "alipay", **more}
    placed: dict[str, Any] = await someone.post("/credits/orders", body, status=201)
    return {**placed["order"], "pay_url": placed["pay_url"]}


async def pay(studio: Studio, order: dict[str, Any], fault: str = "") -> str:
    """Open the cashier's page and pay; where the browser is sent back to."""
    async with httpx.AsyncClient(timeout=30) as browser:
        page = await browser.get(order["pay_url"])
        assert "Pay with play money" in page.text, page.text
        number = order["number"]
        paid = await browser.post(f"{studio.sandbox}/epay/pay/{number}", data={"fault": fault})
    assert paid.status_code == 303, paid.text
    return str(paid.headers["location"])


async def arm(studio: Studio, kind: str, **more: Any) -> None:
    """Let the gateway do this to the order that comes next."""
    async with httpx.AsyncClient() as client:
        body = {"vendor": GATEWAY, "kind": kind, **more}
        assert (await client.post(f"{studio.sandbox}/control/faults", json=body)).status_code == 201


async def until_paid(someone: Person, order: dict[str, Any], *, seconds: float = 20) -> dict[str, Any]:
    """The order once it is paid, without anybody asking the gateway."""
    async with asyncio.timeout(seconds):
        while True:
            seen: dict[str, Any] = await someone.get(f"/credits/orders/{order['id']}")
            if seen["status"] == "paid":
                return seen
            await asyncio.sleep(0.05)


async def at_the_gateway(studio: Studio, order: dict[str, Any]) -> dict[str, Any]:
    """What the sandbox knows of an order."""
    async with httpx.AsyncClient() as client:
        items = (await client.get(f"{studio.sandbox}/epay/orders.json")).json()["items"]
    found: dict[str, Any] = next(item for item in items if item["out_trade_no"] == order["number"])
    return found


async def has_settled_down(studio: Studio, order: dict[str, Any]) -> None:
    """The gateway has sent the notices it will send for now."""
    before = -1
    async with asyncio.timeout(30):
        while (sent := (await at_the_gateway(studio, order))["notices"]) != before or sent == 0:
            before = sent
            await asyncio.sleep(0.3)


def credits_of(order: dict[str, Any]) -> int:
    """What an order is worth."""
    return int(order["amount_credits"])


@pytest.mark.parametrize(
    "fault",
    ["", "notify-duplicate", "notify-parallel", "notify-late", "notify-bad-sign", "notify-post", "unconfirmed"],
)
async def test_a_payment_that_is_reported_is_credited_once(studio: Studio, fault: str) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    assert order["status"] == "pending" and await someone.balance() == (0, 0, 0)
    await pay(studio, order, fault)
    paid = await until_paid(someone, order)
    assert paid["paid_at"] is not None and paid["late"] is False
    await has_settled_down(studio, order)
    assert (await someone.balance())[0] == credits_of(order)
    assert (await at_the_gateway(studio, order))["delivered"]
    statement = (await someone.get("/credits/statement"))["items"]
    assert [entry["amount_credits"] for entry in statement if entry["reason"] == "purchase"] == [credits_of(order)]


async def test_the_gateway_is_told_the_very_same_whenever_it_is_asked(studio: Studio) -> None:
    someone = await studio.person()
    order = await ordered(someone)
    assert dict(parse_qsl(urlsplit(order["pay_url"]).query))["name"] == f"{credits_of(order)} 点数 (credits)"
    assert (await someone.client.patch("/me", json={"locale": "zh"})).status_code == 200
    body = {"id": order["id"], "package_id": order["package_id"], "method": "alipay"}
    again = await someone.post("/credits/orders", body, status=201)
    assert again["pay_url"] == order["pay_url"]


async def test_a_notice_may_be_posted_with_its_chinese_unescaped(studio: Studio) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    back = await pay(studio, order, "notify-lost")
    raw = "&".join(f"{name}={value}" for name, value in parse_qsl(urlsplit(back).query))
    assert "点数" in raw
    told = await studio.client().post("/credit/callback", content=raw.encode())
    assert (told.status_code, told.text) == (200, "success")
    assert (await someone.balance())[0] == credits_of(order)


@pytest.mark.parametrize("fault", ["notify-lost", "notify-wrong-pid", "notify-unpaid", "notify-extra"])
async def test_a_payment_that_is_reported_wrongly_is_credited_when_the_gateway_is_asked(
    studio: Studio, fault: str
) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    await pay(studio, order, fault)
    if fault != "notify-lost":
        await has_settled_down(studio, order)
    assert (await someone.get(f"/credits/orders/{order['id']}"))["status"] == "pending"
    assert (await someone.balance())[0] == 0
    looked = await someone.post(f"/credits/orders/{order['id']}/look")
    assert looked["status"] == "paid"
    assert (await someone.balance())[0] == credits_of(order)


async def test_another_sum_than_ordered_is_never_credited(studio: Studio) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    await pay(studio, order, "notify-wrong-money")
    await has_settled_down(studio, order)
    looked = await someone.client.post(f"/credits/orders/{order['id']}/look")
    assert (looked.status_code, looked.json()["code"]) == (409, "payment.wrong")
    assert looked.json()["detail"] == "0.01 CNY was paid where 6.00 CNY was ordered. Nothing was credited."
    assert (await someone.balance())[0] == 0
    assert not (await at_the_gateway(studio, order))["delivered"]
    assert (await someone.get(f"/credits/orders/{order['id']}"))["status"] == "refused"
    listed = (await (await studio.admin()).get("/admin/orders", params={"status": "refused"}))["items"]
    (mine,) = (item for item in listed if item["id"] == order["id"])
    assert mine["note"] == "paid 0.01 instead of 6.00, to merchant 1000"


async def test_the_way_back_credits_nothing_by_itself(studio: Studio) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    back = await pay(studio, order, "notify-lost")
    async with httpx.AsyncClient() as browser:
        assert urlsplit(back).path == f"/credits/orders/{order['id']}"
        await browser.get(back)
    assert (await someone.balance())[0] == 0


async def test_forged_and_repeated_notices_credit_nothing(studio: Studio) -> None:
    someone = await studio.person(credits_given=0)
    order, other = await ordered(someone), await ordered(someone, position=1)
    back = await pay(studio, order)
    await until_paid(someone, order)
    true = dict(parse_qsl(urlsplit(back).query))
    key = login_at(studio.sandbox)["key"]
    nobody = studio.client()

    async def told(parameters: Any) -> tuple[int, str]:
        answer = await nobody.get("/credit/callback", params=parameters)
        return answer.status_code, answer.text if answer.status_code == 200 else answer.json()["code"]

    def resigned(**changes: str) -> dict[str, str]:
        changed = {**true, **changes}
        return {**changed, "sign": signature(changed, key)}

    for _ in range(3):
        assert await told(true) == (200, "success")
    assert await told({**true, "out_trade_no": other["number"]}) == (403, "payment.notice_refused")
    assert await told({**true, "sign": "0" * 32}) == (403, "payment.notice_refused")
    assert await told([*true.items(), ("pid", true["pid"])]) == (403, "payment.notice_refused")
    assert await told({**true, "user_id": someone.id}) == (403, "payment.notice_refused")
    # With the right key, and what was never paid: the gateway is asked, and does not know of it.
    unpaid = resigned(out_trade_no=other["number"], money="50.00")
    assert await told(unpaid) == (503, "payment.unconfirmed")
    assert await told(resigned(out_trade_no=other["number"])) == (409, "payment.wrong")
    assert await told(resigned(out_trade_no=new_id().hex)) == (404, "order.unknown")
    assert await told(resigned(out_trade_no="nothing of ours")) == (404, "order.unknown")
    assert (await someone.balance())[0] == credits_of(order)
    assert (await someone.get(f"/credits/orders/{other['id']}"))["status"] == "pending"


async def test_of_many_notices_looks_and_sweeps_at_once_one_credits(
    studio: Studio, desk: tuple[PaymentDesk, Later]
) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    back = await pay(studio, order, "notify-lost")
    notice = parse_qsl(urlsplit(back).query)
    order_id = UUID(order["id"])
    await asyncio.gather(
        *(desk[0].receive(notice) for _ in range(25)),
        *(studio.house.payments.receive(notice) for _ in range(25)),
        *(desk[0].look(order_id) for _ in range(10)),
    )
    assert (await someone.balance())[0] == credits_of(order)
    await studio.is_sound()


async def test_the_same_order_again_is_the_same_order(studio: Studio) -> None:
    someone, other = await studio.person(), await studio.person()
    package, second = (await someone.get("/credits/offers"))["packages"][:2]
    body = {"id": str(new_id()), "package_id": package["id"], "method": "wxpay"}
    answers = await asyncio.gather(*(someone.client.post("/credits/orders", json=body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await someone.get("/credits/orders"))["items"]) == 1
    changed = await someone.post("/credits/orders", {**body, "package_id": second["id"]}, status=409)
    assert changed["code"] == "order.id_reused"
    assert (await other.post("/credits/orders", body, status=404))["code"] == "order.unknown"
    assert (await other.client.get(f"/credits/orders/{body['id']}")).status_code == 404
    assert (await other.client.post(f"/credits/orders/{body['id']}/look")).status_code == 404
    assert (await someone.post("/credits/orders", {**body, "id": str(new_id()), "method": "qqpay"}, status=422))[
        "code"
    ] == "payment.unknown_method"


async def test_an_order_survives_a_kill_before_the_gateway_heard_of_it(
    studio: Studio, desk: tuple[PaymentDesk, Later]
) -> None:
    someone = await studio.person(credits_given=0)
    package = (await someone.get("/credits/offers"))["packages"][0]
    wanted = NewOrder(id=new_id(), package_id=UUID(package["id"]), method="alipay")
    house = studio.house
    # The order is committed, and then the process is gone: nobody was told where to pay.
    await house.db.write(place_order, house.sealer, UUID(someone.id), wanted, house.clock.now())
    waiting = await someone.get(f"/credits/orders/{wanted.id}")
    assert waiting["status"] == "pending"
    await desk[0].look(wanted.id)
    assert (await someone.get(f"/credits/orders/{wanted.id}"))["status"] == "pending"
    again = await someone.post("/credits/orders", wanted.model_dump(mode="json"), status=201)
    await pay(studio, {**again["order"], "pay_url": again["pay_url"]}, "notify-lost")
    # And gone again, with the notice: the sweep of whoever comes next finds it.
    desk[1].ahead = timedelta(minutes=2)
    assert await desk[0].sweep() >= 1
    assert (await someone.get(f"/credits/orders/{wanted.id}"))["status"] == "paid"
    assert (await someone.balance())[0] == package["amount_credits"]


async def test_an_order_expires_and_is_credited_when_it_is_paid_after_all(
    studio: Studio, desk: tuple[PaymentDesk, Later]
) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    desk[1].ahead = timedelta(hours=3)
    await desk[0].sweep()
    assert (await someone.get(f"/credits/orders/{order['id']}"))["status"] == "expired"
    back = await pay(studio, order, "notify-lost")
    await desk[0].receive(parse_qsl(urlsplit(back).query))
    paid = await someone.get(f"/credits/orders/{order['id']}")
    assert (paid["status"], paid["late"]) == ("paid", True)
    assert (await someone.balance())[0] == credits_of(order)
    admin = await studio.admin()
    listed = (await admin.get("/admin/orders", params={"status": "paid"}))["items"]
    (mine,) = (item for item in listed if item["id"] == order["id"])
    assert mine["note"] == "paid late" and mine["user_email"] == someone.email and mine["trade_no"]


async def test_what_was_ordered_before_the_gateway_was_switched_off_is_credited(studio: Studio) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    house = studio.house
    login = login_at(studio.sandbox)
    await house.db.write(_set_gateway, enabled=False, managed_by=None)
    try:
        assert (await someone.get("/credits/offers"))["packages"] == []
        body = {"id": str(new_id()), "package_id": order["package_id"], "method": "alipay"}
        assert (await someone.post("/credits/orders", body, status=409))["code"] == "payment.not_configured"
        await pay(studio, order)
        await until_paid(someone, order)
        assert (await someone.balance())[0] == credits_of(order)
    finally:
        await house.db.write(_set_gateway, enabled=True, managed_by="sandbox")
        await house.db.write(ensure_sandbox_gateway, house.sealer, login, house.clock.now())


async def test_an_order_for_another_merchant_is_not_paid_to_this_one(studio: Studio) -> None:
    someone = await studio.person()
    order = await ordered(someone)
    body = {"id": order["id"], "package_id": order["package_id"], "method": order["method"]}
    house = studio.house
    login = login_at(studio.sandbox)
    await house.db.write(ensure_sandbox_gateway, house.sealer, {**login, "pid": "2000"}, house.clock.now())
    try:
        assert (await someone.post("/credits/orders", body, status=409))["code"] == "order.stale"
    finally:
        await house.db.write(ensure_sandbox_gateway, house.sealer, login, house.clock.now())
    assert (await someone.post("/credits/orders", body, status=201))["pay_url"] == order["pay_url"]


async def test_while_the_gateway_is_away_nothing_expires_and_nothing_is_answered_with_success(
    studio: Studio, desk: tuple[PaymentDesk, Later]
) -> None:
    someone = await studio.person(credits_given=0)
    order = await ordered(someone)
    back = await pay(studio, order, "notify-lost")
    await arm(studio, "html-502", at="status", count=3)
    with pytest.raises(AppError) as refused:
        await desk[0].receive(parse_qsl(urlsplit(back).query))
    assert (refused.value.code, refused.value.status) == ("payment.unreachable", 503)
    desk[1].ahead = timedelta(hours=5)
    await desk[0].look(UUID(order["id"]))
    await arm(studio, "reset", at="status")
    await desk[0].look(UUID(order["id"]))
    assert (await someone.get(f"/credits/orders/{order['id']}"))["status"] == "pending"
    async with httpx.AsyncClient() as client:
        await client.delete(f"{studio.sandbox}/control/faults")
    await desk[0].look(UUID(order["id"]))
    assert (await someone.get(f"/credits/orders/{order['id']}"))["status"] == "paid"


@pytest_asyncio.fixture(loop_scope="module")
async def by_api(studio: Studio) -> AsyncIterator[None]:
    """Purchases begin at the gateway's API."""
    house = studio.house
    await house.db.write(_set_gateway, flow="api")
    yield
    await house.db.write(_set_gateway, flow="page")


def _set_gateway(tx: Tx, /, **values: Any) -> None:
    tx.execute(update(GatewayRow).values(**values))


@pytest.mark.usefixtures("by_api")
@pytest.mark.parametrize("kind", ["", "code-text", "reply-qrcode", "html-200", "lost-answer", "error-500"])
async def test_whatever_form_the_api_replies_in_the_buyer_can_pay(studio: Studio, kind: str) -> None:
    someone = await studio.person(credits_given=0)
    if kind:
        await arm(studio, kind)
    order = await ordered(someone)
    assert "/epay/submit.php?" in order["pay_url"]
    await pay(studio, order)
    await until_paid(someone, order)
    assert (await someone.balance())[0] == credits_of(order)


@pytest.mark.usefixtures("by_api")
async def test_an_apps_own_address_is_handed_on(studio: Studio) -> None:
    someone = await studio.person()
    await arm(studio, "reply-urlscheme")
    assert (await ordered(someone))["pay_url"].startswith("weixin://dl/business/")


@pytest.mark.usefixtures("by_api")
async def test_a_notice_that_comes_before_the_reply_finds_its_order(studio: Studio) -> None:
    someone = await studio.person(credits_given=0)
    await arm(studio, "notify-early")
    order = await ordered(someone)
    assert (await someone.get(f"/credits/orders/{order['id']}"))["status"] == "paid"
    assert (await someone.balance())[0] == credits_of(order)
    again = await someone.post(
        "/credits/orders",
        {"id": order["id"], "package_id": order["package_id"], "method": order["method"]},
        status=201,
    )
    assert again["pay_url"] is None and again["order"]["status"] == "paid"


@pytest.mark.usefixtures("by_api")
async def test_a_refused_order_says_so(studio: Studio) -> None:
    someone = await studio.person()
    package = (await someone.get("/credits/offers"))["packages"][0]
    await arm(studio, "reply-refused")
    body = {"id": str(new_id()), "package_id": package["id"], "method": "alipay"}
    refused = await someone.post("/credits/orders", body, status=502)
    assert refused["code"] == "payment.refused" and refused["gateway_message"]
    assert (await someone.get(f"/credits/orders/{body['id']}"))["status"] == "refused"


async def test_an_order_keeps_what_was_sold(studio: Studio) -> None:
    someone, admin = await studio.person(credits_given=0), await studio.admin()
    made = await admin.post(
        "/admin/packages",
        {"title": {"en": "A few & more", "zh": "一些"}, "amount_credits": 30, "price_minor": 99, "position": 9},
        status=201,
    )
    offered = (await someone.get("/credits/offers"))["packages"]
    place = next(n for n, package in enumerate(offered) if package["id"] == made["id"])
    order = await ordered(someone, position=place)
    at = f"/admin/packages/{made['id']}"
    changed = await admin.client.patch(at, json={"amount_credits": 3, "price_minor": 9900})
    assert (changed.json()["amount_credits"], changed.json()["price_minor"]) == (3, 9900)
    assert (await admin.client.delete(at)).status_code == 204
    await pay(studio, order)
    await until_paid(someone, order)
    assert (await someone.balance())[0] == 30
    gone = {"id": str(new_id()), "package_id": made["id"], "method": "alipay"}
    assert (await someone.post("/credits/orders", gone, status=404))["code"] == "package.unknown"


async def test_nobody_has_more_than_a_few_orders_open(studio: Studio) -> None:
    someone = await studio.person()
    for _ in range(20):
        await ordered(someone)
    package = (await someone.get("/credits/offers"))["packages"][0]
    body = {"id": str(new_id()), "package_id": package["id"], "method": "alipay"}
    refused = await someone.post("/credits/orders", body, status=409)
    assert (refused["code"], refused["limit"]) == ("order.too_many_open", 20)


async def test_a_key_buys_nothing_and_redeems_nothing(studio: Studio) -> None:
    someone = await studio.person()
    program = await studio.with_key(someone, "read", "generate")
    body = {"id": str(new_id()), "package_id": str(new_id()), "method": "alipay"}
    assert (await program.post("/credits/orders", body, status=403))["code"] == "auth.session_required"
    assert (await program.post("/credits/redemptions", {"code": "x"}, status=403))["code"] == "auth.session_required"


async def test_orders_and_the_audit_of_them_agree(studio: Studio) -> None:
    def forget(tx: Tx) -> None:
        for row in tx.scalars(select(OrderRow).where(OrderRow.status == "paid")):
            row.status, row.paid_at = "expired", None
        tx.flush()
        found = billing.fsck(tx)
        assert found and {finding.code for finding in found} == {"credits_without_receipt"}
        raise Conflict("test.undone", "All of this is undone.")

    with pytest.raises(Conflict):
        await studio.house.db.write(forget)
    assert await studio.house.db.read(billing.fsck) == []
