"""Every failure of the vocabulary shows on the wire as its description says."""

from __future__ import annotations

import asyncio
import io
import json
import time
from typing import Any

import aiohttp
import pytest
from PIL import Image

from vermilion.sandbox.faults import JOB, KINDS, VOCABULARY

from .conftest import SCHNELL, Client, Reply, Start

PRO = "fal-ai/flux-pro/v1.1"


async def _post(sandbox: Client, prompt: str, model: str = SCHNELL) -> Reply:
    return await sandbox.ask("POST", f"/fal/{model}", json={"prompt": prompt})


async def test_every_word_of_the_vocabulary_is_on_the_index_page(sandbox: Client) -> None:
    page = (await sandbox.ask("GET", "/", key=False)).body.decode()
    for kind in VOCABULARY:
        assert f"[[{kind.name}" in page
    assert "sandbox-fal-key:not-secret" in page
    assert f"{sandbox.origin}/fal/cdn" in page


@pytest.mark.parametrize(
    ("kind", "status"), [("unauthorized", 401), ("locked", 403), ("error-500", 500), ("error-503", 503)]
)
async def test_refusals_do_nothing_and_pass(sandbox: Client, kind: str, status: int) -> None:
    refused = await _post(sandbox, f"x [[{kind}]]")
    assert refused.status == status
    assert isinstance(refused.json["detail"], str)
    assert refused.headers["x-fal-request-id"]
    if status >= 500:
        assert refused.headers["X-Fal-Retryable"] == "true"
        assert refused.headers["X-Fal-Error-Type"] == refused.json["error_type"]
    assert await sandbox.jobs() == []
    assert (await _post(sandbox, f"x [[{kind}]]")).status == 200


async def test_throttling_lasts_as_often_as_told(sandbox: Client) -> None:
    answers = [await _post(sandbox, "x [[throttle:3]]") for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert len(await sandbox.jobs()) == 1


async def test_an_ingress_error_has_no_request_id(sandbox: Client) -> None:
    answer = await _post(sandbox, "x [[html-502]]")
    assert answer.status == 502
    assert b"nginx" in answer.body
    assert "x-fal-request-id" not in answer.headers
    assert await sandbox.jobs() == []


@pytest.mark.parametrize(("kind", "jobs"), [("lost-answer", 1), ("reset", 0)])
async def test_cut_connections_differ_in_what_was_done(sandbox: Client, kind: str, jobs: int) -> None:
    with pytest.raises(aiohttp.ClientError):
        await _post(sandbox, f"x [[{kind}]]")
    assert len(await sandbox.jobs()) == jobs


async def test_a_hanging_answer_never_comes(sandbox: Client) -> None:
    ticket = await sandbox.submit("x [[hang@status:1]]")
    started = time.monotonic()
    with pytest.raises(aiohttp.ClientError):
        await sandbox.ask("GET", ticket["status_url"])
    assert time.monotonic() - started >= 0.9


@pytest.mark.parametrize("place", ["submit", "status", "result"])
async def test_truncated_json_does_not_parse_at_any_place(sandbox: Client, place: str) -> None:
    if place == "submit":
        answer = await _post(sandbox, "x [[truncated-json@submit]]")
    else:
        ticket = await sandbox.submit(f"x [[truncated-json@{place}]]")
        if place == "result":
            await _wait(sandbox, ticket)
        answer = await sandbox.ask("GET", ticket["status_url" if place == "status" else "response_url"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


async def _wait(sandbox: Client, ticket: Any) -> None:
    for _ in range(400):
        if (await sandbox.ask("GET", ticket["status_url"])).json["status"] == "COMPLETED":
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the job never ended")


async def test_wrong_type_html_and_oversize_answers(sandbox: Client) -> None:
    wrong = await sandbox.made("x [[wrong-type]]")
    assert wrong.headers["Content-Type"].startswith("text/html")
    assert wrong.json["images"]
    page = await sandbox.made("x [[html-200]]")
    assert (page.status, page.body[:15]) == (200, b"<!doctype html>")
    large = await sandbox.made("x [[oversize:3]]")
    assert len(large.body) > 3 * 1024 * 1024


async def test_a_download_can_trickle_or_stop_half_way(sandbox: Client) -> None:
    drip = (await sandbox.made("x [[slow-drip:1]]")).json["images"][0]["url"]
    started = time.monotonic()
    file = await sandbox.ask("GET", drip, key=False)
    assert time.monotonic() - started >= 0.9
    assert Image.open(io.BytesIO(file.body)).size == (1024, 768)
    cut = (await sandbox.made("x [[cut-short]]")).json["images"][0]["url"]
    with pytest.raises(aiohttp.ClientPayloadError):
        await sandbox.ask("GET", cut, key=False)
    assert (await sandbox.ask("GET", cut, key=False)).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "word", "retry"),
    [
        ("content_policy", 422, "content_policy_violation", "false"),
        ("no_media_generated", 422, "no_media_generated", "false"),
        ("generation_timeout", 504, "generation_timeout", "true"),
        ("internal_server_error", 500, "internal_server_error", "true"),
    ],
)
async def test_model_errors_come_as_detail_entries(
    sandbox: Client, kind: str, status: int, word: str, retry: str
) -> None:
    ticket = await sandbox.submit(f"x [[fail:{kind}]]")
    result = await sandbox.finish(ticket)
    assert result.status == status
    assert result.json["detail"][0]["type"] == word
    assert result.headers["X-Fal-Retryable"] == retry
    completed = (await sandbox.ask("GET", ticket["status_url"])).json
    assert completed["error"] == f"Invalid status code: {status}"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("runner_error", 500), ("runner_disconnected", 503), ("startup_timeout", 504), ("bad_request", 400)],
)
async def test_platform_errors_name_their_type_in_body_and_header(sandbox: Client, kind: str, status: int) -> None:
    ticket = await sandbox.submit(f"x [[fail:{kind}]]")
    result = await sandbox.finish(ticket)
    assert result.status == status
    assert result.json["error_type"] == result.headers["X-Fal-Error-Type"]
    completed = (await sandbox.ask("GET", ticket["status_url"])).json
    assert completed["error_type"] == result.json["error_type"]


async def test_fail_once_fails_the_first_job_and_no_other(sandbox: Client) -> None:
    answers = [await sandbox.made("x [[fail-once]]") for _ in range(2)]
    assert [answer.status for answer in answers] == [503, 200]


async def test_fail_then_succeed_takes_its_failure_back(sandbox: Client) -> None:
    ticket = await sandbox.submit("x [[fail-then-succeed]]")
    assert (await sandbox.finish(ticket)).status == 503
    assert "error" not in (await sandbox.ask("GET", ticket["status_url"])).json
    assert (await sandbox.ask("GET", ticket["response_url"])).status == 200


async def test_unsafe_pictures_are_black_in_one_family_and_refused_in_the_other(sandbox: Client) -> None:
    flagged = (await sandbox.made("x [[nsfw]]", num_images=2)).json
    assert flagged["has_nsfw_concepts"] == [True, True]
    file = await sandbox.ask("GET", flagged["images"][0]["url"], key=False)
    assert Image.open(io.BytesIO(file.body)).convert("L").getextrema() == (0, 0)
    refused = await sandbox.made("x [[nsfw]]", PRO)
    assert refused.status == 422
    assert refused.json["detail"][0]["type"] == "content_policy_violation"


async def test_slow_queue_and_never_ignore_the_speed(sandbox: Client) -> None:
    await sandbox.submit("x [[slow:30]]")
    await sandbox.submit("x [[queue:40]]")
    await sandbox.submit("x [[never]]")
    slow, queue, never = await sandbox.jobs()
    assert slow["finished_at"] - slow["started_at"] == pytest.approx(30)
    assert queue["started_at"] - queue["created_at"] == pytest.approx(40)
    assert never["finished_at"] is None


async def test_a_forgotten_job_is_not_found(sandbox: Client) -> None:
    ticket = await sandbox.submit("x [[forget]]")
    await asyncio.sleep(0.1)
    assert (await sandbox.ask("GET", ticket["status_url"])).status == 404
    assert (await sandbox.ask("GET", ticket["response_url"])).status == 404
    cancel = await sandbox.ask("PUT", ticket["cancel_url"])
    assert (cancel.status, cancel.json) == (404, {"status": "NOT_FOUND"})


async def test_requeue_and_unknown_status_show_while_running(sandbox: Client) -> None:
    ticket = await sandbox.submit("x [[requeue]] [[slow:0.6]]")
    seen: list[str] = []
    while not seen or seen[-1] != "COMPLETED":
        status = (await sandbox.ask("GET", ticket["status_url"])).json["status"]
        if not seen or seen[-1] != status:
            seen.append(status)
        await asyncio.sleep(0.01)
    assert seen[-4:] == ["IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    odd = await sandbox.submit("x [[unknown-status]] [[never]]")
    await asyncio.sleep(0.05)
    assert (await sandbox.ask("GET", odd["status_url"])).json["status"] == "PAUSED"


async def test_results_can_drift_be_empty_or_null(sandbox: Client) -> None:
    assert "images" not in (await sandbox.made("x [[drift]]")).json
    assert (await sandbox.made("x [[empty-output]]")).json["images"] == []
    assert (await sandbox.made("x [[null-output]]")).json["images"] is None


async def test_a_missed_start_deadline_is_a_504_that_sdks_do_not_retry(start: Start) -> None:
    sandbox = await start(speed=100.0, max_concurrent=1)
    await sandbox.submit("x [[never]]")
    for ticket in (
        await sandbox.submit("y", headers={"X-Fal-Request-Timeout": "0.05"}),
        await sandbox.submit("y [[request-timeout]]", headers={"X-Fal-Request-Timeout": "0.05"}),
    ):
        result = await sandbox.finish(ticket)
        assert result.status == 504
        assert result.headers["X-Fal-Request-Timeout-Type"] == "user"
        assert result.json["error_type"] == "request_timeout"


async def test_validation_can_happen_at_submit(sandbox: Client) -> None:
    answer = await sandbox.ask("POST", f"/fal/{SCHNELL}", json={"prompt": "x [[validate-at-submit]]", "num_images": 9})
    assert answer.status == 422
    assert answer.json["detail"][0]["loc"] == ["body", "num_images"]
    assert await sandbox.jobs() == []


@pytest.mark.parametrize(("marker", "statuses"), [("404-output", [404] * 4), ("partial", [200, 404, 200, 404])])
async def test_missing_pictures_answer_404(sandbox: Client, marker: str, statuses: list[int]) -> None:
    images = (await sandbox.made(f"x [[{marker}]]", num_images=4, image_size="square")).json["images"]
    assert [(await sandbox.ask("GET", image["url"], key=False)).status for image in images] == statuses


async def test_pictures_expire_by_marker_and_by_header(sandbox: Client) -> None:
    gone = (await sandbox.made("x [[expire]]")).json["images"][0]["url"]
    assert (await sandbox.ask("GET", gone, key=False)).status == 404
    keep = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 1})}
    short = (await sandbox.made("x", headers=keep)).json["images"][0]["url"]
    assert (await sandbox.ask("GET", short, key=False)).status == 200
    await asyncio.sleep(1.1)
    assert (await sandbox.ask("GET", short, key=False)).status == 404


async def test_broken_files_look_like_pictures_only_from_outside(sandbox: Client) -> None:
    async def fetch(marker: str) -> tuple[Any, Reply]:
        image = (await sandbox.made(f"x [[{marker}]]", image_size="square")).json["images"][0]
        return image, await sandbox.ask("GET", image["url"], key=False)

    _, garbage = await fetch("garbage-image")
    assert garbage.headers["Content-Type"] == "image/jpeg"
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(garbage.body))
    _, page = await fetch("html-image")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html")
    _, half = await fetch("truncated-image")
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(half.body)).load()
    _, huge = await fetch("huge-output:4")
    assert len(huge.body) > 4 * 1024 * 1024
    assert "Content-Length" not in huge.headers
    declared, small = await fetch("wrong-size")
    assert Image.open(io.BytesIO(small.body)).width == declared["width"] // 2
    _, moved = await fetch("redirect-output")
    assert (moved.status, moved.headers["Location"][:23]) == (302, "http://169.254.169.254/")
    private = (await sandbox.made("x [[ssrf-output]]")).json["images"][0]["url"]
    assert private.startswith("http://169.254.169.254/")


async def test_armed_faults_strike_as_often_as_told(sandbox: Client) -> None:
    await sandbox.arm("throttle", at="status", count=2)
    await sandbox.arm("fail", argument="internal_error")
    ticket = await sandbox.submit()
    statuses = [(await sandbox.ask("GET", ticket["status_url"])).status for _ in range(3)]
    assert statuses[:2] == [429, 429]
    assert statuses[2] in {200, 202}
    assert (await sandbox.finish(ticket)).status == 500
    assert (await sandbox.made()).status == 200


async def test_armed_faults_by_chance_hold_until_disarmed(sandbox: Client) -> None:
    await sandbox.arm("error-503", probability=1.0)
    assert [(await _post(sandbox, "x")).status for _ in range(3)] == [503] * 3
    listed = (await sandbox.ask("GET", "/control/faults")).json["items"]
    assert (listed[0]["kind"], listed[0]["struck"]) == ("error-503", 3)
    assert (await sandbox.ask("DELETE", "/control/faults")).status == 204
    assert (await _post(sandbox, "x")).status == 200


@pytest.mark.parametrize("place", ["cancel", "download", "upload"])
async def test_faults_can_strike_cancel_download_and_upload(sandbox: Client, place: str) -> None:
    ticket = await sandbox.submit()
    image = (await sandbox.finish(ticket)).json["images"][0]["url"]
    await sandbox.arm("html-502", at=place)
    calls = {
        "cancel": ("PUT", ticket["cancel_url"]),
        "download": ("GET", image),
        "upload": ("POST", f"{sandbox.fal}/rest/storage/upload/initiate"),
    }
    assert (await sandbox.ask(*calls[place])).status == 502


@pytest.mark.parametrize(
    "body",
    [
        {"vendor": "fal", "kind": "no-such-kind"},
        {"vendor": "nobody", "kind": "throttle"},
        {"vendor": "fal", "kind": "never", "at": "status"},
        {"vendor": "fal", "kind": "throttle", "count": 0},
        {"vendor": "fal", "kind": "throttle", "probability": 2},
    ],
)
async def test_nonsense_is_not_armed(sandbox: Client, body: object) -> None:
    answer = await sandbox.ask("POST", "/control/faults", json=body)
    assert answer.status == 422
    assert answer.json["error"]


async def test_a_page_from_another_site_cannot_reach_the_controls(sandbox: Client) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    assert (await sandbox.ask("POST", "/control/reset", headers=headers)).status == 403


def test_every_kind_has_a_place_and_words() -> None:
    assert len(KINDS) == len(VOCABULARY)
    for kind in VOCABULARY:
        assert kind.places
        assert kind.about.endswith(".")
        assert (JOB in kind.places) == (kind.places == (JOB,))
