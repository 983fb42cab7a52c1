"""What survives a restart, and what the room keeps out."""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp

import vermilion.sandbox

from .conftest import KEY, SCHNELL, Start


async def test_jobs_uploads_and_keys_survive_a_restart(start: Start, tmp_path: Path) -> None:
    before = await start(data_dir=tmp_path)
    running = await before.submit("x [[slow:0.8]]", seed=4, image_size="square")
    done = await before.submit("y", seed=5, image_size="square")
    picture = (await before.finish(done)).json["images"][0]["url"]
    bytes_before = (await before.ask("GET", picture, key=False)).body
    keys = (await before.ask("GET", "/fal/rest/.well-known/jwks.json")).json
    opened = await before.ask(
        "POST", "/fal/rest/storage/upload/initiate", json={"file_name": "a.txt", "content_type": "text/plain"}
    )
    await before.ask("PUT", opened.json["upload_url"], key=False, data=b"kept", headers={"Content-Type": "text/plain"})
    await before.stop()

    after = await start(data_dir=tmp_path)

    def moved(url: str) -> str:
        return url.replace(before.origin, after.origin)

    ticket: dict[str, Any] = {name: moved(url) for name, url in running.items() if isinstance(url, str)}
    assert (await after.finish(ticket)).json["seed"] == 4
    assert (await after.ask("GET", moved(picture), key=False)).body == bytes_before
    assert (await after.ask("GET", moved(opened.json["file_url"]), key=False)).body == b"kept"
    assert (await after.ask("GET", "/fal/rest/.well-known/jwks.json")).json == keys
    assert len(await after.jobs()) == 2


async def test_jobs_after_a_restart_never_take_the_ids_of_those_before(start: Start, tmp_path: Path) -> None:
    before = await start(data_dir=tmp_path, fast=True)
    first = [(await before.submit(f"x {n}"))["request_id"] for n in range(3)]
    await before.stop()
    after = await start(data_dir=tmp_path, fast=True)
    second = [(await after.submit(f"y {n}"))["request_id"] for n in range(3)]
    assert len({*first, *second}) == 6
    assert len(await after.jobs()) == 6


async def test_an_answered_submit_survives_a_kill(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vermilion.sandbox", "--port", str(port), "--data", str(tmp_path), "--speed", "50"]
    origin = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(headers=KEY) as session:
        first = subprocess.Popen(command)  # noqa: ASYNC220 - starting is quick
        try:
            await _until_up(session, origin)
            async with session.post(f"{origin}/fal/{SCHNELL}", json={"prompt": "x"}) as reply:
                ticket = await reply.json()
        finally:
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
        second = subprocess.Popen(command)  # noqa: ASYNC220 - starting is quick
        try:
            await _until_up(session, origin)
            async with session.get(ticket["status_url"]) as reply:
                assert reply.status in {200, 202}
        finally:
            second.terminate()
            assert second.wait(timeout=20) == 0


async def _until_up(session: aiohttp.ClientSession, origin: str) -> None:
    for _ in range(200):
        try:
            async with session.get(f"{origin}/control/health") as reply:
                assert reply.status == 200
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
    raise AssertionError("the sandbox did not start")


async def test_reset_forgets_everything(start: Start, tmp_path: Path) -> None:
    sandbox = await start(data_dir=tmp_path)
    await sandbox.submit()
    await sandbox.arm("throttle", probability=1.0)
    assert (await sandbox.ask("POST", "/control/reset")).status == 204
    assert await sandbox.jobs() == []
    await sandbox.submit()


async def test_the_pace_of_new_jobs_can_be_changed_and_jobs_ended(start: Start) -> None:
    sandbox = await start(speed=1.0)
    ticket = await sandbox.submit("x [[never]]")
    assert (await sandbox.ask("POST", f"/control/jobs/{ticket['request_id']}/finish")).json["state"] == "finished"
    assert (await sandbox.finish(ticket)).status == 200
    assert (await sandbox.ask("POST", "/control/speed", json={"speed": 1000})).json == {"speed": 1000.0}
    assert (await sandbox.ask("POST", "/control/speed", json={"speed": 0})).status == 422
    await sandbox.submit("x")
    job = (await sandbox.jobs())[-1]
    assert job["finished_at"] - job["created_at"] < 0.1


def test_the_room_imports_nothing_else_of_the_house() -> None:
    room = Path(vermilion.sandbox.__file__).parent
    for path in room.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                inside = node.level == 1
                assert node.level <= 1, f"{path.name} reaches outside"
                assert inside or not (node.module or "").startswith("vermilion"), path.name
            elif isinstance(node, ast.Import):
                assert all(not name.name.startswith("vermilion") for name in node.names), path.name
