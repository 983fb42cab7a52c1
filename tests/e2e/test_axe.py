"""axe finds nothing serious on any route, in either theme."""

from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import OPERATOR, Visitor, visit
from tests.e2e.studio import Studio

DOORS = ["/sign-in", "/sign-up", "/first-admin"]
ROOMS = [
    "/create",
    "/library",
    "/credits",
    "/settings",
    "/admin",
    "/admin/models",
    "/admin/figures",
    "/admin/models/make",
    "/admin/providers",
    "/admin/users",
    "/admin/review",
    "/admin/audit",
    "/admin/codes",
    "/admin/payments",
    "/admin/storage",
    "/admin/sms",
    "/admin/choices",
]


async def serious(me: Visitor, axe: str) -> list[str]:
    """What axe finds serious or critical on the page as it is."""
    # `evaluate` runs in the page without a script element, so the page's CSP stays as strict as it is.
    await me.page.evaluate(axe)
    found = await me.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']} ({violation['impact']}): {node['target']}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_route_has_a_serious_issue(
    browser: Browser, studio: Studio, admin_key: str, axe: str, theme: str
) -> None:
    studio.make_model(admin_key, f"Axe {uuid4().hex[:6]}")
    me = await visit(browser, studio, theme=theme)
    found = {}
    for path in DOORS:
        await me.go(path)
        await me.page.wait_for_load_state("networkidle")
        found[path] = await serious(me, axe)
    await me.sign_in(OPERATOR)
    await me.create("axe looks at this")
    await expect(me.pictures_of("axe looks at this").first).to_be_visible()
    for path in ROOMS:
        await me.go(path)
        await me.page.wait_for_timeout(700)
        found[path] = await serious(me, axe)
    await me.go("/create")
    await me.page.get_by_role("link", name="axe looks at this").first.click()
    await me.page.wait_for_url("**/g/*")
    await me.page.wait_for_timeout(700)
    found["/g/{id}"] = await serious(me, axe)
    assert {path: issues for path, issues in found.items() if issues} == {}
