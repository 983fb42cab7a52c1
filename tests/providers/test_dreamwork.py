"""DreamWork's adapter keeps the contract at Ark, and says to gateways what they understand."""

from typing import Any

import pytest

from tests.providers.asking import given
from tests.providers.contract import ProviderContract, Vendor
from tests.providers.replay import replaying
from vermilion.providers import Broke, Call, Login, Rejected, Ticket, Wire
from vermilion.providers.dreamwork import Adapter
from vermilion.providers.dreamwork_body import INPUTS_AND_OUTPUTS_MAX, size_of

KEY = "ark-key-not-secret"
LIST = {"inputs": {"image": {"wire": "image", "list": True}}}
V4 = "doubao-seedream-4-0-250828"


def login(origin: str) -> Login:
    fields = {
        "key": KEY,
        "base_url": f"{origin}/api/v3",
        "model_names": "doubao-seedream-5-0-260128=ep-20260101-abcd",
    }
    return Login("credential", fields, allow_private_hosts=True)


def call(endpoint: str, prompt: str, params: dict[str, Any], *pictures: bytes, **options: Any) -> Call:
    return Call(
        "attempt",
        endpoint,
        "image",
        prompt,
        params,
        tuple(given("image", picture) for picture in pictures),
        {**LIST, **options},
    )


CALLS = {
    "plain": call(
        V4,
        "a red fox",
        {
            "max_images": 3,
            "shape": "16:9",
            "resolution": "2K",
            "optimize_prompt_options.mode": "fast",
            "watermark": False,
        },
        area_min_pixels=921_600,
    ),
    "with_inputs": call(
        "doubao-seedream-5-0-260128",
        "put the hat on the fox",
        {
            "max_images": 1,
            "shape": "1:1",
            "resolution": "2K",
            "size": {"width": 3000, "height": 1500},
            "output_format": "png",
            "web_search": True,
            "watermark": True,
        },
        b"first",
        b"second",
    ),
    "edit": call(
        "doubao-seededit-3-0-i2i-250628",
        "make it night",
        {"guidance_scale": 5.5, "seed": 7, "watermark": False},
        b"first",
        body={"size": "adaptive"},
    ),
    "open_shape": call(V4, "a red fox", {"resolution": "4K", "watermark": False}),
}


class TestContract(ProviderContract):
    vendor = Vendor(Adapter, login, CALLS)


@pytest.mark.parametrize("path", ["/v1", "", "/relay/v1/"])
async def test_a_gateway_is_asked_for_an_address_under_its_own_version(wire: Wire, path: str) -> None:
    under = path.rstrip("/") or "/v1"
    body = {
        "model": V4, "prompt": "a red fox", "response_format": "url", "size": "4K", "watermark": False,
    }  # fmt: skip
    made = {
        "expect": {"method": "POST", "path": f"{under}/images/generations", "json": body},
        "answer": {"status": 200, "json": {"created": 1, "data": [{"url": "https://gateway.example/a.jpeg"}]}},
    }
    listed = {
        "expect": {"method": "GET", "path": f"{under}/models", "headers": {"Authorization": f"Bearer {KEY}"}},
        "answer": {"status": 200, "json": {"data": []}},
    }
    async with replaying([made, listed]) as replay:
        adapter = Adapter(Login("c", {"key": KEY, "base_url": f"{replay.origin}{path}"}), wire)
        done = await adapter.submit(CALLS["open_shape"])
        assert (await adapter.probe()).problem is None
        replay.assert_complete()
    assert done.outputs[0].url == "https://gateway.example/a.jpeg"


async def test_more_pictures_than_the_models_handle_are_refused_before_anything_is_sent(wire: Wire) -> None:
    given = [b"x"] * 5
    async with replaying([]) as replay:
        with pytest.raises(Rejected):
            many = call(V4, "x", {"max_images": INPUTS_AND_OUTPUTS_MAX - 4}, *given)
            await Adapter(login(replay.origin), wire).submit(many)
        replay.assert_complete()


async def test_there_is_no_job_to_ask_about(wire: Wire) -> None:
    with pytest.raises(Broke) as raised:
        await Adapter(login("http://127.0.0.1:9"), wire).check(Ticket("job"))
    assert raised.value.again is False


@pytest.mark.parametrize("shape", ["1:1", "4:3", "3:4", "3:2", "16:9", "9:16", "21:9", "9:21"])
@pytest.mark.parametrize(("resolution", "least"), [("1K", 921_600), ("2K", 3_686_400), ("3K", 3_686_400), ("4K", 0)])
def test_a_size_has_exactly_the_shape_and_fits_what_the_model_takes(shape: str, resolution: str, least: int) -> None:
    width, height = (int(side) for side in size_of(shape, resolution, least).split("x"))
    across, down = (int(part) for part in shape.split(":"))
    assert width * down == height * across
    assert (width % 16, height % 16) == (0, 0)
    assert least <= width * height <= 4096 * 4096


def test_the_usual_sizes_are_those_ark_recommends() -> None:
    sizes = [size_of(shape, "2K", 3_686_400) for shape in ("1:1", "4:3", "16:9", "3:2", "21:9")]
    assert sizes == ["2048x2048", "2304x1728", "2560x1440", "2496x1664", "3024x1296"]


@pytest.mark.parametrize(("status", "works"), [(400, True), (401, False)])
async def test_a_gateway_without_a_list_is_asked_for_a_picture_of_nothing(wire: Wire, status: int, works: bool) -> None:
    listed = {"expect": {"method": "GET", "path": "/v1/models"}, "answer": {"status": 404, "text": "404"}}
    nothing = {
        "expect": {"method": "POST", "path": "/v1/images/generations", "json": {}},
        "answer": {"status": status, "json": {"error": {"message": "no", "type": "invalid_request_error"}}},
    }
    async with replaying([listed, nothing]) as replay:
        probe = await Adapter(Login("c", {"key": KEY, "base_url": f"{replay.origin}/v1"}), wire).probe()
        replay.assert_complete()
    assert (probe.problem is None) == works
