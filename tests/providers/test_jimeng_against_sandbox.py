"""The adapter and the sandbox were written from the same facts; here they meet, by way of the catalog."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from tests.library.files import plain
from tests.providers.asking import SHELF, called, entries_of, given
from tests.providers.failing import UnderstandsFailures, bad, on_every_way
from tests.providers.playing import Playing
from vermilion.catalog import Entry
from vermilion.kit.download import Downloader, DownloadFailed, DownloadLimits
from vermilion.providers import (
    Ambiguous,
    Blocked,
    Broke,
    Call,
    Done,
    Drifted,
    Misconfigured,
    NotInstalled,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
)

OURS = entries_of("jimeng")
BY_GATEWAY = [entry for entry in OURS if entry.options.get("gateway")]
BY_RELAY = [entry for entry in OURS if entry.makes == "video"]
FILM, PICTURE = "jimeng-video-3.0-720p", "jimeng-image-3.1"
SMALL = plain(640, 480)


class Played(Playing):
    """Playing, with what these tests do again and again, by each of the three protocols."""

    pictures = ""
    """Where a person's picture can be fetched."""

    def way(self, protocol: str = "volcengine", **other: str) -> Any:
        return self.adapter(protocol=protocol or "volcengine", **other)

    def asked(self, prompt: str, model: str = FILM, **params: Any) -> Call:
        self.pictures = self.pictures or self.door.lay_out(SMALL, "image/png")
        needed = [role.role for role in SHELF.entry(model).inputs for _ in range(role.minimum)]
        return called(model, prompt, *(given(role, SMALL, url=self.pictures) for role in needed), **params)

    async def submit(self, prompt: str, protocol: str = "volcengine") -> Ticket:
        ticket: Ticket = await self.way(protocol).submit(self.asked(prompt))
        return ticket

    async def made(self, prompt: str, model: str = FILM, protocol: str = "volcengine", **params: Any) -> Done:
        return await self.make(self.asked(prompt, model, **params), self.way(protocol))


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    async with Played.open("jimeng", speed=400.0) as opened:
        yield opened


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
        _, content = await played.fetch(output.url)
        assert Image.open(io.BytesIO(content)).size == size


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


SUBMITS = (
    *bad(Throttled, "throttle", "refuse:50430"),
    *bad(Ambiguous, "html-502", "reset", "lost-answer", "truncated-json@submit", "html-200@submit"),
    *bad(Unreachable, "error-500", "error-503"),
    *bad(Misconfigured, "unauthorized", "locked"),
    *bad(Rejected, "refuse:50215"),
    *bad(Blocked, "refuse:50413"),
)
OTHERWISE = {
    # Volcengine's own word for a key that may not: the service was never opened for it.
    ("volcengine", "locked"): NotInstalled,
    # An aggregator's own failures say nothing about the job, and it has one word for everything it cannot name.
    ("gateway", "error-500"): Ambiguous,
    ("gateway", "error-503"): Ambiguous,
    ("gateway", "refuse:50413"): Rejected,
}


class TestFailures(UnderstandsFailures):
    bad_submits = on_every_way(("volcengine", "relay", "gateway"), SUBMITS, but=OTHERWISE)
    bad_endings = (
        *bad(Blocked, "fail:50413", "fail:50512"),
        *bad(Broke, "nsfw", "fail:50511", "fail:50519", "expired", "forget", again=True),
        *bad(Broke, "fail:50520", "empty-output", "null-output", again=False),
        *bad(Rejected, "fail:50215"),
        *bad(Drifted, "drift", "unknown-status]] [[slow:1"),
    )
    bad_questions = (
        *bad(Throttled, "throttle@result"),
        *bad(Unreachable, "html-502@result", "error-500@result", "fail-then-succeed"),
        *bad(Misconfigured, "unauthorized@result"),
        *bad(Drifted, "truncated-json@result", "html-200@result"),
    )


async def test_waiting_and_running_are_told_apart_and_a_gateway_tells_how_far(played: Played) -> None:
    for protocol in ("volcengine", "gateway"):
        ticket = await played.submit("a fox [[queue:0.3]] [[slow:0.5]]", protocol)
        seen = await played.watch(ticket, played.way(protocol))
        assert {pending.started for pending in seen} == {False, True}
        told = [pending.percent for pending in seen if pending.percent is not None]
        assert bool(told) == (protocol == "gateway")
        assert told == sorted(told)


async def test_the_connection_test_costs_nothing_and_knows_wrong_keys(played: Played) -> None:
    for protocol in ("volcengine", "relay", "gateway"):
        assert (await played.way(protocol).probe()).problem is None
        wrong = {"secret_key": "wrong-not-secret", "api_key": "wrong-not-secret"}
        assert (await played.way(protocol, **wrong).probe()).problem
        assert (await played.way(protocol, base_url=f"{played.origin}/nowhere").probe()).problem
    assert await played.jobs() == []
