"""Coming in by phone, as people in China do it: on a phone, in Chinese, with the code the sandbox's outbox shows."""

import random
import sqlite3

from playwright.async_api import Browser, expect

from tests.e2e.conftest import Visitor, visit, visit_as_operator
from tests.e2e.studio import PASSWORD, Studio


def a_phone() -> str:
    """A number nobody has."""
    return f"138{random.randrange(10**8):08d}"


async def read_code(me: Visitor, phone: str) -> str:
    """Read the code where the page says it can be read: in the outbox, as a stranger finds it."""
    async with me.context.expect_page() as opening:
        await me.page.get_by_role("link", name=me.say("phone.outbox")).click()
    outbox = await opening.value
    message = outbox.locator("li").filter(has_text=phone).first
    await expect(message).to_be_visible()
    code = (await message.locator(".code").inner_text()).strip()
    await outbox.close()
    return code


async def test_from_a_number_to_the_studio_and_back(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio, locale="zh", phone=True)
    page, phone = me.page, a_phone()
    await me.go("/sign-up")
    await page.get_by_label(me.say("door.name")).fill("梅琳")
    password = page.get_by_label(me.say("door.password"))
    await expect(password).to_be_visible()
    await page.get_by_label(me.say("door.email_or_phone")).fill(phone)
    await expect(password).to_be_hidden()
    await page.get_by_role("button", name=me.say("phone.send")).click()
    field = page.get_by_label(me.say("phone.code"), exact=True)
    await expect(field).to_be_focused()
    await expect(page.get_by_text("秒后可重新发送")).to_be_visible()
    code = await read_code(me, phone)
    # A wrong one is said beside the field, which is ready for the right one.
    await field.press_sequentially(f"{(int(code) + 1) % 1_000_000:06d}")
    await expect(page.get_by_text(me.say("error.auth.wrong_code"))).to_be_visible()
    await expect(field).to_have_value("")
    await field.press_sequentially(code)
    await page.wait_for_url("**/create")

    # The number is the only way in, and stays; an address comes with a password, and then either may go.
    await me.go("/settings")
    shown = f"{phone[:3]} {phone[3:7]} {phone[7:]}"
    await expect(page.get_by_text(shown)).to_be_visible()
    assert await page.get_by_role("button", name=me.say("settings.way_remove")).count() == 0
    await page.get_by_role("button", name=me.say("settings.email_add")).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(me.say("door.email")).fill(me.email)
    await dialog.get_by_label(me.say("door.password")).fill(PASSWORD)
    await dialog.get_by_role("button", name=me.say("ui.save")).click()
    await expect(page.get_by_text(me.email)).to_be_visible()
    await page.get_by_role("button", name=me.say("settings.way_remove_what", what=shown)).click()
    await page.get_by_role("dialog").get_by_role("button", name=me.say("settings.way_remove")).click()
    await expect(page.get_by_text(shown)).to_be_hidden()

    await page.get_by_role("button", name=me.say("settings.sign_out")).last.click()
    await page.wait_for_url("**/sign-in*")
    await me.sign_in(me.email)
    # The code that was wrong on purpose is what the browser complains of.
    assert me.unexpected("/auth/sign-up/phone") == []


async def test_an_admin_tests_how_codes_are_sent_and_keeps_the_secret_at_home(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio)
    page = me.page
    await me.go("/admin/sms")
    await expect(page.get_by_text(me.say("sms.ready"))).to_be_visible()
    await page.get_by_role("button", name=me.say("sms.test")).click()
    await expect(page.get_by_role("status").filter(has_text="It works")).to_be_visible()
    address = page.get_by_label(me.say("sms.base_url"))
    await address.fill("https://sms.example.com")
    await page.get_by_role("button", name=me.say("ui.save")).click()
    await expect(page.get_by_text(me.say("error.sms.secret_required"))).to_be_visible()
    assert me.unexpected("/admin/sms") == []


def signed_in_long_ago(studio: Studio) -> None:
    """As if everybody had signed in an hour ago and stayed."""
    with sqlite3.connect(studio.data / "vermilion.db", timeout=15) as database:
        database.execute("update session set created_at = replace(created_at, substr(created_at, 1, 4), '2020')")
        database.execute("update session set confirmed_at = null")
    database.close()


async def test_whoever_signed_in_long_ago_shows_that_it_is_them(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    page, phone = me.page, a_phone()
    await me.sign_up()
    await me.go("/settings")
    await expect(page.get_by_text(me.email)).to_be_visible()
    signed_in_long_ago(studio)
    await page.get_by_role("button", name=me.say("settings.phone_add")).click()
    adding = page.get_by_role("dialog", name=me.say("settings.phone_add"))
    await adding.get_by_label(me.say("phone.number")).fill(phone)
    await adding.get_by_role("button", name=me.say("phone.send")).click()
    await adding.get_by_label(me.say("phone.code"), exact=True).press_sequentially(await read_code(me, phone))
    proof = page.get_by_role("dialog", name=me.say("settings.proof"))
    password = proof.get_by_label(me.say("settings.password_current"))
    await password.fill("not the password")
    await proof.get_by_role("button", name=me.say("settings.proof_yes")).click()
    await expect(proof.get_by_text(me.say("error.auth.wrong_password"))).to_be_visible()
    await password.fill(PASSWORD)
    await proof.get_by_role("button", name=me.say("settings.proof_yes")).click()
    # The code that was typed before is good still: nobody types it twice.
    await expect(page.get_by_text(f"{phone[:3]} {phone[3:7]} {phone[7:]}")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert me.unexpected("/me/phone", "/me/confirm") == []


async def test_a_number_nobody_has_leads_to_signing_up(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    page, phone = me.page, a_phone()
    await me.go("/sign-in")
    await page.get_by_label(me.say("door.email_or_phone")).fill(phone)
    await page.keyboard.press("Enter")
    code = page.get_by_label(me.say("phone.code"), exact=True)
    await code.press_sequentially(await read_code(me, phone))
    await expect(page.get_by_text(me.say("error.auth.phone_unknown"))).to_be_visible()
    await page.get_by_role("link", name=me.say("door.sign_up")).click()
    # What was typed at one door is there at the other; the next code goes out by itself when it may.
    await expect(page.get_by_label(me.say("door.email_or_phone"))).to_have_value(phone)
    await page.get_by_label(me.say("door.name")).fill("Mei Lin")
    await page.get_by_role("button", name=me.say("phone.send")).click()
    await expect(page.get_by_text(me.say("phone.sending_soon"))).to_be_visible()
    assert me.unexpected("/auth/") == []
