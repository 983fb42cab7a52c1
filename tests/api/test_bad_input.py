"""What the house refuses: a problem that names the field, nothing held, nothing stored, no event."""

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import func, select

from tests.api.studio import QUICK, Person, Studio, wanted
from tests.library.files import encoded, picture, png_that_claims
from vermilion.db import Tx
from vermilion.events import position
from vermilion.generation.tables import GenerationRow
from vermilion.kit import new_id
from vermilion.ledger.tables import EntryRow
from vermilion.library.tables import AssetRow

PROBLEM = "application/problem+json"

NOBODY = "6f8f1c52-9c3e-4e6b-9a39-0d5c7f6f2a11"
"""A version 4 UUID that names nothing; the same in every run, since it stands in the names of tests."""


def _traces(tx: Tx, user_id: UUID) -> tuple[Any, ...]:
    counts = tuple(
        tx.scalar(select(func.count()).select_from(table).where(table.user_id == user_id))
        for table in (GenerationRow, EntryRow, AssetRow)
    )
    return (*counts, position(tx, user_id))


@asynccontextmanager
async def leaving_no_trace(studio: Studio, someone: Person) -> AsyncIterator[None]:
    """The block must change no row, no credit, and tell nobody anything."""
    before = await studio.house.db.read(_traces, UUID(someone.id)), await someone.balance()
    yield
    assert (await studio.house.db.read(_traces, UUID(someone.id)), await someone.balance()) == before


def refusal(answer: Any, status: int, code: str, field: str | None = None) -> Any:
    """The problem, which must be this one."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status), problem
    assert problem["type"] == f"urn:vermilion:problem:{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    if field is not None:
        assert problem["field"] == field, problem
    return problem


PARAMS: list[tuple[str, Any, str]] = [
    ("num_images", 0, "too_small"),
    ("num_images", 5, "too_large"),
    ("num_images", -1, "too_small"),
    ("num_images", 2**62, "too_large"),
    ("num_images", 1.5, "wrong_type"),
    ("num_images", 1e300, "too_large"),
    ("num_images", True, "wrong_type"),
    ("num_images", "2", "wrong_type"),
    ("num_images", None, "required"),
    ("num_images", [1], "wrong_type"),
    ("num_images", {"n": 1}, "wrong_type"),
    ("guidance_scale", 20.01, "too_large"),
    ("guidance_scale", False, "wrong_type"),
    ("guidance_scale", "3.5", "wrong_type"),
    ("enable_safety_checker", 1, "wrong_type"),
    ("enable_safety_checker", "true", "wrong_type"),
    ("output_format", "exe", "not_a_choice"),
    ("output_format", 3, "not_a_choice"),
    ("aspect_ratio", "4:3 ", "not_a_choice"),
    ("exact_size", {"width": 512}, "wrong_type"),
    ("exact_size", {"width": 512, "height": 100_000}, "too_large"),
    ("exact_size", {"width": 512, "height": True}, "wrong_type"),
    ("exact_size", {"width": 512, "height": 512, "depth": 1}, "wrong_type"),
    ("seed", 2**60, "too_large"),
    ("seed", "x", "wrong_type"),
    ("no_such_thing", 1, "unknown"),
    ("__proto__", {}, "unknown"),
]


@pytest.mark.parametrize(("name", "value", "code"), PARAMS, ids=lambda value: str(value)[:30])
async def test_a_bad_parameter_is_named(someone: Person, studio: Studio, name: str, value: Any, code: str) -> None:
    async with leaving_no_trace(studio, someone):
        for path, body in (
            ("/generations", wanted("a fox", "flux-1-dev", params={name: value})),
            ("/quotes", {"model": "flux-1-dev", "params": {name: value}, "inputs": []}),
        ):
            answer = await someone.client.post(path, json=body)
            problem = refusal(answer, 422, "generation.invalid_params", f"params.{name}")
            assert problem["errors"][0]["code"] == code, problem


async def test_every_bad_parameter_is_named_at_once(someone: Person, studio: Studio) -> None:
    async with leaving_no_trace(studio, someone):
        body = wanted("", "flux-1-dev", params={"num_images": 9, "guidance_scale": "x", "nonsense": 1})
        problem = refusal(await someone.client.post("/generations", json=body), 422, "generation.invalid_params")
        fields = {error["field"]: error for error in problem["errors"]}
        assert set(fields) == {"prompt", "params.num_images", "params.guidance_scale", "params.nonsense"}
        assert fields["params.num_images"]["limit"] == 4


RAW: list[tuple[str, bytes, int, str]] = [
    ("NaN", b'"params": {"guidance_scale": NaN}', 400, "request.not_json"),
    ("infinity", b'"params": {"guidance_scale": 1e999}', 400, "request.number_too_large"),
    ("a huge integer", b'"params": {"num_images": 1' + b"0" * 400 + b"}", 400, "request.number_too_large"),
    ("an endless integer", b'"params": {"num_images": 1' + b"0" * 9000 + b"}", 400, "request.not_json"),
    ("deep nesting", b'"params": {"a": ' + b"[" * 500 + b"]" * 500 + b"}", 400, "request.too_deep"),
    ("deeper nesting", b'"params": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "request.too_deep"),
    ("NUL in the prompt", b'"prompt": "a \\u0000 fox"', 400, "request.bad_characters"),
    ("half a pair in the prompt", b'"prompt": "a \\ud83d fox"', 400, "request.bad_characters"),
    ("NUL in a name", b'"params": {"a\\u0000": 1}', 400, "request.bad_characters"),
    ("not UTF-8", b'"prompt": "\xff\xfe"', 400, "request.not_utf8"),
    ("not JSON", b'"prompt": ', 400, "request.not_json"),
    ("too many values", b'"params": {"a": [' + b"1," * 30_000 + b"1]}", 400, "request.too_many_values"),
    ("too large", b'"prompt": "' + b"x" * (1 << 20) + b'"', 413, "request.too_large"),
]


@pytest.mark.parametrize(("what", "piece", "status", "code"), RAW, ids=[raw[0] for raw in RAW])
async def test_a_bad_body_is_a_problem(
    someone: Person, studio: Studio, what: str, piece: bytes, status: int, code: str
) -> None:
    del what
    async with leaving_no_trace(studio, someone):
        body = b'{"id": "%s", "model": "flux-1-dev", %s}' % (str(new_id()).encode(), piece)
        answer = await someone.client.post("/generations", content=body, headers={"Content-Type": "application/json"})
        refusal(answer, status, code)


BODIES: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"model": "no-such-model"}, 404, "catalog.unknown_model", "model"),
    ({"model": ""}, 422, "request.invalid", "model"),
    ({"model": 7}, 422, "request.invalid", "model"),
    ({"id": "not an id"}, 422, "request.invalid", "id"),
    ({"id": NOBODY}, 422, "generation.invalid_id", "id"),
    ({"id": str(UUID(int=0))}, 422, "generation.invalid_id", "id"),
    ({"id": None}, 422, "request.invalid", "id"),
    ({"prompt": "x" * 20_001}, 422, "request.invalid", "prompt"),
    ({"prompt": "  \n "}, 422, "generation.invalid_params", "prompt"),
    ({"prompt": ["a fox"]}, 422, "request.invalid", "prompt"),
    ({"params": []}, 422, "request.invalid", "params"),
    ({"params": {f"p{n}": n for n in range(101)}}, 422, "request.invalid", "params"),
    ({"inputs": "none"}, 422, "request.invalid", "inputs"),
    ({"inputs": [{"role": "image"}]}, 422, "request.invalid", "inputs.0.asset_id"),
    ({"price_credits": 0}, 422, "request.invalid", "price_credits"),
    ({"user_id": NOBODY}, 422, "request.invalid", "user_id"),
    ({"parent_id": NOBODY}, 404, "generation.not_found", "parent_id"),
]


@pytest.mark.parametrize(("change", "status", "code", "field"), BODIES, ids=lambda value: str(value)[:40])
async def test_a_bad_member_is_named(
    someone: Person, studio: Studio, change: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    async with leaving_no_trace(studio, someone):
        answer = await someone.client.post("/generations", json={**wanted("a fox", "flux-1-dev"), **change})
        refusal(answer, status, code, field)


async def test_a_prompt_longer_than_the_model_takes_is_refused_with_its_limit(someone: Person, studio: Studio) -> None:
    entry = await someone.get("/models/flux-1-dev")
    limit = entry["prompt"]["max_chars"]
    assert limit < 20_000
    async with leaving_no_trace(studio, someone):
        answer = await someone.client.post("/generations", json=wanted("x" * (limit + 1), "flux-1-dev"))
        problem = refusal(answer, 422, "generation.invalid_params", "prompt")
        assert problem["errors"][0]["limit"] == limit


async def test_inputs_must_be_ones_own_and_fit_the_roles(someone: Person, studio: Studio) -> None:
    other = await studio.person()
    theirs = await other.upload(encoded(picture(300, 200), "PNG"))
    mine = await someone.upload(encoded(picture(300, 200, seed=1), "PNG"))
    deleted = await someone.upload(encoded(picture(300, 200, seed=2), "PNG"))
    assert (await someone.client.delete(f"/assets/{deleted['id']}")).status_code == 204
    film = await someone.upload(_film(), "film.mp4")
    gif = await someone.upload(encoded(picture(30, 20, seed=3), "GIF"), "a.gif")
    one = {"role": "image", "asset_id": mine["id"]}
    cases: list[tuple[list[dict[str, Any]], str, str]] = [
        ([{**one, "asset_id": theirs["id"]}], "generation.unknown_input", "inputs.0.asset_id"),
        ([{**one, "asset_id": deleted["id"]}], "generation.unknown_input", "inputs.0.asset_id"),
        ([{**one, "asset_id": str(uuid.uuid4())}], "generation.unknown_input", "inputs.0.asset_id"),
        ([one, {**one, "asset_id": theirs["id"]}], "generation.unknown_input", "inputs.1.asset_id"),
        ([], "generation.invalid_params", "inputs.image"),
        ([one] * 5, "generation.invalid_params", "inputs.image"),
        ([{**one, "role": "mask"}], "generation.invalid_params", "inputs.0"),
        ([{**one, "asset_id": film["id"]}], "generation.invalid_params", "inputs.0"),
        ([{**one, "asset_id": gif["id"]}], "generation.invalid_params", "inputs.0"),
        ([{**one, "weight": 11}], "request.invalid", "inputs.0.weight"),
        ([{**one, "weight": "heavy"}], "request.invalid", "inputs.0.weight"),
        ([{**one, "url": "http://169.254.169.254/"}], "request.invalid", "inputs.0.url"),
    ]
    async with leaving_no_trace(studio, someone), leaving_no_trace(studio, other):
        for inputs, code, field in cases:
            answer = await someone.client.post(
                "/generations", json=wanted("x", "flux-kontext-pro-multi", inputs=inputs)
            )
            refusal(answer, 422, code, field)


@pytest.mark.parametrize("blank", ["black", "clear"])
async def test_a_mask_with_nothing_painted_is_refused_before_anything_is_held(
    someone: Person, studio: Studio, blank: str
) -> None:
    """Black leaves everything as it is; this vendor looks at white, so that what is only transparent says nothing."""
    whole = await someone.upload(encoded(picture(320, 240, seed=6), "PNG"))
    ground = Image.new("RGB", (320, 240)) if blank == "black" else Image.new("RGBA", (320, 240))
    nothing = await someone.upload(encoded(ground, "PNG"))
    small = await someone.upload(_half_white(160, 120))
    image = {"role": "image", "asset_id": whole["id"]}
    async with leaving_no_trace(studio, someone):
        for mask, code in ((nothing, "nothing_painted"), (small, "wrong_size")):
            inputs = [image, {"role": "mask", "asset_id": mask["id"]}]
            answer = await someone.client.post("/generations", json=wanted("", "flux-pro-erase", inputs=inputs))
            problem = refusal(answer, 422, "generation.invalid_params", "inputs.1")
            assert [error["code"] for error in problem["errors"]] == [code]
    painted = await someone.upload(_half_white(320, 240))
    inputs = [image, {"role": "mask", "asset_id": painted["id"]}]
    await someone.made(prompt="", model="flux-pro-erase", inputs=inputs)


def _half_white(width: int, height: int) -> bytes:
    mask = Image.new("L", (width, height))
    mask.paste(255, (0, 0, width // 2, height))
    return encoded(mask, "PNG")


def _film() -> bytes:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from tests.library.files import film

    with TemporaryDirectory() as folder:
        return film(Path(folder) / "film.mp4", seconds=0.5)


UPLOADS: list[tuple[str, bytes, int, str]] = [
    ("a page.png", b"<!doctype html><script>alert(1)</script>", 415, "asset.type_refused"),
    ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415, "asset.type_refused"),
    ("a.pdf", b"%PDF-1.7\n" + b"0" * 500, 415, "asset.type_refused"),
    ("a.zip", b"PK\x03\x04" + b"\0" * 500, 415, "asset.type_refused"),
    ("a.exe", b"MZ" + b"\0" * 500, 415, "asset.type_refused"),
    ("empty.png", b"", 415, "asset.type_refused"),
    ("one byte.png", b"\x89", 415, "asset.type_refused"),
    ("truncated.png", encoded(picture(400, 300, seed=4), "PNG")[:4000], 422, "asset.unreadable"),
    ("truncated.jpg", encoded(picture(400, 300, seed=5), "JPEG")[:3000], 422, "asset.unreadable"),
    ("bomb.png", png_that_claims(50_000, 50_000), 422, "asset.too_many_pixels"),
    ("half.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\1" * 300, 422, "asset.unreadable"),
]


@pytest.mark.parametrize(("name", "content", "status", "code"), UPLOADS, ids=[upload[0] for upload in UPLOADS])
async def test_a_file_is_judged_by_its_content(
    someone: Person, studio: Studio, name: str, content: bytes, status: int, code: str
) -> None:
    async with leaving_no_trace(studio, someone):
        answer = await someone.client.post("/assets", files={"file": (name, content, "image/png")})
        refusal(answer, status, code, "file")
    assert list(studio.house.keeper.spool_dir.iterdir()) == []


async def test_an_upload_without_a_file_or_too_large_is_refused(someone: Person, studio: Studio) -> None:
    async with leaving_no_trace(studio, someone):
        refusal(await someone.client.post("/assets", files={"other": ("a.png", b"x")}), 422, "asset.no_file", "file")
        refusal(await someone.client.post("/assets", json={"file": "x"}), 400, "request.unreadable")
        refusal(await someone.client.post("/assets"), 400, "request.unreadable")
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        refusal(await someone.client.post("/assets", content=b"--x\r\n", headers=broken), 400, "request.unreadable")
        status, code = await _announce(studio, someone, 10**13)
        assert (status, code) == (413, "request.too_large")


async def _announce(studio: Studio, someone: Person, size_bytes: int) -> tuple[int, str]:
    """Announce a body of that size without sending it: the house must not wait for it."""
    host, _, port = studio.origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    cookies = "; ".join(f"{name}={value}" for name, value in someone.client.cookies.items())
    head = (
        f"POST /api/v1/assets HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookies}\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {size_bytes}\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(20):
        answer = await reader.readuntil(b"}")
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"]


async def test_the_same_id_is_the_same_request_or_a_conflict(someone: Person, studio: Studio) -> None:
    body = wanted("a fox", params=QUICK)
    first = await someone.post("/generations", body, status=202)
    again = await someone.post("/generations", body, status=202)
    assert again["id"] == first["id"]
    other = await studio.person()
    async with leaving_no_trace(studio, other):
        refusal(await other.client.post("/generations", json=body), 409, "generation.id_reused", "id")
    await someone.ended(body["id"])
    async with leaving_no_trace(studio, someone):
        for change in ({"prompt": "a wolf"}, {"params": {**QUICK, "num_images": 2}}, {"model": "flux-1-dev"}):
            answer = await someone.client.post("/generations", json={**body, **change})
            refusal(answer, 409, "generation.id_reused", "id")
    assert (await someone.balance())[2] == 1
    assert (await someone.client.delete(f"/generations/{body['id']}")).status_code == 204
    refusal(await someone.client.post("/generations", json=body), 409, "generation.id_reused", "id")


async def test_twenty_at_once_with_one_id_are_one(someone: Person, studio: Studio) -> None:
    body = wanted("a fox, asked for twenty times", params=QUICK)
    answers = await asyncio.gather(*(someone.client.post("/generations", json=body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["id"] for answer in answers} == {body["id"]}
    await someone.ended(body["id"])
    assert await someone.balance() == (999, 0, 1)
    assert len(await studio.jobs_of(body["id"])) == 1
    statement = await someone.get("/credits/statement")
    assert [entry["kind"] for entry in statement["items"]].count("hold") == 1


async def test_a_crowd_on_a_balance_for_ten_gets_ten(studio: Studio) -> None:
    someone = await studio.person(credits_given=10)
    bodies = [wanted(f"fox {n}", params=QUICK) for n in range(40)]
    answers = await asyncio.gather(*(someone.client.post("/generations", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [202] * 10 + [402] * 30
    refused = next(answer for answer in answers if answer.status_code == 402)
    problem = refusal(refused, 402, "credits.insufficient")
    assert problem["price_credits"] == 1
    assert problem["missing_credits"] == 1
    assert (await someone.balance())[0] == 0
    for answer in answers:
        if answer.status_code == 202:
            await someone.ended(answer.json()["id"])
    assert await someone.balance() == (0, 0, 10)
    await studio.is_sound()


async def test_a_picture_of_many_pixels_is_not_decoded(someone: Person) -> None:
    """A small file whose pixels would fill the memory, in every type that compresses well."""
    buffer = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(buffer, "PNG", optimize=True)
    assert len(buffer.getvalue()) < 1_000_000
    problem = await someone.upload(buffer.getvalue(), status=422)
    assert problem["code"] == "asset.too_many_pixels"
