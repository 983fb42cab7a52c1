"""`make shots`: every route in both themes, on desktop and phone, as pictures in `build/shots` to look at."""

import asyncio
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS, OPERATOR, Visitor, visit
from tests.e2e.studio import ROOT, Studio
from vermilion.kit import new_id

OUT = ROOT / "build/shots"
PROMPTS = [
    ("a fishing village at dawn, ink wash, one red lantern", "flux-1-dev", {"aspect_ratio": "16:9"}),
    ("夜色中的海，月亮与孤舟", "flux-1-dev", {"num_images": 4, "aspect_ratio": "4:3"}),
    ("plum blossom on old paper, 红梅", "flux-1-schnell", {"num_images": 2, "aspect_ratio": "3:4"}),
    ("a pagoda in autumn mountains", "flux-2-pro", {"aspect_ratio": "3:2"}),
    ("this one is refused [[fail:content_policy_violation]]", "flux-kontext-pro-text-to-image", {}),
    ("a paper boat on a dark river, lanterns", "kling-v1-6", {}),
    ("an inkstone garden", "midjourney-v7", {"aspect_ratio": "3:2"}),
]
FOLLOWED_SECONDS = 60.0
DOORS = {"sign-in": "/sign-in", "sign-up": "/sign-up"}
ROOMS = {
    "create": "/create",
    "library": "/library",
    "credits": "/credits",
    "settings": "/settings",
    "admin": "/admin",
    "admin-models": "/admin/models",
    "admin-figures": "/admin/figures",
    "admin-models-make": "/admin/models/make",
    "admin-providers": "/admin/providers",
    "admin-users": "/admin/users",
    "admin-review": "/admin/review",
    "admin-audit": "/admin/audit",
    "admin-codes": "/admin/codes",
    "admin-payments": "/admin/payments",
    "admin-storage": "/admin/storage",
    "admin-sms": "/admin/sms",
    "admin-choices": "/admin/choices",
}


def main() -> None:
    """Start a studio with some pictures in it, and photograph it."""
    if CHROMIUM is None:
        sys.exit("no Chromium on this machine: apt-get install chromium")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Path(folder))
        studio.start()
        try:
            asyncio.run(_photograph(studio, _furnish(studio)))
        finally:
            studio.stop()
    sys.stdout.write(f"{len(list(OUT.glob('*.png')))} pictures in {OUT.relative_to(ROOT)}\n")


def _furnish(studio: Studio) -> str:
    """Some generations to look at; the id of the last one that succeeded."""
    key = studio.make_admin(OPERATOR)
    made = ""
    for prompt, model, params in PROMPTS:
        words = [f"{name}={value}" for name, value in params.items()]
        sets = [part for word in words for part in ("--set", word)]
        command = ["create", prompt, "--model", model, *sets, "--out", str(studio.data / "out")]
        try:
            studio.terminal(*command, "--url", studio.url, "--api-key", key)
        except RuntimeError:
            # The one that is refused is here to be seen.
            continue
    listed = studio.ask("GET", "/generations?status=succeeded", key)
    if isinstance(listed, dict):
        made = listed["items"][0]["id"]
        _follow(studio, key, listed["items"][0])
    return made


def _follow(studio: Studio, key: str, view: dict[str, Any]) -> None:
    """Take up the first offer to enlarge, so that there is a family, and a picture whose regions may be painted."""
    offer = next(offer for offer in view["assets"][0]["actions"] if offer["id"].startswith("upscale"))
    wanted = {"id": str(new_id()), "model": offer["model"], "params": offer["params"], "parent_id": view["id"]}
    studio.ask("POST", "/generations", key, wanted)
    deadline = time.monotonic() + FOLLOWED_SECONDS
    while time.monotonic() < deadline:
        asked = studio.ask("GET", f"/generations/{wanted['id']}", key)
        if isinstance(asked, dict) and asked["status"] == "succeeded":
            return
        time.sleep(0.5)


async def _photograph(studio: Studio, generation_id: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for theme in ("light", "dark"):
            for phone in (False, True):
                name = f"{'phone' if phone else 'desktop'}-{'paper' if theme == 'light' else 'ink'}"
                me = await visit(browser, studio, locale="zh" if phone else "en", phone=phone, theme=theme)
                for route, path in DOORS.items():
                    await me.go(path)
                    await _shoot(me.page, f"{name}-{route}")
                await me.sign_in(OPERATOR)
                for route, path in {**ROOMS, "g": f"/g/{generation_id}"}.items():
                    await me.go(path)
                    await _shoot(me.page, f"{name}-{route}")
                await _shoot_states(me, name)
                await me.context.close()
        await browser.close()


async def _shoot_states(me: Visitor, name: str) -> None:
    """What is no route of its own: the list of offers, the painter, the viewer."""
    page = me.page
    await me.go("/create")
    card = page.get_by_role("article").first
    await card.locator("img").first.hover()
    await card.get_by_role("button", name=me.say("viewer.go_on")).click()
    await _shoot(page, f"{name}-offers")
    await page.get_by_role("button", name=re.compile("^(Vary a region|局部重绘)…")).first.click()
    easel = page.get_by_role("application")
    for key in ("Space", *["ArrowRight"] * 9, "Space"):
        await easel.press(key)
    await _shoot(page, f"{name}-painter")
    await page.get_by_role("button", name=me.say("ui.close")).first.click()
    await card.locator("img").first.click()
    await _shoot(page, f"{name}-viewer")


async def _shoot(page: Page, name: str) -> None:
    await page.wait_for_timeout(1500)
    await page.screenshot(path=OUT / f"{name}.png")


if __name__ == "__main__":
    main()
