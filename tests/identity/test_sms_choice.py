"""How codes are sent: what the operator chooses, what is told of it, and what the sandbox may not touch."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.identity.conftest import Browser, SmallHouse, make_admin, sign_up
from tests.identity.phones import Vendor, ask, choose, fields
from tests.identity.phones import vendor as vendor  # noqa: PLC0414 - a fixture
from vermilion.identity import disable_sandbox_sms, ensure_sandbox_sms, sandbox_outbox
from vermilion.identity.tables import AuditRow, ChoiceRow
from vermilion.kit.sealed import Sealer

SECRET = "sandbox-sms-password-not-secret"
CHOSEN: dict[str, Any] = {
    "enabled": True,
    "account": "studio",
    "secret": SECRET,
    "login_by": "password",
    "signature": "朱砂画室",
    "base_url": "https://api.smsbao.com/",
    "countries": "mainland",
    "daily_total": 200,
}


@pytest.fixture
async def admin(browser: Browser, house: SmallHouse) -> httpx.AsyncClient:
    client = browser()
    await make_admin(house, client)
    return client


async def put(client: httpx.AsyncClient, status: int = 200, **changes: Any) -> Any:
    answer = await client.put("/admin/sms", json={**CHOSEN, **changes})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_nothing_is_sent_until_an_operator_chose(admin: httpx.AsyncClient) -> None:
    told = (await admin.get("/admin/sms")).json()
    assert (told["enabled"], told["ready"], told["secret"], told["managed_by"]) == (False, False, "", None)
    tested = (await admin.post("/admin/sms/test")).json()
    assert "not entered" in tested["problem"]


async def test_the_secret_is_sealed_and_masked(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    told = await put(admin)
    assert told["secret"] == "••••cret" and told["ready"] is True
    assert told["base_url"] == "https://api.smsbao.com"
    assert (await admin.get("/admin/sms")).json() == told
    stored = await house.db.read(lambda tx: tx.scalar(select(ChoiceRow.value).where(ChoiceRow.key == "sms")))
    audited = await house.db.read(lambda tx: tx.scalars(select(AuditRow).where(AuditRow.action == "sms.change")).all())
    assert SECRET not in repr(stored)
    assert SECRET not in repr([(entry.before, entry.after) for entry in audited])
    assert audited[0].after["secret"] == "••••cret" and audited[0].before["account"] == ""


async def test_a_mask_written_back_keeps_the_secret(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    first = await put(admin)
    for kept in (first["secret"], ""):
        again = await put(admin, secret=kept, daily_total=10)
        assert again["secret"] == first["secret"] and again["daily_total"] == 10
    strange = await put(admin, 422, secret="••••none")
    assert (strange["code"], strange["field"]) == ("sms.invalid_field", "secret")
    stored = await house.db.read(lambda tx: tx.scalar(select(ChoiceRow.value).where(ChoiceRow.key == "sms")))
    assert house.sealer.open(stored["secret_sealed"], bound_to="choice:sms") == SECRET


async def test_another_address_wants_the_secret_again(admin: httpx.AsyncClient) -> None:
    masked = (await put(admin))["secret"]
    for secret in (masked, ""):
        refused = await put(admin, 422, secret=secret, base_url="https://evil.example.test")
        assert (refused["code"], refused["field"]) == ("sms.secret_required", "secret")
    moved = await put(admin, secret="another-fake-not-secret", base_url="https://sms.example.test")
    assert moved["base_url"] == "https://sms.example.test"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_url": "http://api.smsbao.com"}, "base_url"),
        ({"base_url": "https://127.0.0.1"}, "base_url"),
        ({"base_url": "http://169.254.169.254", "allow_private_hosts": False}, "base_url"),
        ({"base_url": "ftp://api.smsbao.com", "allow_private_hosts": True}, "base_url"),
        ({"base_url": "https://user:pass@api.smsbao.com"}, "base_url"),
        ({"base_url": "https://api.smsbao.com/?u=x"}, "base_url"),
        ({"account": " "}, "account"),
        ({"secret": ""}, "secret"),
        ({"signature": ""}, "signature"),
    ],
)
async def test_what_could_not_work_is_refused_by_name(
    admin: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    refused = await put(admin, 422, **changes)
    assert (refused["code"], refused["field"]) == ("sms.invalid_field", field)


async def test_brackets_belong_to_the_vendor(admin: httpx.AsyncClient) -> None:
    refused = await put(admin, 422, signature="【朱砂】")
    assert refused["field"] == "signature"
    assert refused["detail"] == "signature must be one line without brackets: they are added when it is sent."


async def test_switched_off_it_may_be_incomplete_and_sends_nothing(
    admin: httpx.AsyncClient, browser: Browser, vendor: Vendor, house: SmallHouse
) -> None:
    await ask(browser(), "login")
    await put(admin, enabled=False, account="", signature="", secret=SECRET)
    refused = await ask(browser(), "login", "13900139000", status=403)
    assert refused["code"] == "auth.phone_not_offered"


async def test_the_connection_is_tested_without_sending(
    admin: httpx.AsyncClient, vendor: Vendor, house: SmallHouse
) -> None:
    assert (await admin.post("/admin/sms/test")).json() == {"problem": None, "remaining": 12_988, "sent": 0}
    await choose(house, vendor, secret="another-fake-not-secret")
    wrong = (await admin.post("/admin/sms/test")).json()
    assert wrong == {"problem": "The password or the ApiKey is wrong (30).", "remaining": None, "sent": None}
    assert await vendor.messages() == []
    house.sealer = Sealer({"k2": b"x" * 32}, "k2")
    lost = (await admin.post("/admin/sms/test")).json()
    assert "enter it again" in lost["problem"]
    assert (await admin.get("/admin/sms")).json()["secret"] == ""


async def test_the_last_trouble_is_told_to_admins(
    admin: httpx.AsyncClient, browser: Browser, vendor: Vendor, house: SmallHouse
) -> None:
    await vendor.arm("answer", argument="41")
    await ask(browser(), "login", status=503)
    told = (await admin.get("/admin/sms")).json()
    assert told["sent_last_day"] == 1
    assert told["last_trouble"]["outcome"] == "refused" and "balance" in told["last_trouble"]["detail"]
    house.clock.move(days=1)
    later = (await admin.get("/admin/sms")).json()
    assert (later["sent_last_day"], later["last_trouble"]) == (0, None)


async def test_only_admins_see_it(browser: Browser) -> None:
    client = browser()
    await sign_up(client)
    assert (await client.get("/admin/sms")).status_code == 403
    assert (await client.put("/admin/sms", json=CHOSEN)).status_code == 403
    assert (await client.post("/admin/sms/test")).status_code == 403


async def test_the_sandbox_never_overwrites_an_operators_choice(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    chosen = await put(admin, enabled=False)
    await house.db.write(ensure_sandbox_sms, house.sealer, fields("http://127.0.0.1:1"), house.clock.now())
    await house.db.write(disable_sandbox_sms, house.clock.now())
    assert (await admin.get("/admin/sms")).json() == chosen


async def test_the_sandbox_is_there_while_it_runs(admin: httpx.AsyncClient, house: SmallHouse) -> None:
    async def told() -> tuple[Any, ...]:
        view = (await admin.get("/admin/sms")).json()
        return view["ready"], view["managed_by"], view["base_url"]

    for port in (1, 2):
        origin = f"http://127.0.0.1:{port}"
        await house.db.write(ensure_sandbox_sms, house.sealer, fields(origin), house.clock.now())
        assert await told() == (True, "sandbox", f"{origin}/smsbao")
    await house.db.write(disable_sandbox_sms, house.clock.now())
    assert await told() == (False, "sandbox", "http://127.0.0.1:2/smsbao")
    await house.db.write(ensure_sandbox_sms, house.sealer, fields("http://127.0.0.1:2"), house.clock.now())
    assert (await told())[0] is True


async def test_the_sandbox_is_known_by_its_address_whoever_chose_it(
    admin: httpx.AsyncClient, house: SmallHouse
) -> None:
    sandbox = "http://127.0.0.1:1"

    async def outbox() -> str | None:
        return await house.db.read(sandbox_outbox, sandbox)

    assert await outbox() is None
    await house.db.write(ensure_sandbox_sms, house.sealer, fields(sandbox), house.clock.now())
    assert await outbox() == f"{sandbox}/smsbao/outbox"
    await put(admin)
    assert await outbox() is None
    # Put back by hand it is nobody's but the operator's, and the codes still go where they can be read.
    here = {"base_url": f"{sandbox}/smsbao", "allow_private_hosts": True, "secret": fields(sandbox)["secret"]}
    assert (await put(admin, **here))["managed_by"] is None
    assert await outbox() == f"{sandbox}/smsbao/outbox"
    await put(admin, **{**here, "base_url": "http://127.0.0.1:11/smsbao"})
    assert await outbox() is None
    await put(admin, **here, enabled=False)
    assert await outbox() is None
