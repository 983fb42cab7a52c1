"""An admin makes a model of a workflow, and people make pictures with it."""

import json
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Visitor, visit_as_operator
from tests.e2e.studio import Studio
from tests.e2e.test_axe import serious

WORKFLOW: dict[str, Any] = {
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "dreams.safetensors"},
        "_meta": {"title": "Load Dreams"},
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            **{"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]},
            **{"seed": 42, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0},
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "job"}},
}


async def drop(me: Visitor, name: str, document: Any) -> None:
    """Choose a file of this name and content."""
    file = {"name": name, "mimeType": "application/json", "buffer": json.dumps(document).encode()}
    await me.page.locator("input[type=file]").set_input_files([file])  # type: ignore[list-item]  # a FilePayload


async def create_with(me: Visitor, model: str, prompt: str) -> None:
    """Make something with the model of that name."""
    page = me.page
    await me.go("/create")
    await me.pick(model, model)
    await page.get_by_label(me.say("create.prompt"), exact=True).fill(prompt)
    await me.press_create()
    await expect(me.pictures_of(prompt).first).to_be_visible()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_from_a_template_to_a_model_on_offer(
    browser: Browser, studio: Studio, admin_key: str, locale: str, phone: bool
) -> None:
    me = await visit_as_operator(browser, studio, locale=locale, phone=phone)
    page = me.page
    name = f"Neon {uuid4().hex[:6]}"
    await me.go("/admin/models")
    await page.get_by_role("link", name=me.say("making.make")).click()
    await page.get_by_role("button", name="SDXL").first.click()
    await expect(page.get_by_text(me.say("making.sound"))).to_be_visible()
    for language in ("zh", "en"):
        field = f"{me.say('making.name')}, {me.say(f'making.in_{language}')}"
        await page.get_by_label(field).fill(name)
    preview = page.get_by_role("complementary", name=me.say("making.preview"))
    await expect(preview.get_by_text(name)).to_be_visible()
    await page.get_by_label(me.say("models.per_output_credits")).fill("4")
    await expect(preview.get_by_text("· 4")).to_be_visible()
    await page.get_by_role("button", name=me.say("making.publish"), exact=True).click()
    await page.wait_for_url("**/admin/models")
    await expect(page.get_by_role("link", name=me.say("making.edit", name=name))).to_be_visible()
    made = next(one for one in studio.ask("GET", "/models", admin_key)["items"] if one["name"]["en"] == name)  # type: ignore[index]
    assert made["id"] == f"own-{name.lower().replace(' ', '-')}"
    assert (made["available"], made["price"]["from_credits"]) == (True, 4)
    assert me.complaints == []


async def test_what_is_wrong_with_a_workflow_is_mended_on_the_page_and_people_make_pictures_with_it(
    browser: Browser, studio: Studio, admin_key: str
) -> None:
    me = await visit_as_operator(browser, studio)
    page = me.page
    name = f"dreams {uuid4().hex[:6]}"
    await me.go("/admin/models/make")
    await drop(me, "wrong.json", {"nodes": [], "links": []})
    await expect(page.get_by_text("Export (API), then")).to_be_visible()
    await drop(me, f"{name.replace(' ', '_')}.json", WORKFLOW)
    publish = page.get_by_role("button", name=me.say("making.publish"), exact=True)
    await expect(page.get_by_text("Load Dreams (#4)")).to_be_visible()
    await publish.click()
    await expect(page.get_by_role("dialog", name=me.say("making.anyway_title"))).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator("[data-setting=checkpoint] select").select_option("v1-5-pruned-emaonly.safetensors")
    await expect(page.get_by_text(me.say("making.sound"))).to_be_visible()
    await page.locator("[data-setting=cfg]").get_by_role("switch").click()
    await publish.click()
    await page.wait_for_url("**/admin/models")

    await create_with(me, name, "a lighthouse of paper")
    made = next(one for one in studio.ask("GET", "/models", admin_key)["items"] if one["name"]["en"] == name)  # type: ignore[index]
    assert "cfg" not in {param["name"] for param in made["params"]}

    await me.go(f"/admin/models/{made['id']}")
    await expect(page.get_by_text(me.say("making.sound"))).to_be_visible()
    await page.get_by_role("button", name=me.say("making.withdraw")).click()
    await page.wait_for_url("**/admin/models")
    exported = studio.ask("GET", f"/admin/models/{made['id']}/entry", admin_key)
    shown = {one["id"]: one for one in studio.ask("GET", "/models", admin_key)["items"]}  # type: ignore[index]
    assert shown[made["id"]]["enabled"] is False

    await me.go(f"/admin/models/{made['id']}")
    await page.get_by_role("button", name=me.say("action.delete")).first.click()
    await page.get_by_role("dialog").get_by_role("button", name=me.say("action.delete")).click()
    await page.wait_for_url("**/admin/models")
    await me.go("/admin/models/make")
    await drop(me, "exported.json", exported)
    await expect(page.get_by_text(me.say("making.sound"))).to_be_visible()
    await publish.click()
    await page.wait_for_url("**/admin/models")
    again = studio.ask("GET", f"/admin/models/{made['id']}/entry", admin_key)
    assert again == {**exported, "enabled": True}  # type: ignore[dict-item]  # a JSON object

    await me.go("/create")
    await expect(me.pictures_of("a lighthouse of paper").first).to_be_visible()
    await page.get_by_role("link", name="a lighthouse of paper").first.click()
    await page.wait_for_url("**/g/*")
    await expect(page.get_by_text(name).first).to_be_visible()
    assert me.complaints == []


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_an_id_that_is_taken_is_said_at_the_button_that_was_pressed(
    browser: Browser, studio: Studio, admin_key: str, locale: str
) -> None:
    taken = studio.make_model(admin_key, f"Taken {uuid4().hex[:6]}")
    me = await visit_as_operator(browser, studio, locale=locale)
    page = me.page
    await me.go("/admin/models/make")
    await page.get_by_role("button", name="SDXL").first.click()
    await expect(page.get_by_text(me.say("making.sound"))).to_be_visible()
    field = page.get_by_label(me.say("making.id"), exact=True)
    publish = page.get_by_role("button", name=me.say("making.publish"), exact=True)
    await field.fill(taken)
    await publish.click()
    told = page.get_by_role("alert").filter(has_text=me.say("error.catalog.id_taken"))
    await expect(told).to_have_count(2)
    await expect(told.last).to_be_in_viewport()
    # The preview that follows the last letter knows nothing of other models.
    await page.wait_for_timeout(800)
    await expect(told).to_have_count(2)
    assert me.unexpected("status of 409") == []
    await field.fill(f"{taken}-again")
    await expect(told).to_have_count(0)
    await publish.click()
    await page.wait_for_url("**/admin/models")
    assert me.unexpected("status of 409") == []


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_a_number_that_cannot_be_is_said_at_its_field_and_nothing_is_kept_or_published(
    browser: Browser, studio: Studio, admin_key: str, locale: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio, locale=locale)
    page = me.page
    await me.go("/admin/models/make")
    await page.get_by_role("button", name="SDXL").first.click()
    await expect(page.get_by_text(me.say("making.sound"))).to_be_visible()
    buttons = [page.get_by_role("button", name=me.say(f"making.{one}"), exact=True) for one in ("publish", "keep")]
    for name, least, most in (("models.base_credits", "0", "1,000,000"), ("making.typical_seconds", "1", "86,400")):
        field = page.get_by_label(me.say(name), exact=True)
        told = page.get_by_text(me.say("whole.wrong", minimum=least, maximum=most), exact=True)
        fine = await field.input_value()
        for typed in ("-5", "2.5", "", "1000000000000"):
            await field.fill(typed)
            await expect(told).to_be_visible()
            await expect(field).to_have_value(typed)
            for button in buttons:
                await expect(button).to_be_disabled()
            await field.fill(fine)
            await expect(told).to_have_count(0)
            for button in buttons:
                await expect(button).to_be_enabled()
    assert me.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_form_has_no_serious_issue(
    browser: Browser, studio: Studio, admin_key: str, axe: str, theme: str
) -> None:
    del admin_key
    me = await visit_as_operator(browser, studio, theme=theme)
    await me.go("/admin/models/make")
    await drop(me, "dreams.json", WORKFLOW)
    await expect(me.page.get_by_text("Load Dreams (#4)")).to_be_visible()
    await expect(me.page.get_by_role("complementary", name=me.say("making.preview")).get_by_text("· 1")).to_be_visible()
    await me.page.locator("[data-setting=steps] button[aria-expanded]").click()
    assert await serious(me, axe) == []
