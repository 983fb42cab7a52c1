"""Notices of an EPay server: sent until the merchant answers `success`, and wrong in every way that was asked for.

Facts: a notice is a GET of the merchant's address with the order in its query, signed; some servers POST it. Anything
but the text `success` means that it comes again, at growing intervals that no operator documents; here they double.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp

from .epay_orders import Order, Orders, signature
from .stage import Stage

_TRIES = 8
_FIRST_PAUSE_SECONDS = 1.0
_COPIES_MAX = 50
_OTHER_PID = "9999"


class Notices:
    """Delivers the notices of one server."""

    def __init__(self, stage: Stage, orders: Orders, keys: Mapping[str, str]) -> None:
        self._stage = stage
        self._orders = orders
        self._keys = keys

    def owe(self, order: Order) -> None:
        """Deliver beside whatever else goes on."""
        self._stage.errand(self.deliver(order))

    async def deliver(self, order: Order) -> None:
        """Tell the merchant that an order is paid, as often as it takes."""
        if order.fault("notify-lost"):
            return
        late = order.fault("notify-late")
        if late is not None:
            await asyncio.sleep(late.number(5.0))
        if order.fault("notify-bad-sign"):
            await self._send(order, {**self.signed(order), "sign": "0" * 32})
        together, copies = _copies(order, "notify-parallel", 5), _copies(order, "notify-duplicate", 2)
        for attempt in range(_TRIES):
            told = await asyncio.gather(*(self._send(order, self._told(order)) for _ in range(together)))
            for _ in range(copies - 1):
                await self._send(order, self._told(order))
            if any(told):
                order.delivered = True
                break
            await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**attempt / self._stage.speed)
        self._orders.save(order)

    def signed(self, order: Order) -> dict[str, str]:
        """The parameters of a notice, which the buyer's browser also brings to the return address."""
        told = {
            "pid": order.pid,
            "trade_no": order.trade_no,
            "out_trade_no": order.number,
            "type": order.method,
            "name": order.name,
            "money": order.paid_money or order.money,
            "trade_status": "TRADE_SUCCESS",
            **({"param": order.param} if order.param else {}),
        }
        return self._with_signature(order, told)

    def _told(self, order: Order) -> dict[str, str]:
        told = self.signed(order)
        if order.fault("notify-wrong-pid"):
            told = self._with_signature(order, {**told, "pid": _OTHER_PID})
        if order.fault("notify-unpaid"):
            told = self._with_signature(order, {**told, "trade_status": "TRADE_CLOSED"})
        if order.fault("notify-extra"):
            told = self._with_signature(order, {**told, "bonus": "1000000"})
        return told

    def _with_signature(self, order: Order, told: Mapping[str, str]) -> dict[str, str]:
        return {**told, "sign": signature(told, self._keys[order.pid]), "sign_type": "MD5"}

    async def _send(self, order: Order, parameters: Mapping[str, str]) -> bool:
        """Send one notice; whether the merchant answered `success` and nothing else."""
        order.notices += 1
        if not self._stage.may_reach(order.notify_url):
            return False
        timeout = aiohttp.ClientTimeout(total=15)
        session = self._stage.session()
        form = urlencode(parameters)
        try:
            if order.fault("notify-post"):
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                sent = session.post(order.notify_url, data=form, headers=headers, timeout=timeout)
            else:
                joint = "&" if "?" in order.notify_url else "?"
                sent = session.get(order.notify_url + joint + form, timeout=timeout, allow_redirects=False)
            async with sent as answer:
                return answer.status == 200 and await answer.read() == b"success"
        except (aiohttp.ClientError, TimeoutError):
            return False


def _copies(order: Order, kind: str, default: int) -> int:
    fault = order.fault(kind)
    return max(1, min(_COPIES_MAX, int(fault.number(default)))) if fault else 1
