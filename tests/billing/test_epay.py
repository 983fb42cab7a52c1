"""The EPay protocol: signatures as other implementations make them, replies read tolerantly, notices strictly."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from vermilion.billing.epay import Merchant, Purchase, minor_of, money, page_address, read_notice, signature
from vermilion.kit import Forbidden

KEY = "EPAYKEY0123456789abcdefEPAYKEY01"
MERCHANT = Merchant("https://pay.example.com", "1000", KEY)
NOTICE = {
    "money": "1.00",
    "name": "Test Credit",
    "out_trade_no": "20240101000001",
    "pid": "1000",
    "trade_no": "2024010122001400001",
    "trade_status": "TRADE_SUCCESS",
    "type": "alipay",
}
SIGN = "514ab03c533cee6b8b7d8e9bb479bfad"


def test_a_request_is_signed_as_others_sign_it() -> None:
    request = {
        "pid": "1000",
        "type": "alipay",
        "out_trade_no": "20240101000001",
        "notify_url": "https://app.example.com/api/v1/credit/callback",
        "return_url": "https://app.example.com/",
        "name": "Test Credit",
        "money": "1.00",
        "clientip": "203.0.113.9",
        "device": "pc",
    }
    assert signature(request, KEY) == "fe95b4ed11b4caf03df1a53c4286b610"
    assert signature({**request, "param": "", "sign": "x", "sign_type": "MD5"}, KEY) == signature(request, KEY)
    assert signature({"device": "devicev", "money": "moneyv"}, "1234567") == "3854cc9f022e0fb821bd2e002260245d"
    assert signature(NOTICE, KEY) == SIGN


def test_the_page_of_a_purchase_is_signed_and_carries_no_key() -> None:
    purchase = Purchase("ab" * 16, 1250, 500, "wxpay", "https://a.example/n", "https://a.example/r")
    address = page_address(MERCHANT, purchase)
    told = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
    assert address.startswith("https://pay.example.com/submit.php?") and KEY not in address
    assert (told["money"], told["out_trade_no"], told["type"]) == ("12.50", "ab" * 16, "wxpay")
    assert told["name"] == "500 点数 (credits)"
    assert told["sign"] == signature(told, KEY) and told["sign_type"] == "MD5"
    assert KEY not in repr(MERCHANT)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1.00", 100),
        ("1", 100),
        ("1.5", 150),
        ("0.01", 1),
        (1.5, 150),
        (12, 1200),
        ("12.3400", 1234),
        ("999999999.99", 99999999999),
        ("1.001", None),
        ("-1", None),
        ("1e3", None),
        ("", None),
        (None, None),
        ("１", None),
        ("1,00", None),
        ("NaN", None),
    ],
)
def test_money_is_read_exactly_or_not_at_all(text: object, minor: int | None) -> None:
    assert minor_of(text) == minor


def test_money_is_written_with_two_decimals() -> None:
    assert [money(minor) for minor in (1, 10, 100, 1234, 100_000)] == ["0.01", "0.10", "1.00", "12.34", "1000.00"]


def test_a_true_notice_is_read() -> None:
    for more in ({}, {"sign_type": "MD5"}, {"sign_type": "md5"}, {"param": ""}):
        notice = read_notice(MERCHANT, list({**NOTICE, "sign": SIGN, **more}.items()))
        assert (notice.number, notice.price_minor, notice.is_paid, notice.pid) == ("20240101000001", 100, True, "1000")
    closed = {**NOTICE, "trade_status": "TRADE_CLOSED"}
    assert not read_notice(MERCHANT, list({**closed, "sign": signature(closed, KEY)}.items())).is_paid


def _signed(parameters: dict[str, str], key: str = KEY) -> list[tuple[str, str]]:
    return list({**parameters, "sign": signature(parameters, key), "sign_type": "MD5"}.items())


FORGED = {
    "nothing": [],
    "no signature": list(NOTICE.items()),
    "an empty signature": [*NOTICE.items(), ("sign", "")],
    "another key's": _signed(NOTICE, "another key"),
    "a changed sum": [*_signed(NOTICE), ("money", "2.00")][1:],
    "a name twice": [*_signed(NOTICE), ("pid", "1000")],
    "an unknown name": _signed({**NOTICE, "bonus": "1"}),
    "a name left out": _signed({name: value for name, value in NOTICE.items() if name != "pid"}),
    "another kind of signature": [*list({**NOTICE, "sign": SIGN}.items()), ("sign_type", "RSA")],
    "a long value": _signed({**NOTICE, "param": "x" * 501}),
    # Values are not escaped where they are signed: these two parameters sign as one of the two would.
    "two values in one": [
        *list({**{k: v for k, v in NOTICE.items() if k not in ("name", "out_trade_no")}, "sign": SIGN}.items()),
        ("name", "Test Credit&out_trade_no=20240101000001"),
    ],
    "half a pair": [*list({**NOTICE, "sign": "\ud800"}.items())],
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_notice_is_refused(what: str) -> None:
    with pytest.raises(Forbidden) as refused:
        read_notice(MERCHANT, FORGED[what])
    assert refused.value.code == "payment.notice_refused"


def test_without_a_key_nothing_is_a_notice() -> None:
    keyless = Merchant(MERCHANT.base_url, MERCHANT.pid, "")
    with pytest.raises(Forbidden):
        read_notice(keyless, _signed(NOTICE, ""))
