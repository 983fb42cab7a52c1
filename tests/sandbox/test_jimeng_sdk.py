"""Volcengine's own Python SDK speaks to the sandbox under the vendor's own host name."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import warnings
from pathlib import Path
from typing import Any

import pytest

from vermilion.sandbox.jimeng import Vendor

from .conftest import Client, Start

HOST = "visual.volcengineapi.com"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The SDK's client; it must neither find keys of this machine's user nor reach the vendor itself."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Here, because importing it warns of what it is made of itself.
        module = importlib.import_module("volcengine.visual.VisualService")
    known = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **other: Any) -> Any:
        return known("127.0.0.1" if host == HOST else host, *more, **other)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return module.VisualService()


def _enter(service: Any, sandbox: Client, secret: str) -> None:
    service.set_scheme("http")
    service.set_host(f"{HOST}:{sandbox.origin.rpartition(':')[2]}")
    service.set_ak(Vendor.default_secrets["access_key"])
    service.set_sk(secret)


async def test_the_sdk_submits_asks_and_is_told_errors(start: Start, service: Any) -> None:
    sandbox = await start()
    _enter(service, sandbox, Vendor.default_secrets["secret_key"])
    order = {"req_key": "jimeng_t2v_v30", "prompt": "雪中的狐狸", "seed": -1, "frames": 121}
    task_id = (await asyncio.to_thread(service.cv_sync2async_submit_task, order))["data"]["task_id"]
    question = {"req_key": "jimeng_t2v_v30", "task_id": task_id}
    for _ in range(400):
        told = (await asyncio.to_thread(service.cv_sync2async_get_result, question))["data"]
        if told["status"] == "done":
            break
        await asyncio.sleep(0.02)
    assert told["video_url"].startswith(f"http://{HOST}:")
    with pytest.raises(Exception, match="Post Text Risk Not Pass"):
        await asyncio.to_thread(service.cv_sync2async_submit_task, {**order, "prompt": "x [[refuse:50413]]"})
    assert [job["id"] for job in await sandbox.jobs()] == [task_id]


async def test_the_sdk_with_another_secret_is_refused_and_a_session_token_is_signed(start: Start, service: Any) -> None:
    sandbox = await start()
    order = {"req_key": "jimeng_t2v_v30", "prompt": "x"}
    _enter(service, sandbox, "another-secret")
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        await asyncio.to_thread(service.cv_sync2async_submit_task, order)
    _enter(service, sandbox, Vendor.default_secrets["secret_key"])
    service.set_session_token("temporary-not-secret")
    assert (await asyncio.to_thread(service.cv_sync2async_submit_task, order))["code"] == 10_000
    service.set_session_token("")
    job = json.dumps(await sandbox.jobs())
    assert "another-secret" not in job
