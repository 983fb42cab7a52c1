"""Every failure in the job that the index page promises of a vendor strikes there: written into a prompt, and armed.

The page is drawn from the vendors' own lists of words; so are these tests, and a word without a proof is a failure.
"""

from __future__ import annotations

import pytest

from vermilion.providers import adapters
from vermilion.sandbox.faults import JOB

from . import proofs_of_jobs, proofs_of_vendors  # noqa: F401 - what they prove is kept in PROOFS
from .conftest import Start
from .scenes_of_vendors import SCENES, ComfyUI, Gateway, Kling, OpenAI
from .strokes import PROOFS, VENDORS, Stroke, named


def test_every_vendor_of_pictures_is_walked_over() -> None:
    assert set(adapters()) == set(SCENES)


IN_THE_JOB = [
    (name, kind.name, armed)
    for name, vendor in VENDORS.items()
    for kind in vendor.kinds.values()
    if JOB in kind.places and not kind.name.startswith("webhook")
    for armed in (False, True)
]


@pytest.mark.parametrize(("name", "kind", "armed"), IN_THE_JOB, ids=named)
async def test_every_failure_in_the_job_strikes(start: Start, name: str, kind: str, *, armed: bool) -> None:
    proof = PROOFS.get((name, kind)) or PROOFS["", kind]
    scene = SCENES[name](await start(fast=True, webhook_retry_seconds=0.05))
    await proof(Stroke(scene, kind, "", armed))


async def test_nobody_is_found_in_a_film(start: Start) -> None:
    scene = Kling(await start(fast=True))
    scene.path = "/v1/videos/text2video"
    made = (await scene.run("a fox")).end.json["data"]["task_result"]["videos"][0]["id"]
    await scene.sandbox.arm("no-face", vendor="kling")
    for faces in (0, 1):
        found = await scene.ask("POST", "/kling/v1/videos/identify-face", json={"video_id": made})
        assert len(found.json["data"]["face_data"]) == faces


async def test_failures_of_addresses_strike_a_gateway_and_the_api_alike(start: Start) -> None:
    for scene in (OpenAI(await start(fast=True)), Gateway(await start(fast=True))):
        seen = await scene.run("a fox [[partial]]", count=2)
        assert [file.status for file in seen.files] == [200, 404]


async def test_a_workflow_that_is_remembered_fails_too_when_asked_to(start: Start) -> None:
    scene = ComfyUI(await start(fast=True))
    assert (await scene.run("a fox")).is_made
    await scene.sandbox.arm("fail", vendor="comfyui")
    assert (await scene.run("a fox")).words[-1] == "error"


async def test_what_strikes_once_strikes_each_of_several_jobs_once(start: Start) -> None:
    scene = ComfyUI(await start(fast=True))
    for name in ("a fox", "a crow"):
        await scene.submit(f"{name} [[throttle@status]] [[slow:60]]")
    statuses = [(await scene.look("")).status for _ in range(4)]
    assert statuses == [429, 429, 200, 200]
