"""Making the `Call` an adapter gets: the clean request, the person's files by role, and where to call us back."""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from vermilion import library
from vermilion.catalog import is_enabled
from vermilion.db import Database, Tx
from vermilion.generation.tables import AttemptRow
from vermilion.generation.work import Work
from vermilion.kit import NotFound
from vermilion.library import AssetRow
from vermilion.providers import Call, InputFile
from vermilion.storage import Storage

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}


class CallbackAddress:
    """Addresses providers may call: one per attempt, unguessable, and nothing to store.

    The token is `<attempt id>.<HMAC-SHA256 of it, 192 bits>`. Without a public URL there are no callbacks.
    """

    def __init__(self, key: bytes, public_url: str | None) -> None:
        self._key = key
        self._public_url = public_url.rstrip("/") if public_url else None

    def url(self, provider: str, attempt_id: UUID) -> str | None:
        """Where a provider may call about this attempt."""
        if self._public_url is None:
            return None
        return f"{self._public_url}/api/v1/callbacks/{provider}/{attempt_id.hex}.{self._sign(attempt_id)}"

    def attempt_id(self, token: str) -> UUID:
        """Which attempt a token speaks of; raises `NotFound` for one that is not ours."""
        text, _, signature = token.partition(".")
        try:
            attempt_id = UUID(hex=text)
        except ValueError:
            raise _no_such_address() from None
        if not hmac.compare_digest(self._sign(attempt_id).encode(), signature.encode("utf-8", "replace")):
            raise _no_such_address()
        return attempt_id

    def _sign(self, attempt_id: UUID) -> str:
        digest = hmac.new(self._key, b"callback:" + attempt_id.bytes, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:24]).decode()


class InputsGone(Exception):
    """A picture this was to be made from has been deleted: without it, it would be something else."""


class CallMaker:
    """Makes calls; one per process."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        callbacks: CallbackAddress,
        file_address: Callable[[UUID], str | None] = lambda _: None,
    ) -> None:
        self._db = db
        self._storage = storage
        self._callbacks = callbacks
        self._file_address = file_address

    async def make(self, work: Work, attempt_id: UUID) -> Call:
        """The call for an attempt of this work. Raises `InputsGone`."""
        row, entry = work.row, work.entry
        asset_ids = [UUID(given["asset_id"]) for given in row.inputs]
        assets: dict[UUID, AssetRow] = {}
        parent: dict[str, Any] | None = None
        if asset_ids or row.parent_id is not None:
            assets, parent = await self._db.read(_belongings, row.user_id, asset_ids, row.parent_id, row.provider)
        if not assets.keys() >= set(asset_ids):
            raise InputsGone
        return Call(
            reference=str(attempt_id),
            endpoint=entry.endpoint,
            makes=entry.makes,
            prompt=row.prompt,
            params=entry.wire_params(row.params),
            inputs=tuple(self._file(assets[UUID(given["asset_id"])], given) for given in row.inputs),
            options=entry.wire_options(),
            callback_url=self._callbacks.url(row.provider, attempt_id),
            parent=parent,
        )

    def _file(self, asset: AssetRow, given: dict[str, Any]) -> InputFile:
        return InputFile(
            role=given["role"],
            content_type=asset.content_type,
            filename=f"input.{_EXTENSIONS.get(asset.content_type, 'bin')}",
            size_bytes=asset.size_bytes,
            read=self._reader(asset.storage_key),
            weight=given["weight"],
            duration_seconds=asset.duration_seconds,
            url=self._file_address(asset.id),
        )

    def _reader(self, key: str) -> Callable[[], Awaitable[bytes]]:
        async def read() -> bytes:
            return b"".join([piece async for piece in await self._storage.open(key)])

        return read


def made_with(tx: Tx, generation_id: UUID, provider: str) -> tuple[UUID, bool] | None:
    """The credential a generation was made with at this provider, and whether it may be used now.

    Only that account knows what it made.
    """
    made = _last_accepted(tx, generation_id, provider)
    return None if made is None else (made.credential_id, is_enabled(tx, made.credential_id))


def _last_accepted(tx: Tx, generation_id: UUID, provider: str) -> AttemptRow | None:
    return tx.scalars(
        select(AttemptRow)
        .where(
            AttemptRow.generation_id == generation_id, AttemptRow.provider == provider, AttemptRow.ticket.is_not(None)
        )
        .order_by(AttemptRow.n.desc())
        .limit(1)
    ).first()


def _belongings(
    tx: Tx, user_id: UUID, asset_ids: list[UUID], parent_id: UUID | None, provider: str
) -> tuple[dict[UUID, AssetRow], dict[str, Any] | None]:
    assets = library.usable_inputs(tx, user_id, asset_ids) if asset_ids else {}
    if parent_id is None:
        return assets, None
    made = _last_accepted(tx, parent_id, provider)
    return assets, None if made is None else made.ticket


def _no_such_address() -> NotFound:
    return NotFound("callback.unknown", "No callback is expected here.")
