"""The admin's pages say what is wrong where it is wrong, and keep what was typed."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import MODEL, OPERATOR, visit, visit_as_operator
from tests.e2e.studio import Studio

PRICE_MAX = "1,000,000"


async def test_a_double_click_opens_a_question_and_its_no_does_nothing(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio)
    await me.go("/admin/storage")
    page, dialog = me.page, me.page.get_by_role("dialog")
    await page.get_by_role("button", name=me.say("storage.move_all")).dblclick()
    await expect(dialog).to_be_visible()
    assert await page.evaluate("getSelection().toString()") == ""
    # Long enough for a question that was answered by the second click to have gone.
    await page.wait_for_timeout(400)
    await expect(dialog.get_by_role("heading", name=me.say("storage.move_title"))).to_be_visible()
    await expect(dialog.get_by_role("button", name=me.say("ui.no"))).to_have_count(0)
    await dialog.get_by_role("button", name=me.say("ui.cancel")).click()
    await expect(dialog).to_have_count(0)
    # One press beside it is still a way out.
    await page.get_by_role("button", name=me.say("storage.move_all")).click()
    await expect(dialog).to_be_visible()
    await page.mouse.click(5, 5)
    await expect(dialog).to_have_count(0)
    # Everything lies in the studio's own folder, where it is to go.
    await page.get_by_role("button", name=me.say("storage.move_all")).click()
    await dialog.get_by_role("button", name=me.say("storage.move_yes"), exact=True).click()
    await expect(
        page.get_by_text(me.say("storage.moved_nothing", name=me.say("storage.folder")), exact=True)
    ).to_be_visible()
    assert me.complaints == []


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_a_price_that_cannot_be_is_said_at_its_field_and_kept(
    browser: Browser, studio: Studio, admin_key: str, locale: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio, locale=locale)
    await me.go("/admin/models")
    page = me.page
    await page.get_by_label(me.say("create.search_models")).fill(MODEL)
    row = page.get_by_role("listitem").filter(has=page.get_by_text(MODEL, exact=True))
    price = row.get_by_label(me.say("models.base_credits"))
    said = row.get_by_role("alert")
    shipped = await price.input_value()
    sentence = me.say("whole.wrong", minimum=0, maximum=PRICE_MAX)
    for typed in ("-5", "2.5", "", "1000000000000000000"):
        await price.fill(typed)
        await price.press("Tab")
        await expect(said).to_contain_text(sentence)
        await expect(price).to_have_value(typed)
        await expect(price).to_have_attribute("aria-invalid", "true")
        await price.fill(shipped)
        await price.press("Tab")
        await expect(said).to_have_count(0)
    assert me.complaints == []
    # A price that only the server can refuse: a request for four pictures would cost too much.
    each = row.get_by_label(me.say("models.per_output_credits"))
    was = await each.input_value()
    await each.fill("1000000")
    await each.press("Tab")
    await expect(said).to_contain_text(me.say("error.catalog.invalid_price"))
    await expect(each).to_have_value("1000000")
    await row.get_by_role("button", name=me.say("models.reset")).click()
    await expect(said).to_have_count(0)
    await expect(each).to_have_value(was)
    assert me.unexpected("status of 422") == []


async def test_a_price_that_was_not_saved_is_marked_and_goes_with_the_next_one(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    me = await visit_as_operator(browser, studio)
    own = studio.make_model(admin_key, f"Priced {uuid4().hex[:6]}")
    await me.go("/admin/models")
    page = me.page
    await page.get_by_label(me.say("create.search_models")).fill(own)
    row = page.get_by_role("listitem").filter(has=page.get_by_text(own, exact=True))
    base, each = row.get_by_label(me.say("models.base_credits")), row.get_by_label(me.say("models.per_output_credits"))
    said = row.get_by_role("alert")
    await page.route("**/api/v1/admin/models/*", lambda route: route.abort())
    await base.fill("7")
    await base.press("Tab")
    await expect(said).to_contain_text(me.say("error.network.unreachable"))
    await expect(base).to_have_value("7")
    await page.unroute("**/api/v1/admin/models/*")
    await each.fill("5")
    await each.press("Tab")
    await expect(said).to_have_count(0)
    await expect(base).to_have_value("7")
    await page.reload()
    await page.get_by_label(me.say("create.search_models")).fill(own)
    await expect(base).to_have_value("7")
    await expect(each).to_have_value("5")
    assert me.unexpected("ERR_FAILED") == []


TWICE_BEFORE_THE_PAGE_IS_DRAWN = "(button) => { button.click(); button.click(); }"


@pytest.mark.parametrize("quickly", [False, True], ids=["double click", "in one breath"])
async def test_credits_are_given_once_however_often_the_button_is_pressed(
    browser: Browser, studio: Studio, admin_key: str, quickly: bool
) -> None:
    del admin_key
    person = await visit(browser, studio)
    await person.sign_up()
    me = await visit_as_operator(browser, studio)
    await me.go(f"/admin/users?q={person.email}")
    page, reason = me.page, f"for the bell {uuid4().hex[:6]}"
    await page.get_by_role("button", name=me.say("users.grant"), exact=True).first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(me.say("users.reason")).fill(reason)
    give = dialog.locator('button[type="submit"]')
    await expect(give).to_be_enabled()
    if quickly:
        await give.evaluate(TWICE_BEFORE_THE_PAGE_IS_DRAWN)
    else:
        await give.dblclick()
    await expect(dialog).to_have_count(0)
    await page.wait_for_load_state("networkidle")
    statement = await person.context.request.get(f"{studio.url}/api/v1/credits/statement")
    assert (await statement.text()).count(reason) == 1
    assert me.complaints == []


async def test_marking_text_beyond_the_edge_of_a_dialog_keeps_it_open(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio)
    await me.go(f"/admin/users?q={OPERATOR}")
    page, dialog = me.page, me.page.get_by_role("dialog")
    await page.get_by_role("button", name=me.say("users.grant"), exact=True).first.click()
    reason = dialog.get_by_label(me.say("users.reason"))
    await reason.fill("for the bell in the fog")
    box = await reason.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(5, box["y"], steps=5)
    await page.mouse.up()
    await page.wait_for_timeout(300)
    await expect(reason).to_have_value("for the bell in the fog")
    await page.mouse.click(5, 5)
    await expect(dialog).to_have_count(0)


async def test_a_key_that_is_still_held_answers_no_question(browser: Browser, studio: Studio, admin_key: str) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio)
    await me.go("/admin/storage")
    page, dialog = me.page, me.page.get_by_role("dialog")
    await page.get_by_role("button", name=me.say("storage.move_all")).focus()
    await page.keyboard.down("Enter")
    yes = dialog.get_by_role("button", name=me.say("storage.move_yes"), exact=True)
    await expect(yes).to_be_focused()
    for _ in range(3):
        await page.keyboard.down("Enter")
    await page.wait_for_timeout(300)
    await expect(yes).to_be_focused()
    await page.keyboard.up("Enter")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_codes_are_not_made_of_a_count_that_cannot_be(
    browser: Browser, studio: Studio, admin_key: str, locale: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio, locale=locale)
    await me.go("/admin/codes")
    await me.page.get_by_role("button", name=me.say("codes.make"), exact=True).first.click()
    sheet = me.page.get_by_role("dialog", name=me.say("codes.make"))
    make = sheet.locator('button[type="submit"]')
    for name, limit in (("codes.count", "1,000"), ("codes.amount", "100,000,000")):
        field = sheet.get_by_label(me.say(name), exact=True)
        fine = await field.input_value()
        for typed in ("-3", "0", "1.5", "", "1000000000"):
            await field.fill(typed)
            await expect(sheet.get_by_text(me.say("whole.wrong", minimum=1, maximum=limit))).to_be_visible()
            await expect(field).to_have_value(typed)
            await expect(make).to_be_disabled()
        await field.fill(fine)
        await expect(make).to_be_enabled()
    assert me.complaints == []


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_an_id_of_a_model_that_cannot_be_is_told_what_one_looks_like(
    browser: Browser, studio: Studio, admin_key: str, locale: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio, locale=locale)
    await me.go("/admin/models/make")
    page = me.page
    await page.get_by_role("main").locator("li button").first.click()
    field = page.get_by_label(me.say("making.id"), exact=True)
    await expect(field).to_have_value(re.compile("^own-"))
    own = await field.input_value()
    told = page.get_by_role("alert").filter(has_text=me.say("making.id_wrong", id="own-sd-1.5-text-to-image"))
    for typed in ("Ä b!", "flux", "own-", ""):
        await field.fill(typed)
        await expect(told).to_be_visible()
        await expect(field).to_have_value(typed)
        await expect(page.get_by_role("button", name=me.say("making.publish"), exact=True)).to_be_disabled()
    await field.fill(own)
    await expect(page.get_by_text(me.say("making.id_body"))).to_be_visible()
    assert me.unexpected("status of 422") == []
