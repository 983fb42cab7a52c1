"""What an admin changes about a model holds at once, within bounds, and is written down."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests.catalog.conftest import NOW
from vermilion.catalog import OverridePatch, Shelf, effective_entries, override_model, usable_entry
from vermilion.db import Database
from vermilion.identity.tables import AuditRow
from vermilion.kit import Forbidden, Invalid, NotFound


def change(db: Database, shelf: Shelf, model: str = "flux-1-dev", **patch: object) -> None:
    db.write_now(override_model, shelf, None, model, OverridePatch.model_validate(patch), now=NOW)


def quote(db: Database, shelf: Shelf, pictures: int = 2) -> int:
    entry = db.read_now(usable_entry, shelf, "flux-1-dev", "user")
    return entry.quote(entry.accept("a fox", {"num_images": pictures}).params).price_credits


def test_a_price_counts_for_the_next_request_and_can_be_given_back(db: Database, shelf: Shelf) -> None:
    assert quote(db, shelf) == 6
    change(db, shelf, per_output_credits=10)
    assert quote(db, shelf) == 20
    change(db, shelf, base_credits=5)
    assert quote(db, shelf) == 25
    change(db, shelf, per_output_credits=None)
    assert quote(db, shelf) == 11
    change(db, shelf, reset=True)
    assert quote(db, shelf) == 6
    assert db.read_now(effective_entries, shelf, "user") == list(shelf.entries())


def test_a_reset_and_a_change_can_come_together(db: Database, shelf: Shelf) -> None:
    change(db, shelf, per_output_credits=10, enabled=False)
    change(db, shelf, reset=True, base_credits=1)
    assert quote(db, shelf) == 7


@pytest.mark.parametrize(
    "patch", [{"per_output_credits": 0}, {"per_output_credits": 250_001}, {"base_credits": 1_000_000}]
)
def test_no_price_is_stored_that_some_request_takes_out_of_bounds(
    db: Database, shelf: Shelf, patch: dict[str, int]
) -> None:
    with pytest.raises(Invalid) as raised:
        change(db, shelf, **patch)
    assert raised.value.code == "catalog.invalid_price"
    assert quote(db, shelf) == 6


@pytest.mark.parametrize("column", ["base_credits", "per_output_credits"])
def test_the_database_itself_refuses_a_negative_price(db: Database, column: str) -> None:
    with pytest.raises(IntegrityError):
        db.write_now(
            lambda tx: tx.execute(
                text(f"insert into model_override (model_id, {column}, updated_at) values ('flux-1-dev', -1, :now)"),
                {"now": NOW.isoformat() if db.dialect == "sqlite" else NOW},
            )
        )


def test_a_disabled_model_is_known_and_refused(db: Database, shelf: Shelf) -> None:
    change(db, shelf, enabled=False)
    with pytest.raises(Forbidden) as raised:
        db.read_now(usable_entry, shelf, "flux-1-dev", "admin")
    assert raised.value.code == "catalog.model_disabled"
    assert [entry.enabled for entry in db.read_now(effective_entries, shelf, "user") if entry.id == "flux-1-dev"] == [
        False
    ]


def test_a_model_for_admins_is_as_absent_for_others_as_an_unknown_one(db: Database, shelf: Shelf) -> None:
    change(db, shelf, visibility="admins")
    with pytest.raises(NotFound) as hidden:
        db.read_now(usable_entry, shelf, "fal-ai/flux-1/dev", "user")
    with pytest.raises(NotFound) as unknown:
        db.read_now(usable_entry, shelf, "no-such-model", "user")
    assert (hidden.value.code, hidden.value.field) == (unknown.value.code, unknown.value.field)
    assert hidden.value.detail == "There is no model 'fal-ai/flux-1/dev'."
    assert db.read_now(usable_entry, shelf, "flux-1-dev", "admin").id == "flux-1-dev"
    assert "flux-1-dev" not in {entry.id for entry in db.read_now(effective_entries, shelf, "user")}


def test_every_change_is_audited_with_before_and_after(db: Database, shelf: Shelf) -> None:
    change(db, shelf, model="fal-ai/flux-1/dev", per_output_credits=10)
    row = db.read_now(lambda tx: tx.scalars(select(AuditRow)).one())
    assert (row.action, row.target) == ("model.override", "model:flux-1-dev")
    assert (row.before["per_output_credits"], row.after["per_output_credits"]) == (3, 10)  # type: ignore[index]
