"""The adapter and the sandbox were written from the same facts; here they meet, by way of the catalog."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from PIL import Image

from vermilion.catalog import Entry, GivenInput, load_shelf
from vermilion.kit.download import Downloader, DownloadFailed, DownloadLimits
from vermilion.providers import (
    Ambiguous,
    Blocked,
    Broke,
    Call,
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
from vermilion.providers.jimeng import Adapter
from vermilion.sandbox import SandboxConfig, create_app

SHELF = load_shelf()
OURS = [entry for entry in SHELF.entries() if entry.provider == Adapter.name]
BY_GATEWAY = [entry for entry in OURS if entry.options.get("gateway")]
BY_RELAY = [entry for entry in OURS if entry.makes == "video"]
FILM, PICTURE = "jimeng-video-3.0-720p", "jimeng-image-3.1"


def _png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "png")
    return file.getvalue()


SMALL = _png(640, 480)


@dataclass
class Played:
    """A sandbox, the adapter by each protocol, and a place where a person's pictures can be fetched."""

    origin: str
    fields: dict[str, str]
    wire: Wire
    session: aiohttp.ClientSession
    pictures: str

    def adapter(self, protocol: str = "volcengine", **other: str) -> Adapter:
        return Adapter(
            Login("sandbox", {**self.fields, "protocol": protocol, **other}, allow_private_hosts=True), self.wire
        )

    def call(self, model: str, prompt: str = "a red fox", **params: Any) -> Call:
        entry = SHELF.entry(model)
        given = [self.picture(role.role) for role in entry.inputs for _ in range(role.minimum)]
        seen = [GivenInput(item.role, item.content_type, item.size_bytes) for item in given]
        accepted = entry.accept(prompt, params, seen)
        sent = entry.wire_params(accepted.params)
        return Call("attempt", entry.endpoint, entry.makes, accepted.prompt, sent, tuple(given), entry.wire_options())

    def picture(self, role: str) -> InputFile:
        async def read() -> bytes:
            return SMALL

        return InputFile(role, "image/png", "input.png", len(SMALL), read, url=self.pictures)

    async def submit(self, prompt: str, model: str = FILM, protocol: str = "volcengine", **params: Any) -> Ticket:
        return await self.adapter(protocol).submit(self.call(model, prompt, **params))

    async def end(self, ticket: Ticket, protocol: str = "volcengine") -> Done:
        adapter = self.adapter(protocol)
        for _ in range(600):
            answer = await adapter.check(ticket)
            if isinstance(answer, Done):
                return answer
            await asyncio.sleep(0.02)
        raise AssertionError("it never ended")

    async def made(self, prompt: str, model: str = FILM, protocol: str = "volcengine", **params: Any) -> Done:
        return await self.end(await self.submit(prompt, model, protocol, **params), protocol)

    async def jobs(self) -> list[Any]:
        async with self.session.get(f"{self.origin}/control/jobs") as answer:
            return list((await answer.json())["items"])


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    runner = web.AppRunner(create_app(SandboxConfig(port=0, speed=400.0)), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def hand_out(request: web.Request) -> web.Response:
        return web.Response(body=SMALL, content_type="image/png")

    studio = web.Application()
    studio.router.add_get("/files/1", hand_out)
    studio_runner = web.AppRunner(studio, access_log=None, shutdown_timeout=0.2)
    await studio_runner.setup()
    await web.TCPSite(studio_runner, "127.0.0.1", 0).start()
    pictures = f"http://127.0.0.1:{studio_runner.addresses[0][1]}/files/1?signature=x"

    wire, session = Wire.open(), aiohttp.ClientSession()
    async with session.get(f"{origin}/control/logins") as answer:
        told = (await answer.json())["items"]
    fields = next(item["fields"] for item in told if item["provider"] == "jimeng")
    yield Played(origin, fields, wire, session, pictures)
    await session.close()
    await wire.close()
    await studio_runner.cleanup()
    await runner.cleanup()


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
async def test_every_model_on_the_shelf_makes_what_was_asked(played: Played, entry: Entry) -> None:
    done = await played.made("a red fox", entry.id)
    (output,) = done.outputs
    assert (output.kind, output.blocked) == (entry.makes, False)
    assert output.url
    (job,) = await played.jobs()
    assert job["model"] == entry.endpoint


@pytest.mark.parametrize("entry", BY_GATEWAY, ids=lambda entry: entry.id)
async def test_what_a_gateway_may_be_asked_it_makes(played: Played, entry: Entry) -> None:
    assert len(BY_GATEWAY) >= 4
    done = await played.made("a red fox", entry.id, "gateway", duration="10")
    assert [output.kind for output in done.outputs] == ["video"]
    (job,) = await played.jobs()
    assert job["body"]["frames"] == 241
    assert job["body"].get("image_urls") == ([played.pictures] if entry.inputs else None)


@pytest.mark.parametrize("entry", BY_RELAY, ids=lambda entry: entry.id)
async def test_a_relay_makes_every_film(played: Played, entry: Entry) -> None:
    done = await played.made("a red fox", entry.id, "relay")
    assert [output.kind for output in done.outputs] == ["video"]


@pytest.mark.parametrize("place", range(6))
async def test_a_gateways_film_is_found_wherever_it_is_named(played: Played, place: int) -> None:
    (output,) = (await played.made(f"x [[address-at:{place}]]", protocol="gateway")).outputs
    assert output.url and "/jimeng/files/" in output.url


@pytest.mark.parametrize("marker", ["kling-reply", "raw-reply"])
async def test_the_other_forms_of_reply_are_understood(played: Played, marker: str) -> None:
    protocol = "relay" if marker == "raw-reply" else "gateway"
    assert (await played.made(f"x [[{marker}]]", protocol=protocol)).outputs


async def test_a_picture_inside_the_answer_is_taken_too(played: Played) -> None:
    (output,) = (await played.made("x [[inline]]", PICTURE, aspect_ratio="16:9")).outputs
    assert output.data
    assert Image.open(io.BytesIO(output.data)).size == (1664, 936)


async def test_the_shape_and_the_larger_size_asked_for_are_made(played: Played) -> None:
    for params, size in (({"aspect_ratio": "9:16"}, (936, 1664)), ({"large": "2304x1728"}, (2304, 1728))):
        (output,) = (await played.made("x", PICTURE, **params)).outputs
        async with played.session.get(str(output.url)) as answer:
            assert Image.open(io.BytesIO(await answer.read())).size == size


async def test_a_film_is_fetched_while_it_lasts_and_told_as_expired_afterwards(played: Played, tmp_path: Any) -> None:
    downloader, limits = Downloader.open(), DownloadLimits()
    (lasting,) = (await played.made("a lake", aspect_ratio="1:1")).outputs
    file = await downloader.fetch(str(lasting.url), tmp_path, limits=limits, allow_private_hosts=True)
    assert file.path.read_bytes()[4:8] == b"ftyp"
    (gone,) = (await played.made("a lake [[expire:0]]")).outputs
    with pytest.raises(DownloadFailed) as raised:
        await downloader.fetch(str(gone.url), tmp_path, limits=limits, allow_private_hosts=True)
    assert raised.value.kind == "expired", "the pipeline then asks for a fresh address"
    await downloader.close()


SUBMITS = [
    ("throttle", Throttled),
    ("html-502", Ambiguous),
    ("error-500", Unreachable),
    ("error-503", Unreachable),
    ("unauthorized", Misconfigured),
    ("locked", Misconfigured),
    ("reset", Ambiguous),
    ("lost-answer", Ambiguous),
    ("truncated-json@submit", Ambiguous),
    ("html-200@submit", Ambiguous),
    ("refuse:50215", Rejected),
    ("refuse:50413", Blocked),
    ("refuse:50430", Throttled),
]


@pytest.mark.parametrize("protocol", ["volcengine", "relay", "gateway"])
@pytest.mark.parametrize(("marker", "error"), SUBMITS)
async def test_a_submit_that_fails_says_whose_move_it_is(
    played: Played, marker: str, error: type[ProviderError], protocol: str
) -> None:
    if protocol == "gateway" and marker in {"error-500", "error-503"}:
        # An aggregator's own failures say nothing about the job.
        error = Ambiguous
    if protocol == "gateway" and marker == "refuse:50413":
        # An aggregator has one word for everything it cannot name.
        error = Rejected
    with pytest.raises(error) as raised:
        await played.submit(f"a fox [[{marker}]]", protocol=protocol)
    if not isinstance(raised.value, Ambiguous):
        assert await played.jobs() == [], "only a doubtful answer may hide a job"


@pytest.mark.parametrize(
    ("marker", "error", "again"),
    [
        ("fail:50413", Blocked, None),
        ("fail:50512", Blocked, None),
        ("nsfw", Broke, True),
        ("fail:50511", Broke, True),
        ("fail:50519", Broke, True),
        ("fail:50520", Broke, False),
        ("fail:50215", Rejected, None),
        ("expired", Broke, True),
        ("forget", Broke, True),
        ("empty-output", Broke, False),
        ("null-output", Broke, False),
        ("drift", Drifted, None),
        ("unknown-status]] [[slow:1", Drifted, None),
    ],
)
async def test_a_job_that_ends_badly_says_whose_move_it_is(
    played: Played, marker: str, error: type[ProviderError], again: bool | None
) -> None:
    with pytest.raises(error) as raised:
        await played.made(f"a fox [[{marker}]] [[queue:0.05]]")
    assert getattr(raised.value, "again", None) is again


@pytest.mark.parametrize(
    ("marker", "error"),
    [
        ("throttle@result", Throttled),
        ("html-502@result", Unreachable),
        ("error-500@result", Unreachable),
        ("unauthorized@result", Misconfigured),
        ("truncated-json@result", Drifted),
        ("html-200@result", Drifted),
        ("fail-then-succeed", Unreachable),
    ],
)
async def test_a_question_that_fails_once_is_answered_the_next_time(
    played: Played, marker: str, error: type[ProviderError]
) -> None:
    ticket = await played.submit(f"a fox [[{marker}]]")
    with pytest.raises(error):
        await played.end(ticket)
    assert (await played.end(ticket)).outputs


async def test_waiting_and_running_are_told_apart_and_a_gateway_tells_how_far(played: Played) -> None:
    for protocol in ("volcengine", "gateway"):
        ticket = await played.submit("a fox [[queue:0.3]] [[slow:0.5]]", protocol=protocol)
        seen: list[Pending] = []
        while isinstance(answer := await played.adapter(protocol).check(ticket), Pending):
            seen.append(answer)
            await asyncio.sleep(0.02)
        assert {pending.started for pending in seen} == {False, True}
        told = [pending.percent for pending in seen if pending.percent is not None]
        assert bool(told) == (protocol == "gateway")
        assert told == sorted(told)


async def test_the_connection_test_costs_nothing_and_knows_wrong_keys(played: Played) -> None:
    for protocol in ("volcengine", "relay", "gateway"):
        assert (await played.adapter(protocol).probe()).problem is None
        wrong = {"secret_key": "wrong-not-secret", "api_key": "wrong-not-secret"}
        assert (await played.adapter(protocol, **wrong).probe()).problem
        assert (await played.adapter(protocol, base_url=f"{played.origin}/nowhere").probe()).problem
    assert await played.jobs() == []
