"""Webhooks as a receiver sees them: signed, repeated, forged, early, lost; verified here independently."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .conftest import Client, Start


@dataclass
class Receiver:
    url: str = ""
    answers: list[int] = field(default_factory=list)
    calls: list[tuple[Mapping[str, str], bytes, float]] = field(default_factory=list)

    async def wait(self, count: int) -> None:
        for _ in range(2000):
            if len(self.calls) >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"only {len(self.calls)} of {count} webhooks came")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    received = Receiver()

    async def take(request: web.Request) -> web.Response:
        received.calls.append((request.headers.copy(), await request.read(), time.monotonic()))
        return web.Response(status=received.answers.pop(0) if received.answers else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    received.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield received
    await runner.cleanup()


async def _is_genuine(sandbox: Client, headers: Mapping[str, str], body: bytes) -> bool:
    keys = (await sandbox.ask("GET", "/fal/rest/.well-known/jwks.json", key=False)).json["keys"]
    parts = (
        headers["X-Fal-Webhook-Request-Id"],
        headers["X-Fal-Webhook-User-Id"],
        headers["X-Fal-Webhook-Timestamp"],
        hashlib.sha256(body).hexdigest(),
    )
    for key in keys:
        raw = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(
                bytes.fromhex(headers["X-Fal-Webhook-Signature"]), "\n".join(parts).encode()
            )
        except InvalidSignature:
            continue
        return True
    return False


async def _send(sandbox: Client, receiver: Receiver, prompt: str, **body: Any) -> Any:
    return await sandbox.submit(prompt, query={"fal_webhook": receiver.url}, **body)


async def test_success_is_delivered_once_and_signed(sandbox: Client, receiver: Receiver) -> None:
    ticket = await _send(sandbox, receiver, "x", seed=5)
    await receiver.wait(1)
    headers, body, _ = receiver.calls[0]
    assert await _is_genuine(sandbox, headers, body)
    assert not await _is_genuine(sandbox, headers, body + b" ")
    assert abs(int(headers["X-Fal-Webhook-Timestamp"]) - time.time()) < 60
    told = json.loads(body)
    assert (told["request_id"], told["status"]) == (ticket["request_id"], "OK")
    assert told["payload"] == (await sandbox.ask("GET", ticket["response_url"])).json
    await asyncio.sleep(0.1)
    assert len(receiver.calls) == 1


async def test_failure_is_delivered_as_an_error(sandbox: Client, receiver: Receiver) -> None:
    await _send(sandbox, receiver, "x", num_images=99)
    await receiver.wait(1)
    told = json.loads(receiver.calls[0][1])
    assert (told["status"], told["error"]) == ("ERROR", "Invalid status code: 422")
    assert told["payload"]["detail"][0]["loc"] == ["body", "num_images"]


async def test_a_receiver_that_fails_is_tried_again(start: Start, receiver: Receiver) -> None:
    sandbox = await start(webhook_retry_seconds=1.0)
    receiver.answers = [500, 503]
    await _send(sandbox, receiver, "x")
    await receiver.wait(3)
    await asyncio.sleep(0.05)
    job = (await sandbox.jobs())[0]
    assert (job["webhook"], job["webhook_attempts"]) == ("delivered", 3)


async def test_duplicates_come_as_often_as_told(sandbox: Client, receiver: Receiver) -> None:
    await _send(sandbox, receiver, "x [[webhook-duplicate:100]]")
    await receiver.wait(100)
    assert len({body for _, body, _ in receiver.calls}) == 1


async def test_a_forged_one_comes_before_the_true_one(sandbox: Client, receiver: Receiver) -> None:
    await _send(sandbox, receiver, "x [[webhook-forged]]")
    await receiver.wait(2)
    genuine = [await _is_genuine(sandbox, headers, body) for headers, body, _ in receiver.calls]
    assert genuine == [False, True]


async def test_an_early_one_comes_before_the_submit_answer(sandbox: Client, receiver: Receiver) -> None:
    await _send(sandbox, receiver, "x [[webhook-early]]")
    assert len(receiver.calls) == 1


async def test_stale_late_and_lost_ones(sandbox: Client, receiver: Receiver) -> None:
    await _send(sandbox, receiver, "x [[webhook-stale]]")
    await receiver.wait(1)
    headers, body, _ = receiver.calls[0]
    assert await _is_genuine(sandbox, headers, body)
    assert time.time() - int(headers["X-Fal-Webhook-Timestamp"]) > 500
    late = await _send(sandbox, receiver, "x [[webhook-late:1]]")
    await sandbox.finish(late)
    assert len(receiver.calls) == 1
    await receiver.wait(2)
    await sandbox.finish(await _send(sandbox, receiver, "x [[webhook-lost]]"))
    await asyncio.sleep(0.1)
    assert len(receiver.calls) == 2


async def test_webhooks_never_leave_this_machine(sandbox: Client) -> None:
    ticket = await sandbox.submit("x", query={"fal_webhook": "https://fal-hooks.example/hook"})
    await sandbox.finish(ticket)
    assert (await sandbox.jobs())[0]["webhook"] is None
