"""Choosing where new files go, and forgetting places. Audited, and effective at once on every node."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from vermilion.db import Tx, announce
from vermilion.identity import Actor, audit
from vermilion.kit import Conflict, NotFound, new_id
from vermilion.kit.sealed import Sealer
from vermilion.library.places.drafts import Prepared, masked_fields
from vermilion.library.places.tables import FileMoveRow
from vermilion.storage import PLACES_TOPIC, Address, PlaceRow, holds_files


def choose_place(tx: Tx, sealer: Sealer, actor: Actor | None, chosen: Prepared | None, now: datetime) -> None:
    """Have new files go to this cloud from now on; to the studio's own folder for None.

    Files that lie elsewhere stay there and can be read; a move that runs is stopped.
    """
    before = _audited(sealer, _receiving(tx))
    tx.execute(update(PlaceRow).where(PlaceRow.receiving).values(receiving=False))
    if chosen is not None:
        place_id = chosen.place_id or new_id()
        secrets = json.dumps({"access_key": chosen.access_key, "secret_key": chosen.secret_key})
        values = {
            # Of a known place, too: it may be known under another address than this one.
            "kind": chosen.address.kind,
            "address": asdict(chosen.address),
            "secrets_sealed": sealer.seal(secrets, bound_to=f"storage_place:{place_id}"),
            "allow_private_hosts": chosen.allow_private_hosts,
            "receiving": True,
        }
        there = tx.execute(update(PlaceRow).where(PlaceRow.id == place_id).values(**values).returning(PlaceRow.id))
        if there.first() is None:
            tx.execute(insert(PlaceRow).values(id=place_id, created_at=now, **values))
    stopped = {"state": "stopped", "finished_at": now, "updated_at": now}
    tx.execute(update(FileMoveRow).where(FileMoveRow.state == "running").values(**stopped))
    announce(tx, PLACES_TOPIC)
    audit(tx, actor, "storage.change", "storage", before, _audited(sealer, _receiving(tx)), now)


def forget_place(tx: Tx, sealer: Sealer, actor: Actor | None, place_id: UUID, now: datetime) -> None:
    """Forget a place and its login. Raises `NotFound`, and `Conflict` while it receives or holds files."""
    row = tx.get(PlaceRow, place_id, with_for_update=True)
    if row is None:
        raise NotFound("storage.place_unknown", "There is no such place.")
    if row.receiving or holds_files(tx, place_id):
        raise Conflict("storage.place_in_use", "New files go there, or files still lie there: move them first.")
    tx.execute(delete(PlaceRow).where(PlaceRow.id == place_id))
    announce(tx, PLACES_TOPIC)
    audit(tx, actor, "storage.forget", f"storage_place:{place_id}", _audited(sealer, row), None, now)


def _receiving(tx: Tx) -> PlaceRow | None:
    found = select(PlaceRow).where(PlaceRow.receiving).execution_options(populate_existing=True)
    return tx.scalars(found).one_or_none()


def _audited(sealer: Sealer, row: PlaceRow | None) -> dict[str, Any]:
    if row is None:
        return {"kind": "local"}
    return {
        "kind": Address(**row.address).kind,
        **masked_fields(sealer, row),
        "allow_private_hosts": row.allow_private_hosts,
    }
