"""What an admin may change about a model: whether it is on, who sees it, what it costs."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete

from vermilion.catalog.entry import Entry
from vermilion.catalog.price import PRICE_MAX_CREDITS, PRICE_MIN_CREDITS
from vermilion.catalog.queries import declared_entry, effective
from vermilion.catalog.shelf import Shelf
from vermilion.catalog.tables import ModelOverrideRow
from vermilion.catalog.views import OverridePatch
from vermilion.db import Tx, insert_into
from vermilion.identity import Actor, audit
from vermilion.kit import Invalid


def override_model(
    tx: Tx, shelf: Shelf, actor: Actor | None, model: str, patch: OverridePatch, *, now: datetime
) -> Entry:
    """Change, or with `reset` forget, what was changed about a model; the entry as it is from now on.

    Raises `NotFound` for an unknown model and `Invalid` (`catalog.invalid_price`) for a price that some request
    could take out of bounds.
    """
    entry = declared_entry(tx, shelf, model)
    before = effective(tx, entry)
    if patch.reset:
        tx.execute(delete(ModelOverrideRow).where(ModelOverrideRow.model_id == entry.id))
    changes = patch.model_dump(exclude_unset=True, exclude={"reset"})
    if changes:
        values = {"model_id": entry.id, "updated_at": now, **changes}
        tx.execute(
            insert_into(tx, ModelOverrideRow)
            .values(**values)
            .on_conflict_do_update(index_elements=["model_id"], set_={"updated_at": now, **changes})
        )
    tx.expire_all()
    after = effective(tx, entry)
    lowest, highest = after.price_range()
    if lowest < PRICE_MIN_CREDITS or highest > PRICE_MAX_CREDITS:
        raise Invalid(
            "catalog.invalid_price",
            f"A request would cost {lowest:,} to {highest:,} credits;"
            f" it must be {PRICE_MIN_CREDITS} to {PRICE_MAX_CREDITS:,}.",
            field="per_output_credits" if "per_output_credits" in changes else "base_credits",
        )
    audit(tx, actor, "model.override", f"model:{entry.id}", _audited(before), _audited(after), now)
    return after


def _audited(entry: Entry) -> dict[str, Any]:
    return {
        "enabled": entry.enabled,
        "visibility": entry.visibility,
        "base_credits": entry.price.base_credits,
        "per_output_credits": entry.price.per_output_credits,
    }
