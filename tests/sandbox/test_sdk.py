"""The vendor's own Python client runs against the sandbox, unchanged but for where its hosts are."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import Iterator
from typing import Any

import fal_client
import pytest
from fal_client import client as sdk
from PIL import Image

from .conftest import SCHNELL, Client, Start

# The SDK never closes the clients it makes for uploads; that is its own affair.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def _leave_no_litter() -> Iterator[None]:
    """What the SDK left open is collected here, where it is excused, and not in the middle of another test."""
    yield
    gc.collect()


@pytest.fixture
async def fal(start: Start, monkeypatch: pytest.MonkeyPatch) -> tuple[Client, fal_client.SyncClient]:
    """The SDK builds https:// addresses from host names, so its four address constants are moved."""
    sandbox = await start(speed=10.0)
    monkeypatch.setattr(sdk, "QUEUE_URL_FORMAT", f"{sandbox.fal}/")
    monkeypatch.setattr(sdk, "RUN_URL_FORMAT", f"{sandbox.fal}/run/")
    monkeypatch.setattr(sdk, "REST_URL", f"{sandbox.fal}/rest")
    monkeypatch.setattr(sdk, "CDN_URL", f"{sandbox.fal}/cdn")
    return sandbox, fal_client.SyncClient(key="sandbox-fal-key:not-secret")


def _close(client: Any) -> None:
    client._client.close()


async def test_subscribe_reports_every_stage_and_returns_the_output(fal: Any) -> None:
    sandbox, client = fal
    # Slow enough that a busy machine sees the queue too.
    assert (await sandbox.ask("POST", "/control/speed", json={"speed": 0.5})).status == 200
    seen: list[Any] = []

    def subscribe() -> Any:
        return client.subscribe(
            SCHNELL,
            {"prompt": "a quiet sea", "seed": 3, "image_size": "square"},
            with_logs=True,
            interval=0.01,
            on_queue_update=seen.append,
        )

    output = await asyncio.to_thread(subscribe)
    kinds = list(dict.fromkeys(type(status) for status in seen))
    assert kinds == [fal_client.Queued, fal_client.InProgress, fal_client.Completed]
    assert any(status.logs for status in seen if isinstance(status, fal_client.InProgress))
    assert seen[-1].error is None
    assert output["seed"] == 3
    file = await sandbox.ask("GET", output["images"][0]["url"], key=False)
    assert Image.open(io.BytesIO(file.body)).size == (512, 512)
    _close(client)


async def test_submit_status_result_and_events_work_by_id(fal: Any) -> None:
    _, client = fal

    def walk() -> Any:
        handle = client.submit(
            "fal-ai/flux-pro/kontext/max/text-to-image", {"prompt": "一座山"}, priority="low", hint="x"
        )
        again = client.get_handle("fal-ai/flux-pro/kontext/max/text-to-image", handle.request_id)
        assert (again.status_url, again.response_url, again.cancel_url) == (
            handle.status_url,
            handle.response_url,
            handle.cancel_url,
        )
        events = list(again.iter_events(with_logs=True, interval=0.02))
        assert isinstance(events[-1], fal_client.Completed)
        return client.result("fal-ai/flux-pro", handle.request_id)

    output = await asyncio.to_thread(walk)
    assert output["images"][0]["width"] == output["images"][0]["height"] == 1024
    _close(client)


async def test_invalid_input_is_accepted_and_fails_with_422_on_the_result(fal: Any) -> None:
    _, client = fal

    def walk() -> fal_client.client.FalClientHTTPError:
        handle = client.submit(SCHNELL, {"prompt": "x", "num_inference_steps": 50})
        completed = list(handle.iter_events(interval=0.01))[-1]
        assert completed.error
        assert completed.error_type
        with pytest.raises(sdk.FalClientHTTPError) as caught:
            handle.get()
        return caught.value

    error = await asyncio.to_thread(walk)
    assert error.status_code == 422
    entry = error.response.json()["detail"][0]
    assert entry["loc"] == ["body", "num_inference_steps"]
    assert entry["type"] == "less_than_equal"
    _close(client)


async def test_cancel_ends_a_running_job(fal: Any) -> None:
    sandbox, client = fal

    def walk() -> Any:
        handle = client.submit(SCHNELL, {"prompt": "x [[never]]"})
        canceled = False
        for status in handle.iter_events(interval=0.01):
            if isinstance(status, fal_client.InProgress) and not canceled:
                canceled = True
                handle.cancel()
        return status

    completed = await asyncio.to_thread(walk)
    assert completed.error_type == "client_cancelled"
    assert [job["canceled"] for job in await sandbox.jobs()] == [True]
    _close(client)


async def test_run_answers_with_the_output_itself(fal: Any) -> None:
    _, client = fal
    output = await asyncio.to_thread(client.run, SCHNELL, {"prompt": "x", "seed": 9, "sync_mode": True})
    assert output["seed"] == 9
    assert output["images"][0]["url"].startswith("data:image/jpeg;base64,")
    _close(client)


@pytest.mark.parametrize("repository", ["fal_v3", "fal"])
async def test_uploads_of_both_kinds_can_be_used_as_inputs(fal: Any, repository: Any) -> None:
    sandbox, client = fal
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(buffer, "PNG")

    def walk() -> Any:
        url = client.upload(buffer.getvalue(), "image/png", "fox.png", repository=repository, fallback_repository=[])
        return url, client.subscribe(
            "fal-ai/flux-1/dev/image-to-image", {"prompt": "a fox", "image_url": url, "seed": 1}, interval=0.02
        )

    url, output = await asyncio.to_thread(walk)
    stored = await sandbox.ask("GET", url, key=False)
    assert (stored.status, stored.body, stored.headers["Content-Type"]) == (200, buffer.getvalue(), "image/png")
    assert (output["images"][0]["width"], output["images"][0]["height"]) == (640, 480)
    made = await sandbox.ask("GET", output["images"][0]["url"], key=False)
    assert Image.open(io.BytesIO(made.body)).size == (640, 480)
    _close(client)


async def test_uploads_in_parts_arrive_whole(fal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, client = fal
    monkeypatch.setattr(sdk, "MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr(sdk, "MULTIPART_CHUNK_SIZE", 700)
    data = bytes(range(256)) * 10
    url = await asyncio.to_thread(client.upload, data, "application/octet-stream", "big.bin")
    assert (await sandbox.ask("GET", url, key=False)).body == data
    _close(client)


async def test_an_expiring_upload_is_gone_afterwards(fal: Any) -> None:
    sandbox, client = fal
    short = (
        fal_client.StorageSettings(expires_in=1) if hasattr(fal_client, "StorageSettings") else sdk.StorageSettings(1)
    )
    url = await asyncio.to_thread(lambda: client.upload(b"soon gone", "text/plain", "a.txt", lifecycle=short))
    assert (await sandbox.ask("GET", url, key=False)).status == 200
    await asyncio.sleep(1.1)
    assert (await sandbox.ask("GET", url, key=False)).status == 404
    _close(client)


async def test_the_asynchronous_client_works_too(fal: Any) -> None:
    client = fal_client.AsyncClient(key="sandbox-fal-key:not-secret")
    output = await client.subscribe(SCHNELL, {"prompt": "stars at night"}, interval=0.02)
    assert output["images"]
    await (await client._client).aclose()


async def test_ingress_errors_and_throttling_are_retried_by_the_sdk(fal: Any) -> None:
    sandbox, client = fal
    output = await asyncio.to_thread(
        lambda: client.subscribe(SCHNELL, {"prompt": "x [[throttle:1]] [[html-502@status:2]]"}, interval=0.01)
    )
    assert output["images"]
    assert len(await sandbox.jobs()) == 1
    _close(client)
