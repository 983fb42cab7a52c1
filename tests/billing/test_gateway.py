"""The gateway's settings: the key stays where it is, the sandbox never pushes an operator's gateway aside."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from vermilion.billing import disable_sandbox_gateway, ensure_sandbox_gateway, offers
from vermilion.billing.commands.gateway import change_gateway
from vermilion.billing.commands.packages import add_package, change_package, delete_package
from vermilion.billing.gateway import gateway_view, known_merchant, open_gateway
from vermilion.billing.order_views import GatewayPatch, NewPackage, PackagePatch
from vermilion.billing.selling import all_packages
from vermilion.db import Database
from vermilion.identity.tables import AuditRow
from vermilion.kit import Invalid
from vermilion.kit.sealed import Sealer

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "fake-epay-key-not-secret-1234"
WHOLE = {"base_url": "https://pay.example.com/", "pid": "1000", "key": KEY, "enabled": True}
SANDBOX = {"base_url": "http://127.0.0.1:9/epay", "pid": "1000", "key": "sandbox-epay-key-not-secret"}
PACKAGE = {"title": {"en": "A few", "zh": "一些"}, "amount_credits": 30, "price_minor": 99}


def change(db: Database, sealer: Sealer, **patch: Any) -> None:
    """Change the gateway from the terminal."""
    db.write_now(change_gateway, sealer, None, GatewayPatch(**patch), NOW)


def refusal(db: Database, sealer: Sealer, **patch: Any) -> tuple[str, str | None]:
    """The problem's code and field that a change ends in."""
    with pytest.raises(Invalid) as refused:
        change(db, sealer, **patch)
    return refused.value.code, refused.value.field


def test_a_gateway_is_set_up_shown_masked_and_sealed(db: Database, sealer: Sealer) -> None:
    assert not db.read_now(gateway_view, sealer, "https://a.example/n").configured
    change(db, sealer, **WHOLE)
    shown = db.read_now(gateway_view, sealer, "https://a.example/n")
    assert (shown.base_url, shown.pid, shown.key, shown.enabled) == (
        "https://pay.example.com",
        "1000",
        "••••1234",
        True,
    )
    stored = db.read_now(lambda tx: str(tx.execute(text("select * from payment_gateway")).all()))
    audited = db.read_now(lambda tx: str([(row.before, row.after) for row in tx.scalars(select(AuditRow))]))
    assert KEY not in stored + audited and "••••1234" in audited
    change(db, sealer, key="••••1234", methods=["wxpay"])
    opened = db.read_now(open_gateway, sealer)
    assert opened is not None and opened.merchant.key == KEY and opened.methods == ("wxpay",)


def test_an_empty_key_switches_it_off(db: Database, sealer: Sealer) -> None:
    change(db, sealer, **{**WHOLE, "key": ""})
    assert db.read_now(open_gateway, sealer) is None
    change(db, sealer, **WHOLE)
    assert db.read_now(open_gateway, sealer) is not None
    change(db, sealer, key="")
    assert db.read_now(open_gateway, sealer) is None
    assert not db.read_now(gateway_view, sealer, "").enabled


def test_switched_off_it_sells_nothing_and_still_knows_who_is_paid(db: Database, sealer: Sealer) -> None:
    change(db, sealer, **WHOLE)
    change(db, sealer, enabled=False)
    assert db.read_now(open_gateway, sealer) is None
    merchant = db.read_now(known_merchant, sealer)
    assert merchant is not None and merchant.key == KEY
    change(db, sealer, key="")
    assert db.read_now(known_merchant, sealer) is None


def test_another_address_needs_the_key_again(db: Database, sealer: Sealer) -> None:
    change(db, sealer, **WHOLE)
    elsewhere = "https://elsewhere.example.com"
    assert refusal(db, sealer, base_url=elsewhere) == ("payment.key_required", "key")
    assert refusal(db, sealer, base_url=elsewhere, key="••••1234") == ("payment.key_required", "key")
    assert refusal(db, sealer, key="••••9999") == ("payment.invalid_field", "key")
    opened = db.read_now(open_gateway, sealer)
    assert opened is not None and opened.merchant.base_url == "https://pay.example.com"
    change(db, sealer, base_url=elsewhere, key=KEY)
    # The same address in another spelling is the same.
    change(db, sealer, base_url=f"{elsewhere}/")


@pytest.mark.parametrize(
    "address",
    [
        "http://pay.example.com",
        "https://127.0.0.1/pay",
        "https://10.0.0.8",
        "https://user@pay.example.com",
        "ftp://a.b",
    ],
)
def test_a_private_or_plain_address_is_allowed_on_purpose_only(db: Database, sealer: Sealer, address: str) -> None:
    assert refusal(db, sealer, **{**WHOLE, "base_url": address}) == ("payment.invalid_field", "base_url")
    if "@" in address or address.startswith("ftp"):
        return
    change(db, sealer, **{**WHOLE, "base_url": address, "allow_private_hosts": True})
    assert refusal(db, sealer, allow_private_hosts=False) == ("payment.invalid_field", "base_url")


def test_the_sandbox_sets_itself_up_and_lets_an_operator_take_over(db: Database, sealer: Sealer) -> None:
    db.write_now(ensure_sandbox_gateway, sealer, SANDBOX, NOW)
    offered = db.read_now(offers, sealer)
    assert offered.sandbox and len(offered.packages) == 2
    elsewhere = {**SANDBOX, "base_url": "http://127.0.0.1:10/epay"}
    db.write_now(ensure_sandbox_gateway, sealer, elsewhere, NOW)
    opened = db.read_now(open_gateway, sealer)
    assert opened is not None and opened.merchant.base_url == elsewhere["base_url"]
    assert len(db.read_now(all_packages)) == 2
    change(db, sealer, flow="api")
    assert db.read_now(gateway_view, sealer, "").managed_by == "sandbox", "it still goes where the sandbox is"
    db.write_now(disable_sandbox_gateway)
    assert db.read_now(offers, sealer).packages == []
    change(db, sealer, **WHOLE, allow_private_hosts=False)
    db.write_now(ensure_sandbox_gateway, sealer, SANDBOX, NOW)
    db.write_now(disable_sandbox_gateway)
    opened = db.read_now(open_gateway, sealer)
    assert opened is not None and opened.merchant.key == KEY and not opened.is_sandbox
    # What was an example is never sold for money.
    assert db.read_now(offers, sealer).packages == []


def test_an_example_an_admin_changed_is_the_admins(db: Database, sealer: Sealer) -> None:
    db.write_now(ensure_sandbox_gateway, sealer, SANDBOX, NOW)
    first, second = db.read_now(all_packages)
    changed = db.write_now(change_package, None, first.id, PackagePatch(price_minor=700), NOW)
    assert changed.managed_by is None and changed.price_minor == 700
    db.write_now(delete_package, None, second.id, NOW)
    db.write_now(ensure_sandbox_gateway, sealer, SANDBOX, NOW)
    assert [package.id for package in db.read_now(all_packages)] == [first.id], "what was deleted does not come back"
    change(db, sealer, **WHOLE, allow_private_hosts=False)
    assert [package.id for package in db.read_now(offers, sealer).packages] == [first.id]


def test_packages_are_offered_in_their_order_while_they_are_on(db: Database, sealer: Sealer) -> None:
    change(db, sealer, **WHOLE)
    last, first, off = (
        db.write_now(add_package, None, NewPackage.model_validate({**PACKAGE, **more}), NOW)
        for more in ({"position": 2}, {"position": 1}, {"position": 0, "enabled": False})
    )
    assert [package.id for package in db.read_now(offers, sealer).packages] == [first.id, last.id]
    assert [package.id for package in db.read_now(all_packages)] == [off.id, first.id, last.id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_minor": 0},
        {"price_minor": -1},
        {"price_minor": 10**9 + 1},
        {"price_minor": 1.5},
        {"amount_credits": 0},
        {"amount_credits": 10**9},
        {"amount_credits": True},
        {"currency": "USD"},
        {"title": {"en": " ", "zh": "一"}},
    ],
)
def test_a_package_has_a_price_and_an_amount_within_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        NewPackage.model_validate({**PACKAGE, **wrong})


def test_with_another_key_file_nothing_is_sold_and_all_is_entered_again(db: Database, sealer: Sealer) -> None:
    change(db, sealer, **WHOLE)
    stranger = Sealer({"k2": bytes(32)}, "k2")
    assert db.read_now(open_gateway, stranger) is None
    assert db.read_now(gateway_view, stranger, "").key == ""
    change(db, stranger, **WHOLE)
    assert db.read_now(open_gateway, stranger) is not None
