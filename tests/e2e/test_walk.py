"""The main job, as a person does it: sign up, create, watch it arrive, find it again, read the receipt, leave."""

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import visit
from tests.e2e.studio import Studio


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_from_the_door_to_the_receipt(browser: Browser, studio: Studio, locale: str, phone: bool) -> None:
    me = await visit(browser, studio, locale=locale, phone=phone)
    page = me.page
    await me.sign_up()
    prompt = "ink mountains, 朱砂 sun"
    await me.create(prompt)

    await expect(page.get_by_role("article")).to_have_count(1)
    picture = me.pictures_of(prompt).first
    await expect(picture).to_be_visible()
    await expect(picture.locator("img").first).to_be_visible()

    await me.go("/library")
    await page.get_by_role("button", name=me.say("library.view", name="").strip(), exact=False).first.click()
    await page.keyboard.press("Escape")

    await me.go("/credits")
    await expect(page.get_by_text(me.say("entry.settle")).first).to_be_visible()
    await expect(page.get_by_role("main").get_by_text("97", exact=True).first).to_be_visible()

    await me.go("/create")
    await page.get_by_role("link", name=prompt).first.click()
    await page.wait_for_url("**/g/*")
    await expect(page.get_by_text(me.say("g.receipt")).first).to_be_visible()
    await expect(page.get_by_text(me.say("entry.settle")).first).to_be_visible()

    await me.go("/settings")
    await page.get_by_role("button", name=me.say("settings.sign_out")).last.click()
    await page.wait_for_url("**/sign-in*")
    assert me.complaints == []


async def test_a_restart_in_the_middle_is_survived_without_a_reload(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.create("a long way [[slow:12]]")
    await expect(me.page.get_by_text(me.say("status.running")).first).to_be_visible()
    await me.page.evaluate("window.untouched = true")
    studio.kill()
    studio.start()
    await expect(me.pictures_of("a long way [[slow:12]]").first).to_be_visible()
    assert await me.page.evaluate("window.untouched") is True
    allowed = (
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_EMPTY_RESPONSE",
        "ERR_CONNECTION_RESET",
    )
    assert me.unexpected(*allowed) == []


async def test_offline_and_back_nothing_is_missed(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.create("while nobody looked [[slow:6]]")
    await expect(me.page.get_by_role("article")).to_have_count(1)
    await me.context.set_offline(True)
    await me.page.wait_for_timeout(4000)
    await me.context.set_offline(False)
    await expect(me.pictures_of("while nobody looked [[slow:6]]").first).to_be_visible()


async def test_two_windows_show_the_same(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    second = await me.context.new_page()
    await second.goto(f"{studio.url}/create")
    await me.create("seen twice")
    await expect(second.get_by_role("button", name=me.say("feed.view", n=1, prompt="seen twice")).first).to_be_visible()


async def test_a_double_click_makes_one(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.write("only once")
    button = me.page.get_by_role("button", name=me.say("create.create")).and_(me.page.locator(":enabled", has_text="·"))
    await button.first.dblclick()
    await expect(me.pictures_of("only once").first).to_be_visible()
    await expect(me.page.get_by_role("article")).to_have_count(1)


async def test_by_keyboard_alone(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.page.get_by_label(me.say("create.prompt"), exact=True).focus()
    await me.page.keyboard.type("typed, not clicked")
    await me.page.wait_for_timeout(600)
    await me.page.keyboard.press("Control+Enter")
    await expect(me.pictures_of("typed, not clicked").first).to_be_visible()
