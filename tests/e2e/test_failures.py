"""What a person is told when it goes wrong, and that it cost nothing."""

from playwright.async_api import Browser, expect

from tests.e2e.conftest import visit
from tests.e2e.studio import Studio


async def test_a_broken_model_says_so_and_gives_the_credits_back(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.create("this will not do [[fail:feature_not_supported]]")
    await expect(me.page.get_by_text(me.say("error.provider.rejected"))).to_be_visible()
    await expect(me.page.get_by_text("3 credits came back.")).to_be_visible()
    await expect(me.page.get_by_text("100", exact=True).first).to_be_visible()
    await me.page.get_by_role("button", name=me.say("action.retry")).first.click()
    await expect(me.page.get_by_text(me.say("error.provider.rejected"))).to_be_visible()


async def test_a_cancel_in_time_costs_nothing(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.create("on second thought [[slow:60]]")
    await me.page.get_by_role("button", name=me.say("action.cancel")).first.click()
    await expect(me.page.get_by_text(me.say("ending.canceled"), exact=True).first).to_be_visible()
    await expect(me.page.get_by_text("100", exact=True).first).to_be_visible()


async def test_too_few_credits_are_told_before_anything_is_typed_twice(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    people = studio.ask("GET", f"/admin/users?q={me.email}", admin_key)
    assert isinstance(people, dict)
    person = people["items"][0]["id"]
    studio.ask("POST", f"/admin/users/{person}/grant", admin_key, {"amount_credits": -98, "reason": "for the test"})
    await me.write("more than I have")
    await expect(me.page.get_by_role("link", name="1 credit missing").first).to_be_visible()
    await expect(me.page.get_by_label(me.say("create.prompt"), exact=True)).to_have_value("more than I have")
    studio.ask("POST", f"/admin/users/{person}/grant", admin_key, {"amount_credits": 10, "reason": "for the test"})
    await expect(
        me.page.get_by_role("button", name=me.say("create.create"))
        .and_(me.page.locator(":enabled", has_text="·"))
        .first
    ).to_be_visible()


async def test_an_uncertain_one_waits_for_the_operator(browser: Browser, studio: Studio, admin_key: str) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.create("was it taken? [[lost-answer]] [[webhook-lost]]")
    await expect(me.page.get_by_text(me.say("ending.uncertain")).first).to_be_visible()
    desk = studio.ask("GET", "/admin/review", admin_key)
    assert isinstance(desk, dict)
    waiting = next(item["generation"] for item in desk["items"] if item["user_email"] == me.email)
    studio.ask("POST", f"/admin/review/{waiting['id']}", admin_key, {"resolution": "failed", "note": "not there"})
    await expect(me.page.get_by_text("3 credits came back.")).to_be_visible()
