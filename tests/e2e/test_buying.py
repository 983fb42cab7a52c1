"""More credits, as a person gets them: bought at the sandbox's cashier, and by a code an admin made."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import visit, visit_as_operator
from tests.e2e.studio import Studio


@pytest.mark.parametrize(("locale", "phone"), [("en", False), ("zh", True)], ids=["desktop", "phone"])
async def test_a_package_is_bought_and_the_credits_arrive(
    browser: Browser, studio: Studio, locale: str, phone: bool
) -> None:
    me = await visit(browser, studio, locale=locale, phone=phone)
    page = me.page
    await me.sign_up()
    await me.go("/credits")
    pay = page.get_by_role("button", name=me.say("buy.pay", price="").strip(), exact=False)
    await expect(pay).to_contain_text("¥6")
    await page.get_by_role("radio", name=re.compile("50")).last.check(force=True)
    await expect(pay).to_contain_text("¥50")
    await pay.click()

    # The cashier is another site; what shall happen is chosen there.
    await page.wait_for_url(f"http://127.0.0.1:{studio.port + 1}/epay/submit.php*")
    await page.get_by_label("What shall happen").select_option("notify-late")
    await page.get_by_role("button", name="Pay with play money").click()

    # Coming back credits nothing: the page waits, and is told.
    await page.wait_for_url("**/credits/orders/*")
    await expect(page.get_by_role("heading", name="5,000")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/credits/orders/[0-9a-f-]{36}$"))
    await page.get_by_role("link", name=me.say("order.back")).click()
    await expect(page.get_by_role("main").get_by_text("5,100", exact=True).first).to_be_visible()
    await expect(page.get_by_role("main").get_by_text(me.say("orders.paid")).first).to_be_visible()
    await expect(page.get_by_text(me.say("reason.purchase")).first).to_be_visible()
    assert me.complaints == []


async def test_an_admins_code_is_redeemed_once(browser: Browser, studio: Studio, admin_key: str) -> None:
    del admin_key
    admin = await visit_as_operator(browser, studio)
    await admin.go("/admin/codes")
    await admin.page.get_by_role("button", name=admin.say("codes.make")).first.click()
    sheet = admin.page.get_by_role("dialog", name=admin.say("codes.make"))
    await sheet.get_by_label(admin.say("codes.count")).fill("2")
    await sheet.get_by_label(admin.say("codes.amount")).fill("250")
    await sheet.get_by_label(admin.say("codes.purpose")).fill("for a test")
    await sheet.get_by_role("button", name="Make 2 codes").click()
    told = await admin.page.get_by_role("textbox", name=admin.say("admin.codes"), exact=True).input_value()
    first, second = told.split("\n")
    assert re.fullmatch(r"(?:[0-9A-Z]{5}-){3}[0-9A-Z]{5}", first) and first != second
    async with admin.page.expect_download() as saved:
        await admin.page.get_by_role("button", name=admin.say("codes.download")).click()
    assert first in (await (await saved.value).path()).read_text(encoding="utf-8-sig")
    await admin.page.keyboard.press("Escape")
    await expect(admin.page.get_by_text(f"…{second[-4:]}")).to_be_visible()

    me = await visit(browser, studio)
    await me.sign_up()
    await me.go("/credits")
    box = me.page.get_by_label(me.say("redeem.code"), exact=True)
    redeem = me.page.get_by_role("button", name=me.say("redeem.redeem"), exact=True)
    await box.fill("AAAAA-BBBBB-CCCCC-DDDDD")
    await redeem.click()
    await expect(me.page.get_by_text(me.say("error.redemption.unknown"))).to_be_visible()
    await box.fill(first.lower().replace("-", " "))
    await redeem.click()
    await expect(me.page.get_by_text("250 credits are yours now.")).to_be_visible()
    await expect(me.page.get_by_role("main").get_by_text("350", exact=True).first).to_be_visible()
    await box.fill(first)
    await redeem.click()
    await expect(me.page.get_by_text(me.say("error.redemption.already_received", amount_credits=250))).to_be_visible()
    await expect(me.page.get_by_text(me.say("reason.redemption")).first).to_be_visible()

    await admin.page.reload()
    await expect(admin.page.get_by_text(me.email)).to_be_visible()
    assert me.unexpected("status of 404", "status of 409") + admin.unexpected() == []
