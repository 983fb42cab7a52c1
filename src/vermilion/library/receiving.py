"""Files that come otherwise than as an upload: as bytes inside a request, or from an address somebody names.

They pass the same judges as uploads: content, not name; size by kind; pixels and seconds; and addresses are fetched
by the one safe door, never on a private network.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

import structlog

from vermilion.db import Database
from vermilion.kit import AppError, Invalid, new_id
from vermilion.kit.download import Downloader, DownloadFailed, DownloadLimits
from vermilion.library import commands
from vermilion.library.inspection.media import Unreadable
from vermilion.library.keeper import Keeper, KeptFile
from vermilion.library.problems import not_stored_now, refused, too_large
from vermilion.library.uploads import display_name, spool_pieces
from vermilion.library.views import AssetView
from vermilion.storage import StorageFailed

DOWNLOAD_SECONDS: Final = 60.0
DOWNLOAD_MAX_BYTES: Final = 100 * 2**20
"""Enough for every input a model takes; larger files are for uploading."""

_log = structlog.get_logger("vermilion.library")


class ReceivingHouse(Protocol):
    """What receiving a file needs of the house."""

    @property
    def db(self) -> Database: ...

    @property
    def keeper(self) -> Keeper: ...

    @property
    def downloader(self) -> Downloader: ...

    @property
    def max_upload_bytes(self) -> int: ...


async def receive_pieces(
    house: ReceivingHouse, user_id: UUID, pieces: AsyncIterable[bytes], *, name: str | None, now: datetime
) -> AssetView:
    """Keep a file for a person, piece by piece, as if they had uploaded it. Raises as an upload does."""
    try:
        spooled = await spool_pieces(pieces, house.keeper.spool_dir, max_bytes=house.max_upload_bytes)
    except StorageFailed as error:
        raise _not_kept(error) from error
    return await _keep(house, user_id, spooled.path, spooled.sha256, name, now)


async def receive_text(
    house: ReceivingHouse, user_id: UUID, text: str, *, field: str, name: str | None, now: datetime
) -> AssetView:
    """Keep a file that came as base64, with or without the head of a data URL.

    Raises `Invalid` (`asset.not_base64`) naming `field`, and as an upload does.
    """
    try:
        content = await asyncio.to_thread(_decoded, text)
    except (binascii.Error, ValueError) as error:
        raise Invalid("asset.not_base64", "This is neither an address nor a file as base64.", field=field) from error

    async def pieces() -> AsyncIterable[bytes]:
        yield content

    return await receive_pieces(house, user_id, pieces(), name=name, now=now)


async def receive_from_address(
    house: ReceivingHouse, user_id: UUID, url: str, *, field: str, now: datetime
) -> AssetView:
    """Fetch a file from an address a person names, and keep it for them.

    Raises `Invalid` (`asset.not_fetched`) naming `field`, and as an upload does.
    """
    most = min(house.max_upload_bytes, DOWNLOAD_MAX_BYTES)
    limits = DownloadLimits(max_bytes=most, total_seconds=DOWNLOAD_SECONDS)
    try:
        done = await house.downloader.fetch(url, house.keeper.spool_dir, limits=limits)
    except DownloadFailed as error:
        if error.kind == "too_large":
            raise too_large(limits.max_bytes) from error
        if error.kind == "disk":
            raise _not_kept(error) from error
        raise Invalid("asset.not_fetched", f"The file could not be fetched: {error.detail}", field=field) from error
    return await _keep(house, user_id, done.path, done.sha256, display_name(url.partition("?")[0]), now)


async def _keep(
    house: ReceivingHouse, user_id: UUID, path: Path, sha256: str, name: str | None, now: datetime
) -> AssetView:
    try:
        kept: KeptFile = await house.keeper.keep(path, sha256=sha256)
    except Unreadable as refusal:
        raise refused(refusal) from refusal
    except StorageFailed as error:
        raise _not_kept(error) from error
    shown = display_name(name) if name else None
    return await house.db.write(commands.add_upload, kept, asset_id=new_id(), user_id=user_id, name=shown, now=now)


def _not_kept(error: StorageFailed | DownloadFailed) -> AppError:
    _log.error("library.upload_not_kept", reason=error.detail)
    return not_stored_now()


def _decoded(text: str) -> bytes:
    head, comma, tail = text.partition(",")
    if comma and head.startswith("data:"):
        if not head.endswith(";base64"):
            raise ValueError("a data URL that is not base64")
        text = tail
    content = base64.b64decode("".join(text.split()), validate=True)
    if not content:
        raise ValueError("nothing")
    return content
