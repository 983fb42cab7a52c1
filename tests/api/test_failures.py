"""Everything a provider can do to us, rehearsed: how it ends, whose move it is, and what came back.

All cases begin together when the first of them is asked for, because most of a failure is waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import update

from tests.api.studio import Person, Studio
from vermilion.db import Tx
from vermilion.generation.tables import GenerationRow
from vermilion.kit import new_id


@dataclass(frozen=True, slots=True)
class Ending:
    """How a case must end; `code` and `whose` are of its failure."""

    status: str
    code: str | None = None
    whose: str | None = None
    attempts: int = 1
    kept: int = 0


OK = Ending("succeeded", kept=1)
AGAIN = Ending("succeeded", attempts=2, kept=1)
BLOCKED = Ending("failed", "provider.blocked", "user")
BROKE = Ending("failed", "provider.broke", "wait", attempts=3)
DRIFTED = Ending("failed", "provider.drifted", "maintainer")
UNREACHABLE = Ending("failed", "output.unreachable", "wait")
UNREADABLE = Ending("failed", "output.unreadable", "wait")
NOTHING = Ending("failed", "provider.broke", "wait")
UNCERTAIN = Ending("uncertain")

CASES: dict[str, Ending] = {
    "[[throttle]]": AGAIN,
    "[[error-500]]": AGAIN,
    "[[error-503]]": AGAIN,
    "[[fail-once]]": AGAIN,
    "[[fail:content_policy]]": BLOCKED,
    "[[fail:no_media_generated]]": NOTHING,
    "[[fail:runner_error]]": BROKE,
    "[[fail-then-succeed]]": BROKE,
    "[[forget]]": BROKE,
    "[[nsfw]]": BLOCKED,
    "[[empty-output]]": NOTHING,
    "[[null-output]]": NOTHING,
    "[[404-output]]": UNREACHABLE,
    "[[expire]]": UNREACHABLE,
    "[[ssrf-output]]": UNREACHABLE,
    "[[redirect-output]]": UNREACHABLE,
    "[[huge-output:120]]": UNREACHABLE,
    "[[garbage-image]]": UNREADABLE,
    "[[html-image]]": UNREADABLE,
    "[[truncated-image]]": UNREADABLE,
    "[[drift]]": DRIFTED,
    "[[oversize:40]]": DRIFTED,
    "[[truncated-json]]": OK,
    "[[truncated-json@status]]": OK,
    "[[html-200]]": OK,
    "[[html-502@status]]": OK,
    "[[wrong-type]]": OK,
    "[[reset@status]]": OK,
    "[[cut-short]]": OK,
    "[[slow-drip:3]]": OK,
    "[[slow:3]]": OK,
    "[[queue:2]]": OK,
    "[[requeue]][[slow:2]]": OK,
    "[[unknown-status]][[slow:2]]": OK,
    "[[wrong-size]]": OK,
    "[[webhook-early]]": OK,
    "[[webhook-duplicate:30]]": OK,
    "[[webhook-forged]]": OK,
    "[[webhook-stale]]": OK,
    "[[webhook-lost]]": OK,
    "[[lost-answer]][[slow:1]]": OK,
    "[[lost-answer]][[webhook-early]]": OK,
    "[[lost-answer]][[webhook-lost]]": UNCERTAIN,
    "[[html-502]]": UNCERTAIN,
    "[[reset]]": UNCERTAIN,
    "[[truncated-json@submit]][[webhook-lost]]": UNCERTAIN,
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rehearsal(studio: Studio) -> AsyncIterator[dict[str, Awaitable[tuple[Person, Any]]]]:
    """Every case, begun; awaiting one gives its person and its view at the end."""

    async def rehearse(marker: str) -> tuple[Person, Any]:
        someone = await studio.person()
        view = await someone.request(f"a fox {marker}")
        ends = {CASES[marker].status, "failed", "succeeded", "canceled"}
        return someone, await someone.until(view["id"], lambda now: now["status"] in ends, seconds=120)

    begun = {marker: asyncio.create_task(rehearse(marker)) for marker in CASES}
    yield begun
    for task in begun.values():
        task.cancel()
    await asyncio.gather(*begun.values(), return_exceptions=True)


@pytest.mark.parametrize("marker", CASES)
async def test_it_ends_as_it_must(
    rehearsal: dict[str, Awaitable[tuple[Person, Any]]], studio: Studio, marker: str
) -> None:
    must = CASES[marker]
    someone, view = await rehearsal[marker]
    assert view["status"] == must.status, view
    assert view["attempt"] == must.attempts
    assert len(view["assets"]) == must.kept
    if must.status == "succeeded":
        assert view["failure"] is None
        assert await someone.balance() == (999, 0, 1)
    elif must.status == "failed":
        assert (view["failure"]["code"], view["failure"]["whose"]) == (must.code, must.whose), view["failure"]
        assert view["failure"]["returned_credits"] == 1
        assert await someone.balance() == (1000, 0, 0)
        receipt = await someone.get(f"/generations/{view['id']}/receipt")
        assert [entry["kind"] for entry in receipt["entries"]] == ["hold", "release"]
        assert receipt["attempts"][-1]["outcome"]["code"] == must.code
    else:
        assert await someone.balance() == (999, 1, 0), "while nobody knows, the credits stay held"
        assert not view["can_cancel"]
        assert not view["can_retry"]
    jobs = await studio.jobs_of(view["id"])
    assert len(jobs) <= must.attempts
    await studio.is_sound()


async def test_partial_results_are_paid_in_part(someone: Person) -> None:
    view = await someone.request("[[partial]] foxes", "flux-1-dev", num_images=4)
    assert view["price_credits"] == 12
    view = await someone.ended(view["id"])
    assert view["status"] == "succeeded"
    assert len(view["assets"]) == 2
    assert view["settled_credits"] == 6
    assert await someone.balance() == (994, 0, 6)


async def _uncertain(someone: Person) -> Any:
    view = await someone.request(f"[[lost-answer]][[webhook-lost]] a fox at the desk, {new_id()}")
    return await someone.until(view["id"], lambda now: now["status"] == "uncertain")


async def test_an_admin_gives_an_uncertain_one_up(someone: Person, studio: Studio) -> None:
    view = await _uncertain(someone)
    admin = await studio.admin()
    desk = await admin.get("/admin/review", params={"limit": 200})
    (waiting,) = [item for item in desk["items"] if item["generation"]["id"] == view["id"]]
    assert waiting["user_email"] == someone.email
    resolved = await admin.post(f"/admin/review/{view['id']}", {"resolution": "failed", "note": "not there"})
    assert resolved["status"] == "failed"
    assert resolved["failure"]["code"] == "provider.answer_lost"
    assert await someone.balance() == (1000, 0, 0)
    twice = await admin.client.post(f"/admin/review/{view['id']}", json={"resolution": "failed"})
    assert (twice.status_code, twice.json()["code"]) == (409, "review.resolved")
    entry = (await admin.get("/admin/audit"))["items"][0]
    assert entry["action"] == "review.failed"
    assert entry["target"] == f"generation:{view['id']}"


async def test_an_admin_lets_an_uncertain_one_be_tried_again(someone: Person, studio: Studio) -> None:
    view = await _uncertain(someone)
    admin = await studio.admin()
    desk = await admin.get("/admin/review", params={"limit": 200})
    assert [item["can_look_up"] for item in desk["items"] if item["generation"]["id"] == view["id"]] == [False]
    wordless = await admin.client.post(f"/admin/review/{view['id']}", json={"resolution": "check_again"})
    assert (wordless.status_code, wordless.json()["code"]) == (422, "review.note_required")
    await admin.post(f"/admin/review/{view['id']}", {"resolution": "check_again", "note": "the vendor has none"})
    view = await someone.ended(view["id"])
    assert view["status"] == "succeeded"
    assert view["attempt"] == 2
    assert await someone.balance() == (999, 0, 1)


async def _end_stage_now(studio: Studio, generation_id: str) -> None:
    """Let the stage the row is in run out of time."""

    def move(tx: Tx) -> None:
        past = studio.house.clock.now() - timedelta(seconds=1)
        tx.execute(update(GenerationRow).where(GenerationRow.id == UUID(generation_id)).values(deadline_at=past))

    await studio.house.db.write(move)
    studio.house.engine.wake(UUID(generation_id))


async def test_what_never_ends_is_given_up_at_its_deadline(someone: Person, studio: Studio) -> None:
    view = await someone.request("[[never]] a fox")
    view = await someone.until(view["id"], lambda now: now["status"] == "running")
    await _end_stage_now(studio, view["id"])
    view = await someone.ended(view["id"])
    assert view["status"] == "failed"
    assert (view["failure"]["code"], view["failure"]["whose"]) == ("generation.deadline_passed", "wait")
    assert view["failure"]["returned_credits"] == 1
    assert await someone.balance() == (1000, 0, 0)


async def test_a_late_success_is_given_and_not_charged(someone: Person, studio: Studio) -> None:
    view = await someone.request("[[slow:4]][[cancel-ignored]] a late fox")
    view = await someone.until(view["id"], lambda now: now["status"] == "running")
    await _end_stage_now(studio, view["id"])
    view = await someone.until(view["id"], lambda now: now["status"] == "failed")
    assert await someone.balance() == (1000, 0, 0)
    view = await someone.until(view["id"], lambda now: now["status"] == "succeeded")
    assert view["settled_credits"] == 0
    assert view["facts"]["late"] is True
    assert len(view["assets"]) == 1
    assert await someone.balance() == (1000, 0, 0)
    assert len(await studio.jobs_of(view["id"])) == 1


async def test_uncertainty_ends_by_itself(someone: Person, studio: Studio) -> None:
    view = await _uncertain(someone)
    await _end_stage_now(studio, view["id"])
    view = await someone.ended(view["id"])
    assert view["failure"]["code"] == "provider.answer_lost"
    assert await someone.balance() == (1000, 0, 0)


async def _credential(admin: Person) -> Any:
    (provider,) = [item for item in (await admin.get("/admin/providers"))["items"] if item["provider"] == "fal"]
    (credential,) = provider["credentials"]
    return credential


async def test_a_greater_trouble_is_shown_over_a_lesser_one(someone: Person, studio: Studio) -> None:
    admin = await studio.admin()
    credential_id = (await _credential(admin))["id"]
    throttled = await someone.request("[[throttle:1000]] a fox")
    async with asyncio.timeout(30):
        while (await _credential(admin))["health"]["state"] != "degraded":  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.1)
    # The throttled one rests for two seconds, and with it the credential; the next request meets a refused key.
    view = await someone.request(f"[[unauthorized]] fox {new_id()}")
    await someone.until(view["id"], lambda now: now["status"] == "queued" and now["attempt"] == 1)
    assert (await _credential(admin))["health"]["state"] == "down"
    assert (await admin.client.patch(f"/admin/credentials/{credential_id}", json={"weight": 3})).status_code == 200
    await someone.post(f"/generations/{throttled['id']}/cancel")
    assert (await someone.ended(view["id"]))["status"] == "succeeded"
    assert (await someone.ended(throttled["id"]))["status"] == "canceled"
    assert (await _credential(admin))["health"]["state"] == "up"


@pytest.mark.parametrize("marker", ["[[unauthorized]]", "[[locked]]"])
async def test_a_refused_key_waits_for_the_admin_and_then_goes_on(someone: Person, studio: Studio, marker: str) -> None:
    admin = await studio.admin()
    view = await someone.request(f"{marker} fox {new_id()}")
    await someone.until(view["id"], lambda now: now["status"] == "queued" and now["attempt"] == 1)
    credential = await _credential(admin)
    assert credential["health"]["state"] == "down"
    assert await someone.balance() == (999, 1, 0)
    # The admin mends it (here: it works again), and nobody waits out the rest of the pause.
    answer = await admin.client.patch(f"/admin/credentials/{credential['id']}", json={"weight": 2})
    assert answer.status_code == 200
    view = await someone.ended(view["id"], seconds=20)
    assert view["status"] == "succeeded"
    assert view["attempt"] == 2
