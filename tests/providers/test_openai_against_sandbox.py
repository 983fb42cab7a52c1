"""The image API's adapter and the sandbox were written apart, from the same facts; here they meet."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.library.files import encoded, plain
from tests.providers.asking import called, entries_of, given
from tests.providers.playing import Playing, picture_of
from vermilion.catalog import Entry
from vermilion.providers import (
    Ambiguous,
    Blocked,
    Broke,
    Done,
    Misconfigured,
    NotInstalled,
    ProviderError,
    Throttled,
    Unreachable,
)

NAMED = "compatible=flux-at-the-relay"


@pytest.fixture
async def played() -> AsyncIterator[Playing]:
    async with Playing.open("openai", fast=True) as found:
        yield found


async def made(played: Playing, prompt: str = "a red fox", **params: object) -> Done:
    done = await played.adapter().submit(called("gpt-image-2", prompt, **params))
    assert isinstance(done, Done)
    return done


@pytest.mark.parametrize("entry", entries_of("openai"), ids=lambda entry: entry.id)
async def test_every_model_on_the_shelf_makes_and_edits_what_was_asked(played: Playing, entry: Entry) -> None:
    relay = {"base_url": f"{played.origin}/openai/relay/v1", "model_names": NAMED}
    adapter = played.adapter(**(relay if entry.options.get("named_by_credential") else {}))
    two = (given("image", plain()), given("image", plain(colour="tomato")))
    for inputs, count in (((), 2), (two, 1)):
        done = await adapter.submit(called(entry.id, "a red fox", *inputs, num_images=count))
        assert isinstance(done, Done)
        assert len(done.outputs) == count
        assert all(output.data for output in done.outputs)
    asked = "flux-at-the-relay" if entry.options.get("named_by_credential") else entry.endpoint
    assert {job["model"] for job in await played.jobs()} == {asked}


@pytest.mark.parametrize("entry", entries_of("openai"), ids=lambda entry: entry.id)
async def test_every_choice_on_the_shelf_is_one_the_api_takes(played: Playing, entry: Entry) -> None:
    relay = {"base_url": f"{played.origin}/openai/relay/v1", "model_names": NAMED}
    adapter = played.adapter(**(relay if entry.options.get("named_by_credential") else {}))
    for param in entry.params:
        for choice in getattr(param, "choices", ()):
            # Nothing is painted, which is quick: only a request that was taken in can end so.
            with pytest.raises(Broke):
                await adapter.submit(called(entry.id, "a fox [[empty-output]]", **{param.name: choice.value}))


@pytest.mark.parametrize(("ratio", "size"), [("16:9", (1536, 864)), ("3:4", (1008, 1344)), ("21:9", (1680, 720))])
async def test_the_shape_asked_for_is_the_shape_made(played: Playing, ratio: str, size: tuple[int, int]) -> None:
    done = await made(played, aspect_ratio=ratio, quality="low")
    assert picture_of(done).size == size
    assert done.facts["size"] == f"{size[0]}x{size[1]}"
    assert done.facts["usage"]["output_tokens"] > 0


async def test_an_exact_size_counts_more_than_a_shape(played: Playing) -> None:
    done = await made(played, aspect_ratio="16:9", exact_size={"width": 800, "height": 640}, quality="low")
    assert picture_of(done).size == (800, 640)


async def test_formats_and_backgrounds_are_as_asked(played: Playing) -> None:
    jpeg = await made(played, output_format="jpeg", output_compression=60, quality="low")
    assert (picture_of(jpeg).format, jpeg.outputs[0].content_type) == ("JPEG", "image/jpeg")
    clear = await made(played, background="transparent", output_format="webp", quality="low")
    assert picture_of(clear).convert("RGBA").getchannel("A").getextrema()[0] == 0


async def test_a_white_place_of_the_mask_is_what_changes(played: Playing) -> None:
    before = Image.linear_gradient("L").resize((128, 128)).convert("RGB")
    mask = Image.new("RGB", (128, 128), "black")
    mask.paste("white", (64, 0, 128, 128))
    call = called("gpt-image-2", "stars", given("image", encoded(before, "PNG")), given("mask", encoded(mask, "PNG")))
    done = await played.adapter().submit(call)
    assert isinstance(done, Done)
    moved = ImageChops.difference(picture_of(done).convert("RGB").resize((128, 128)), before).convert("L")
    kept, changed = (ImageStat.Stat(moved.crop(box)).mean[0] for box in ((0, 0, 60, 128), (68, 0, 128, 128)))
    assert kept < 12 < changed


async def test_a_gateway_that_answers_with_addresses_is_understood(played: Playing) -> None:
    adapter = played.adapter(base_url=f"{played.origin}/openai/relay/v1")
    done = await adapter.submit(called("gpt-image-2", "a fox", num_images=2))
    assert isinstance(done, Done)
    for output in done.outputs:
        assert output.url is not None
        status, content = await played.fetch(output.url)
        assert status == 200
        assert Image.open(io.BytesIO(content)).format == "PNG"


async def test_a_deployment_is_reached(played: Playing) -> None:
    azure = {
        "base_url": f"{played.origin}/openai",
        "api_version": "2026-01-01",
        "model_names": "gpt-image-2.5-flare=gpt-image-2",
    }
    assert isinstance(await played.adapter(**azure).submit(called("gpt-image-2.5-flare", "a fox")), Done)
    assert [job["model"] for job in await played.jobs()] == ["gpt-image-2"]
    assert (await played.probe(**azure)).problem is None


@pytest.mark.parametrize(
    ("marker", "error"),
    [("throttle", Throttled), ("html-502", Ambiguous), ("error-500", Broke), ("error-503", Unreachable),
     ("unauthorized", Misconfigured), ("locked", Misconfigured), ("reset", Ambiguous), ("lost-answer", Ambiguous),
     ("nsfw", Blocked), ("truncated-json@submit", Ambiguous), ("html-200@submit", Ambiguous),
     ("cut-short@submit", Ambiguous), ("fail:content_policy_violation", Blocked),
     ("fail:insufficient_quota", Misconfigured),
     ("fail:billing_hard_limit_reached", Misconfigured), ("fail:model_not_found", NotInstalled),
     ("fail:server_is_overloaded", Unreachable), ("fail:server_error", Broke), ("error-in-200", Broke),
     ("drift", Ambiguous), ("null-output", Ambiguous), ("empty-output", Broke)],
)  # fmt: skip
async def test_a_call_that_fails_says_whose_move_it_is(
    played: Playing, marker: str, error: type[ProviderError]
) -> None:
    with pytest.raises(error) as raised:
        await made(played, f"a fox [[{marker}]]")
    if error is Throttled:
        assert raised.value.retry_after_seconds == 1
        assert await played.jobs() == []


async def test_a_request_that_was_once_refused_passes_the_next_time(played: Playing) -> None:
    with pytest.raises(Broke) as raised:
        await made(played, "a fox [[fail-once]]")
    assert raised.value.again
    assert (await made(played, "a fox [[fail-once]]")).outputs


async def test_pictures_as_data_urls_are_pictures(played: Playing) -> None:
    assert picture_of(await made(played, "a fox [[data-url]]", quality="low")).format == "PNG"


async def test_a_slow_answer_is_waited_for(played: Playing) -> None:
    waiting = asyncio.ensure_future(made(played, "a fox [[slow:0.8]]", quality="low"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    assert (await waiting).outputs


async def test_the_connection_test_costs_nothing_and_knows_a_wrong_key(played: Playing) -> None:
    assert (await played.probe()).problem is None
    assert "refuses this key" in str((await played.probe(key="sk-wrong")).problem)
    assert (await played.probe(base_url=f"{played.origin}/nowhere")).problem is not None
    assert await played.jobs() == []
