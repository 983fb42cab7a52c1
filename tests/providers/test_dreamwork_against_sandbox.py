"""DreamWork's adapter and the sandbox were written apart, from the same facts; here they meet."""

import io
from collections.abc import AsyncIterator, Mapping

import pytest
from PIL import Image

from tests.library.files import plain
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
)


@pytest.fixture
async def played() -> AsyncIterator[Playing]:
    async with Playing.open("dreamwork", fast=True) as found:
        yield found


def needed(entry: Entry) -> list[bytes]:
    """The pictures that a model cannot do without."""
    return [plain() for role in entry.inputs for _ in range(role.minimum)]


async def made(
    played: Playing, prompt: str = "水墨山湖，红日", *pictures: bytes, model: str = "seedream-4.0", **params: object
) -> Done:
    call = called(model, prompt, *(given("image", content) for content in pictures), **params)
    done = await played.adapter().submit(call)
    assert isinstance(done, Done)
    return done


@pytest.mark.parametrize("entry", entries_of("dreamwork"), ids=lambda entry: entry.id)
async def test_every_model_on_the_shelf_makes_what_was_asked(played: Playing, entry: Entry) -> None:
    series = {entry.outputs_param: 3} if entry.outputs_param else {}
    done = await made(played, "a red fox", *needed(entry), model=entry.id, **series)
    assert len(done.outputs) == (3 if series else 1)
    assert done.facts["usage"]["generated_images"] == len(done.outputs)
    (job,) = await played.jobs()
    assert job["model"] == entry.endpoint
    assert job["body"]["watermark"] is False


@pytest.mark.parametrize("entry", entries_of("dreamwork"), ids=lambda entry: entry.id)
async def test_every_choice_on_the_shelf_is_one_the_api_takes(played: Playing, entry: Entry) -> None:
    asked: list[Mapping[str, object]] = [{}]
    for param in entry.params:
        asked += [{param.name: choice.value} for choice in getattr(param, "choices", ())]
    ratios = [one for one in asked if one.get("aspect_ratio")]
    asked += [{**one, **other} for one in ratios for other in asked if "resolution" in other]
    for params in asked:
        # Nothing is painted, which is quick: only a request that was taken in can end so.
        with pytest.raises(Broke):
            await made(played, "a fox [[empty-output]]", *needed(entry), model=entry.id, **params)


@pytest.mark.parametrize(
    ("model", "params", "size"),
    [("seedream-4.0", {"aspect_ratio": "16:9", "resolution": "1K"}, (1280, 720)),
     ("seedream-4.0", {"aspect_ratio": "21:9", "resolution": "2K"}, (3024, 1296)),
     ("seedream-4.0", {"resolution": "1K"}, (1024, 1024)),
     ("seedream-4.5", {"exact_size": {"width": 2048, "height": 2560}}, (2048, 2560)),
     ("seedream-3.0", {"aspect_ratio": "3:4"}, (864, 1152))],
)  # fmt: skip
async def test_the_size_asked_for_is_the_size_made(
    played: Playing, model: str, params: dict[str, object], size: tuple[int, int]
) -> None:
    done = await made(played, "a fox", model=model, **params)
    assert picture_of(done).size == size
    assert done.facts["size"] == f"{size[0]}x{size[1]}"


async def test_an_edit_keeps_the_shape_of_its_picture(played: Playing) -> None:
    done = await made(played, "make it night", plain(120, 60), model="seededit-3.0")
    width, height = picture_of(done).size
    assert width / height == pytest.approx(2.0, rel=0.02)


async def test_several_references_arrive_in_order(played: Playing) -> None:
    await made(played, "together", plain(colour="teal"), plain(colour="tomato"), resolution="1K")
    (job,) = await played.jobs()
    assert len(job["body"]["image"]) == 2
    assert all(address.startswith("data:image/png;base64,") for address in job["body"]["image"])


async def test_a_series_may_be_shorter_or_broken_and_what_came_is_kept(played: Playing) -> None:
    assert len((await made(played, "x [[series:2]]", num_images=5)).outputs) == 2
    done = await made(played, "x [[failed-pictures]]", num_images=3)
    assert (len(done.outputs), done.facts["usage"]["generated_images"]) == (2, 2)


async def test_the_seed_and_the_format_are_heard(played: Playing) -> None:
    await made(played, "a fox", model="seedream-3.0", seed=77, guidance_scale=7.0)
    assert (await played.jobs())[0]["seed"] == 77
    done = await made(played, "a fox", model="seedream-5.0-lite", output_format="png", web_search=True)
    assert (picture_of(done).format, done.outputs[0].content_type) == ("PNG", "image/png")


async def test_a_gateway_is_spoken_to_in_its_way(played: Playing) -> None:
    gateway = {"base_url": f"{played.origin}/dreamwork/v1"}
    done = await played.adapter(**gateway).submit(called("seedream-4.0", "a fox", given("image", plain())))
    assert isinstance(done, Done)
    (output,) = done.outputs
    assert output.url is not None
    status, content = await played.fetch(output.url)
    assert status == 200
    assert Image.open(io.BytesIO(content)).format == "JPEG"
    assert (await played.probe(**gateway)).problem is None


@pytest.mark.parametrize(
    ("marker", "error"),
    [("throttle", Throttled), ("html-502", Ambiguous), ("error-500", Broke), ("error-503", Broke),
     ("unauthorized", Misconfigured), ("locked", Misconfigured), ("reset", Ambiguous), ("lost-answer", Ambiguous),
     ("truncated-json@submit", Ambiguous), ("html-200@submit", Ambiguous), ("cut-short@submit", Ambiguous),
     ("nsfw", Blocked), ("fail:InputTextSensitiveContentDetected", Blocked), ("fail:ModelNotOpen", NotInstalled),
     ("fail:AccountOverdueError", Misconfigured), ("fail:QuotaExceeded", Misconfigured),
     ("fail:ServerOverloaded", Throttled), ("fail:InternalServiceError", Broke), ("error-in-200", Broke),
     ("drift", Ambiguous), ("null-output", Ambiguous), ("empty-output", Broke)],
)  # fmt: skip
async def test_a_call_that_fails_says_whose_move_it_is(
    played: Playing, marker: str, error: type[ProviderError]
) -> None:
    with pytest.raises(error) as raised:
        await made(played, f"a fox [[{marker}]]")
    if isinstance(raised.value, Broke):
        assert raised.value.again is False, "what may have been billed is not bought again unasked"


async def test_the_connection_test_costs_nothing_and_knows_a_wrong_key(played: Playing) -> None:
    assert (await played.probe()).problem is None
    assert "refuses this key" in str((await played.probe(key="wrong-key")).problem)
    assert (await played.probe(base_url=f"{played.origin}/nowhere/api/v3")).problem is not None
    assert (await played.probe(base_url=f"{played.origin}/nowhere/v1")).problem is not None
    assert await played.jobs() == []
