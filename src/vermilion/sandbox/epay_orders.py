"""What an EPay server knows: orders by the merchant's number, how its sums are signed, what it says of an order."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .faults import Fault
from .stage import Stage

_KEPT = 5_000
_NOTE = "epay-order:"


@dataclass(slots=True)
class Order:
    """A purchase as the merchant announced it. `money` is what was asked for, `paid_money` what came."""

    number: str
    trade_no: str
    pid: str
    method: str
    name: str
    money: str
    notify_url: str
    return_url: str
    param: str
    created_at: float
    paid_at: float | None = None
    paid_money: str = ""
    delivered: bool = False
    notices: int = 0
    asked: int = 0
    faults: list[Fault] = field(default_factory=list)

    def fault(self, kind: str) -> Fault | None:
        """The first fault of this kind that the order carries."""
        return next((fault for fault in self.faults if fault.kind == kind), None)


class Orders:
    """Every order, the newest last; written down where the sandbox keeps things, so that a restart forgets none."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._orders: OrderedDict[str, Order] = OrderedDict()

    def get(self, number: str) -> Order | None:
        """The order with the merchant's number."""
        known = self._orders.get(number)
        kept = None if known else self._stage.jobs.note(_NOTE + number)
        if not kept:
            return known
        told = json.loads(kept)
        order = Order(**{**told, "faults": [Fault(**fault) for fault in told["faults"]]})
        self._orders[number] = order
        return order

    def by_trade_no(self, trade_no: str) -> Order | None:
        """The order with the server's own number."""
        return next((order for order in self._orders.values() if order.trade_no == trade_no), None)

    def announced(self, pid: str, given: Mapping[str, str], faults: list[Fault]) -> Order | None:
        """The order of this number: a new one, or the one that was announced with the same money; else None."""
        known = self.get(given["out_trade_no"])
        if known is not None:
            return known if (known.pid, known.money) == (pid, given["money"]) else None
        now = self._stage.now()
        order = Order(
            number=given["out_trade_no"],
            trade_no=time.strftime("%Y%m%d%H%M%S", time.gmtime(now)) + f"{self._stage.random.randrange(10**5):05d}",
            pid=pid,
            method=given.get("type") or "alipay",
            name=given["name"],
            money=given["money"],
            notify_url=given["notify_url"],
            return_url=given["return_url"],
            param=given.get("param", ""),
            created_at=now,
            faults=faults,
        )
        self._orders[order.number] = order
        self.save(order)
        while len(self._orders) > _KEPT:
            self._orders.popitem(last=False)
        return order

    def save(self, order: Order) -> None:
        """Write an order down."""
        self._stage.jobs.keep_note(_NOTE + order.number, json.dumps(asdict(order)))

    def all(self) -> list[Order]:
        """Every order in memory, the newest first."""
        return list(reversed(self._orders.values()))

    def clear(self) -> None:
        """Forget every order."""
        for number in self._orders:
            self._stage.jobs.keep_note(_NOTE + number, "")
        self._orders.clear()


def signature(parameters: Mapping[str, str], key: str) -> str:
    """All that is not empty, but `sign` and `sign_type`, by name, unescaped, the key behind it; MD5 of that."""
    pairs = [f"{name}={parameters[name]}" for name in sorted(parameters) if parameters[name]]
    signed = "&".join(pair for pair in pairs if not pair.startswith(("sign=", "sign_type=")))
    return hashlib.md5((signed + key).encode(), usedforsecurity=False).hexdigest()


def told(order: Order, *, as_text: bool) -> dict[str, Any]:
    """What `act=order` answers."""
    doubted = order.fault("unconfirmed")
    is_paid = order.paid_at is not None and not (doubted and order.asked <= int(doubted.number(2)))
    code, status = 1, int(is_paid)
    moments = {"addtime": order.created_at, "endtime": order.paid_at if is_paid else None}
    return {
        "code": str(code) if as_text else code,
        "msg": "查询订单号成功！",
        "trade_no": order.trade_no,
        "out_trade_no": order.number,
        "type": order.method,
        "pid": order.pid,
        **{name: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) if at else None for name, at in moments.items()},
        "name": order.name,
        "money": order.paid_money or order.money,
        "status": str(status) if as_text else status,
    }
