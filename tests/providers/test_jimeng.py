"""Jimeng's adapter keeps the contract, signs as Volcengine wants it, and speaks to relays and gateways too."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from yarl import URL

from tests.providers.asking import given
from tests.providers.contract import ProviderContract, Vendor
from tests.providers.replay import replaying
from vermilion.catalog import Entry, load_shelf
from vermilion.providers import Call, Login, Misconfigured, NotInstalled, Rejected, Ticket, Wire
from vermilion.providers.jimeng import Adapter
from vermilion.providers.jimeng_signing import AccessKey, canonical_request, sign, signing_key

JOB = "7392616336519610409"
PAIR = {"access_key": "AKLTEXAMPLE0000", "secret_key": "U0tFWEFNUExFMDAwMA=="}
KEY = {"api_key": "sk-jimeng-not-secret"}
LINK = "https://studio.example/api/v1/files/1?signature=x"

# Keys, moment, body and every step of the signature, computed by hand and by Volcengine's own Python SDK.
VECTOR_URL = URL("https://visual.volcengineapi.com/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31")
VECTOR_BODY = b'{"req_key":"jimeng_t2v_v30","prompt":"hello","seed":-1,"frames":121,"aspect_ratio":"16:9"}'
VECTOR_AT = datetime(2025, 1, 1, tzinfo=UTC)


def official(origin: str) -> Login:
    return Login("credential", {**PAIR, "base_url": origin})


def gateway(origin: str) -> Login:
    return Login("credential", {**KEY, "base_url": origin})


def relay(origin: str) -> Login:
    return Login("credential", {**KEY, "base_url": origin, "protocol": "relay"})


def wires(*roles: str, wire: str = "binary_data_base64") -> dict[str, Any]:
    return {"prompt": "prompt", "inputs": {role: {"wire": wire, "list": True} for role in roles}}


CALLS = {
    "plain": Call(
        reference="attempt-1",
        endpoint="jimeng_t2v_v30",
        makes="video",
        prompt="a red fox in the snow",
        params={"aspect_ratio": "9:16", "frames": 241, "seed": 7},
        options={"gateway": True, **wires()},
        callback_url="https://studio.example/api/v1/callbacks/jimeng/token-not-secret",
    ),
    "with_inputs": Call(
        reference="attempt-2",
        endpoint="jimeng_i2v_first_tail_v30_1080",
        makes="video",
        prompt="spring comes",
        params={"frames": 121},
        # Given the other way round: the roles' order decides, not that of the person's clicks.
        inputs=(given("last_frame", b"last picture"), given("first_frame", b"first picture")),
        options=wires("first_frame", "last_frame"),
    ),
    "first_frame": Call(
        reference="attempt-3",
        endpoint="jimeng_i2v_first_v30",
        makes="video",
        prompt="it wakes",
        params={"frames": 121},
        inputs=(given("first_frame", b"first picture", url=LINK),),
        options={"gateway": True, **wires("first_frame")},
    ),
    "picture": Call(
        reference="attempt-4",
        endpoint="jimeng_t2i_v31",
        makes="image",
        prompt="a paper lantern",
        params={"size": {"width": 1664, "height": 936}, "use_pre_llm": True},
        options=wires(),
    ),
    "references": Call(
        reference="attempt-5",
        endpoint="jimeng_t2i_v40",
        makes="image",
        prompt="as a woodcut",
        params={"scale": 0.5},
        inputs=(given("image", b"picture", url=LINK),),
        options={"fixed": {"force_single": True}, **wires("image", wire="image_urls")},
    ),
}


def ticket(origin: str) -> Ticket:
    return Ticket(JOB, {"endpoint": "jimeng_t2v_v30", "makes": "video"})


class TestJimeng(ProviderContract):
    vendor = Vendor(Adapter, official, CALLS, ticket)


class TestGateway(ProviderContract):
    vendor = Vendor(Adapter, gateway, CALLS, ticket, recorded_in="jimeng_gateway")
    # What every situation becomes is recorded above; here is what gateways say in other words.
    test_no_situation_is_left_unrecorded = None  # type: ignore[assignment]


class TestRelay(ProviderContract):
    vendor = Vendor(Adapter, relay, CALLS, ticket, recorded_in="jimeng_relay")
    test_no_situation_is_left_unrecorded = None  # type: ignore[assignment]


def test_every_step_of_the_signature_is_volcengines() -> None:
    headers = sign(AccessKey(PAIR["access_key"], PAIR["secret_key"]), VECTOR_URL, VECTOR_BODY, VECTOR_AT)
    assert headers["X-Date"] == "20250101T000000Z"
    assert headers["X-Content-Sha256"] == "c831750fb660375d731a70dfb77b72692edc5da4d02cc3f9a5db24ba79e8298f"
    signed = {name: value for name, value in headers.items() if name != "Authorization"}
    canonical = hashlib.sha256(canonical_request(VECTOR_URL, signed).encode()).hexdigest()
    assert canonical == "ff3a81067ffeca7859f8fbe3ca38530dbd1b9173bcf2b796622c107cc2ceb1a6"
    key = signing_key(PAIR["secret_key"], "20250101").hex()
    assert key == "c724ad30bb23243ea41d0890c8b206357fb2bbbd57369d1fb04d610fc942444d"
    assert headers["Authorization"] == (
        "HMAC-SHA256 Credential=AKLTEXAMPLE0000/20250101/cn-north-1/cv/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, "
        "Signature=4cb4df528550a5db61f97f04f159cfd6a9474f873e4830492c76ad71c723d7f4"
    )


def test_a_temporary_pair_signs_its_token_and_secrets_are_not_shown() -> None:
    key = AccessKey("AKTP", "secret-not-secret", "token-not-secret")
    headers = sign(key, VECTOR_URL, VECTOR_BODY, VECTOR_AT)
    assert headers["X-Security-Token"] == "token-not-secret"
    assert "x-date;x-security-token" in headers["Authorization"]
    assert "not-secret" not in repr(key)


def test_the_signed_host_is_the_one_that_is_asked() -> None:
    key = AccessKey(PAIR["access_key"], PAIR["secret_key"])
    hosts = [
        sign(key, URL(url), b"{}", VECTOR_AT)["Host"]
        for url in ("https://a.example/", "https://a.example:8443/x/", "http://a.example:80/", "http://[::1]:81/")
    ]
    assert hosts == ["a.example", "a.example:8443", "a.example", "[::1]:81"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"access_key": "AKLT"},
        {**KEY, "protocol": "volcengine"},
        {**PAIR, "protocol": "gateway"},
        {**PAIR, **KEY, "protocol": "telex"},
    ],
)
async def test_keys_that_do_not_fit_the_protocol_are_the_operators_move(wire: Wire, fields: dict[str, str]) -> None:
    async with replaying([]) as replay:
        adapter = Adapter(Login("c", {**fields, "base_url": replay.origin}), wire)
        with pytest.raises(Misconfigured):
            await adapter.submit(CALLS["plain"])
        assert (await adapter.probe()).problem
        replay.assert_complete()


@pytest.mark.parametrize(
    ("login", "call"),
    [
        (gateway, "picture"),
        (gateway, "with_inputs"),
        (relay, "picture"),
        (gateway, "first_frame_without_address"),
        (official, "references_without_address"),
    ],
)
async def test_what_a_protocol_has_no_words_for_is_refused_before_anything_is_sent(
    wire: Wire, login: Any, call: str
) -> None:
    name, _, cut = call.partition("_without")
    asked = CALLS[name]
    if cut:
        asked = replace(asked, inputs=tuple(replace(given, url=None) for given in asked.inputs))
    async with replaying([]) as replay:
        with pytest.raises(Rejected if cut else NotInstalled):
            await Adapter(login(replay.origin), wire).submit(asked)
        replay.assert_complete()


OURS = [entry for entry in load_shelf().entries() if entry.provider == Adapter.name]


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_ten_seconds_cost_twice_as_much_and_nothing_outlives_the_vendors_record(entry: Entry) -> None:
    accepted = entry.accept_params({})
    usual = entry.quote(accepted).price_credits
    if entry.makes == "video":
        assert entry.quote({**accepted, "duration": "10"}).price_credits == 2 * usual
    # Jimeng forgets jobs after twelve hours, and films after one.
    assert entry.deadline_seconds <= 2 * 3600
