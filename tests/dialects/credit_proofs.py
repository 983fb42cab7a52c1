"""Redemption codes and purchases, from one end to the other, as programs of the described system go about them."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.dialects.scene import Scene, proves
from vermilion.dialects import Route
from vermilion.kit import new_id

CODES = "/credit/redemption_codes"


@proves(
    "GET /credit/redemption_codes",
    "POST /credit/redemption_codes",
    "POST /credit/redemption_codes/{code}/receive",
)
async def a_code_is_made_listed_and_received_once(scene: Scene, route: Route) -> None:
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    made = await scene.admin.post(CODES, {"amount": 40, "count": 2, "purpose": "a proof", "expiredAt": soon})
    first, second = made["items"]
    assert first["amount"] == 40 and first["status"] == "enabled" and first["code"] != second["code"]
    someone, another = await scene.studio.person(), await scene.studio.person()
    before, _, _ = await someone.balance()
    received = await someone.post(f"{CODES}/{first['code']}/receive")
    assert received == {"status": True, "amount": 40, "credits": before + 40}
    assert (await someone.balance())[0] == before + 40
    again = await someone.post(f"{CODES}/{first['code'].lower()}/receive", status=409)
    assert again["code"] == "redemption.already_received"
    late = await another.post(f"{CODES}/{first['code']}/receive", status=409)
    assert late["code"] == "redemption.used"
    wrong = await another.post(f"{CODES}/AAAAA-BBBBB-CCCCC-DDDDD/receive", status=404)
    assert wrong["code"] == "redemption.unknown"
    listed = {item["id"]: item for item in (await scene.admin.get(CODES, params={"limit": 100}))["items"]}
    assert listed[first["id"]]["status"] == "used" and listed[first["id"]]["user_id"] == someone.id
    assert listed[second["id"]]["code"] == f"…{second['code'][-4:]}"
    one = await scene.admin.get(CODES, params={"limit": 1, "status": "enabled"})
    assert len(one["items"]) == 1 and one["items"][0]["id"] != first["id"]


@proves("PUT /credit/redemption_codes/{code}", "DELETE /credit/redemption_codes/{code}")
async def a_code_is_changed_and_deleted_while_nobody_used_it(scene: Scene, route: Route) -> None:
    first, second = (await scene.admin.post(CODES, {"credits": 5, "count": 2}))["items"]
    someone = await scene.studio.person()
    client = scene.admin.client
    changed = await client.put(f"{CODES}/{first['code']}", json={"enabled": False, "purpose": "a mistake"})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["status"], changed.json()["purpose"]) == ("disabled", "a mistake")
    refused = await someone.post(f"{CODES}/{first['code']}/receive", status=409)
    assert refused["code"] == "redemption.disabled"
    assert (await client.put(f"{CODES}/{first['id']}", json={"enabled": True})).json()["status"] == "enabled"
    assert (await client.put(f"{CODES}/{first['id']}", json={})).status_code == 422
    past = {"expired_at": (datetime.now(UTC) - timedelta(days=1)).isoformat()}
    assert (await client.put(f"{CODES}/{first['id']}", json=past)).json()["code"] == "redemption.bad_expiry"
    gone = await client.delete(f"{CODES}/{first['code']}")
    assert gone.json() == {"id": first["id"], "deleted": True}
    assert (await someone.post(f"{CODES}/{first['code']}/receive", status=404))["code"] == "redemption.unknown"
    await someone.post(f"{CODES}/{second['code']}/receive")
    assert (await client.delete(f"{CODES}/{second['id']}")).json()["code"] == "redemption.used"
    assert (await scene.other.client.delete(f"{CODES}/{second['id']}")).status_code == 403


@proves("GET /credit/redemption_codes/export")
async def codes_are_exported_whole_and_that_is_audited(scene: Scene, route: Route) -> None:
    made = (await scene.admin.post(CODES, {"amount": 6, "count": 3}))["items"]
    answer = await scene.admin.client.get(route.path, params={"status": "enabled"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {each["code"] for each in made} <= {row["code"] for row in rows}
    assert {row["state"] for row in rows} == {"enabled"}
    audit = await scene.admin.get("/admin/audit", params={"limit": 1})
    assert audit["items"][0]["action"] == "redemption_codes.export"
    assert (await scene.owner.client.get(route.path)).status_code == 403


async def _pays(scene: Scene, ticket: dict[str, Any], fault: str = "") -> str:
    """Open the cashier's page and pay, as a browser would; where it is sent back to."""
    async with httpx.AsyncClient() as browser:
        page = await browser.get(ticket["pay_url"])
        assert page.status_code == 200 and f"¥{ticket['amount']}" in page.text, page.text
        number = dict(parse_qsl(urlsplit(ticket["pay_url"]).query))["out_trade_no"]
        paid = await browser.post(f"{scene.studio.sandbox}/epay/pay/{number}", data={"fault": fault})
    assert paid.status_code == 303, paid.text
    return str(paid.headers["location"])


async def _has(person: Any, credits_had: int) -> None:
    async with asyncio.timeout(20):
        while (await person.balance())[0] != credits_had:  # noqa: ASYNC110 - a balance sets no event
            await asyncio.sleep(0.05)


@proves("POST /credit/tickets", "GET /credit/callback")
async def a_package_is_bought_and_credited_once(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person(credits_given=10)
    package = (await someone.get("/credits/offers"))["packages"][0]
    credits_bought = package["amount_credits"]
    ticket = await someone.post("/credit/tickets", {"packageId": package["id"], "payType": "wxpay"})
    assert (ticket["status"], ticket["credits"], ticket["currency"]) == ("pending", credits_bought, "CNY")
    # The order is there before anybody pays; coming back from the page alone credits nothing.
    assert (await someone.get(f"/credits/orders/{ticket['id']}"))["status"] == "pending"
    back = await _pays(scene, ticket, "notify-parallel")
    assert urlsplit(back).path == f"/credits/orders/{ticket['id']}"
    await _has(someone, 10 + credits_bought)
    # The buyer's browser has the same signed parameters: sent again, they are answered and credit nothing.
    again = await scene.nobody.get(f"/credit/callback?{urlsplit(back).query}")
    assert (again.status_code, again.text, again.headers["content-type"]) == (
        200,
        "success",
        "text/plain; charset=utf-8",
    )
    assert (await someone.balance())[0] == 10 + credits_bought
    forged = await scene.nobody.get("/credit/callback", params={**dict(parse_qsl(urlsplit(back).query)), "money": "1"})
    assert (forged.status_code, forged.json()["code"]) == (403, "payment.notice_refused")
    # By what it costs, as such clients name it; the same id is the same ticket.
    costs = package["price_minor"] / 100
    same = {"amount": costs, "id": str(new_id())}
    first, second = [await someone.post("/credit/tickets", same) for _ in range(2)]
    assert first == second and first["package_id"] == package["id"]
    unknown = await someone.post("/credit/tickets", {"amount": 123456}, status=404)
    assert unknown["code"] == "package.unknown"


@proves("POST /credit/callback")
async def a_gateway_may_report_by_post(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person(credits_given=0)
    package = (await someone.get("/credits/offers"))["packages"][0]
    ticket = await someone.post("/credit/tickets", {"package_id": package["id"]})
    await _pays(scene, ticket, "notify-post")
    await _has(someone, package["amount_credits"])
    refused = await scene.nobody.post("/credit/callback", content=b"pid=1000&pid=1000")
    assert (refused.status_code, refused.json()["code"]) == (403, "payment.notice_refused")
