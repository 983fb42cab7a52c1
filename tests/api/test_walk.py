"""A picture's way through the house over HTTP, from sign-up to the trash."""

import asyncio
import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.studio import QUICK, Person, Studio, wanted


def png(width: int = 640, height: int = 480, colour: tuple[int, int, int] = (200, 40, 30)) -> bytes:
    """A plain picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


async def events_until(client: httpx.AsyncClient, is_last: Any, *, after: int = 0) -> list[tuple[int, str, Any]]:
    """Numbered events from `after` to the first that is the last."""
    heard: list[tuple[int, str, Any]] = []
    async with asyncio.timeout(60), client.stream("GET", "/events", params={"after": after}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        message: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                message[name] = value
                continue
            if "id" in message and "event" in message:
                heard.append((int(message["id"]), message["event"], json.loads(message["data"])))
                if is_last(heard[-1]):
                    break
            message = {}
    return heard


async def test_a_stranger_signs_up_and_gets_two_pictures(studio: Studio) -> None:
    browser = studio.client()
    answer = await browser.post(
        "/auth/sign-up", json={"email": "walker@example.test", "password": "a long way home", "name": "Walker"}
    )
    assert answer.status_code == 201
    walker = Person(answer.json()["user"]["id"], "walker@example.test", browser)
    available, held, spent = await walker.balance()
    assert (available, held, spent) == (100, 0, 0)

    asked = {"model": "flux-1-dev", "params": {**QUICK, "num_images": 2}, "inputs": []}
    quote = await walker.post("/quotes", asked)
    assert quote["price_credits"] == 6
    assert quote["expected_outputs"] == 2
    assert quote["missing_credits"] == 0

    view = await walker.post("/generations", wanted("two foxes", **asked), status=202)
    assert view["status"] == "queued"
    assert view["price_credits"] == 6
    assert await walker.balance() == (94, 6, 0)

    heard = await events_until(browser, lambda event: event[1] == "generation.changed" and event[2]["finished_at"])
    numbers = [number for number, _, _ in heard]
    assert numbers == sorted(set(numbers))
    assert heard[-1][2]["status"] == "succeeded"

    view = await walker.ended(view["id"])
    assert heard[-1][2] == view, "the event carries exactly what GET returns"
    assert view["settled_credits"] == 6
    assert await walker.balance() == (94, 0, 6)
    assert len(view["assets"]) == 2
    listed = await walker.get("/assets", params={"source": "made"})
    assert {asset["id"] for asset in listed["items"]} == {asset["id"] for asset in view["assets"]}

    asset = view["assets"][0]
    whole = await browser.get(f"{studio.origin}{asset['urls']['full']}")
    assert whole.status_code == 200
    assert len(whole.content) == asset["size_bytes"]
    assert Image.open(io.BytesIO(whole.content)).size == (512, 512)
    part = await browser.get(f"{studio.origin}{asset['urls']['full']}", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole.content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{asset['size_bytes']}"
    small = await browser.get(f"{studio.origin}{asset['urls']['thumbnail']}")
    assert small.headers["content-type"] == "image/webp"

    receipt = await walker.get(f"/generations/{view['id']}/receipt")
    assert [entry["kind"] for entry in receipt["entries"]] == ["hold", "settle"]
    assert [attempt["outcome"]["code"] for attempt in receipt["attempts"]] == ["succeeded"]
    statement = await walker.get("/credits/statement")
    assert [entry["kind"] for entry in statement["items"]] == ["settle", "hold", "grant"]
    assert statement["items"][0]["available_after"] == 94

    assert (await browser.delete(f"/generations/{view['id']}")).status_code == 204
    assert (await browser.get(f"/generations/{view['id']}")).status_code == 404
    assert (await browser.get(f"{studio.origin}{asset['urls']['full']}")).status_code == 404
    assert (await walker.get("/assets"))["items"] == []
    assert (await walker.get("/generations"))["items"] == []
    assert await walker.balance() == (94, 0, 6), "a deleted picture stays paid for"
    await studio.is_sound()


@pytest.mark.parametrize(
    ("model", "roles", "price"),
    [
        ("flux-1-schnell", [], 1),
        ("flux-1-schnell-redux", ["image"], 1),
        ("flux-kontext-pro-multi", ["image", "image", "image"], 5),
        ("flux-pro-fill", ["image", "mask"], 6),
    ],
)
async def test_every_kind_of_input_makes_a_picture(
    someone: Person, studio: Studio, model: str, roles: list[str], price: int
) -> None:
    inputs = []
    for place, role in enumerate(roles):
        asset = await someone.upload(png(colour=(60 * place, 90, 120)))
        inputs.append({"role": role, "asset_id": asset["id"]})
    entry = await someone.get(f"/models/{model}")
    prompt = "the same, by night" if entry["prompt"] else ""
    view = await someone.request(prompt, model, inputs=inputs)
    view = await someone.ended(view["id"])
    assert view["status"] == "succeeded", view["failure"]
    assert view["settled_credits"] == price
    assert [given["role"] for given in view["inputs"]] == roles
    assert len(view["assets"]) == 1
    assert await someone.balance() == (1000 - price, 0, price)
    (job,) = await studio.jobs_of(view["id"])
    sent = [value for name, value in job["body"].items() if name.endswith(("image_url", "image_urls", "mask_url"))]
    assert sum(len(value) if isinstance(value, list) else 1 for value in sent) == len(roles)


async def test_a_small_and_a_large_input_reach_the_provider(someone: Person) -> None:
    """Small files travel inside the request, large ones are uploaded first."""
    noise = Image.effect_noise((900, 900), 90).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    assert len(buffer.getvalue()) > 256 * 1024
    for content in (png(64, 64), buffer.getvalue()):
        asset = await someone.upload(content)
        view = await someone.request(
            "by night", "flux-kontext-dev", inputs=[{"role": "image", "asset_id": asset["id"]}]
        )
        view = await someone.ended(view["id"])
        assert view["status"] == "succeeded", view["failure"]


async def test_cancel_at_the_provider_gives_everything_back(someone: Person) -> None:
    view = await someone.request("[[slow:30]] a fox that nobody waits for")
    await someone.until(view["id"], lambda now: now["status"] == "running")
    assert (await someone.post(f"/generations/{view['id']}/cancel"))["cancel_requested"]
    view = await someone.ended(view["id"])
    assert view["status"] == "canceled"
    assert view["assets"] == []
    assert await someone.balance() == (1000, 0, 0)
    assert await someone.post(f"/generations/{view['id']}/cancel") == view, "asking again changes nothing"


async def test_a_failed_one_can_be_retried_as_a_new_attempt(someone: Person) -> None:
    view = await someone.request("[[fail:content_policy]] a fox")
    view = await someone.ended(view["id"])
    assert view["status"] == "failed"
    assert view["can_retry"]
    again = await someone.post(f"/generations/{view['id']}/retry")
    assert again["status"] == "queued"
    view = await someone.ended(view["id"])
    assert view["status"] == "failed"
    receipt = await someone.get(f"/generations/{view['id']}/receipt")
    assert [entry["kind"] for entry in receipt["entries"]] == ["hold", "release", "hold", "release"]
    assert [attempt["n"] for attempt in receipt["attempts"]] == [1, 2]
    refused = await someone.client.post(f"/generations/{(await someone.request())['id']}/retry")
    assert refused.status_code == 409
    assert refused.json()["code"] == "generation.not_retryable"


async def test_what_followed_is_found_by_what_it_came_from(studio: Studio) -> None:
    someone, other = await studio.person(), await studio.person()
    first = await someone.post("/generations", wanted("a fox"), status=202)
    await someone.ended(first["id"])
    again = await someone.post("/generations", wanted("the fox again") | {"parent_id": first["id"]}, status=202)
    await someone.post("/generations", wanted("a hare"), status=202)

    followed = await someone.get(f"/generations?parent_id={first['id']}")
    assert [item["id"] for item in followed["items"]] == [again["id"]]
    assert (await other.get(f"/generations?parent_id={first['id']}"))["items"] == []
