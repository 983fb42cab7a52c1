"""Going on from a result: offers taken up, a region painted, words used, a recording given, a preview seen."""

import io
import math
import re
import struct
import wave
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, FilePayload, Locator, expect

from tests.e2e.conftest import Visitor, visit, visit_as_operator
from tests.e2e.studio import Studio


def picture() -> FilePayload:
    """A picture as a person would choose it from a folder."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(file, "PNG")
    return FilePayload(name="lake.png", mimeType="image/png", buffer=file.getvalue())


def recording() -> FilePayload:
    """Four seconds of a tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = (int(9000 * math.sin(at / 6)) for at in range(4 * 8000))
        sound.writeframes(b"".join(struct.pack("<h", level) for level in tone))
    return FilePayload(name="voice.wav", mimeType="audio/wav", buffer=file.getvalue())


def prompt_box(me: Visitor) -> Locator:
    """The prompt on the desk."""
    return me.page.get_by_label(me.say("create.prompt"), exact=True)


def all_pictures(me: Visitor, prompt: str) -> Locator:
    """Every finished picture of a prompt in the stream."""
    return me.page.get_by_role("button", name=re.compile(rf"\d+.*: {re.escape(prompt)}$"))


async def ask(me: Visitor, path: str) -> Any:
    """The API's answer to this visitor."""
    answer = await me.context.request.get(f"{me.studio.url}/api/v1{path}")
    assert answer.ok, path
    return await answer.json()


async def painted_mask(me: Visitor, view: dict[str, Any]) -> Image.Image:
    """The mask a generation was given, as it was uploaded."""
    asset_id = next(given["asset_id"] for given in view["inputs"] if given["role"] == "mask")
    answer = await me.context.request.get(f"{me.studio.url}/api/v1/assets/{asset_id}/file")
    return Image.open(io.BytesIO(await answer.body())).convert("L")


async def test_flags_in_the_words_move_the_form_and_come_out_of_the_words(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.pick("midjourney-v7", "Midjourney 7")
    await prompt_box(me).fill("an inkstone garden --ar 3:2 --s 250 --turbo ")
    await expect(me.page.get_by_role("list", name=me.say("flags.understood")).get_by_role("listitem")).to_have_count(3)
    await expect(me.page.get_by_role("button", name=f"{me.say('create.create')} · 10")).to_be_visible()
    await me.page.get_by_role("button", name=me.say("create.parameters")).click()
    await expect(me.page.get_by_text(me.say("flags.by_words", flag="--ar"))).to_be_visible()
    await expect(me.page.get_by_role("radio", name="Turbo")).to_be_checked()

    await me.page.get_by_role("radio", name="Fast").check(force=True)
    await expect(prompt_box(me)).to_have_value("an inkstone garden --ar 3:2 --s 250")
    await expect(me.page.get_by_role("button", name=f"{me.say('create.create')} · 5")).to_be_visible()

    await prompt_box(me).fill("an inkstone garden --ar 3:2 --s 250 --sparkle yes --tile")
    await expect(me.page.get_by_text(me.say("flags.unknown", flag="--sparkle"))).to_be_visible()
    await prompt_box(me).fill("an inkstone garden --ar 3:2 --s 250")
    await me.press_create()
    await expect(me.page.get_by_role("link", name="an inkstone garden", exact=True)).to_be_visible()
    made = (await ask(me, "/generations"))["items"][0]
    assert made["prompt"] == "an inkstone garden"
    assert (made["params"]["aspect_ratio"], made["params"]["stylize"], made["params"]["speed"]) == ("3:2", 250, "fast")
    assert me.complaints == []


async def test_an_offer_is_taken_up_a_region_is_painted_and_the_family_is_shown(
    browser: Browser, studio: Studio
) -> None:
    me = await visit(browser, studio)
    page = me.page
    await me.sign_up()
    await me.pick("midjourney-v7", "Midjourney 7")
    await prompt_box(me).fill("a heron in the reeds")
    await me.press_create()
    await expect(all_pictures(me, "a heron in the reeds")).to_have_count(4)
    first = (await ask(me, "/generations"))["items"][0]

    await all_pictures(me, "a heron in the reeds").nth(1).click()
    await page.get_by_role("button", name=re.compile(r"^Upscale · \d+$")).click()
    await expect(page.get_by_text(me.say("follow.begun", what="Upscale"))).to_be_visible()
    await expect(page.get_by_role("heading", name=me.say("g.followed"))).to_be_visible()
    await page.keyboard.press("Escape")
    cards = page.get_by_role("article")
    await expect(cards).to_have_count(2)
    await expect(cards.first.get_by_role("link", name=me.say("feed.from", what="a heron in the reeds"))).to_be_visible()

    upscaled = cards.first
    await expect(upscaled.locator("img").first).to_be_visible()
    await upscaled.locator("img").first.hover()
    await upscaled.get_by_role("button", name=me.say("viewer.go_on")).click()
    await page.get_by_role("button", name=re.compile(r"^Vary a region… · \d+$")).click()
    words = page.get_by_role("dialog").get_by_label(me.say("create.prompt"))
    await expect(words).to_have_value(re.compile("a heron in the reeds"))
    create = page.get_by_role("dialog").get_by_role("button", name=me.say("create.create"))
    await expect(create).to_be_disabled()
    box = await page.locator("canvas").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5, steps=8)
    await page.mouse.up()
    await words.fill("a red heron")
    await create.click()
    await expect(cards).to_have_count(3)
    await expect(all_pictures(me, "a red heron")).to_have_count(4)

    region, larger, _ = (await ask(me, "/generations"))["items"]
    assert larger["parent_id"] == first["id"] and region["parent_id"] == larger["id"]
    mask = await painted_mask(me, region)
    asset = larger["assets"][0]
    assert mask.size == (asset["width"], asset["height"])
    middle = mask.height // 2
    assert [mask.getpixel((int(mask.width * at), middle)) for at in (0.1, 0.3, 0.9)] == [0, 255, 0]

    await me.go(f"/g/{larger['id']}")
    await expect(page.get_by_role("heading", name=me.say("g.parent"))).to_be_visible()
    await expect(page.get_by_role("link", name=re.compile("^a red heron"))).to_be_visible()
    assert me.complaints == []


async def test_a_mask_is_painted_on_the_desk_by_keyboard(browser: Browser, studio: Studio, axe: str) -> None:
    me = await visit(browser, studio)
    page = me.page
    await me.sign_up()
    await me.pick("flux-pro-fill", "Fill")
    await page.locator('input[type="file"]').first.set_input_files(picture())
    await page.get_by_role("button", name=me.say("mask.paint_on", name="lake.png")).click()
    easel = page.get_by_role("application")
    await easel.focus()
    for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
        await page.keyboard.press(key)
    await expect(page.get_by_text(re.compile("of the picture will change"))).to_be_visible()
    await page.evaluate(axe)
    found = await page.evaluate("axe.run(document.querySelector('dialog'), {resultTypes: ['violations']})")
    serious = [issue["id"] for issue in found["violations"] if issue["impact"] in ("serious", "critical")]
    assert serious == []
    await page.get_by_role("button", name=me.say("mask.undo")).click()
    await expect(page.get_by_text(me.say("mask.nothing_yet"))).to_be_visible()
    for key in ("Space", "ArrowRight", "Space"):
        await easel.press(key)
    await page.get_by_role("button", name=me.say("mask.invert")).click()
    await page.get_by_role("button", name=me.say("mask.use")).click()
    await expect(page.get_by_role("list", name=me.say("create.references")).get_by_role("listitem")).to_have_count(2)
    await prompt_box(me).fill("a boat on the lake")
    await me.press_create()
    await expect(me.pictures_of("a boat on the lake").first).to_be_visible()

    mask = await painted_mask(me, (await ask(me, "/generations"))["items"][0])
    assert mask.size == (640, 480)
    assert [mask.getpixel(at) for at in ((350, 240), (20, 20), (600, 460))] == [0, 255, 255]
    uploads = (await ask(me, "/assets?source=uploaded"))["items"]
    assert [upload["name"] for upload in uploads] == ["lake.png"]
    assert me.complaints == []


async def test_words_that_were_made_become_a_prompt(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio, locale="zh", phone=True)
    page = me.page
    await me.sign_up()
    await page.get_by_role("button", name=me.say("create.placeholder")).click()
    await me.pick("midjourney-describe", "识图")
    await page.locator('input[type="file"]').first.set_input_files(picture())
    await me.press_create()
    article = page.get_by_role("article").first
    use = article.get_by_role("button", name=me.say("words.use"))
    await expect(use).to_have_count(4)
    text = (await ask(me, "/generations"))["items"][0]["facts"]["texts"][2]
    await use.nth(2).click()
    await expect(prompt_box(me)).to_have_value(text)
    await expect(page.locator('button.chip[aria-haspopup="dialog"]').first).not_to_contain_text("识图")
    await expect(page.get_by_role("button", name=re.compile(f"^{me.say('create.create')} · ")).last).to_be_enabled()
    assert me.complaints == []


async def test_a_video_is_made_to_speak_with_a_recording(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    page = me.page
    await me.sign_up()
    await me.pick("kling-v1-6", "Kling 1.6")
    await prompt_box(me).fill("a woman looks up")
    await me.press_create()
    film = me.pictures_of("a woman looks up").first
    await expect(film).to_be_visible()
    await expect(page.get_by_role("article").get_by_text("0:05")).to_be_visible()
    await film.click()
    video = page.locator("dialog video")
    await video.evaluate("film => new Promise(plays => film.addEventListener('timeupdate', plays, {once: true}))")
    await expect(video).to_have_attribute("poster", re.compile("thumbnail"))

    await page.get_by_role("button", name=re.compile(r"^Lip-sync to audio… · \d+$")).click()
    references = page.get_by_role("list", name=me.say("create.references"))
    await expect(references.get_by_text(me.say("create.goes_on"))).to_be_visible()
    await expect(page.get_by_text(me.say("create.gap_input", role="Sound"))).to_be_visible()
    await page.locator('input[type="file"]').first.set_input_files(recording())
    await expect(references.get_by_text("Sound", exact=True)).to_be_visible()
    await me.press_create()
    await expect(page.get_by_role("article")).to_have_count(2)
    await expect(page.get_by_role("article").first.locator("img").first).to_be_visible()
    spoken, first = (await ask(me, "/generations"))["items"]
    assert spoken["parent_id"] == first["id"] and spoken["assets"][0]["kind"] == "video"
    assert me.complaints == []


async def test_a_passing_picture_is_shown_as_one_while_it_runs(browser: Browser, studio: Studio) -> None:
    me = await visit(browser, studio)
    await me.sign_up()
    await me.pick("sd-1.5", "Stable Diffusion 1.5")
    await prompt_box(me).fill("a harbour in the mist [[slow:20]]")
    await me.press_create()
    card = me.page.get_by_role("article").first
    await expect(card.get_by_text(me.say("feed.preview"))).to_be_visible()
    await expect(card.locator('img[src*="/preview?v="]')).to_be_visible()
    await expect(me.pictures_of("a harbour in the mist [[slow:20]]").first).to_be_visible()
    await expect(card.get_by_text(me.say("feed.preview"))).to_have_count(0)
    assert me.complaints == []


async def test_an_admin_sees_how_each_model_does(browser: Browser, studio: Studio, admin_key: str) -> None:
    studio.terminal(
        *("create", "counted", "--model", "flux-1-schnell", "--out", str(Path(studio.data) / "out")),
        *("--url", studio.url, "--api-key", admin_key),
    )
    me = await visit_as_operator(browser, studio)
    await me.go("/admin/figures")
    row = me.page.get_by_role("row", name=re.compile("FLUX.1 \\[schnell\\]"))
    await expect(row).to_contain_text("100%")
    await me.page.get_by_role("radio", name="30 days").check(force=True)
    await me.page.wait_for_url("**/admin/figures?days=30")
    await expect(row).to_be_visible()
    assert me.complaints == []
