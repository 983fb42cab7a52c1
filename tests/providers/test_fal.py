"""fal's adapter keeps the contract, keeps the key at home, and believes only callbacks fal signed."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.providers.asking import given
from tests.providers.contract import ProviderContract, Vendor
from tests.providers.replay import replaying
from vermilion.providers import (
    Balance,
    Call,
    Login,
    Misconfigured,
    Pending,
    Rejected,
    Ticket,
    Unreachable,
    Wire,
)
from vermilion.providers.fal import Adapter

QUERY = {"fal_webhook": "https://studio.example/api/v1/callbacks/fal/token-not-secret?x=1&y=2"}
JOB = "80e732af-660e-45cd-bd63-580e4f2a94cc"
KEY = "fal-key-not-secret"
NOW = 1_770_000_000.0


def login(origin: str) -> Login:
    return Login("credential", {"key": KEY, "base_url": origin, "rest_url": f"{origin}/rest"}, allow_private_hosts=True)


CALLS = {
    "plain": Call(
        reference="attempt-1",
        endpoint="fal-ai/flux-1/schnell",
        makes="image",
        prompt="a red fox",
        params={
            "num_images": 2,
            "image_size": {"width": 1024, "height": 768},
            "num_inference_steps": 4,
            "seed": 7,
            "output_format": "png",
        },
        options={"prompt": "prompt", "inputs": {}},
        callback_url="https://studio.example/api/v1/callbacks/fal/token-not-secret?x=1&y=2",
    ),
    "with_inputs": Call(
        reference="attempt-2",
        endpoint="fal-ai/flux-pro/kontext/multi",
        makes="image",
        prompt="make it winter",
        params={"aspect_ratio": "1:1"},
        inputs=(
            given("image", b"small picture", filename="input.png"),
            given("image", b"x" * 300_000, filename="input.png"),
        ),
        options={"prompt": "prompt", "inputs": {"image": {"wire": "image_urls", "list": True}}},
    ),
}


def ticket(origin: str) -> Ticket:
    root = f"{origin}/fal-ai/flux-1/requests/{JOB}"
    urls = {"status_url": f"{root}/status", "response_url": root, "cancel_url": f"{root}/cancel"}
    return Ticket(JOB, {"endpoint": "fal-ai/flux-1/schnell", **urls})


class TestFal(ProviderContract):
    vendor = Vendor(Adapter, login, CALLS, ticket)


async def test_a_model_without_words_is_sent_none(wire: Wire) -> None:
    call = Call("r", "fal-ai/flux-1/dev/redux", "image", "", {"seed": 1}, (given("image", b"x"),), {
        "inputs": {"image": {"wire": "image_url", "list": False}}
    })  # fmt: skip
    expected = {"seed": 1, "image_url": "data:image/png;base64,eA=="}
    exchange = {
        "expect": {"method": "POST", "path": "/fal-ai/flux-1/dev/redux", "json": expected},
        "answer": {"status": 200, "json": {"request_id": JOB}},
    }
    async with replaying([exchange]) as replay:
        assert (await Adapter(login(replay.origin), wire).submit(call)).id == JOB
        replay.assert_complete()


async def test_a_credential_without_a_key_asks_nobody(wire: Wire) -> None:
    with pytest.raises(Misconfigured):
        await Adapter(Login("c", {"key": " ", "base_url": "http://127.0.0.1:9"}), wire).submit(CALLS["plain"])


async def test_uploads_go_to_encrypted_addresses_only_unless_private_hosts_are_allowed(wire: Wire) -> None:
    initiate = {
        "expect": {"method": "POST", "path": "/rest/storage/upload/initiate", "query": {"storage_type": "fal-cdn-v3"}},
        "answer": {"status": 200, "json": {"upload_url": "{origin}/x", "file_url": "{origin}/y"}},
    }
    async with replaying([initiate]) as replay:
        fields = login(replay.origin).fields
        with pytest.raises(Unreachable):
            await Adapter(Login("c", fields, allow_private_hosts=False), wire).submit(CALLS["with_inputs"])
        replay.assert_complete()


async def test_a_key_pasted_with_a_line_break_is_still_the_key(wire: Wire) -> None:
    asked = {"method": "GET", "path": "/fal-ai/flux-1/requests/j/status", "headers": {"Authorization": f"Key {KEY}"}}
    exchange = {"expect": asked, "answer": {"status": 202, "json": {"status": "IN_PROGRESS", "logs": None}}}
    async with replaying([exchange]) as replay:
        fields = {**login(replay.origin).fields, "key": f"{KEY}\n"}
        await Adapter(Login("c", fields), wire).check(Ticket("j", {"endpoint": "fal-ai/flux-1/dev"}))
        replay.assert_complete()


class Signer:
    """fal's side of a callback."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, str]:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).decode().rstrip("=")}

    def headers(self, body: bytes, at: float = NOW) -> dict[str, str]:
        parts = ("gateway-1", "user-1", str(int(at)), hashlib.sha256(body).hexdigest())
        return {
            "x-fal-webhook-request-id": parts[0],
            "x-fal-webhook-user-id": parts[1],
            "x-fal-webhook-timestamp": parts[2],
            "x-fal-webhook-signature": self.key.sign("\n".join(parts).encode()).hex(),
        }


BODY = json.dumps(
    {"request_id": JOB, "gateway_request_id": "other", "status": "OK", "payload": {"images": []}}
).encode()


def keys(*signers: Signer, status: int = 200) -> dict[str, Any]:
    return {
        "expect": {"method": "GET", "path": "/rest/.well-known/jwks.json", "headers": {"Authorization": None}},
        "answer": {"status": status, "json": {"keys": [{"kty": "RSA"}, *(signer.jwk() for signer in signers)]}},
    }


def adapter_at(origin: str, wire: Wire, now: float = NOW) -> Adapter:
    adapter = Adapter(login(origin), wire)
    adapter.now = lambda: now  # type: ignore[method-assign]
    return adapter


async def test_a_signed_callback_names_its_job_and_the_keys_are_read_once_for_many(wire: Wire) -> None:
    signer = Signer()
    async with replaying([keys(Signer(), signer)]) as replay:
        for seconds_later in (0, 60, 299):
            adapter = adapter_at(replay.origin, wire, NOW + seconds_later)
            callback = await adapter.read_callback(signer.headers(BODY), BODY)
            assert callback.ticket.id == JOB
        replay.assert_complete()


async def test_keys_are_read_again_after_a_day(wire: Wire) -> None:
    signer = Signer()
    async with replaying([keys(signer), keys(signer)]) as replay:
        for now in (NOW, NOW + 24 * 3600 + 1):
            await adapter_at(replay.origin, wire, now).read_callback(signer.headers(BODY, now), BODY)
        replay.assert_complete()


async def test_new_keys_are_noticed_and_forgeries_do_not_make_us_read_them_each_time(wire: Wire) -> None:
    old, new, forger = Signer(), Signer(), Signer()
    async with replaying([keys(old), keys(old, new)]) as replay:
        await adapter_at(replay.origin, wire).read_callback(old.headers(BODY), BODY)
        for _ in range(3):
            with pytest.raises(Rejected):
                await adapter_at(replay.origin, wire).read_callback(forger.headers(BODY), BODY)
        later = NOW + 600
        await adapter_at(replay.origin, wire, later).read_callback(new.headers(BODY, later), BODY)
        with pytest.raises(Rejected):
            await adapter_at(replay.origin, wire, later).read_callback(forger.headers(BODY, later), BODY)
        replay.assert_complete()


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
async def test_a_stale_or_premature_callback_is_refused_without_asking_anybody(wire: Wire, seconds: float) -> None:
    signer = Signer()
    async with replaying([]) as replay:
        with pytest.raises(Rejected):
            await adapter_at(replay.origin, wire, NOW).read_callback(signer.headers(BODY, NOW + seconds), BODY)
        replay.assert_complete()


@pytest.mark.parametrize("missing", ["request-id", "user-id", "timestamp", "signature"])
async def test_every_signed_part_counts(wire: Wire, missing: str) -> None:
    signer = Signer()
    headers = signer.headers(BODY)
    del headers[f"x-fal-webhook-{missing}"]
    async with replaying([keys(signer)]) as replay:
        with pytest.raises(Rejected):
            await adapter_at(replay.origin, wire).read_callback(headers, BODY)


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b"80e7", b"90e7"), b""])
async def test_a_changed_body_is_refused(wire: Wire, body: bytes) -> None:
    signer = Signer()
    async with replaying([keys(signer)]) as replay:
        with pytest.raises(Rejected):
            await adapter_at(replay.origin, wire).read_callback(signer.headers(BODY), body)


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}", b'{"request_id": 5}', b'{"request_id": ""}'])
async def test_a_signed_body_that_names_no_job_is_refused(wire: Wire, body: bytes) -> None:
    signer = Signer()
    async with replaying([keys(signer)]) as replay:
        with pytest.raises(Rejected):
            await adapter_at(replay.origin, wire).read_callback(signer.headers(body), body)


async def test_a_callback_waits_when_the_keys_cannot_be_read(wire: Wire) -> None:
    signer = Signer()
    async with replaying([keys(signer, status=502)]) as replay:
        with pytest.raises(Unreachable):
            await adapter_at(replay.origin, wire).read_callback(signer.headers(BODY), BODY)


@pytest.mark.parametrize(
    ("status", "told", "account", "left"),
    [
        (
            200,
            {"username": "studio", "credits": {"current_balance": 24.5, "currency": "USD"}},
            "studio",
            Balance("24.5", "USD"),
        ),
        (200, {"username": "studio"}, "studio", None),
        (200, {"username": 5, "credits": {"current_balance": "much"}}, None, None),
        (200, [], None, None),
        (403, {"detail": "An admin key is needed"}, None, None),
        (503, {"detail": "away"}, None, None),
    ],
)
async def test_the_balance_is_asked_for_where_its_address_is_filled_in(
    wire: Wire, status: int, told: Any, account: str | None, left: Balance | None
) -> None:
    works = json.loads((TestFal.vendor.recordings / "probe_works.json").read_text(encoding="utf-8"))
    billing = {
        "expect": {
            "method": "GET",
            "path": "/v1/account/billing",
            "query": {"expand": "credits"},
            "headers": {"Authorization": f"Key {KEY}"},
        },
        "answer": {"status": status, "json": told},
        "lasting": True,
    }
    async with replaying([*works["exchanges"], billing]) as replay:
        plain = login(replay.origin)
        fields = {**plain.fields, "platform_url": f"{replay.origin}/v1/"}
        found = await Adapter(Login("credential", fields, allow_private_hosts=True), wire).probe()
        replay.assert_complete()
        assert (found.problem, found.account, found.balance) == (None, account, left)


async def test_a_gateway_may_live_below_a_path_and_want_another_word_before_the_key(wire: Wire) -> None:
    """What the gateway passes on names addresses at fal; the key stays with the gateway, below its path."""
    bearer = {"headers": {"Authorization": f"Bearer {KEY}"}}
    at_fal = f"https://queue.fal.run/fal-ai/flux-1/requests/{JOB}"
    exchanges = [
        {
            "expect": {"method": "POST", "path": "/relay/fal/fal-ai/flux-1/schnell", "query": QUERY, **bearer},
            "answer": {
                "status": 200,
                "json": {"request_id": JOB, "status_url": f"{at_fal}/status", "response_url": at_fal},
            },
        },
        {
            "expect": {"method": "GET", "path": f"/relay/fal/fal-ai/flux-1/requests/{JOB}/status", **bearer},
            "answer": {"status": 200, "json": {"status": "IN_PROGRESS", "logs": None}},
        },
    ]
    async with replaying(exchanges) as replay:
        fields = {"key": KEY, "base_url": f"{replay.origin}/relay/fal/", "scheme": "Bearer"}
        adapter = Adapter(Login("credential", fields, allow_private_hosts=True), wire)
        accepted = await adapter.submit(CALLS["plain"])
        assert isinstance(accepted, Ticket)
        assert (await adapter.check(accepted)) == Pending(True)
        replay.assert_complete()


async def test_another_word_before_the_key_is_the_operators_mistake(wire: Wire) -> None:
    adapter = Adapter(Login("credential", {"key": KEY, "base_url": "http://127.0.0.1:9", "scheme": "Basic"}), wire)
    with pytest.raises(Misconfigured):
        await adapter.submit(CALLS["plain"])
