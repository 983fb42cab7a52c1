"""The adapter and the sandbox were written apart, from the same facts; here they meet, by way of the catalog."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from PIL import Image

from vermilion.catalog import Entry, GivenInput, load_shelf
from vermilion.providers import (
    Ambiguous,
    Balance,
    Blocked,
    Broke,
    Call,
    Canceled,
    Done,
    Drifted,
    InputFile,
    Login,
    Misconfigured,
    Pending,
    ProviderError,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
    Wire,
)
from vermilion.providers.fal import INLINE_MAX_BYTES, Adapter
from vermilion.sandbox import SandboxConfig, create_app

SHELF = load_shelf()


def _png(side_pixels: int) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side_pixels, side_pixels), 60).save(file, "png")
    return file.getvalue()


SMALL, LARGE = _png(32), _png(700)


@dataclass
class Played:
    """A sandbox, the adapter that speaks to it, and a door for its callbacks."""

    adapter: Adapter
    origin: str
    session: aiohttp.ClientSession
    hook: str
    called: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    rang: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self, model: str, prompt: str = "a red fox", *, callback: bool = False, **params: Any) -> Call:
        entry = SHELF.entry(model)
        given = [item for role in entry.inputs for item in [picture(role.role)] * role.minimum]
        words = prompt if entry.prompt else ""
        seen = [GivenInput(item.role, item.content_type, item.size_bytes) for item in given]
        accepted = entry.accept(words, params, seen)
        return Call(
            "attempt",
            entry.endpoint,
            "image",
            accepted.prompt,
            entry.wire_params(accepted.params),
            tuple(given),
            entry.wire_options(),
            self.hook if callback else None,
        )

    async def submit(self, prompt: str = "a red fox", model: str = "flux-1-schnell", **more: Any) -> Ticket:
        return await self.adapter.submit(self.call(model, prompt, **more))

    async def end(self, ticket: Ticket) -> Done:
        for _ in range(600):
            answer = await self.adapter.check(ticket)
            if isinstance(answer, Done):
                return answer
            await asyncio.sleep(0.02)
        raise AssertionError("it never ended")

    async def made(self, prompt: str = "a red fox", model: str = "flux-1-schnell", **more: Any) -> Done:
        return await self.end(await self.submit(prompt, model, **more))

    async def jobs(self) -> list[Any]:
        async with self.session.get(f"{self.origin}/control/jobs") as answer:
            return list((await answer.json())["items"])

    async def callbacks(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        async with asyncio.timeout(20):
            while len(self.called) < count:
                self.rang.clear()
                await self.rang.wait()
        return self.called


def picture(role: str, content: bytes = SMALL) -> InputFile:
    async def read() -> bytes:
        return content

    return InputFile(role, "image/png", "input.png", len(content), read)


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    app = create_app(SandboxConfig(port=0, speed=200.0))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def receive(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        found.called.append((headers, await request.read()))
        found.rang.set()
        return web.Response()

    door = web.Application()
    door.router.add_post("/callback/{token}", receive)
    door_runner = web.AppRunner(door, access_log=None, shutdown_timeout=0.2)
    await door_runner.setup()
    await web.TCPSite(door_runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{door_runner.addresses[0][1]}/callback/token-not-secret?x=1&y=2"

    wire = Wire.open()
    fields = {
        "key": "sandbox-fal-key:not-secret", "base_url": f"{origin}/fal", "rest_url": f"{origin}/fal/rest"
    }  # fmt: skip
    session = aiohttp.ClientSession()
    found = Played(Adapter(Login("sandbox", fields, allow_private_hosts=True), wire), origin, session, hook)
    yield found
    await session.close()
    await wire.close()
    await door_runner.cleanup()
    await runner.cleanup()


@pytest.mark.parametrize(
    "entry", [entry for entry in SHELF.entries() if entry.provider == Adapter.name], ids=lambda entry: entry.id
)
async def test_every_model_on_the_shelf_makes_what_was_asked(played: Played, entry: Entry) -> None:
    asked = {entry.outputs_param: 2} if entry.outputs_param else {}
    call = played.call(entry.id, **asked)
    done = await played.end(await played.adapter.submit(call))
    assert len(done.outputs) == (2 if entry.outputs_param else 1)
    (job,) = await played.jobs()
    assert job["model"] == entry.endpoint
    assert {output.kind for output in done.outputs} == {"image"}
    assert {output.content_type for output in done.outputs} <= {"image/jpeg", "image/png"}


async def test_the_picture_is_where_the_answer_says(played: Played) -> None:
    (output,) = (await played.made(output_format="png")).outputs
    assert output.url is not None
    async with played.session.get(output.url) as answer:
        assert answer.status == 200
        assert (await answer.read())[:4] == b"\x89PNG"


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
    call = replace(played.call("flux-kontext-pro"), inputs=(picture("image", LARGE),))
    assert (await played.end(await played.adapter.submit(call))).outputs[0].url
    (job,) = await played.jobs()
    assert job["body"]["image_url"].startswith(f"{played.origin}/fal/cdn/")


async def test_the_seed_comes_back(played: Played) -> None:
    assert (await played.made(seed=77)).facts["seed"] == 77


@pytest.mark.parametrize(
    ("marker", "error"),
    [("throttle", Throttled), ("html-502", Ambiguous), ("error-500", Unreachable), ("error-503", Unreachable),
     ("unauthorized", Misconfigured), ("locked", Misconfigured), ("reset", Ambiguous), ("lost-answer", Ambiguous),
     ("truncated-json@submit", Ambiguous), ("html-200@submit", Ambiguous), ("cut-short@submit", Ambiguous)],
)  # fmt: skip
async def test_a_submit_that_fails_says_whose_move_it_is(
    played: Played, marker: str, error: type[ProviderError]
) -> None:
    with pytest.raises(error) as raised:
        await played.submit(f"a fox [[{marker}]]")
    accepted = len(await played.jobs())
    if not isinstance(raised.value, Ambiguous):
        assert accepted == 0, "only a doubtful answer may hide a job"
    if error is Throttled:
        assert raised.value.retry_after_seconds == 1


@pytest.mark.parametrize(
    ("marker", "error", "again"),
    [("fail:content_policy_violation", Blocked, None), ("fail:image_load_error", Rejected, None),
     ("fail:internal_server_error", Broke, True), ("fail:runner_server_error", Broke, True),
     ("fail:runner_disconnected", Broke, True), ("fail:generation_timeout", Broke, True),
     ("fail:downstream_service_error", Broke, True), ("fail:no_media_generated", Broke, False),
     ("fail:client_cancelled", Broke, False), ("fail:bad_request", Rejected, None), ("request-timeout", Broke, False),
     ("forget", Broke, True), ("empty-output", Broke, False), ("null-output", Broke, False), ("drift", Drifted, None),
     ("unknown-status]] [[slow:1", Drifted, None)],
)  # fmt: skip
async def test_a_job_that_ends_badly_says_whose_move_it_is(
    played: Played, marker: str, error: type[ProviderError], again: bool | None
) -> None:
    with pytest.raises(error) as raised:
        await played.made(f"a fox [[{marker}]] [[queue:0.05]]")
    assert getattr(raised.value, "again", None) is again


@pytest.mark.parametrize(
    ("marker", "error"),
    [("throttle@status", Throttled), ("html-502@status", Unreachable), ("error-500@result", Unreachable),
     ("html-502@result", Unreachable), ("unauthorized@status", Misconfigured), ("truncated-json@result", Drifted),
     ("html-200@result", Drifted), ("cut-short@result", Unreachable)],
)  # fmt: skip
async def test_a_question_that_fails_once_is_answered_the_next_time(
    played: Played, marker: str, error: type[ProviderError]
) -> None:
    ticket = await played.submit(f"a fox [[{marker}]]")
    with pytest.raises(error):
        await played.end(ticket)
    assert (await played.end(ticket)).outputs


async def test_an_answer_under_the_wrong_content_type_is_still_the_answer(played: Played) -> None:
    assert (await played.made("a fox [[wrong-type@result]]")).outputs


async def test_unsafe_pictures_are_marked_and_pro_models_refuse(played: Played) -> None:
    done = await played.made("a fox [[nsfw]]", num_images=2)
    assert [output.blocked for output in done.outputs] == [True, True]
    with pytest.raises(Blocked):
        await played.made("a fox [[nsfw]]", "flux-pro-1.1")


async def test_waiting_and_running_are_told_apart(played: Played) -> None:
    ticket = await played.submit("a fox [[queue:0.3]] [[slow:0.3]]")
    seen: list[Pending] = []
    while isinstance(answer := await played.adapter.check(ticket), Pending):
        seen.append(answer)
        await asyncio.sleep(0.02)
    waiting = [answer.queue_position for answer in seen if not answer.started]
    assert waiting and all(place is not None for place in waiting)
    assert any(answer.started for answer in seen)


async def test_cancel_before_while_and_after(played: Played) -> None:
    queued = await played.submit("a fox [[queue:30]]")
    assert await played.adapter.cancel(queued) is Canceled.STOPPED
    with pytest.raises(Broke) as raised:
        await played.end(queued)
    assert raised.value.again is False

    running = await played.submit("a fox [[queue:0]] [[slow:30]]")
    assert await played.adapter.check(running) == Pending(True)
    assert await played.adapter.cancel(running) is Canceled.REQUESTED

    finished = await played.submit()
    await played.end(finished)
    assert await played.adapter.cancel(finished) is Canceled.TOO_LATE
    assert await played.adapter.cancel(Ticket("nobody", {"endpoint": "fal-ai/flux-1/dev"})) is Canceled.UNKNOWN


async def test_a_callback_is_verified_and_names_the_job(played: Played) -> None:
    ticket = await played.submit(callback=True)
    headers, body = (await played.callbacks(1))[0]
    callback = await played.adapter.read_callback(headers, body)
    assert callback.ticket.id == ticket.id


async def test_a_callback_may_come_before_our_own_answer(played: Played) -> None:
    ticket = await played.submit("a fox [[webhook-early]]", callback=True)
    headers, body = (await played.callbacks(1))[0]
    assert (await played.adapter.read_callback(headers, body)).ticket.id == ticket.id


async def test_a_lost_submit_is_found_again_by_its_callback(played: Played) -> None:
    with pytest.raises(Ambiguous):
        await played.submit("a fox [[lost-answer]]", callback=True)
    headers, body = (await played.callbacks(1))[0]
    found = (await played.adapter.read_callback(headers, body)).ticket
    endpoint = SHELF.entry("flux-1-schnell").endpoint
    assert (await played.end(Ticket(found.id, {"endpoint": endpoint, **found.data}))).outputs


async def test_a_callback_ten_times_over_says_the_same(played: Played) -> None:
    ticket = await played.submit("a fox [[webhook-duplicate:10]]", callback=True)
    called = await played.callbacks(10)
    read = [await played.adapter.read_callback(headers, body) for headers, body in called]
    assert {callback.ticket.id for callback in read} == {ticket.id}


async def test_a_forged_callback_is_refused_and_the_true_one_counts(played: Played) -> None:
    ticket = await played.submit("a fox [[webhook-forged]]", callback=True)
    (forged_headers, forged_body), (headers, body) = await played.callbacks(2)
    with pytest.raises(Rejected):
        await played.adapter.read_callback(forged_headers, forged_body)
    assert (await played.adapter.read_callback(headers, body)).ticket.id == ticket.id


async def test_a_stale_callback_is_refused(played: Played) -> None:
    await played.submit("a fox [[webhook-stale]]", callback=True)
    headers, body = (await played.callbacks(1))[0]
    with pytest.raises(Rejected):
        await played.adapter.read_callback(headers, body)


async def test_the_connection_test_costs_nothing_and_knows_a_wrong_key(played: Played) -> None:
    assert (await played.adapter.probe()).problem is None
    assert await played.jobs() == []
    wire = Wire.open()
    fields = {
        "key": "wrong-key-not-secret",
        "base_url": f"{played.origin}/fal",
        "rest_url": f"{played.origin}/fal/rest",
    }
    assert "refuses this key" in str((await Adapter(Login("c", fields), wire).probe()).problem)
    told = {**fields, "key": "sandbox-fal-key:not-secret", "platform_url": f"{played.origin}/fal/platform"}
    found = await Adapter(Login("c", told), wire).probe()
    assert (found.account, found.balance) == ("sandbox", Balance("25", "USD"))
    elsewhere = {**fields, "base_url": f"{played.origin}/nowhere"}
    assert (await Adapter(Login("c", elsewhere), wire).probe()).problem is not None
    await wire.close()
