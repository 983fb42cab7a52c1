"""What is done to every request: origin, headers, bounds, quotas, and problems instead of stack traces."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from fastapi import FastAPI

from tests.identity.conftest import PASSWORD, Browser, MovableClock, SmallHouse, make_key, sign_in, sign_up
from vermilion.identity import Limiter, Quota, Quotas

COOKIE = "__Host-vermilion"


async def _signed_in_cookie(browser: Browser) -> str:
    client = browser()
    await sign_up(client)
    return f"{COOKIE}={client.cookies[COOKIE]}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://studio.test"}, 200),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "https://studio.test.evil.test"}, 403),
        ({"Origin": "https://studio.test:8443"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://["}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://studio.test"}, 403),
        ({}, 403),
    ],
)
async def test_a_write_with_a_cookie_must_come_from_our_own_pages(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    cookie = await _signed_in_cookie(browser)
    client = browser(headers={"Cookie": cookie} | headers)
    answer = await client.post("/work")
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "auth.cross_site"
    assert (await client.get("/work")).status_code == 200


async def test_another_site_cannot_sign_anybody_in_either(browser: Browser) -> None:
    await sign_up(browser())
    assert (await sign_in(browser(headers={"Sec-Fetch-Site": "cross-site"}))).status_code == 403
    assert (await sign_in(browser(headers={"Origin": "https://evil.test"}))).status_code == 403
    assert (await sign_in(browser(bare=True))).status_code == 200


async def test_named_origins_are_the_only_ones(browser: Browser, house: SmallHouse) -> None:
    house.public_origins = frozenset({"https://art.example"})
    cookie = await _signed_in_cookie(browser)
    named = browser(headers={"Cookie": cookie, "Origin": "https://art.example"})
    assert (await named.post("/work")).status_code == 200
    unnamed = browser(headers={"Cookie": cookie, "Origin": "https://studio.test"})
    assert (await unnamed.post("/work")).status_code == 403


async def test_a_program_with_a_key_needs_no_origin(browser: Browser, house: SmallHouse) -> None:
    user = await sign_up(browser())
    key = await make_key(house, user["id"], "generate")
    program = browser(headers={"Authorization": f"Bearer {key}"})
    assert (await program.post("/work")).status_code == 200


@pytest.mark.parametrize("path", ["/work", "/nowhere", "/broken", "/admin/choices"])
async def test_every_answer_has_the_security_headers_and_a_request_id(browser: Browser, path: str) -> None:
    answer = await browser().get(path, headers={"X-Request-ID": "forged"})
    headers = answer.headers
    policy = headers["content-security-policy"]
    for rule in ("default-src 'self'", "script-src 'self';", "frame-ancestors 'none'", "object-src 'none'"):
        assert rule in policy
    assert "unsafe-eval" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["strict-transport-security"].startswith("max-age=")
    assert headers["cache-control"] == "no-store"
    request_id = UUID(headers["x-request-id"])
    assert request_id.version == 7
    assert answer.json()["request_id"] == str(request_id)


async def test_plain_http_does_not_promise_tls(browser: Browser, house: SmallHouse) -> None:
    house.secure_cookies = False
    assert "strict-transport-security" not in (await browser().get("/work")).headers


async def test_a_fault_of_ours_tells_the_request_id_and_nothing_else(browser: Browser) -> None:
    answer = await browser().get("/broken")
    assert answer.status_code == 500
    assert "xyzzy" not in answer.text
    assert set(answer.json()) == {"type", "title", "status", "code", "detail", "request_id"}
    assert answer.json()["code"] == "internal.error"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_problem_names_every_field_and_echoes_no_input(browser: Browser) -> None:
    body = {"email": "secret-thing", "password": "hunter2", "name": "x" * 81, "role": "admin"}
    answer = await browser().post("/auth/sign-up", json=body)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:vermilion:problem:request.invalid"
    faults = {fault["field"]: (fault["code"], fault.get("limit")) for fault in problem["errors"]}
    assert faults == {
        "email": ("bad_format", None),
        "password": ("too_short", 8),
        "name": ("too_long", 80),
        "role": ("unknown", None),
    }
    assert problem["field"] == "email"
    assert "hunter2" not in answer.text and "secret-thing" not in answer.text


async def test_a_thousand_faults_are_told_in_a_short_answer(browser: Browser) -> None:
    answer = await browser().post("/auth/sign-in", json={f"field{n}": n for n in range(5000)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 20
    assert len(answer.content) < 5000


async def test_no_route_and_wrong_method_are_problems_too(browser: Browser) -> None:
    missing = await browser().get("/nowhere")
    assert (missing.status_code, missing.json()["code"]) == (404, "request.not_found")
    wrong = await browser().put("/me")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "request.method_not_allowed")
    assert wrong.headers["allow"] == "GET, PATCH"
    assert (await browser().patch("/work")).headers["allow"] == "GET, POST"
    assert (await browser().get("/auth/sign-in")).headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "request.not_json"),
        (b"not json", "request.not_json"),
        (b'{"a": NaN}', "request.not_json"),
        (b'{"a": Infinity}', "request.not_json"),
        (b'{"a": 1e999}', "request.number_too_large"),
        (b'{"a": ' + b"9" * 25 + b"}", "request.number_too_large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "request.not_json"),
        (b'{"a": "\\u0000"}', "request.bad_characters"),
        (b'{"\\u0000": 1}', "request.bad_characters"),
        (b'{"a": ["\\ud800"]}', "request.bad_characters"),
        (b'{"a": {"\\udfff": 1}}', "request.bad_characters"),
        (b'{"a": "\xed\xa0\x80"}', "request.not_utf8"),
        (b'{"a": "\xff"}', "request.not_utf8"),
        ('{"a": 1}'.encode("utf-16"), "request.not_utf8"),
        (b"[" * 33 + b"]" * 33, "request.too_deep"),
        (b"[" * 100_000, "request.too_deep"),
        (b'{"a":' * 50_000, "request.too_deep"),
        (b"[" + b"1," * 20_000 + b"1]", "request.too_many_values"),
    ],
)
async def test_a_bad_body_is_the_clients_fault_never_ours(browser: Browser, body: bytes, code: str) -> None:
    client = browser()
    for path in ("/echo", "/auth/sign-in"):
        answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, code), path


async def test_what_is_within_the_bounds_passes_unchanged(browser: Browser) -> None:
    body = {"深": [1, -(2**63) + 1, 2**63 - 1, 1.5, True, None, "😀 \\u0000 \u0001"], "a": {"b": {"c": []}}}
    answer = await browser().post("/echo", json=body)
    assert answer.status_code == 200
    assert answer.json() == body
    deep = json.loads('{"a":' * 32 + "1" + "}" * 32)
    assert (await browser().post("/echo", json=deep)).json() == deep


async def test_json_that_says_it_is_something_else_does_not_get_past(browser: Browser) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await browser().post(
            "/auth/sign-in", content=b'{"email":"a@b.test","password":"x"}', headers={"Content-Type": kind}
        )
        assert answer.status_code in {400, 422}, kind


@pytest.mark.parametrize("path", ["/admin/audit?cursor=%00", "/work%00", "/me?x=%00"])
async def test_nul_in_the_address_is_refused(browser: Browser, path: str) -> None:
    answer = await browser().get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.bad_characters")


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 512):
        yield b"x" * 512


@pytest.mark.parametrize("announced", [True, False])
async def test_bodies_are_bounded_by_path_whether_announced_or_not(browser: Browser, announced: bool) -> None:
    client = browser()
    fits = b"x" * 4096 if announced else _in_pieces(4096)
    assert (await client.post("/upload", content=fits)).json() == {"size": 4096}
    large = b"x" * 4097 if announced else _in_pieces(8192)
    answer = await client.post("/upload", content=large)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    assert answer.json()["limit_bytes"] == 4096
    huge = b'"' + b"x" * (1 << 20) + b'"' if announced else _in_pieces((1 << 20) + 512)
    answer = await client.post("/echo", content=huge, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def _limit(house: SmallHouse, **quotas: Quota) -> None:
    none = dict.fromkeys(Quotas.__slots__)
    house.limiter = Limiter(Quotas(**(none | quotas)), house.clock)  # type: ignore[arg-type]


async def test_signing_in_is_limited_by_address(browser: Browser, house: SmallHouse) -> None:
    _limit(house, sign_in_per_ip=Quota("door", 3, 60))
    for turn in range(3):
        assert (await sign_in(browser(), f"{turn}@example.test")).status_code == 401
    refused = await sign_in(browser(), "other@example.test")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate.limited")
    assert refused.headers["retry-after"] == "20" == str(refused.json()["retry_after_seconds"])
    assert refused.headers["ratelimit-policy"] == '"door";q=3;w=60'
    assert refused.headers["ratelimit"] == '"door";r=0;t=60'
    assert (await sign_in(browser(ip="192.0.2.8"))).status_code == 401
    house.clock.move(seconds=20)
    assert (await sign_in(browser())).status_code == 401


async def test_guessing_one_persons_password_is_limited_from_everywhere(browser: Browser, house: SmallHouse) -> None:
    await sign_up(browser())
    _limit(house, sign_in_per_account=Quota("account", 3, 60))
    for turn in range(3):
        assert (await sign_in(browser(ip=f"192.0.2.{turn}"), "Ada@example.test", "wrong")).status_code == 401
    assert (await sign_in(browser(ip="192.0.2.99"))).status_code == 429
    house.clock.move(seconds=21)
    assert (await sign_in(browser())).status_code == 200
    # Success empties the bucket.
    for _ in range(3):
        assert (await sign_in(browser(), password="wrong")).status_code == 401


async def test_an_open_browser_is_no_place_to_guess_the_password_faster(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    await sign_up(client)
    _limit(house, sign_in_per_account=Quota("account", 2, 60))
    change = {"current_password": "wrong", "new_password": "another long way"}
    codes = [(await client.post("/me/password", json=change)).status_code for _ in range(3)]
    assert codes == [422, 422, 429]


async def test_signing_up_is_limited_by_address(browser: Browser, house: SmallHouse) -> None:
    _limit(house, sign_up_per_ip=Quota("new", 1, 60))
    await sign_up(browser())
    body = {"email": "b@example.test", "password": PASSWORD, "name": "B"}
    assert (await browser().post("/auth/sign-up", json=body)).status_code == 429


async def test_a_person_has_one_quota_however_many_ways_in(browser: Browser, house: SmallHouse) -> None:
    client = browser()
    user = await sign_up(client)
    key = await make_key(house, user["id"], "read", "generate")
    program = browser(headers={"Authorization": f"Bearer {key}"})
    _limit(house, writes_per_actor=Quota("writes", 2, 60), reads_per_actor=Quota("reads", 5, 60))
    first = await client.post("/work")
    assert first.headers["ratelimit"] == '"writes";r=1;t=30'
    assert (await program.post("/work")).headers["ratelimit"] == '"writes";r=0;t=60'
    refused = await program.post("/work")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert (await client.get("/work")).headers["ratelimit"] == '"reads";r=4;t=12'
    other = browser()
    await sign_up(other, "eve@example.test")
    assert (await other.post("/work")).status_code == 200


async def test_an_address_has_a_quota_before_anybody_is_looked_up(browser: Browser, house: SmallHouse) -> None:
    _limit(house, writes_per_ip=Quota("address", 2, 60))
    codes = [(await browser().post("/work")).status_code for _ in range(3)]
    assert codes == [401, 401, 429]
    # Unmetered paths stay open, and so does everybody else.
    assert (await browser().post("/upload", content=b"x")).status_code == 200
    assert (await browser(ip="192.0.2.8").post("/work")).status_code == 401


async def test_only_named_proxies_are_believed_about_the_client(browser: Browser, house: SmallHouse) -> None:
    _limit(house, writes_per_ip=Quota("address", 1, 60))

    async def ask(ip: str, forwarded: str) -> int:
        return (await browser(ip=ip).post("/work", headers={"X-Forwarded-For": forwarded})).status_code

    assert await ask("192.0.2.7", "198.51.100.1") == 401
    assert await ask("192.0.2.7", "198.51.100.2") == 429
    assert await ask("10.0.0.1", "198.51.100.3") == 401
    # What the client itself wrote stands further left and is not believed.
    assert await ask("10.0.0.1", "203.0.113.9, 198.51.100.3") == 429
    assert await ask("10.0.0.1", "198.51.100.3, 10.0.0.2") == 429
    assert await ask("10.0.0.1", "198.51.100.4, 10.0.0.2") == 401
    assert await ask("10.0.0.1", "not an address") == 401


async def test_neighbours_in_one_ipv6_network_share_a_quota(browser: Browser, house: SmallHouse) -> None:
    _limit(house, writes_per_ip=Quota("address", 1, 60))
    assert (await browser(ip="2001:db8::1").post("/work")).status_code == 401
    assert (await browser(ip="2001:db8::2").post("/work")).status_code == 429
    assert (await browser(ip="2001:db8:0:1::1").post("/work")).status_code == 401


def test_a_quota_is_met_exactly_and_refills_evenly() -> None:
    clock = MovableClock()
    limiter = Limiter(Quotas.none(), clock)
    quota = Quota("q", 600, 60)
    for left in reversed(range(600)):
        allowance = limiter.ask(quota, "a")
        assert (allowance.wait_seconds, allowance.remaining) == (0, left)
    assert limiter.ask(quota, "a").wait_seconds == 1
    clock.move(seconds=1)
    assert [limiter.ask(quota, "a").wait_seconds for _ in range(11)] == [0] * 10 + [1]
    clock.move(seconds=3600)
    assert limiter.ask(quota, "a").remaining == 599


def test_the_limiters_memory_is_bounded() -> None:
    limiter = Limiter(Quotas.none(), MovableClock(), buckets_max=10)
    quota = Quota("q", 1, 60)
    for number in range(100):
        assert limiter.ask(quota, str(number)).wait_seconds == 0
    assert len(limiter._empty_at) == 10
    assert limiter.ask(quota, "99").wait_seconds > 0


async def test_the_openapi_describes_every_problem(app: FastAPI) -> None:
    document = app.openapi()
    assert app.openapi() == document
    assert {"Problem", "FieldFault"} <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in ("/api/v1/me", "/api/v1/auth/sign-in", "/api/v1/admin/users/{user_id}"):
        for operation in document["paths"][path].values():
            responses = operation["responses"]
            assert {"400", "422", "429"} <= set(responses)
            assert list(responses["422"]["content"]) == ["application/problem+json"]
    me = document["paths"]["/api/v1/me"]["get"]
    assert me["security"] == [{"apiKey": []}, {"session": []}]
    assert "security" not in document["paths"]["/api/v1/auth/sign-in"]["post"]
