"""`make shots`: every route in both themes, on desktop and phone, as pictures in `build/shots` to look at."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS, visit
from tests.e2e.studio import ROOT, Studio

OUT = ROOT / "build/shots"
EMAIL = "operator@example.com"
PROMPTS = [
    ("a fishing village at dawn, ink wash, one red lantern", "flux-1-dev", {"aspect_ratio": "16:9"}),
    ("夜色中的海，月亮与孤舟", "flux-1-dev", {"num_images": 4, "aspect_ratio": "4:3"}),
    ("plum blossom on old paper, 红梅", "flux-1-schnell", {"num_images": 2, "aspect_ratio": "3:4"}),
    ("a pagoda in autumn mountains", "flux-2-pro", {"aspect_ratio": "3:2"}),
    ("this one is refused [[fail:content_policy_violation]]", "flux-kontext-pro-text-to-image", {}),
]
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
    key = studio.make_admin(EMAIL)
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
    return made


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
                await me.sign_in(EMAIL)
                for route, path in {**ROOMS, "g": f"/g/{generation_id}"}.items():
                    await me.go(path)
                    await _shoot(me.page, f"{name}-{route}")
                await me.context.close()
        await browser.close()


async def _shoot(page: Page, name: str) -> None:
    await page.wait_for_timeout(1500)
    await page.screenshot(path=OUT / f"{name}.png")


if __name__ == "__main__":
    main()
