"""OpenAI's own client understands the sandbox as it understands the API."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import openai as sdk
import pytest
from PIL import Image

from .conftest import Client

MODEL = "gpt-image-2"


def _png(mode: str = "RGB") -> tuple[str, bytes, str]:
    file = io.BytesIO()
    Image.new(mode, (64, 64)).save(file, "PNG")
    return "picture.png", file.getvalue(), "image/png"


@pytest.fixture
async def client(sandbox: Client) -> AsyncIterator[Any]:
    async with sdk.AsyncOpenAI(
        api_key="sk-sandbox-not-secret", base_url=f"{sandbox.origin}/openai/v1", max_retries=0
    ) as client:
        yield client


async def test_generate(client: Any) -> None:
    made = await client.images.generate(
        model=MODEL, prompt="a red fox", n=2, size="1536x864", quality="low", output_format="jpeg",
        output_compression=80, background="opaque", moderation="low",
    )  # fmt: skip
    assert len(made.data) == 2
    assert Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json))).size == (1536, 864)
    assert (made.size, made.quality, made.output_format) == ("1536x864", "low", "jpeg")
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens


async def test_edit_one_picture_and_several_with_a_mask(client: Any) -> None:
    one = await client.images.edit(model=MODEL, image=_png(), prompt="night")
    assert one.data[0].b64_json
    several = await client.images.edit(
        model="gpt-image-1.5", image=[_png(), _png()], mask=_png("RGBA"), prompt="night", input_fidelity="high"
    )
    assert several.usage.input_tokens_details.image_tokens > 0


async def test_streams(client: Any) -> None:
    told = [event.type async for event in await client.images.generate(
        model=MODEL, prompt="x", stream=True, partial_images=2
    )]  # fmt: skip
    assert told == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    told = [event.type async for event in await client.images.edit(
        model=MODEL, image=_png(), prompt="x", stream=True, partial_images=1
    )]  # fmt: skip
    assert told == ["image_edit.partial_image", "image_edit.completed"]
    with pytest.raises(sdk.APIError) as raised:
        _ = [event async for event in await client.images.generate(model=MODEL, prompt="x [[nsfw]]", stream=True)]
    assert raised.value.code == "moderation_blocked"


@pytest.mark.parametrize(
    ("marker", "error", "code"),
    [("fail:moderation_blocked", "BadRequestError", "moderation_blocked"),
     ("throttle", "RateLimitError", "rate_limit_exceeded"),
     ("fail:insufficient_quota", "RateLimitError", "insufficient_quota"),
     ("fail", "InternalServerError", "server_error"), ("unauthorized", "AuthenticationError", "invalid_api_key"),
     ("locked", "PermissionDeniedError", "unsupported_country_region_territory"),
     ("reset", "APIConnectionError", None), ("lost-answer", "APIConnectionError", None)],
)  # fmt: skip
async def test_each_failure_is_the_clients_own_error(client: Any, marker: str, error: str, code: str | None) -> None:
    with pytest.raises(getattr(sdk, error)) as raised:
        await client.images.generate(model=MODEL, prompt=f"x [[{marker}]]")
    assert raised.value.code == code


async def test_the_clients_own_retries_get_through(client: Any) -> None:
    patient = client.with_options(max_retries=2)
    assert (await patient.images.generate(model=MODEL, prompt="x [[fail-once]]")).data


async def test_what_was_retired_is_not_found(client: Any) -> None:
    with pytest.raises(sdk.NotFoundError):
        await client.images.generate(model="dall-e-3", prompt="x")


async def test_a_gateway_and_a_deployment(client: Any, sandbox: Client) -> None:
    relay = client.with_options(base_url=f"{sandbox.origin}/openai/relay/v1")
    made = await relay.images.generate(model="dall-e-3", prompt="x", response_format="url")
    assert (await sandbox.ask("GET", made.data[0].url, key=False)).status == 200
    async with sdk.AsyncAzureOpenAI(
        api_key="sk-sandbox-not-secret", azure_endpoint=f"{sandbox.origin}/openai", api_version="2026-01-01"
    ) as azure:
        drawn = await azure.images.generate(model=MODEL, prompt="x")
        assert drawn.data and drawn.data[0].b64_json


async def test_the_list_of_models(client: Any) -> None:
    assert MODEL in {model.id async for model in client.models.list()}
