"""The desk says before the button is pressed what would be refused."""

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import OPERATOR, visit, visit_as_operator
from tests.e2e.studio import Studio


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_a_wrong_flag_is_said_at_the_words_and_holds_the_button(
    browser: Browser, studio: Studio, locale: str
) -> None:
    me = await visit(browser, studio, locale=locale)
    page = me.page
    await me.sign_up()
    await me.pick("midjourney-v7", "Midjourney")
    words = page.get_by_label(me.say("create.prompt"), exact=True)
    button = page.get_by_role("button", name=me.say("create.create")).filter(has_text="·")
    refused_here = {
        "a fox --ar banana": me.say("flags.value", flag="--ar", value="banana"),
        "a fox --s 99999 in snow": me.say("flags.value", flag="--s", value="99999"),
    }
    # Glued to the words it is no flag to the page: the server alone finds that it was meant as one.
    refused_there = {"a fox--turbo": me.say("fault.unknown_flag", flag="--turbo")}
    for prompt, sentence in {**refused_here, **refused_there}.items():
        if prompt in refused_there:
            assert me.complaints == [], "the server was asked about what the page knows to be wrong"
        await words.fill(prompt)
        await expect(page.get_by_text(sentence)).to_be_visible()
        await expect(button).to_be_disabled()
        await expect(words).to_have_attribute("aria-invalid", "true")
        await words.fill("a fox --ar 16:9")
        await expect(button).to_be_enabled()
        await expect(words).not_to_have_attribute("aria-invalid", "true")
    # Asked for by the keys before anything was said about the flag that stands last.
    await words.fill("a fox --ar banana")
    await words.press("Control+Enter")
    await expect(page.get_by_text(refused_here["a fox --ar banana"])).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(0)
    assert me.unexpected("/api/v1/quotes") == []


async def test_the_focus_comes_back_to_where_a_dialog_was_opened(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio)
    page = me.page
    await me.create("a bell in fog")
    picture = me.pictures_of("a bell in fog").first
    await expect(picture).to_be_visible()
    await picture.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(picture).to_be_focused()
    await me.go(f"/admin/users?q={OPERATOR}")
    give = page.get_by_role("button", name=me.say("users.grant"), exact=True).first
    await give.press("Enter")
    await page.get_by_label(me.say("users.reason")).fill("for the bell")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(give).to_be_focused()
