"""EPay (易支付), version 1, on localhost: `submit.php`, `mapi.php` and `api.php`, with a cashier that takes play money.

Which merchant it is follows from `pid`; requests are signed with MD5, questions carry the key itself. Facts: what the
documentations of several EPay servers have in common; where they differ, the words below rehearse each way.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlencode

from aiohttp import web

from .epay_notices import Notices
from .epay_orders import Order, Orders, signature, told
from .epay_page import paid_page, pay_page, refusal_page
from .faults import JOB, job_word, wire_words
from .stage import Stage
from .vendor import BaseVendor, Card

_NEEDED = ("pid", "out_trade_no", "notify_url", "return_url", "name", "money", "sign")
_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
_NAME_MAX_BYTES = 127
_OTHER_MONEY = "0.01"
_JSON_BY = "text/html"
"""What real servers say their JSON is."""


class Vendor(BaseVendor):
    name = "epay"
    title = "EPay (易支付)"
    default_secrets: ClassVar[Mapping[str, str]] = {"pid": "1000", "key": "sandbox-epay-key-not-secret"}
    hosts = frozenset({"epay.localhost"})
    places = ("submit", "status", "probe")
    faults = (
        *wire_words(),
        job_word("notify-duplicate", "The merchant is told again and again, one after another.", "how many (2)"),
        job_word("notify-parallel", "The merchant is told by several notices at the same moment.", "how many (5)"),
        job_word("notify-late", "The merchant is told this long after the payment.", "seconds (5)"),
        job_word("notify-lost", "The merchant is never told; asked, the server knows that it is paid."),
        job_word("notify-bad-sign", "A notice with a wrong signature comes first, then the true one."),
        job_word("notify-wrong-money", "Another sum was paid, and the notice says so."),
        job_word("notify-wrong-pid", "The notice names another merchant, signed with the right key."),
        job_word("notify-unpaid", "The notice is signed and says that the order was closed."),
        job_word("notify-extra", "The notice has a parameter nobody knows, signed along."),
        job_word("notify-early", "It is paid, and the merchant told, before mapi.php answers."),
        job_word("notify-post", "The notice is a POST instead of a GET."),
        job_word("unconfirmed", "Asked right after the notice, the server says that it is not paid.", "how often (2)"),
        job_word("code-text", "Codes and statuses are texts instead of numbers."),
        job_word("reply-qrcode", "mapi.php answers with a QR code instead of an address."),
        job_word("reply-urlscheme", "mapi.php answers with an app's address."),
        job_word("reply-refused", "mapi.php refuses the order with code -1."),
    )

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._keys = {login["pid"]: login["key"] for login in self.secrets}
        self._orders = Orders(stage)
        self._notices = Notices(stage, self._orders, self._keys)

    def login(self, origin: str) -> dict[str, str]:
        return {**self.secrets[0], "base_url": f"{origin}{self.prefix}"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        pid, key = self.secrets[0]["pid"], self.secrets[0]["key"]
        return Card(
            parts=(("address", base), ("orders as JSON", f"{base}/orders.json")),
            example=f"curl -G {base}/api.php -d act=query -d pid={pid} -d key={key}",
            notes=(
                "A buyer at the cashier's page chooses what shall go wrong with that payment. Before that, arm a word"
                " for the order that comes next: POST /control/faults with vendor epay.",
                "Notices come until the answer is the text success: up to eight times, at pauses that double.",
            ),
        )

    def refuse(self, status: int) -> web.Response:
        return _reply({"code": -1, "msg": f"refused ({status})"}, status=status)

    def clear(self) -> None:
        self._orders.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = self.path_of(request)
        if path == "/orders.json":
            return web.json_response({"items": [self._view(order) for order in self._orders.all()]})
        if request.method == "POST" and path.startswith("/pay/"):
            return await self._pay(request, path.removeprefix("/pay/"))
        match (request.method, path):
            case ("GET" | "POST", "/submit.php"):
                return await self.with_faults(request, "submit", [], "", lambda: self._page(request))
            case ("POST", "/mapi.php"):
                return await self.with_faults(request, "submit", [], "", lambda: self._mapi(request))
            case ("GET", "/api.php"):
                place = "probe" if request.query.get("act") == "query" else "status"
                return await self.with_faults(request, place, [], "", lambda: self._asked(request))
        return web.Response(status=404, text="404 Not Found")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        given = await _given(request)
        order = self._announced(given)
        if isinstance(order, str):
            return _html(refusal_page(order))
        if order.paid_at is not None:
            return _html(paid_page(order, self._back(order)))
        return _html(pay_page(order, [kind for kind in self.faults if kind.name.startswith(("notify", "unconf"))],
                              self.base_of(request)))  # fmt: skip

    async def _mapi(self, request: web.Request) -> web.StreamResponse:
        given = await _given(request)
        order = "clientip must not be empty" if not given.get("clientip") else self._announced(given)
        if isinstance(order, str):
            return _reply({"code": -1, "msg": order})
        code = "1" if order.fault("code-text") else 1
        if order.fault("reply-refused"):
            return _reply({"code": "-1" if code == "1" else -1, "msg": "该商户无可用支付通道"})
        if order.fault("notify-early") and order.paid_at is None:
            self._take_money(order)
            await self._notices.deliver(order)
        page = f"{self.base_of(request)}/submit.php?{urlencode(given)}"
        reply: dict[str, object] = {"code": code, "msg": "", "trade_no": order.trade_no}
        if order.fault("reply-qrcode"):
            reply["qrcode"] = page
        elif order.fault("reply-urlscheme"):
            reply["urlscheme"] = f"weixin://dl/business/?t={order.trade_no}"
        else:
            reply["payurl"] = page
        return _reply(reply)

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        pid = query.get("pid", "")
        if not hmac.compare_digest(self._keys.get(pid, "").encode() or b"-", query.get("key", "").encode()):
            return _reply({"code": -3, "msg": "商户密钥错误"})
        if query.get("act") == "query":
            return _reply({"code": 1, "pid": pid, "active": 1, "money": "0.00", "orders": len(self._orders.all())})
        if query.get("act") != "order":
            return _reply({"code": -5, "msg": "No act!"})
        order = self._orders.get(query.get("out_trade_no", "")) or self._orders.by_trade_no(query.get("trade_no", ""))
        if order is None or order.pid != pid:
            return _reply({"code": -1, "msg": "订单号不存在"})
        order.asked += 1 if order.paid_at is not None else 0
        return _reply(told(order, as_text=order.fault("code-text") is not None))

    async def _pay(self, request: web.Request, number: str) -> web.StreamResponse:
        order = self._orders.get(number)
        if order is None:
            return _html(refusal_page("There is no such order."), status=404)
        chosen = str((await request.post()).get("fault", ""))
        if order.paid_at is None:
            if chosen in self.kinds and JOB in self.kinds[chosen].places:
                order.faults.append(self.fault(chosen))
            self._take_money(order)
            self._notices.owe(order)
            # Most merchants hear of it before the buyer is back; here too, where nothing holds it up.
            await asyncio.sleep(0.1)
        raise web.HTTPSeeOther(self._back(order))

    def _announced(self, given: Mapping[str, str]) -> Order | str:
        """The order a request announces, or what is wrong with the request."""
        missing = next((name for name in _NEEDED if not given.get(name)), None)
        if missing is not None:
            return f"{missing} must not be empty"
        key = self._keys.get(given["pid"])
        if key is None:
            return "商户ID不存在"
        if not hmac.compare_digest(signature(given, key).encode(), given["sign"].encode()):
            return "签名校验失败，请返回重试！"
        if not _MONEY.fullmatch(given["money"]) or float(given["money"]) <= 0:
            return "金额不合法"
        if len(given["name"].encode()) > _NAME_MAX_BYTES:
            return "商品名称过长"
        fresh = self._orders.get(given["out_trade_no"]) is None
        faults = [*self.marked(given["name"], given.get("param", "")), *(self.struck_job() if fresh else [])]
        return self._orders.announced(given["pid"], given, faults) or "订单号重复，且金额不一致"

    def _take_money(self, order: Order) -> None:
        order.paid_at = self.stage.now()
        order.paid_money = _OTHER_MONEY if order.fault("notify-wrong-money") else order.money
        self._orders.save(order)

    def _back(self, order: Order) -> str:
        joint = "&" if "?" in order.return_url else "?"
        return f"{order.return_url}{joint}{urlencode(self._notices.signed(order))}"

    def _view(self, order: Order) -> dict[str, object]:
        return {
            "out_trade_no": order.number,
            "trade_no": order.trade_no,
            "money": order.money,
            "type": order.method,
            "is_paid": order.paid_at is not None,
            "notices": order.notices,
            "delivered": order.delivered,
            "faults": [fault.kind for fault in order.faults],
        }


async def _given(request: web.Request) -> dict[str, str]:
    form = await request.post() if request.method == "POST" else {}
    return {name: value for name, value in {**request.query, **form}.items() if isinstance(value, str)}


def _reply(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    reply = web.json_response(body, status=status)
    reply.content_type = _JSON_BY
    return reply


def _html(page: str, *, status: int = 200) -> web.Response:
    return web.Response(text=page, status=status, content_type="text/html")
