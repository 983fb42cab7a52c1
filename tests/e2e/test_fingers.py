"""On a phone everything that can be pressed is as large as a finger."""

from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import OPERATOR, visit
from tests.e2e.studio import Studio
from tests.e2e.test_axe import DOORS, ROOMS

LEAST_PIXELS = 44

SMALL = """(least) => {
  const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const inWords = (one) => one.tagName === 'A' && getComputedStyle(one).display === 'inline';
  const pressed = document.querySelectorAll('a[href], button, select, summary, input:not([type=hidden]), textarea');
  const left = (one) => !one.closest('[aria-hidden=true]') && !one.matches('.sr-only') && !inWords(one);
  return [...pressed].filter((one) => seen(one) && left(one)).flatMap((one) => {
    const target = one.matches('input[type=radio], input[type=checkbox]') ? one.closest('label') : one;
    const box = target.getBoundingClientRect();
    const around = getComputedStyle(target, '::after');
    const more = around.position === 'absolute' && around.content !== 'none';
    const width = more ? Math.max(box.width, parseFloat(around.width)) : box.width;
    const height = more ? Math.max(box.height, parseFloat(around.height)) : box.height;
    if (box.width <= 1 || (width > least - 1 && height > least - 1)) return [];
    const name = one.getAttribute('aria-label') || target.textContent.trim().slice(0, 40);
    return [`${one.tagName.toLowerCase()} "${name}" ${Math.round(width)}x${Math.round(height)}`];
  });
}"""
"""Links inside a sentence are words, and as high as these."""


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_what_is_pressed_is_as_large_as_a_finger(
    browser: Browser, studio: Studio, admin_key: str, locale: str
) -> None:
    studio.make_model(admin_key, f"Finger {uuid4().hex[:6]}")
    me = await visit(browser, studio, locale=locale, phone=True)
    found: dict[str, Any] = {}

    async def look(name: str) -> None:
        await me.page.wait_for_timeout(500)
        found[name] = await me.page.evaluate(SMALL, LEAST_PIXELS)

    for path in DOORS:
        await me.go(path)
        await look(path)
    await me.sign_in(OPERATOR)
    prompt = f"a hand on a glass, {locale}"
    await me.create(prompt)
    await expect(me.pictures_of(prompt).first).to_be_visible()
    for path in ROOMS:
        await me.go(path)
        await look(path)
    await me.go("/create")
    await me.page.get_by_role("button", name=prompt, exact=True).click()
    await look("the sheet")
    await me.page.keyboard.press("Escape")
    await me.pictures_of(prompt).first.click()
    await expect(me.page.get_by_role("dialog")).to_be_visible()
    await look("the viewer")
    await me.page.get_by_role("button", name=me.say("ui.close")).first.click()
    await me.page.get_by_role("link", name=prompt).first.click()
    await me.page.wait_for_url("**/g/*")
    await look("/g/{id}")
    small = [f"{place}: {one}" for place, ones in found.items() for one in ones]
    assert small == [], "\n".join(small)
