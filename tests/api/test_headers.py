"""What every answer of the real app carries: no other site's rights, no page out of a file, quotas in sight."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.api.studio import Person, Studio
from tests.library.files import encoded, picture
from vermilion.identity import Limiter, Quota, Quotas

PATHS = ["/api/v1/config", "/api/v1/me", "/api/v1/no/such/thing", "/api/v1/generations", "/", "/create", "/g/1"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_guarded(someone: Person, studio: Studio, path: str) -> None:
    answer = await someone.client.get(f"{studio.origin}{path}", headers={"Origin": "https://evil.example"})
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["content-security-policy"].split("; ")}
    assert policy["default-src"] == ["'self'"]
    assert policy["script-src"] == ["'self'"], "no inline script"
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["object-src"] == ["'none'"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-request-id"]
    assert not [name for name in answer.headers if name.startswith("access-control-")], "there is no CORS here"
    if path.startswith("/api/"):
        assert answer.headers["cache-control"] == "no-store"


async def test_a_preflight_gets_no_permission(studio: Studio) -> None:
    client = studio.client(Origin="https://evil.example", Access_Control_Request_Method="POST")
    answer = await client.options("/generations")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}


async def test_files_cannot_act_as_pages(someone: Person, studio: Studio) -> None:
    asset = await someone.upload(encoded(picture(90, 60), "PNG"), '../../<b>"a".html')
    for url in (asset["urls"]["full"], asset["urls"]["thumbnail"]):
        answer = await someone.client.get(studio.origin + url)
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] in ("image/png", "image/webp")
        assert answer.headers["content-disposition"].startswith("inline; ")
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"].startswith("private")
        assert "<" not in answer.headers["content-disposition"]
        etag = answer.headers["etag"]
        assert (await someone.client.get(studio.origin + url, headers={"If-None-Match": etag})).status_code == 304
    saved = await someone.client.get(studio.origin + asset["urls"]["download"])
    assert saved.headers["content-disposition"].startswith("attachment; ")
    assert saved.headers["content-disposition"].endswith(".png")
    head = await someone.client.head(studio.origin + asset["urls"]["full"])
    assert head.headers["content-length"] == str(asset["size_bytes"])
    beyond = await someone.client.get(studio.origin + asset["urls"]["full"], headers={"Range": "bytes=999999-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{asset['size_bytes']}"


@pytest_asyncio.fixture(loop_scope="session")
async def strict(guinea_house: Studio) -> AsyncIterator[Studio]:
    """The studio with small quotas."""
    house = guinea_house.house
    quotas = Quotas(
        reads_per_actor=Quota("actor-reads", 5, 60),
        writes_per_actor=Quota("actor-writes", 3, 60),
        sign_in_per_account=Quota("sign-in-account", 3, 900),
    )
    before, house.limiter = house.limiter, Limiter(quotas, house.clock)
    yield guinea_house
    house.limiter = before


async def test_quotas_are_in_sight_and_kept(strict: Studio) -> None:
    someone = strict.client()
    body = {"email": f"quota@{'x' * 8}.test", "password": "a long way home", "name": "Q"}
    assert (await someone.post("/auth/sign-up", json=body)).status_code == 201
    left = []
    for _ in range(5):
        answer = await someone.get("/credits")
        assert answer.status_code == 200
        assert '"actor-reads";q=5;w=60' in answer.headers["ratelimit-policy"]
        left.append(int(answer.headers["ratelimit"].split('"actor-reads";r=')[1].split(";")[0]))
    assert left == [4, 3, 2, 1, 0]
    answer = await someone.get("/credits")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate.limited")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) == answer.json()["retry_after_seconds"] > 0
    # Another quota, and another person, are not touched.
    assert (await someone.post("/quotes", json={"model": "flux-1-schnell"})).status_code == 200


async def test_guessing_a_password_is_slowed_down(strict: Studio) -> None:
    client = strict.client()
    wrong = {"email": "guessed@example.test", "password": "not it at all"}
    answers = [(await client.post("/auth/sign-in", json=wrong)).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
