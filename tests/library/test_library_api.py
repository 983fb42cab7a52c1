"""What the library's routes promise: uploads, files, links, and that nobody gets at another's."""

import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from tests.library.files import encoded, film, picture, png_that_claims
from vermilion import library
from vermilion.db import Database
from vermilion.identity import (
    BodyLimit,
    Limiter,
    PasswordHashing,
    Quotas,
    auth_router,
    create_admin,
    create_api_key,
    me_router,
    protect,
)
from vermilion.library import Keeper, router
from vermilion.library.uploads import display_name
from vermilion.storage import LocalStorage

PASSWORD = "a long way home"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.instant.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


@dataclass
class House:
    db: Database
    clock: Clock
    keeper: Keeper
    storage: LocalStorage
    hasher: PasswordHashing
    limiter: Limiter
    link_key: bytes = b"sandbox-key-not-secret"
    max_upload_bytes: int = 2_000_000
    secure_cookies: bool = False
    public_origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Any, ...] = ()

    def on_user_created(self, *_: Any) -> None:
        pass

    def credits_of(self, *_: Any) -> dict[str, int]:
        return {"available": 0, "held": 0, "spent": 0}


@pytest.fixture
async def house(db: Database, keeper: Keeper, storage: LocalStorage) -> AsyncIterator[House]:
    clock = Clock()
    hasher = PasswordHashing(passes=1, memory_kib=64, lanes=1)
    yield House(db, clock, keeper, storage, hasher, Limiter(Quotas.none(), clock))
    hasher.close()


Visit = Callable[[str | None], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def visit(house: House) -> AsyncIterator[Visit]:
    """Browsers: of a person by this name, or of nobody."""
    app = FastAPI()
    for each in (router, auth_router, me_router):
        app.include_router(each, prefix="/api/v1")
    protect(app, body_limits=[BodyLimit("/api/v1/assets", 3_000_000)])
    app.state.house = house
    opened: list[httpx.AsyncClient] = []

    async def make(name: str | None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://studio.test/api/v1",
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        opened.append(client)
        if name is not None:
            body = {"email": f"{name}@example.test", "password": PASSWORD, "name": name}
            assert (await client.post("/auth/sign-up", json=body)).status_code == 201
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
async def ada(visit: Visit) -> httpx.AsyncClient:
    return await visit("ada")


async def _upload(client: httpx.AsyncClient, content: bytes, name: str = "hill.png") -> httpx.Response:
    return await client.post("/assets", files={"file": (name, content, "application/octet-stream")})


async def _uploaded(client: httpx.AsyncClient, content: bytes | None = None, name: str = "hill.png") -> dict[str, Any]:
    answer = await _upload(client, encoded(picture(), "PNG") if content is None else content, name)
    assert answer.status_code == 201, answer.text
    asset: dict[str, Any] = answer.json()
    return asset


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _spooled(house: House) -> list[Path]:
    return list(house.keeper.spool_dir.iterdir())


async def test_an_upload_is_what_it_is_not_what_it_is_called(ada: httpx.AsyncClient) -> None:
    asset = await _uploaded(ada, encoded(picture(800, 600), "JPEG"), "../../evil\u202egnp.html.png")
    assert (asset["kind"], asset["content_type"], asset["width"], asset["height"]) == ("image", "image/jpeg", 800, 600)
    assert (asset["source"], asset["generation_id"], asset["favourite"]) == ("uploaded", None, False)
    assert asset["name"] == "evilgnp.html.png"
    assert (await ada.get(f"/assets/{asset['id']}")).json() == asset
    assert (await ada.get("/assets")).json() == {"items": [asset], "next": None, "cursor": 1}
    file = await ada.get(asset["urls"]["full"].removeprefix("/api/v1"))
    assert file.headers["content-type"] == "image/jpeg"
    assert 'filename="evilgnp.html.jpg"' in file.headers["content-disposition"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", (415, "asset.type_refused")),
        (b"<html>" + b"x" * 9000, (415, "asset.type_refused")),
        (b"", (415, "asset.type_refused")),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 9000, (422, "asset.unreadable")),
        (png_that_claims(60_000, 60_000), (422, "asset.too_many_pixels")),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 2_100_000, (413, "asset.too_large")),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 3_100_000, (413, "request.too_large")),
    ],
)
async def test_a_refused_upload_is_a_problem_with_its_own_code_and_leaves_nothing(
    ada: httpx.AsyncClient, house: House, content: bytes, expected: tuple[int, str]
) -> None:
    assert _code(await _upload(ada, content)) == expected
    assert _spooled(house) == []
    assert (await ada.get("/assets")).json()["items"] == []


def _part(disposition: str, content: bytes = b"hi", headers: int = 0) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *["A: b"] * headers, "", ""]
    return b"--x\r\n" + "\r\n".join(lines).encode() + content


END = b"\r\n--x--\r\n"
FORM = "multipart/form-data; boundary=x"
UNREADABLE = (400, "request.unreadable")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "multipart/form-data", UNREADABLE),
        (b"", FORM, UNREADABLE),
        (b"hello", "text/plain", UNREADABLE),
        (b"nonsense", FORM, UNREADABLE),
        (_part('name="file"; filename="a"', b"\x89PNG\r\n\x1a\n"), FORM, UNREADABLE),
        (_part('name="other"') + END, FORM, (422, "asset.no_file")),
        (_part('name="file"') + END, FORM, (422, "asset.no_file")),
        (_part('name="file"; filename="a"', headers=50) + END, FORM, UNREADABLE),
        (_part('name="o"', b"hi\r\n") * 20 + END, FORM, UNREADABLE),
        (_part('name="o"', b"x" * 70_000) + END, FORM, (413, "asset.too_large")),
    ],
)
async def test_a_body_that_is_no_upload_is_a_problem_and_leaves_nothing(
    ada: httpx.AsyncClient, house: House, body: bytes, content_type: str, expected: tuple[int, str]
) -> None:
    answer = await ada.post("/assets", content=body, headers={"Content-Type": content_type})
    assert _code(answer) == expected
    assert _spooled(house) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("hill.png", "hill.png"),
        ("C:\\\\photos\\\\hill.png", "hill.png"),
        ("../../../etc/passwd", "passwd"),
        ("a\x00b\r\nc\u202ed.png", "abcd.png"),
        ("<b>hill</b>.png", "b .png"),
        ("...", None),
        ("", None),
        ("/", None),
        ("山水.png", "山水.png"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_made_harmless(sent: str, kept: str | None) -> None:
    assert display_name(sent) == kept


async def test_the_same_file_twice_is_two_assets_and_one_stored_file(ada: httpx.AsyncClient, house: House) -> None:
    first, second = await _uploaded(ada), await _uploaded(ada)
    assert first["id"] != second["id"]
    rows = [await house.db.read(library.require_asset, None, UUID(asset["id"])) for asset in (first, second)]
    assert rows[0].storage_key == rows[1].storage_key
    assert (await ada.delete(f"/assets/{first['id']}")).status_code == 204
    assert (await ada.get(f"/assets/{second['id']}/file")).status_code == 200


async def test_a_full_storage_is_our_trouble_and_said_so(
    ada: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vermilion.storage import StorageFailed

    async def full(*_: Any) -> None:
        raise StorageFailed("No space left on device.", again=True)

    monkeypatch.setattr(house.storage, "put", full)
    assert _code(await _upload(ada, encoded(picture(), "PNG"))) == (503, "asset.storage_unavailable")
    assert _spooled(house) == []


async def test_a_file_is_served_so_that_it_cannot_act(ada: httpx.AsyncClient) -> None:
    content = encoded(picture(), "PNG")
    asset = await _uploaded(ada, content, "山水 “red”.png")
    answer = await ada.get(f"/assets/{asset['id']}/file")
    assert answer.content == content
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert headers["content-length"] == str(len(content))
    assert headers["content-disposition"].startswith("inline; ")
    assert "filename*=UTF-8''%E5%B1%B1%E6%B0%B4%20%E2%80%9Cred%E2%80%9D.png" in headers["content-disposition"]
    head = await ada.head(f"/assets/{asset['id']}/file?download=1")
    assert head.content == b""
    assert head.headers["content-length"] == str(len(content))
    assert head.headers["content-disposition"].startswith("attachment; ")


@pytest.mark.parametrize(
    ("wanted", "status", "part", "says"),
    [
        ("bytes=0-0", 206, slice(0, 1), "bytes 0-0/{size}"),
        ("bytes=10-19", 206, slice(10, 20), "bytes 10-19/{size}"),
        ("bytes=10-", 206, slice(10, None), "bytes 10-{last}/{size}"),
        ("bytes=-5", 206, slice(-5, None), "bytes {size-5}-{last}/{size}"),
        ("bytes=-99999999", 206, slice(None), "bytes 0-{last}/{size}"),
        ("bytes=5-99999999", 206, slice(5, None), "bytes 5-{last}/{size}"),
        ("bytes=99999999-", 416, None, "bytes */{size}"),
        ("bytes=-0", 416, None, "bytes */{size}"),
        ("bytes=9-5", 200, slice(None), None),
        ("bytes=0-1,5-9", 200, slice(None), None),
        ("bytes=a-b", 200, slice(None), None),
        ("bytes=-", 200, slice(None), None),
        ("lines=0-1", 200, slice(None), None),
        ("bytes=" + "9" * 40 + "-", 200, slice(None), None),
    ],
)
async def test_ranges(ada: httpx.AsyncClient, wanted: str, status: int, part: slice | None, says: str | None) -> None:
    content = encoded(picture(), "PNG")
    asset = await _uploaded(ada, content)
    answer = await ada.get(f"/assets/{asset['id']}/file", headers={"Range": wanted})
    assert answer.status_code == status
    size = len(content)
    expected = None
    if says is not None:
        expected = says.replace("{size-5}", str(size - 5)).format(size=size, last=size - 1)
    assert answer.headers.get("content-range") == expected
    if part is not None:
        assert answer.content == content[part]


async def test_what_the_browser_has_is_not_sent_again(ada: httpx.AsyncClient) -> None:
    asset = await _uploaded(ada)
    path = f"/assets/{asset['id']}/file"
    etag = (await ada.head(path)).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await ada.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert (await ada.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
    stale = await ada.get(path, headers={"Range": "bytes=0-0", "If-Range": '"other"'})
    assert stale.status_code == 200
    fresh = await ada.get(path, headers={"Range": "bytes=0-0", "If-Range": etag})
    assert fresh.status_code == 206


async def test_thumbnails_come_in_two_sizes_and_the_small_one_is_remembered(
    ada: httpx.AsyncClient, house: House
) -> None:
    asset = await _uploaded(ada, encoded(picture(1000, 500), "JPEG"))
    path = f"/assets/{asset['id']}/thumbnail"
    large = await ada.get(path)
    assert large.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(large.content)).size == (640, 320)
    small = await ada.get(path, params={"size": 320})
    assert Image.open(io.BytesIO(small.content)).size == (320, 160)
    assert small.headers["cache-control"].endswith("immutable")
    row = await house.db.read(library.require_asset, None, UUID(asset["id"]))
    assert row.thumbnail_small_key is not None
    await house.keeper.close()
    assert (await ada.get(path, params={"size": 320})).content == small.content
    assert (await ada.get(path, params={"size": 999})).status_code == 422


async def test_a_film_has_a_poster(ada: httpx.AsyncClient, tmp_path: Path) -> None:
    asset = await _uploaded(ada, film(tmp_path / "film"), "walk.mp4")
    assert (asset["kind"], asset["content_type"]) == ("video", "video/mp4")
    assert asset["duration_seconds"] == pytest.approx(2.0, abs=0.15)
    poster = await ada.get(f"/assets/{asset['id']}/thumbnail")
    assert Image.open(io.BytesIO(poster.content)).size == (320, 180)


async def test_naming_and_favouring(ada: httpx.AsyncClient) -> None:
    asset = await _uploaded(ada)
    path = f"/assets/{asset['id']}"
    named = (await ada.patch(path, json={"name": "  Red / hill  "})).json()
    assert (named["name"], named["favourite"]) == ("hill", False)
    favoured = (await ada.patch(path, json={"favourite": True})).json()
    assert (favoured["name"], favoured["favourite"]) == ("hill", True)
    assert (await ada.get("/assets", params={"favourite": True})).json()["items"] == [favoured]
    assert (await ada.patch(path, json={"name": None})).json()["name"] is None
    for wrong in ({"user_id": str(uuid4())}, {"name": ""}, {"name": "x" * 121}, {"favourite": "perhaps"}):
        assert (await ada.patch(path, json=wrong)).status_code == 422


async def test_deleted_is_gone_at_once_by_every_way(ada: httpx.AsyncClient) -> None:
    asset = await _uploaded(ada)
    path = f"/assets/{asset['id']}"
    link = (await ada.post(f"{path}/link", json={})).json()["url"].removeprefix("/api/v1")
    assert (await ada.get(link)).status_code == 200
    assert (await ada.delete(path)).status_code == 204
    for way in (path, f"{path}/file", f"{path}/thumbnail", link):
        assert _code(await ada.get(way)) == (404, "asset.not_found")
    assert _code(await ada.delete(path)) == (404, "asset.not_found")


async def test_a_link_works_for_anybody_until_it_expires(ada: httpx.AsyncClient, visit: Visit, house: House) -> None:
    content = encoded(picture(), "PNG")
    asset = await _uploaded(ada, content)
    link = (await ada.post(f"/assets/{asset['id']}/link", json={"expires_in_seconds": 600})).json()
    assert link["expires_at"] == "2026-03-01T12:10:00Z"
    nobody = await visit(None)
    path = link["url"].removeprefix("/api/v1")
    answer = await nobody.get(path)
    assert answer.content == content
    assert answer.headers["cache-control"] == "private, max-age=600"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert (await nobody.get(path, headers={"Range": "bytes=0-3"})).content == content[:4]
    assert (await nobody.head(path)).headers["content-length"] == str(len(content))
    house.clock.instant += timedelta(seconds=600)
    assert _code(await nobody.get(path)) == (403, "asset.link_refused")


async def test_a_link_is_good_for_its_own_file_and_time_only(ada: httpx.AsyncClient) -> None:
    first, second = await _uploaded(ada), await _uploaded(ada)
    url = (await ada.post(f"/assets/{first['id']}/link", json={})).json()["url"].removeprefix("/api/v1")
    expires = int(httpx.URL(url).params["expires"])
    changed = [
        url.replace(first["id"], second["id"]),
        url.replace(f"expires={expires}", f"expires={expires + 1}"),
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.split("&signature=")[0] + "&signature=",
        url.split("&signature=")[0] + "&signature=%E2%98%83",
    ]
    for forged in changed:
        assert _code(await ada.get(forged)) == (403, "asset.link_refused")
    assert (await ada.get(url.split("&signature=")[0])).status_code == 422
    for seconds in (0, 86_401, -5):
        answer = await ada.post(f"/assets/{first['id']}/link", json={"expires_in_seconds": seconds})
        assert answer.status_code == 422
    far = datetime(2027, 1, 1, tzinfo=UTC)
    never_ours = library.signed_link(b"sandbox-key-not-secret", UUID(first["id"]), far)
    assert _code(await ada.get(never_ours.removeprefix("/api/v1"))) == (403, "asset.link_refused")


EVERY_WAY = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("GET", "/file"),
    ("HEAD", "/file"),
    ("GET", "/thumbnail"),
    ("HEAD", "/thumbnail"),
    ("POST", "/link"),
]


@pytest.mark.parametrize(("method", "rest"), EVERY_WAY)
async def test_nobody_gets_at_another_persons_file(
    ada: httpx.AsyncClient, visit: Visit, method: str, rest: str
) -> None:
    asset = await _uploaded(ada)
    body = None if method in ("GET", "HEAD", "DELETE") else {}
    bo, nobody = await visit("bo"), await visit(None)
    for client, status in ((bo, 404), (nobody, 401)):
        answer = await client.request(method, f"/assets/{asset['id']}{rest}", json=body)
        assert answer.status_code == status
    assert (await bo.get("/assets")).json()["items"] == []
    assert (await ada.get(f"/assets/{asset['id']}")).json() == asset


async def test_uploading_and_listing_need_a_person(visit: Visit, house: House) -> None:
    nobody = await visit(None)
    assert (await _upload(nobody, encoded(picture(), "PNG"))).status_code == 401
    assert (await nobody.get("/assets")).status_code == 401
    assert _spooled(house) == []


async def test_an_admin_may_look_but_not_touch_and_only_with_that_power(
    ada: httpx.AsyncClient, visit: Visit, house: House
) -> None:
    asset = await _uploaded(ada)
    admin = await house.db.write(
        create_admin,
        "root@example.test",
        name="Root",
        password_hash=house.hasher.hash_now(PASSWORD),
        now=NOW,
        on_user_created=house.on_user_created,
    )
    root = await visit(None)
    assert (
        await root.post("/auth/sign-in", json={"email": "root@example.test", "password": PASSWORD})
    ).status_code == 200
    assert (await root.get(f"/assets/{asset['id']}/file")).status_code == 200
    assert (await root.get(f"/assets/{asset['id']}/thumbnail")).status_code == 200
    assert (await root.delete(f"/assets/{asset['id']}")).status_code == 404
    _, key = await house.db.write(create_api_key, admin.id, "reader", ["read"], expires_in_days=None, now=NOW)
    reader = await visit(None)
    reader.headers["Authorization"] = f"Bearer {key}"
    assert (await reader.get(f"/assets/{asset['id']}/file")).status_code == 404


async def test_a_file_the_storage_lost_is_said_plainly(ada: httpx.AsyncClient, house: House) -> None:
    asset = await _uploaded(ada)
    row = await house.db.read(library.require_asset, None, UUID(asset["id"]))
    await house.storage.delete(row.storage_key)
    assert _code(await ada.get(f"/assets/{asset['id']}/file")) == (404, "asset.file_missing")
