"""With the library's own keeper: real files, looked into and stored by their content."""

import asyncio
import io
from collections import deque
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from PIL import Image

from tests.pipeline.harness import Status, Studio
from tests.pipeline.vendor import VendorAdapter
from vermilion import library
from vermilion.db import Tx
from vermilion.generation.collect import Collector
from vermilion.kit import new_id
from vermilion.kit.download import Downloader
from vermilion.library import Keeper, KeptFile, trash_asset
from vermilion.providers import Ambiguity, Ambiguous, Done, Misconfigured, Output
from vermilion.storage import LocalStorage


def _png(colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(content, "PNG")
    return content.getvalue()


def _upload(studio: Studio) -> UUID:
    file = KeptFile("image", "image/png", 8, 8, None, 100, "0" * 64, "sha256/00/upload", "sha256/00/upload", b"\x01")

    def add(tx: Tx) -> UUID:
        asset_id = new_id()
        library.add_upload(tx, file, asset_id=asset_id, user_id=studio.users[0], name=None, now=studio.clock.now())
        return asset_id

    return studio.tell(add)


async def test_real_pictures_are_kept_and_what_is_none_is_not_paid(real_studio: Studio, tmp_path: Path) -> None:
    studio = real_studio
    life = await studio.open()
    storage, spool = LocalStorage(tmp_path / "files"), tmp_path / "spool"
    spool.mkdir()
    keeper = Keeper(storage, spool, workers=1)
    # The collector waits for real worker processes here, which the fake clock knows nothing of.
    collector = Collector(cast(Downloader, studio.downloader), cast(Keeper, _Counted(keeper, life)), spool)
    object.__setattr__(life.tools, "collector", collector)
    outputs = (_png("red"), b"<html>Not a picture</html>", _png("blue"))
    done = Done(tuple(Output("image", data=content) for content in outputs))
    studio.vendor.submits = deque([lambda _vendor, _call: done])
    made = await life.request(pictures=3)
    await studio.until_status(made, Status.SUCCEEDED)
    view = studio.view(made)
    assert [(asset.width, asset.content_type) for asset in view.assets] == [(8, "image/png")] * 2
    assert view.settled_credits == 20
    rows = studio.ask(library.assets_of_generations, [made])[made]
    kept = [b"".join([piece async for piece in await storage.open(row.storage_key)]) for row in rows]
    assert kept == [outputs[0], outputs[2]]
    await studio.idle()
    assert await asyncio.to_thread(lambda: list(spool.iterdir())) == []
    await keeper.close()


class _Counted:
    def __init__(self, keeper: Keeper, life: Any) -> None:
        self._keeper = keeper
        self._life = life

    async def keep(self, *args: Any, **kwargs: Any) -> KeptFile:
        with self._life.busy():
            return await self._keeper.keep(*args, **kwargs)


@pytest.mark.parametrize("ambiguity", [Ambiguity.NONE, Ambiguity.IDEMPOTENCY_KEY], ids=str)
async def test_a_picture_deleted_before_its_turn_ends_the_generation_and_costs_nothing(
    studio: Studio, ambiguity: Ambiguity
) -> None:
    life = await studio.open()
    studio.vendor.ambiguity = ambiguity
    picture = _upload(studio)
    made = await life.request(inputs=(picture,))
    studio.change_credentials(enabled=False)
    await studio.pass_time(5)
    studio.tell(trash_asset, studio.users[0], picture, studio.clock.now())
    studio.change_credentials(enabled=True)
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code, view.failure.whose) == (Status.FAILED, "generation.inputs_gone", "user")
    assert (studio.vendor.sent, studio.balance().available) == ([], 1000)


async def test_a_lost_submit_whose_picture_was_deleted_is_not_repeated_without_it(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.ambiguity = Ambiguity.IDEMPOTENCY_KEY
    studio.vendor.submits = deque([Ambiguous("Lost.")])
    picture = _upload(studio)

    async def delete_meanwhile(point: str) -> None:
        if point == "submit answered" and studio.ask(library.usable_inputs, studio.users[0], [picture]):
            studio.tell(trash_asset, studio.users[0], picture, studio.clock.now())

    studio.vendor.gate = delete_meanwhile
    made = await life.request(inputs=(picture,))
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=10)
    assert [len(call.inputs) for call in studio.vendor.sent] == [1]
    studio.check()


async def test_what_a_result_needs_to_be_fetched_with_is_sent_and_written_down_nowhere(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.file_headers = {"Authorization": "Bearer heirloom-not-secret"}
    made = await life.request(pictures=2)
    await studio.to_the_end()
    assert studio.downloader.sent_headers == [studio.vendor.file_headers] * 2
    (attempt,) = studio.attempts(made)
    assert "heirloom" not in str(attempt.outputs) + str(attempt.ticket) + str(studio.view(made))


def _no_such_header(_adapter: VendorAdapter, _url: str) -> dict[str, str]:
    raise Misconfigured("The header for the key is none that could be sent.")


async def test_results_behind_a_login_that_is_mended_are_fetched_then(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = await studio.open()
    with monkeypatch.context() as broken:
        broken.setattr(VendorAdapter, "file_headers", _no_such_header)
        made = await life.request(pictures=2)
        await studio.until_status(made, Status.STORING)
        await studio.pass_time(300)
        assert (studio.view(made).status, studio.downloader.sent_headers) == (Status.STORING, [])
    await studio.to_the_end(within_seconds=120)
    view = studio.view(made)
    assert (view.status, len(view.assets), studio.balance().spent) == (Status.SUCCEEDED, 2, 20)


async def test_results_behind_a_login_that_nobody_mends_give_the_credits_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = await studio.open()
    monkeypatch.setattr(VendorAdapter, "file_headers", _no_such_header)
    made = await life.request()
    await studio.until_status(made, Status.STORING)
    studio.clock.jump(24 * 3600)
    await studio.to_the_end(within_seconds=120)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code, view.failure.whose) == (Status.FAILED, "provider.misconfigured", "admin")
    assert "header" in view.failure.detail
    assert (studio.balance().available, studio.balance().held) == (1000, 0)
