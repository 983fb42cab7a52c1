"""A real Chromium in front of a real studio."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.e2e.studio import PASSWORD, Studio, words

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MILLISECONDS = 45_000
"""How long anything may take to appear: generous, since what is promised is that it comes, not how fast."""

expect.set_options(timeout=PATIENCE_MILLISECONDS)

MODEL, MODEL_NAME = "flux-1-dev", "FLUX.1 [dev]"
"""Costs 3 credits a picture, and its sandbox knows the markers."""

OPERATOR = "operator@example.com"
"""Who runs the studio of these tests; `admin_key` makes sure of them."""

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a Chromium these tests are skipped on a developer's machine, and fail in CI."""
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for all tests; each makes its own person."""
    running = Studio(tmp_path_factory.mktemp("studio"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def admin_key(studio: Studio) -> str:
    """The API key of an admin of that studio."""
    return studio.make_admin(OPERATOR)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of this test's own."""
    if CHROMIUM is None:
        pytest.fail("no Chromium on this machine: apt-get install chromium")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        await opened.close()


@dataclass
class Visitor:
    """Somebody in front of the studio: a page, the words they read, and what the console said."""

    studio: Studio
    context: BrowserContext
    page: Page
    words: dict[str, str]
    phone: bool
    email: str = field(default_factory=lambda: f"{uuid4().hex[:12]}@example.com")
    complaints: list[str] = field(default_factory=list)

    def say(self, key: str, **values: object) -> str:
        """The words of the catalogue, with values filled in."""
        text = self.words[key]
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    async def go(self, path: str) -> None:
        """Open a page of the studio."""
        await self.page.goto(f"{self.studio.url}{path}")

    async def sign_up(self) -> None:
        """Make an account; ends on the create page."""
        await self.go("/sign-up")
        await self.page.get_by_label(self.say("door.name")).fill("Mei Lin")
        await self.page.get_by_label(self.say("door.email")).fill(self.email)
        await self.page.get_by_label(self.say("door.password"), exact=False).first.fill(PASSWORD)
        await self.page.get_by_role("button", name=self.say("door.sign_up")).click()
        await self.page.wait_for_url("**/create")

    async def sign_in(self, email: str) -> None:
        """Come in as somebody who has an account; ends on the create page."""
        await self.go("/sign-in")
        await self.page.get_by_label(self.say("door.email")).fill(email)
        await self.page.get_by_label(self.say("door.password")).first.fill(PASSWORD)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url("**/create")

    async def pick(self, model: str, name: str) -> None:
        """Choose a model by its id, and see that it is the one of that name; on a phone with the sheet open."""
        chip = self.page.locator('button.chip[aria-haspopup="dialog"]').first
        await chip.click()
        await self.page.get_by_placeholder(self.say("create.search_models")).fill(model)
        await expect(self.page.locator('li[role="option"]').first).to_contain_text(name)
        await self.page.keyboard.press("Enter")
        await expect(chip).to_contain_text(name)

    async def write(self, prompt: str) -> None:
        """Choose the model these tests know the price of, and write the prompt; on a phone in its sheet."""
        if self.phone:
            await self.page.get_by_role("button", name=self.say("create.placeholder")).click()
        await self.pick(MODEL, MODEL_NAME)
        await self.page.get_by_label(self.say("create.prompt"), exact=True).fill(prompt)

    async def press_create(self) -> None:
        """Press the button with the price on it."""
        button = self.page.get_by_role("button", name=self.say("create.create"))
        await button.and_(self.page.locator(":enabled", has_text="·")).first.click()

    async def create(self, prompt: str) -> None:
        """Write the prompt and press the button."""
        await self.write(prompt)
        await self.press_create()

    def unexpected(self, *expected: str) -> list[str]:
        """What the console complained of, but for what has one of these words in it."""
        return [said for said in self.complaints if not any(word in said for word in expected)]

    def pictures_of(self, prompt: str):
        """The finished pictures of a prompt in the stream."""
        return self.page.get_by_role("button", name=self.say("feed.view", n=1, prompt=prompt))


async def visit(
    browser: Browser, studio: Studio, *, locale: str = "en", phone: bool = False, theme: str = "light"
) -> Visitor:
    """A new visitor, who listens to the console."""
    context = await browser.new_context(
        viewport=PHONE if phone else DESKTOP,
        locale=LANGUAGES[locale],
        has_touch=phone,
        is_mobile=phone,
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    visitor = Visitor(studio, context, page, words(locale), phone)

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visitor.complaints.append(f"{message.type}: {message.text} {message.location['url']}")

    page.on("console", listen)
    page.on("pageerror", lambda error: visitor.complaints.append(f"uncaught: {error}"))
    return visitor


async def visit_as_operator(
    browser: Browser, studio: Studio, *, locale: str = "en", phone: bool = False, theme: str = "light"
) -> Visitor:
    """Who runs the studio, signed in; the test asks for `admin_key` first."""
    me = await visit(browser, studio, locale=locale, phone=phone, theme=theme)
    await me.sign_in(OPERATOR)
    return me


@pytest.fixture
def axe() -> str:
    """The source of axe-core."""
    return (Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
