"""The image API's adapter keeps the contract, and says what each kind of address needs to hear."""

import io

import pytest
from PIL import Image

from tests.providers.asking import given
from tests.providers.contract import ProviderContract, Vendor
from tests.providers.replay import replaying
from vermilion.providers import Broke, Call, Login, NotInstalled, Rejected, Ticket, Wire
from vermilion.providers.masks import as_transparency
from vermilion.providers.openai import Adapter

KEY = "sk-openai-not-secret"
FOX = given("image", b"first", filename="fox.png")
ONE_LIST = {"image": {"wire": "image", "list": True}, "mask": {"wire": "mask", "list": False}}


def login(origin: str, **more: str) -> Login:
    fields = {"key": KEY, "base_url": f"{origin}/v1", "model_names": "compatible=their-model", **more}
    return Login("credential", fields, allow_private_hosts=True)


CALLS = {
    "plain": Call(
        reference="attempt-1",
        endpoint="gpt-image-2",
        makes="image",
        prompt="a red fox",
        params={
            "n": 2,
            "size": "1536x864",
            "quality": "medium",
            "background": "auto",
            "output_format": "png",
            "moderation": "auto",
        },
        options={"prompt": "prompt", "inputs": ONE_LIST},
    ),
    "with_inputs": Call(
        reference="attempt-2",
        endpoint="gpt-image-2",
        makes="image",
        prompt="put a hat on it",
        params={
            "n": 1,
            "size": {"width": 1024, "height": 768},
            "quality": "high",
            "background": "transparent",
            "output_format": "webp",
            "output_compression": 90,
            "moderation": "low",
        },
        inputs=(FOX, given("image", b"second", filename="hat.png")),
        options={"prompt": "prompt", "inputs": ONE_LIST},
    ),
    "with_one_input": Call(
        reference="attempt-3",
        endpoint="gpt-image-1.5",
        makes="image",
        prompt="brighter",
        params={"n": 1, "input_fidelity": "high"},
        inputs=(FOX,),
        options={"prompt": "prompt", "inputs": ONE_LIST},
    ),
    "compatible": Call(
        reference="attempt-4",
        endpoint="compatible",
        makes="image",
        prompt="a red fox",
        params={"n": 1, "size": "1024x1024"},
        options={"inputs": ONE_LIST, "named_by_credential": True, "body": {"response_format": "b64_json"}},
    ),
}


class TestContract(ProviderContract):
    vendor = Vendor(Adapter, login, CALLS)


async def test_a_deployment_at_azure_is_addressed_and_greeted_its_own_way(wire: Wire) -> None:
    expect = {
        "method": "POST",
        "path": "/openai/deployments/my-deployment/images/generations",
        "query": {"api-version": "2026-01-01"},
        "headers": {"api-key": KEY, "Authorization": None},
    }
    answer = {"status": 200, "json": {"data": [{"url": "https://cdn.example/a.png"}]}}
    async with replaying([{"expect": expect, "answer": answer}]) as replay:
        fields = {
            "key": KEY,
            "base_url": replay.origin,
            "api_version": "2026-01-01",
            "model_names": "other=x\ngpt-image-2 = my-deployment",
        }
        done = await Adapter(Login("c", fields), wire).submit(CALLS["plain"])
        replay.assert_complete()
    assert done.outputs[0].url == "https://cdn.example/a.png"


async def test_organization_and_project_are_told_where_they_are_known(wire: Wire) -> None:
    headers = {"OpenAI-Organization": "org-sandbox", "OpenAI-Project": "proj-sandbox"}
    expect = {"method": "GET", "path": "/v1/models", "headers": headers}
    async with replaying([{"expect": expect, "answer": {"status": 200, "json": {"data": []}}}]) as replay:
        adapter = Adapter(login(replay.origin, organization="org-sandbox", project="proj-sandbox"), wire)
        assert (await adapter.probe()).problem is None
        replay.assert_complete()


async def test_a_model_nobody_named_is_refused_before_anything_is_sent(wire: Wire) -> None:
    async with replaying([]) as replay:
        with pytest.raises(NotInstalled):
            await Adapter(login(replay.origin, model_names=""), wire).submit(CALLS["compatible"])
        replay.assert_complete()


async def test_a_mask_without_a_picture_is_refused_before_anything_is_sent(wire: Wire) -> None:
    call = CALLS["with_one_input"]
    alone = Call(call.reference, call.endpoint, "image", "x", {}, (given("mask", b"m"),), call.options)
    async with replaying([]) as replay:
        with pytest.raises(Rejected):
            await Adapter(login(replay.origin), wire).submit(alone)
        replay.assert_complete()


async def test_there_is_no_job_to_ask_about(wire: Wire) -> None:
    with pytest.raises(Broke) as raised:
        await Adapter(login("http://127.0.0.1:9"), wire).check(Ticket("job"))
    assert raised.value.again is False


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _alpha(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "PNG"
        return picture.convert("RGBA").getchannel("A")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "P"])
def test_white_places_of_a_mask_become_transparent(mode: str) -> None:
    painted = Image.new("RGB", (8, 4), "black")
    painted.paste((255, 255, 255), (4, 0, 8, 4))
    alpha = _alpha(as_transparency(_png(painted.convert(mode))))
    assert alpha.getpixel((0, 0)) == 255
    assert alpha.getpixel((7, 3)) == 0


def test_a_mask_that_is_transparent_already_stays_as_it_is() -> None:
    mask = Image.new("RGBA", (8, 4), (0, 0, 0, 255))
    mask.paste((255, 255, 255, 0), (0, 0, 2, 2))
    assert as_transparency(_png(mask)) == _png(mask)


def test_a_mask_that_is_no_picture_is_refused() -> None:
    with pytest.raises(Rejected):
        as_transparency(b"not a picture")
