"""How models do, as an admin asks over HTTP."""

from typing import Any

import pytest

from tests.api.studio import Person, Studio


async def figures(admin: Person, model: str, days: int = 1) -> dict[str, Any]:
    told = await admin.get("/admin/models/metrics", params={"days": days})
    nothing = dict.fromkeys(("ended", "succeeded", "failed", "refused", "canceled", "settled_credits"), 0)
    return next((item for item in told["items"] if item["model"] == model), nothing)


async def test_a_success_and_a_refusal_are_told_apart(studio: Studio, someone: Person) -> None:
    admin = await studio.admin()
    before = await figures(admin, "flux-1-schnell")
    good = await someone.request(num_images=1)
    refused = await someone.request("a fox [[fail:content_policy]]")
    assert (await someone.ended(good["id"]))["status"] == "succeeded"
    assert (await someone.ended(refused["id"]))["failure"]["whose"] == "user"
    after = await figures(admin, "flux-1-schnell")
    # Others of this run may end something of the same model meanwhile.
    assert after["succeeded"] > before["succeeded"]
    assert after["refused"] > before["refused"]
    assert after["settled_credits"] > before["settled_credits"]
    assert after["ended"] == sum(after[name] for name in ("succeeded", "failed", "refused", "canceled"))
    assert after["success_rate"] == after["succeeded"] / (after["succeeded"] + after["failed"])
    assert 0 < after["p50_seconds"] <= after["p95_seconds"]
    assert (await figures(admin, "flux-1-schnell", 30))["ended"] >= after["ended"]


@pytest.mark.parametrize("days", ["0", "2", "31", "x"])
async def test_only_the_windows_there_are_can_be_asked_for(studio: Studio, days: str) -> None:
    admin = await studio.admin()
    answer = await admin.client.get("/admin/models/metrics", params={"days": days})
    assert answer.status_code == 422


async def test_figures_are_not_for_everybody(someone: Person) -> None:
    assert (await someone.client.get("/admin/models/metrics")).status_code == 403
