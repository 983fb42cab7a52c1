"""The desk at a gateway that does as a test says: a payment is credited once, where it was ordered, and never lost."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from tests.billing.conftest import NOW, sign_up
from tests.conftest import database_copy
from vermilion import ledger
from vermilion.billing import GATEWAY, NewOrder, PaymentDesk, PlacedOrder
from vermilion.billing.commands.gateway import change_gateway
from vermilion.billing.commands.packages import add_package
from vermilion.billing.order_views import GatewayPatch, NewPackage, PackageTitle
from vermilion.billing.problems import PaymentRefused
from vermilion.billing.tables import GatewayRow, OrderRow
from vermilion.db import Database, open_database
from vermilion.kit import Conflict, SystemClock, new_id
from vermilion.kit.sealed import Sealer
from vermilion.providers import Answer, Wire

KEY = "fake-epay-key-not-secret"
ADDRESS = "https://pay.example.com"
PRICE = "50.00"
AMOUNT_CREDITS = 5_000


class Later(SystemClock):
    """A clock that goes ahead by as much as a test says."""

    ahead = timedelta()

    def now(self) -> datetime:
        """The time, ahead."""
        return super().now() + self.ahead


@dataclass
class Gateway:
    """What one operator's server knows: which numbers were announced, and what was paid for them."""

    paid: dict[str, str] = field(default_factory=dict)
    refuses_known: bool = False
    refuses_all: bool = False
    announced: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def request(self, _method: str, url: str, *, query: Any = None, data: bytes = b"", **_more: Any) -> Answer:
        """Answer as the protocol says, for every merchant at once."""
        if url == f"{ADDRESS}/mapi.php":
            (number,) = parse_qs(data.decode())["out_trade_no"]
            known = self.refuses_known and number in self.announced
            if self.refuses_all or known or number in self.paid:
                return _said({"code": -1, "msg": "no"})
            self.announced.add(number)
            return _said({"code": 1, "payurl": f"{ADDRESS}/pay"})
        assert url == f"{ADDRESS}/api.php"
        number = query["out_trade_no"]
        self.asked.append(number)
        told = {"code": 1, "pid": query["pid"], "trade_no": "T1", "out_trade_no": number}
        return _said({**told, "status": int(number in self.paid), "money": self.paid.get(number, PRICE)})


@dataclass
class House:
    """A studio with a package to sell."""

    db: Database
    desk: PaymentDesk
    clock: Later
    package_id: UUID

    async def buy(self, user_id: UUID, order_id: UUID) -> PlacedOrder:
        """Order the package."""
        wanted = NewOrder(id=order_id, package_id=self.package_id, method="alipay")
        return await self.desk.buy(user_id, wanted, ip="203.0.113.9", device="pc")

    async def sweep_for(self, hours: int) -> None:
        """Let so many hours go by, with a sweep now and then."""
        begun = self.clock.ahead
        for quarter in range(hours * 4 + 1):
            self.clock.ahead = begun + timedelta(minutes=15 * quarter)
            await self.desk.sweep()

    def status(self, order_id: UUID) -> str:
        """How an order stands."""
        return self.db.read_now(lambda tx: tx.get_one(OrderRow, order_id).status)

    def available(self, user_id: UUID) -> int:
        """The person's credits."""
        return self.db.read_now(ledger.balance, user_id).available


def _said(body: dict[str, Any]) -> Answer:
    return Answer(200, CIMultiDictProxy(CIMultiDict()), json.dumps(body).encode())


def number_of(placed: PlacedOrder) -> str:
    """What the gateway is told to call the order."""
    return dict(parse_qsl(urlsplit(placed.pay_url or "").query))["out_trade_no"]


def opened(db: Database, sealer: Sealer, gateway: Gateway, *, flow: str = "page") -> House:
    """A studio that sells through the gateway."""
    login = {"base_url": ADDRESS, "pid": "1000", "key": KEY, "enabled": True, "flow": flow}
    db.write_now(change_gateway, sealer, None, GatewayPatch.model_validate(login), NOW)
    title = PackageTitle(en="Studio", zh="画室")
    package = NewPackage(title=title, amount_credits=AMOUNT_CREDITS, price_minor=5_000)
    package_id = db.write_now(add_package, None, package, NOW).id
    clock, wire, origin = Later(), cast(Wire, gateway), "https://studio.example.com"
    desk = PaymentDesk(db, clock, wire, sealer, reachable=origin, address=origin)
    return House(db, desk, clock, package_id)


@pytest.fixture
def gateway() -> Gateway:
    """A gateway nobody has paid at."""
    return Gateway()


@pytest.fixture
def open_house(db: Database, sealer: Sealer, gateway: Gateway) -> Callable[..., House]:
    """Opens the studio."""
    return lambda **more: opened(db, sealer, gateway, **more)


@pytest.fixture
def other_db(database_template: str, tmp_path: Path) -> Iterator[Database]:
    """Another studio's database."""
    (tmp_path / "other").mkdir()
    with database_copy(database_template, tmp_path / "other") as url:
        db = open_database(url)
        try:
            yield db
        finally:
            db.close()


async def test_one_payment_is_credited_in_one_of_the_studios_that_share_a_merchant(
    open_house: Callable[..., House], gateway: Gateway, other_db: Database, sealer: Sealer, person: UUID
) -> None:
    house, other = open_house(), opened(other_db, sealer, gateway)
    somebody = new_id()
    other_db.write_now(sign_up, somebody)
    order_id = new_id()
    number = number_of(await house.buy(person, order_id))
    gateway.paid[number] = PRICE
    await house.desk.look(order_id)
    # Whoever paid orders the same at the other studio, under the same id and under the number as an id.
    for known in (order_id, UUID(hex=number)):
        placed = await other.buy(somebody, known)
        assert number_of(placed) not in (number, known.hex)
        await other.desk.look(known)
        assert other.status(known) == "pending"
    assert (house.available(person), other.available(somebody)) == (AMOUNT_CREDITS, 0)


async def test_the_same_order_again_has_the_same_number(open_house: Callable[..., House], person: UUID) -> None:
    house, order_id = open_house(), new_id()
    first, again = await house.buy(person, order_id), await house.buy(person, order_id)
    assert first == again and first.order.number == number_of(first)


async def test_an_order_the_gateway_refuses_because_it_is_paid_is_credited(
    open_house: Callable[..., House], gateway: Gateway, person: UUID
) -> None:
    house, order_id = open_house(flow="api"), new_id()
    first = await house.buy(person, order_id)
    gateway.paid[first.order.number] = PRICE
    again = await house.buy(person, order_id)
    assert (again.order.status, again.pay_url) == ("paid", None)
    assert house.available(person) == AMOUNT_CREDITS


async def test_an_order_the_gateway_refuses_to_hear_of_twice_can_still_be_paid(
    open_house: Callable[..., House], gateway: Gateway, person: UUID
) -> None:
    gateway.refuses_known = True
    house, order_id = open_house(flow="api"), new_id()
    await house.buy(person, order_id)
    again = await house.buy(person, order_id)
    assert again.order.status == "pending" and number_of(again) == again.order.number
    gateway.paid[again.order.number] = PRICE
    await house.sweep_for(hours=1)
    assert (house.status(order_id), house.available(person)) == ("paid", AMOUNT_CREDITS)


@pytest.mark.parametrize("change", [{"base_url": "https://b.example.com", "key": KEY}, {"pid": "2000"}, {"pid": ""}])
async def test_the_gateway_stays_while_orders_can_be_paid_through_it(
    open_house: Callable[..., House], gateway: Gateway, sealer: Sealer, person: UUID, change: dict[str, str]
) -> None:
    house = open_house()
    first, second = await house.buy(person, new_id()), await house.buy(person, new_id())
    for patch in (change, {**change, "enabled": False}):
        with pytest.raises(Conflict) as refused:
            house.db.write_now(change_gateway, sealer, None, GatewayPatch.model_validate(patch), NOW)
        assert (refused.value.code, refused.value.extras) == ("payment.orders_pending", {"count": 2})
    # As the problem says: without selling, with another key even, they end by themselves, paid or not.
    for patch in ({"enabled": False}, {"key": "another-fake-key-not-secret"}):
        house.db.write_now(change_gateway, sealer, None, GatewayPatch.model_validate(patch), NOW)
    gateway.paid[first.order.number] = PRICE
    await house.sweep_for(hours=3)
    assert [house.status(placed.order.id) for placed in (first, second)] == ["paid", "expired"]
    house.db.write_now(change_gateway, sealer, None, GatewayPatch.model_validate(change), NOW)


async def test_orders_for_play_money_hinder_nobody(
    db: Database, sealer: Sealer, gateway: Gateway, person: UUID
) -> None:
    house = opened(db, sealer, gateway)
    await house.buy(person, new_id())
    db.write_now(lambda tx: setattr(tx.get_one(GatewayRow, GATEWAY), "managed_by", "sandbox"))
    db.write_now(change_gateway, sealer, None, GatewayPatch(pid="2000"), NOW)
    # Nor do they later: they were never for this merchant.
    db.write_now(change_gateway, sealer, None, GatewayPatch(pid="3000"), NOW)


@pytest.mark.parametrize("hours", [3, 24 * 300])
async def test_an_order_that_ended_is_not_sold_at_its_price_of_then(
    open_house: Callable[..., House], person: UUID, hours: int
) -> None:
    house, order_id = open_house(), new_id()
    await house.buy(person, order_id)
    house.clock.ahead = timedelta(hours=hours)
    for status in ("pending", "expired"):
        assert house.status(order_id) == status
        with pytest.raises(Conflict) as refused:
            await house.buy(person, order_id)
        assert refused.value.code == "order.stale"
        await house.desk.sweep()


async def test_an_order_that_was_refused_is_not_sold(
    open_house: Callable[..., House], gateway: Gateway, person: UUID
) -> None:
    house, order_id = open_house(flow="api"), new_id()
    gateway.refuses_all = True
    with pytest.raises(PaymentRefused):
        await house.buy(person, order_id)
    gateway.refuses_all = False
    with pytest.raises(Conflict) as refused:
        await house.buy(person, order_id)
    assert (refused.value.code, house.status(order_id)) == ("order.stale", "refused")


async def test_what_is_paid_within_a_day_after_an_order_expired_is_found_without_anybody(
    open_house: Callable[..., House], gateway: Gateway, person: UUID
) -> None:
    house = open_house()
    paid, unpaid = [await house.buy(person, new_id()) for _ in range(2)]
    await house.sweep_for(hours=20)
    assert house.status(paid.order.id) == "expired"
    # Thinly: twice an hour would be too much already.
    asked = len(gateway.asked)
    gateway.paid[paid.order.number] = PRICE
    await house.sweep_for(hours=24)
    assert (house.status(paid.order.id), house.available(person)) == ("paid", AMOUNT_CREDITS)
    assert len(gateway.asked) - asked < 10
    # And at some time nobody asks any more.
    await house.sweep_for(hours=24)
    asked = len(gateway.asked)
    await house.sweep_for(hours=48)
    assert (house.status(unpaid.order.id), len(gateway.asked)) == ("expired", asked)


async def test_a_wrong_sum_paid_late_is_written_down_and_asked_about_no_more(
    open_house: Callable[..., House], gateway: Gateway, person: UUID
) -> None:
    house, order_id = open_house(), new_id()
    placed = await house.buy(person, order_id)
    await house.sweep_for(hours=3)
    gateway.paid[placed.order.number] = "0.01"
    await house.sweep_for(hours=12)
    assert (house.status(order_id), house.available(person)) == ("refused", 0)
    assert house.db.read_now(lambda tx: tx.get_one(OrderRow, order_id).note or "").startswith("paid 0.01 instead")
    asked = len(gateway.asked)
    await house.sweep_for(hours=12)
    assert len(gateway.asked) == asked
