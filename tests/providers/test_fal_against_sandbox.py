"""The adapter and the sandbox were written apart, from the same facts; here they meet, by way of the catalog."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.library.files import noise
from tests.providers.asking import SHELF, called, entries_of, given
from tests.providers.failing import UnderstandsFailures, bad
from tests.providers.playing import Playing
from vermilion.catalog import Entry
from vermilion.providers import (
    Ambiguous,
    Balance,
    Blocked,
    Broke,
    Call,
    Canceled,
    Done,
    Drifted,
    Misconfigured,
    Pending,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
)
from vermilion.providers.fal import INLINE_MAX_BYTES

SMALL, LARGE = noise(32, 32), noise(700, 700)


class Played(Playing):
    """Playing, with what these tests do again and again."""

    def call(
        self, prompt: str = "a red fox", model: str = "flux-1-schnell", *, callback: bool = False, **params: Any
    ) -> Call:
        entry = SHELF.entry(model)
        needed = [given(role.role, SMALL) for role in entry.inputs for _ in range(role.minimum)]
        hook = self.door.callback if callback else None
        return called(model, prompt if entry.prompt else "", *needed, callback_url=hook, **params)

    def asked(self, prompt: str) -> Call:
        return self.call(prompt)

    async def submit(self, prompt: str = "a red fox", model: str = "flux-1-schnell", **more: Any) -> Ticket:
        ticket: Ticket = await self.adapter().submit(self.call(prompt, model, **more))
        return ticket

    async def made(self, prompt: str = "a red fox", model: str = "flux-1-schnell", **more: Any) -> Done:
        return await self.make(self.call(prompt, model, **more))


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    async with Played.open("fal") as opened:
        yield opened


@pytest.mark.parametrize("entry", entries_of("fal"), ids=lambda entry: entry.id)
async def test_every_model_on_the_shelf_makes_what_was_asked(played: Played, entry: Entry) -> None:
    asked = {entry.outputs_param: 2} if entry.outputs_param else {}
    done = await played.made(model=entry.id, **asked)
    assert len(done.outputs) == (2 if entry.outputs_param else 1)
    (job,) = await played.jobs()
    assert job["model"] == entry.endpoint
    assert {output.kind for output in done.outputs} == {"image"}
    assert {output.content_type for output in done.outputs} <= {"image/jpeg", "image/png"}


async def test_the_picture_is_where_the_answer_says(played: Played) -> None:
    (output,) = (await played.made(output_format="png")).outputs
    status, content = await played.fetch(output.url)
    assert (status, content[:4]) == (200, b"\x89PNG")


@pytest.mark.parametrize("ratio", ["1:1", "16:9", "9:21"])
async def test_the_shape_asked_for_is_the_shape_made(played: Played, ratio: str) -> None:
    ticket = await played.submit(aspect_ratio=ratio)
    await played.end(ticket)
    url = ticket.data["response_url"]
    async with played.session.get(url, headers={"Authorization": "Key sandbox-fal-key:not-secret"}) as answer:
        (made,) = (await answer.json())["images"]
    entry = SHELF.entry("flux-1-schnell")
    wanted = entry.aspect({"aspect_ratio": ratio})
    assert made["width"] / made["height"] == pytest.approx(wanted, rel=0.01)


async def test_a_large_input_is_uploaded_and_used(played: Played) -> None:
    assert len(LARGE) > INLINE_MAX_BYTES > len(SMALL)
    call = replace(played.call(model="flux-kontext-pro"), inputs=(given("image", LARGE),))
    assert (await played.make(call)).outputs[0].url
    (job,) = await played.jobs()
    assert job["body"]["image_url"].startswith(f"{played.origin}/fal/cdn/")


async def test_the_seed_comes_back(played: Played) -> None:
    assert (await played.made(seed=77)).facts["seed"] == 77


class TestFailures(UnderstandsFailures):
    bad_submits = (
        *bad(Ambiguous, "html-502", "reset", "lost-answer"),
        *bad(Ambiguous, "truncated-json@submit", "html-200@submit", "cut-short@submit"),
        *bad(Unreachable, "error-500", "error-503"),
        *bad(Misconfigured, "unauthorized", "locked"),
        *bad(Throttled, "throttle"),
    )
    bad_endings = (
        *bad(Blocked, "fail:content_policy_violation"),
        *bad(Rejected, "fail:image_load_error", "fail:bad_request"),
        *bad(Broke, "fail:internal_server_error", "fail:runner_server_error", "fail:runner_disconnected", again=True),
        *bad(Broke, "fail:generation_timeout", "fail:downstream_service_error", "forget", again=True),
        *bad(Broke, "fail:no_media_generated", "fail:client_cancelled", "request-timeout", again=False),
        *bad(Broke, "empty-output", "null-output", again=False),
        *bad(Drifted, "drift", "unknown-status]] [[slow:1"),
    )
    bad_questions = (
        *bad(Throttled, "throttle@status"),
        *bad(Unreachable, "html-502@status", "error-500@result", "html-502@result", "cut-short@result"),
        *bad(Misconfigured, "unauthorized@status"),
        *bad(Drifted, "truncated-json@result", "html-200@result"),
    )


async def test_an_answer_under_the_wrong_content_type_is_still_the_answer(played: Played) -> None:
    assert (await played.made("a fox [[wrong-type@result]]")).outputs


async def test_unsafe_pictures_are_marked_and_pro_models_refuse(played: Played) -> None:
    done = await played.made("a fox [[nsfw]]", num_images=2)
    assert [output.blocked for output in done.outputs] == [True, True]
    with pytest.raises(Blocked):
        await played.made("a fox [[nsfw]]", "flux-pro-1.1")


async def test_waiting_and_running_are_told_apart(played: Played) -> None:
    ticket = await played.submit("a fox [[queue:0.3]] [[slow:0.3]]")
    seen = await played.watch(ticket)
    waiting = [answer.queue_position for answer in seen if not answer.started]
    assert waiting and all(place is not None for place in waiting)
    assert any(answer.started for answer in seen)


async def test_cancel_before_while_and_after(played: Played) -> None:
    queued = await played.submit("a fox [[queue:30]]")
    assert await played.cancel(queued) is Canceled.STOPPED
    with pytest.raises(Broke) as raised:
        await played.end(queued)
    assert raised.value.again is False

    running = await played.submit("a fox [[queue:0]] [[slow:30]]")
    assert await played.adapter().check(running) == Pending(True)
    assert await played.cancel(running) is Canceled.REQUESTED

    finished = await played.submit()
    await played.end(finished)
    assert await played.cancel(finished) is Canceled.TOO_LATE
    assert await played.cancel(Ticket("nobody", {"endpoint": "fal-ai/flux-1/dev"})) is Canceled.UNKNOWN


async def test_a_callback_is_verified_and_names_the_job(played: Played) -> None:
    ticket = await played.submit(callback=True)
    headers, body = (await played.door.callbacks(1))[0]
    callback = await played.adapter().read_callback(headers, body)
    assert callback.ticket.id == ticket.id


async def test_a_callback_may_come_before_our_own_answer(played: Played) -> None:
    ticket = await played.submit("a fox [[webhook-early]]", callback=True)
    headers, body = (await played.door.callbacks(1))[0]
    assert (await played.adapter().read_callback(headers, body)).ticket.id == ticket.id


async def test_a_lost_submit_is_found_again_by_its_callback(played: Played) -> None:
    with pytest.raises(Ambiguous):
        await played.submit("a fox [[lost-answer]]", callback=True)
    headers, body = (await played.door.callbacks(1))[0]
    found = (await played.adapter().read_callback(headers, body)).ticket
    endpoint = SHELF.entry("flux-1-schnell").endpoint
    assert (await played.end(Ticket(found.id, {"endpoint": endpoint, **found.data}))).outputs


async def test_a_callback_ten_times_over_says_the_same(played: Played) -> None:
    ticket = await played.submit("a fox [[webhook-duplicate:10]]", callback=True)
    called = await played.door.callbacks(10)
    read = [await played.adapter().read_callback(headers, body) for headers, body in called]
    assert {callback.ticket.id for callback in read} == {ticket.id}


async def test_a_forged_callback_is_refused_and_the_true_one_counts(played: Played) -> None:
    ticket = await played.submit("a fox [[webhook-forged]]", callback=True)
    (forged_headers, forged_body), (headers, body) = await played.door.callbacks(2)
    with pytest.raises(Rejected):
        await played.adapter().read_callback(forged_headers, forged_body)
    assert (await played.adapter().read_callback(headers, body)).ticket.id == ticket.id


async def test_a_stale_callback_is_refused(played: Played) -> None:
    await played.submit("a fox [[webhook-stale]]", callback=True)
    headers, body = (await played.door.callbacks(1))[0]
    with pytest.raises(Rejected):
        await played.adapter().read_callback(headers, body)


async def test_the_connection_test_costs_nothing_and_knows_a_wrong_key(played: Played) -> None:
    assert (await played.probe()).problem is None
    assert "refuses this key" in str((await played.probe(key="wrong-key-not-secret")).problem)
    found = await played.probe(platform_url=f"{played.origin}/fal/platform")
    assert (found.account, found.balance) == ("sandbox", Balance("25", "USD"))
    assert (await played.probe(base_url=f"{played.origin}/nowhere")).problem is not None
    assert await played.jobs() == []
