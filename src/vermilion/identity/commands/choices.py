"""Changing what the operator chose."""

from datetime import datetime
from typing import Any

from vermilion.db import Tx, insert_into
from vermilion.identity.actors import Actor
from vermilion.identity.commands.audit import audit
from vermilion.identity.queries import read_choices
from vermilion.identity.tables import ChoiceRow
from vermilion.identity.views import Choices, ChoicesPatch


def change_choices(tx: Tx, actor: Actor | None, patch: ChoicesPatch, now: datetime) -> Choices:
    """Store the choices that were sent and differ, audited; the answer is all of them."""
    before = read_choices(tx).model_dump()
    changes = {key: value for key, value in patch.model_dump(exclude_unset=True).items() if before[key] != value}
    for key, value in changes.items():
        store_choice(tx, key, value, now)
    if changes:
        audit(tx, actor, "choices.change", "choices", {key: before[key] for key in changes}, changes, now)
    return Choices.model_validate(before | changes)


def store_choice(tx: Tx, key: str, value: Any, now: datetime) -> None:
    """Keep a choice under its key; auditing it is the caller's."""
    newer = {"value": value, "updated_at": now}
    tx.execute(
        insert_into(tx, ChoiceRow).values(key=key, **newer).on_conflict_do_update(index_elements=["key"], set_=newer)
    )
