"""EPay (易支付), version 1: a family of payment servers, one for each operator, that sign with MD5.

Source: the protocol as several servers and clients of it document it. A request and a notice are signed over all
parameters that are not empty, except `sign` and `sign_type`, sorted by name and joined raw, with the merchant's key
appended. Values are not escaped there, so two different sets of parameters can share one signed text: a notice is
read only if it has nothing but the known names, each once. Replies differ a little from server to server and are
read tolerantly; what is not clearly a success is none.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from vermilion.billing.problems import PaymentRefused, forged_notice
from vermilion.providers import Answer, Drifted, Misconfigured, Probe, Unreachable, Wire

NAME: Final = "epay"

_NOTICE_NAMES: Final = frozenset(
    {
        "pid",
        "trade_no",
        "out_trade_no",
        "type",
        "name",
        "money",
        "trade_status",
        "param",
        "sign",
        "sign_type",
    }
)
_NOTICE_NEEDS: Final = frozenset({"pid", "trade_no", "out_trade_no", "money", "trade_status", "sign"})
_NOTICE_MAX_CHARS: Final = 500
_MONEY: Final = re.compile(r"(\d{1,9})(?:\.(\d{1,2})0{0,6})?", re.ASCII)
_PAID: Final = "TRADE_SUCCESS"
_SCHEMES: Final = frozenset({"https", "http", "weixin", "wxp", "alipay", "alipays", "mqqapi"})
"""Where a buyer may be sent: pages, and the wallets' own apps."""

_ANSWER_MAX_BYTES: Final = 1 << 20
_MESSAGE_MAX_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who is paid, and by which server."""

    base_url: str
    pid: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What the gateway is told of an order. No text of anybody's is in it: values are signed without escaping."""

    number: str
    price_minor: int
    amount_credits: int
    method: str
    notify_url: str
    return_url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice whose signature is the merchant's. `is_paid` is what it claims; the gateway is asked before."""

    pid: str
    number: str
    trade_no: str
    price_minor: int | None
    is_paid: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """What the gateway itself says of an order it knows; `price_minor` is None where its sum is unreadable."""

    is_paid: bool
    trade_no: str
    price_minor: int | None
    pid: str | None
    number: str | None


def signature(parameters: Mapping[str, str], key: str) -> str:
    """The MD5 over the parameters, in lower-case hexadecimal digits."""
    signed = "&".join(
        f"{name}={value}"
        for name, value in sorted(parameters.items())
        if value != "" and name not in ("sign", "sign_type")
    )
    return hashlib.md5((signed + key).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def money(price_minor: int) -> str:
    """A price as the protocol writes it: `12.50`."""
    return f"{price_minor // 100}.{price_minor % 100:02d}"


def minor_of(text: Any) -> int | None:
    """`12.5`, `12.50` or the number 12.5 in the currency's smallest unit; None for what is no sum of money."""
    found = _MONEY.fullmatch(str(text).strip())
    if found is None:
        return None
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def page_address(merchant: Merchant, purchase: Purchase) -> str:
    """The gateway's page for this purchase: a browser that opens it can pay. The key is not in it, its signature is."""
    return f"{merchant.base_url}/submit.php?{urlencode(_signed(merchant, _told(merchant, purchase)))}"


async def create(wire: Wire, merchant: Merchant, purchase: Purchase, *, ip: str, device: str) -> str | None:
    """Announce the purchase to the gateway's API; where the buyer goes to pay, or None to use the gateway's page.

    None also stands for a QR code, which the gateway's own page draws. The same number announced again is the same
    payment. Raises `PaymentRefused` where the gateway says no, and `ProviderError` where it cannot be reached or
    understood.
    """
    told = {**_told(merchant, purchase), "clientip": ip, "device": device}
    answer = await wire.request(
        "POST",
        f"{merchant.base_url}/mapi.php",
        effect=True,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        data=urlencode(_signed(merchant, told)).encode(),
        answer_max_bytes=_ANSWER_MAX_BYTES,
    )
    reply = _read(answer)
    if not _is_one(reply.get("code")):
        raise PaymentRefused(
            "payment.refused",
            "The payment gateway refused this order. Nothing was paid.",
            extras={"gateway_message": _message(reply)},
        )
    for name in ("payurl", "urlscheme"):
        address = reply.get(name)
        if isinstance(address, str) and address:
            if urlsplit(address).scheme.lower() not in _SCHEMES:
                raise Drifted("The payment gateway sent an address that buyers cannot be sent to.")
            return address
    return None


def read_notice(merchant: Merchant, parameters: Sequence[tuple[str, str]]) -> Notice:
    """A notice, if it is the merchant's gateway's. Raises `Forbidden` (`payment.notice_refused`)."""
    given = dict(parameters)
    names = set(given)
    if len(given) != len(parameters) or names - _NOTICE_NAMES or _NOTICE_NEEDS - names or not merchant.key:
        raise forged_notice()
    if any(len(value) > _NOTICE_MAX_CHARS for value in given.values()):
        raise forged_notice()
    if given.get("sign_type", "MD5").upper() != "MD5":
        raise forged_notice()
    expected = signature(given, merchant.key)
    if not hmac.compare_digest(expected.encode(), given["sign"].lower().encode("utf-8", "replace")):
        raise forged_notice()
    return Notice(
        pid=given["pid"],
        number=given["out_trade_no"],
        trade_no=given["trade_no"],
        price_minor=minor_of(given["money"]),
        is_paid=given["trade_status"] == _PAID,
    )


async def ask(wire: Wire, merchant: Merchant, number: str) -> Payment | None:
    """What became of an order; None where the gateway does not know it. Costs nothing and changes nothing.

    Raises `ProviderError` where no answer comes that can be understood.
    """
    query = {"act": "order", "pid": merchant.pid, "key": merchant.key, "out_trade_no": number}
    answer = await wire.request("GET", f"{merchant.base_url}/api.php", query=query, answer_max_bytes=_ANSWER_MAX_BYTES)
    reply = _read(answer)
    if not _is_one(reply.get("code")):
        return None
    return Payment(
        is_paid=_is_one(reply.get("status")),
        trade_no=str(reply.get("trade_no") or "")[:_NOTICE_MAX_CHARS],
        price_minor=minor_of(reply.get("money")),
        pid=_text(reply.get("pid")),
        number=_text(reply.get("out_trade_no")),
    )


async def probe(wire: Wire, merchant: Merchant) -> Probe:
    """Ask for the merchant's own data, which costs nothing.

    Raises `Misconfigured` where the gateway does not know the merchant, `ProviderError` where it does not answer.
    """
    query = {"act": "query", "pid": merchant.pid, "key": merchant.key}
    answer = await wire.request("GET", f"{merchant.base_url}/api.php", query=query, answer_max_bytes=_ANSWER_MAX_BYTES)
    reply = _read(answer)
    # Some servers leave the code out where all is well; none sends the merchant's number then for a wrong key.
    if not (_is_one(reply.get("code")) or ("code" not in reply and _text(reply.get("pid")) == merchant.pid)):
        raise Misconfigured("The payment gateway does not know this merchant, or the key is wrong.")
    if "active" in reply and not _is_one(reply["active"]):
        return Probe(account=merchant.pid, problem="The gateway says that this merchant is not active.")
    return Probe(account=merchant.pid)


def _told(merchant: Merchant, purchase: Purchase) -> dict[str, str]:
    # Named in both languages at once: a number that is announced again must be announced with the very same name.
    return {
        "pid": merchant.pid,
        "type": purchase.method,
        "out_trade_no": purchase.number,
        "notify_url": purchase.notify_url,
        "return_url": purchase.return_url,
        "name": f"{purchase.amount_credits} 点数 (credits)",
        "money": money(purchase.price_minor),
    }


def _signed(merchant: Merchant, parameters: dict[str, str]) -> dict[str, str]:
    return {**parameters, "sign": signature(parameters, merchant.key), "sign_type": "MD5"}


def _read(answer: Answer) -> dict[str, Any]:
    """A reply's JSON, whatever type it claims to be; a page of HTML is a failure whatever its status."""
    if not answer.ok:
        raise Unreachable(f"The payment gateway answered with status {answer.status}.")
    try:
        reply = json.loads(answer.body.decode("utf-8-sig"))
    except ValueError as error:
        raise Drifted("The payment gateway answered with something that is not JSON.") from error
    if not isinstance(reply, dict):
        raise Drifted("The payment gateway answered with something that is no object.")
    return reply


def _is_one(value: Any) -> bool:
    """Codes come as numbers or as texts."""
    return value is not True and str(value).strip() == "1"


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value).strip()


def _message(reply: Mapping[str, Any]) -> str:
    """The gateway's own words: untrusted text, bounded."""
    told = str(reply.get("msg") or "")[:_MESSAGE_MAX_CHARS]
    return "".join(char for char in told if char.isprintable())
