"""Telling the person what changed, in the transaction that changed it."""

from collections.abc import Sequence
from datetime import datetime

from vermilion import events, library
from vermilion.db import Tx
from vermilion.generation.snapshots import recall
from vermilion.generation.status import Status
from vermilion.generation.tables import GenerationRow
from vermilion.generation.views import GenerationView, generation_view
from vermilion.ledger import Balance
from vermilion.library import AssetRow

_HAS_ASSETS = frozenset({Status.SUCCEEDED})


def view_of(tx: Tx, row: GenerationRow) -> GenerationView:
    """The view of one row, with its assets."""
    return views_of(tx, [row])[0]


def views_of(tx: Tx, rows: Sequence[GenerationRow]) -> list[GenerationView]:
    """The views of several rows, with their assets read in one question."""
    finished = [row.id for row in rows if Status(row.status) in _HAS_ASSETS]
    assets = library.assets_of_generations(tx, finished) if finished else {}
    return [generation_view(row, recall(tx, row.entry_digest), assets.get(row.id, [])) for row in rows]


def publish(
    tx: Tx,
    row: GenerationRow,
    now: datetime,
    *,
    assets: Sequence[AssetRow] | None = None,
    made: Sequence[AssetRow] = (),
    balance: Balance | None = None,
) -> GenerationView:
    """Emit `generation.changed` with exactly what a GET returns now; returns that view.

    Before it, in the same visit to the log, `credits.changed` with the balance after a movement for this row and
    `asset.changed` for each asset that was `made`.
    """
    view = view_of(tx, row) if assets is None else generation_view(row, recall(tx, row.entry_digest), assets)
    changes: list[events.Change] = []
    if balance is not None:
        changes.append(events.Change("credits.changed", {"available": balance.available, "held": balance.held}))
    changes += [events.Change("asset.changed", library.asset_view(asset).model_dump(mode="json")) for asset in made]
    changes.append(events.Change("generation.changed", view.model_dump(mode="json")))
    events.emit_all(tx, row.user_id, changes, now)
    return view
