"""Every route of the app, generated from its own table, as a second user, as nobody, with too small a key, disabled.

A route added later is here by itself: it refuses nobody, or it is listed as public on purpose.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select

from tests.api.described import FOR_SESSIONS, SERVICE_MODELS, STREAMS
from tests.api.routes import BODIES, PUBLIC, SAFE, WITHOUT_JSON, Known, every_route
from tests.api.studio import Person, Studio, wanted
from tests.dialects.scene import logins_at
from tests.library.files import encoded, picture
from vermilion.app.assembly import assemble
from vermilion.billing import NewOrder
from vermilion.billing.commands.gateway import change_gateway
from vermilion.billing.commands.orders import place_order
from vermilion.billing.order_views import GatewayPatch
from vermilion.catalog import ensure_sandbox_credential
from vermilion.db import Base, Tx
from vermilion.kit import new_id

ROUTES = every_route(assemble(max_upload_bytes=1))
PROTECTED = [known for known in ROUTES if known.name not in PUBLIC]
OF_SOMEBODY = [known for known in PROTECTED if known.parameters and not known.is_admin]
ADMIN = [known for known in PROTECTED if known.is_admin]
SECRET = "verdigris-heirloom"

READABLE_BY_ALL = {"GET /api/v1/models/{model}"}
"""Routes with a name in the path that is nobody's own."""

QUESTIONS = {"POST /api/v1/quotes"}
"""Unsafe by their method alone: they ask and change nothing."""

FOR_PEOPLE_ALONE = {"GET /api/v1/me/sessions", "GET /api/v1/me/api-keys", *FOR_SESSIONS}
"""A key does not learn of its siblings."""

ABSENT_AFTERWARDS = {"GET /api/v1/generations/{generation_id}/preview": "generation.no_preview"}
"""What there is only while something runs, and what its owner is told later."""

SEEN_COLUMNS = {"last_used_at", "last_seen_at", "thumbnail_small_key"}
"""What reading may leave behind: when somebody was here, and a smaller copy of a thumbnail."""


def names(routes: list[Known]) -> list[str]:
    return [known.name for known in routes]


@dataclass
class Scene:
    """Somebody with one of everything, and everybody who must not get at it."""

    owner: Person
    other: Person
    admin: Person
    reader: Person
    generator: Person
    """The admin, by a key without the scope admin."""
    former_admin: Person
    """By a key that had the scope admin when its person was one."""
    disabled: Person
    disabled_key: Person
    nobody: httpx.AsyncClient
    values: dict[str, str]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scene(studio: Studio) -> Scene:
    """One scene for all routes; nothing in it changes, because nothing is allowed."""
    owner, other, disabled, admin = (
        await studio.person(),
        await studio.person(),
        await studio.person(),
        await studio.admin(),
    )
    view = await owner.request(f"a fox in {SECRET}")
    view = await owner.ended(view["id"])
    assert view["status"] == "succeeded"
    asset = await owner.upload(encoded(picture(200, 100, seed=77), "PNG"), f"{SECRET}.png")
    tasks = {}
    house = studio.house
    for login in logins_at(studio.sandbox):
        # A model nobody has a login for is refused before anything is written down.
        await house.db.write(
            ensure_sandbox_credential, house.sealer, login["provider"], login["fields"], house.clock.now()
        )
    for service, (model, params) in SERVICE_MODELS.items():
        # Canceled at once: what stands still can be looked at without changing meanwhile.
        task = await owner.post("/generations", wanted(f"a vixen in {SECRET}", model, params=params), status=202)
        await owner.client.post(f"/generations/{task['id']}/cancel")
        await owner.ended(task["id"])
        tasks[f"{service}.task_id"] = task["id"]
    key = await owner.post("/me/api-keys", {"name": f"{SECRET} key"}, status=201)
    sessions = await owner.get("/me/sessions")
    providers = await admin.get("/admin/providers")
    codes = await admin.post("/admin/redemption-codes", {"count": 1, "amount_credits": 10}, status=201)
    package = await admin.post(
        "/admin/packages",
        {"title": {"en": "A", "zh": "一"}, "amount_credits": 1, "price_minor": 1},
        status=201,
    )
    order = NewOrder(id=new_id(), package_id=UUID(package["id"]), method="alipay")
    selling = GatewayPatch(base_url="http://127.0.0.1:9", pid="1", key=SECRET, allow_private_hosts=True, enabled=True)
    await house.db.write(change_gateway, house.sealer, None, selling, house.clock.now())
    await house.db.write(place_order, house.sealer, UUID(owner.id), order, house.clock.now())
    credential = next(item for item in providers["items"] if item["provider"] == "fal")["credentials"][0]
    disabled_key = await studio.with_key(disabled, "read", "generate")
    assert (await admin.client.patch(f"/admin/users/{disabled.id}", json={"disabled": True})).status_code == 200
    former = await studio.admin()
    former_key = await studio.with_key(former, "read", "generate", "admin")
    assert (await admin.client.patch(f"/admin/users/{former.id}", json={"role": "user"})).status_code == 200
    return Scene(
        owner=owner,
        former_admin=former_key,
        other=other,
        admin=admin,
        reader=await studio.with_key(owner, "read"),
        generator=await studio.with_key(admin, "read", "generate"),
        disabled=disabled,
        disabled_key=disabled_key,
        nobody=studio.client(),
        values={
            "generation_id": view["id"],
            "asset_id": asset["id"],
            "session_id": sessions["items"][0]["id"],
            "key_id": key["id"],
            "credential_id": credential["id"],
            "user_id": owner.id,
            "model": "flux-1-schnell",
            "provider": "fal",
            "code": "AAAA-BBBB",
            "code_id": codes["codes"][0]["id"],
            "batch_id": codes["batch_id"],
            "package_id": package["id"],
            "order_id": str(order.id),
            # Nobody's: where files lie is no place a test should disturb for all.
            "place_id": str(new_id()),
            **tasks,
        },
    )


async def ask(client: httpx.AsyncClient, known: Known, values: dict[str, str]) -> httpx.Response:
    """Call a route; of an answer that streams only the head is read."""
    origin = str(client.base_url).split("/api/")[0]
    async with client.stream(known.method, origin + known.filled(values), **known.content()) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
        return answer


def refused_as(answer: httpx.Response, known: Known, status: int, *codes: str) -> None:
    """The answer is this refusal, and tells nothing of anybody."""
    assert answer.status_code == status, (known.name, answer.status_code, answer.text)
    assert SECRET not in str(answer.headers)
    if known.method == "HEAD":
        return
    assert answer.headers["content-type"] == "application/problem+json"
    assert not codes or answer.json()["code"] in codes, answer.text
    assert SECRET not in answer.text
    assert "@example.test" not in answer.text


def test_the_table_of_routes_is_whole() -> None:
    listed = set(names(ROUTES))
    assert listed >= PUBLIC, "a public route is gone: take it off the list"
    assert set(BODIES) <= listed
    assert set(WITHOUT_JSON) <= listed
    documented = {
        f"{method.upper()} {path}"
        for path, methods in assemble(max_upload_bytes=1).openapi()["paths"].items()
        for method in methods
    }
    assert documented <= listed
    hidden = {name for name in listed - documented if not name.startswith("HEAD ")}
    assert hidden == {"GET /{path}", "GET /api/v1/openapi.json"}, "hidden routes are easily forgotten"
    missing = [known.name for known in ROUTES if known.wants_body and known.name not in BODIES]
    assert missing == [], "say what body they would accept"


@pytest.mark.parametrize("known", PROTECTED, ids=names(PROTECTED))
async def test_nobody_is_refused(scene: Scene, known: Known) -> None:
    refused_as(await ask(scene.nobody, known, scene.values), known, 401, "auth.required")


@pytest.mark.parametrize("known", PROTECTED, ids=names(PROTECTED))
async def test_somebody_disabled_is_refused(scene: Scene, known: Known) -> None:
    refused_as(await ask(scene.disabled.client, known, scene.values), known, 401, "auth.required")
    refused_as(await ask(scene.disabled_key.client, known, scene.values), known, 401, "auth.required")


@pytest.mark.parametrize("known", OF_SOMEBODY, ids=names(OF_SOMEBODY))
async def test_a_second_user_finds_nothing(scene: Scene, known: Known) -> None:
    answer = await ask(scene.other.client, known, scene.values)
    if known.name in READABLE_BY_ALL:
        assert answer.status_code == 200
        return
    refused_as(answer, known, 404)
    # What is not theirs answers exactly as what never was.
    never = dict.fromkeys((*scene.values, *known.parameters), str(UUID(int=7)))
    absent = await ask(scene.other.client, known, never)
    assert absent.status_code == 404
    if known.method != "HEAD":
        here, there = answer.json(), absent.json()
        del here["request_id"], there["request_id"]
        assert here == there


@pytest.mark.parametrize("known", ADMIN, ids=names(ADMIN))
async def test_admin_routes_refuse_everybody_else(scene: Scene, known: Known) -> None:
    refused_as(await ask(scene.other.client, known, scene.values), known, 403, "auth.admin_required")
    refused_as(await ask(scene.generator.client, known, scene.values), known, 403, "auth.scope_required")
    refused_as(await ask(scene.former_admin.client, known, scene.values), known, 403, "auth.admin_required")


@pytest.mark.parametrize("known", PROTECTED, ids=names(PROTECTED))
async def test_a_key_for_reading_writes_nothing(scene: Scene, known: Known) -> None:
    answer = await ask(scene.reader.client, known, scene.values)
    if known.is_admin:
        refused_as(answer, known, 403, "auth.admin_required")
    elif known.name in FOR_PEOPLE_ALONE:
        refused_as(answer, known, 403, "auth.session_required")
    elif known.method not in SAFE and known.name not in QUESTIONS:
        refused_as(answer, known, 403, "auth.scope_required", "auth.session_required")
    elif known.name in ABSENT_AFTERWARDS:
        refused_as(answer, known, 404, ABSENT_AFTERWARDS[known.name])
    else:
        assert answer.status_code == 200, (known.name, answer.text)


UNSAFE = [known for known in ROUTES if known.method not in SAFE and "/callbacks/" not in known.path]


@pytest.mark.parametrize("known", UNSAFE, ids=names(UNSAFE))
async def test_another_site_cannot_write_through_a_browser(scene: Scene, studio: Studio, known: Known) -> None:
    for headers in (
        {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site"},
    ):
        visitor = studio.client(**headers)
        visitor.cookies.update(scene.admin.client.cookies)
        visitor.cookies.update(scene.owner.client.cookies)
        refused_as(await ask(visitor, known, scene.values), known, 403, "auth.cross_site")


ASKED_COLUMNS = {"ask_at", "times_asked"}
"""The sweep over unpaid orders writes these at its own times, whether anybody reads or not."""


def _content(tx: Tx) -> dict[str, str]:
    """A hash of every table, without the traces reading may leave, and when the house itself asked about an order."""
    hashes = {}
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if column.name not in SEEN_COLUMNS | ASKED_COLUMNS]
        rows = sorted(repr(tuple(row)) for row in tx.execute(select(*columns)))
        hashes[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return hashes


TRACED = {"GET /api/v1/credit/redemption_codes/export"}
"""What is written down when it is read: who took the codes."""

READS = [
    known
    for known in ROUTES
    if known.method in SAFE and "/events" not in known.path and known.name not in STREAMS | TRACED
]


async def test_reading_changes_nothing(scene: Scene, studio: Studio) -> None:
    before = await studio.house.db.read(_content)
    values = {**scene.values, "path": "create"}
    for person in (scene.owner, scene.admin):
        for known in READS:
            answer = await ask(person.client, known, values)
            assert answer.status_code < 500 or known.name == "GET /{path}", (known.name, answer.text)
    assert await studio.house.db.read(_content) == before


@pytest.mark.parametrize(
    "path", ["/generations", "/assets", "/line", "/credits/statement", "/me/sessions", "/me/api-keys"]
)
async def test_lists_show_only_ones_own(scene: Scene, path: str) -> None:
    answer = await scene.other.client.get(path)
    assert answer.status_code == 200
    for value in (SECRET, scene.values["generation_id"], scene.values["asset_id"], scene.values["session_id"]):
        assert value not in answer.text


async def test_the_stream_of_events_is_ones_own(scene: Scene) -> None:
    async with scene.other.client.stream("GET", "/events", params={"after": 0}) as answer:
        heard = ""
        async for piece in answer.aiter_text():
            heard += piece
            if "credits.changed" in heard:
                break
    assert SECRET not in heard
    assert scene.values["generation_id"] not in heard


async def test_another_persons_picture_is_no_input_and_no_parent(scene: Scene) -> None:
    body: dict[str, Any] = {**BODIES["POST /api/v1/generations"], "parent_id": scene.values["generation_id"]}
    answer = await scene.other.client.post("/generations", json=body)
    assert (answer.status_code, answer.json()["field"]) == (404, "parent_id")


async def test_a_link_opens_its_file_until_it_ends_and_no_other(scene: Scene, studio: Studio) -> None:
    asset = await scene.owner.upload(encoded(picture(120, 90, seed=78), "PNG"))
    link = await scene.owner.post(f"/assets/{asset['id']}/link", {"expires_in_seconds": 60})
    url = httpx.URL(studio.origin + link["url"])
    given = await scene.nobody.get(url)
    assert given.status_code == 200
    assert len(given.content) == asset["size_bytes"]
    elsewhere = url.copy_with(path=url.path.replace(asset["id"], scene.values["asset_id"]))
    for forged in (
        elsewhere,
        url.copy_set_param("expires", str(int(url.params["expires"]) + 1)),
        url.copy_set_param("signature", "x" * 43),
        url.copy_set_param("signature", ""),
    ):
        answer = await scene.nobody.get(forged)
        assert answer.status_code in (403, 404), (forged, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await scene.owner.client.delete(f"/assets/{asset['id']}")).status_code == 204
    assert (await scene.nobody.get(url)).status_code == 404


async def test_callbacks_need_an_address_of_ours_and_a_true_signature(scene: Scene, studio: Studio) -> None:
    outside = httpx.AsyncClient(base_url=studio.api)
    async with outside:
        for token in ("x", f"{UUID(int=1).hex}.x", "." * 50, "%F0%9F%A6%8A.x"):
            answer = await outside.post(f"/callbacks/fal/{token}", json={"status": "OK"})
            assert (answer.status_code, answer.json()["code"]) == (404, "callback.unknown")
        (job,) = await studio.jobs_of(scene.values["generation_id"])
        answer = await outside.post(job["webhook_url"], json={"request_id": job["id"], "status": "OK"})
        assert (answer.status_code, answer.json()["code"]) == (403, "callback.refused")
        answer = await outside.post(job["webhook_url"].replace("/fal/", "/kling/"), json={})
        assert answer.status_code == 404
        answer = await outside.post(job["webhook_url"], content=b"x" * (2 << 20))
        assert answer.status_code == 413
