"""Credentials: sealed at rest, masked outside, and their secrets stay with the address they were given for."""

import json
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from tests.catalog.conftest import NOW, SECRET
from vermilion.catalog import (
    CredentialDraft,
    CredentialPatch,
    add_credential,
    change_credential,
    delete_credential,
    disable_sandbox_credentials,
    ensure_sandbox_credential,
    logins,
    mark_health,
    open_credential,
    provider_states,
)
from vermilion.catalog.credentials import credential_view
from vermilion.catalog.tables import CredentialRow
from vermilion.db import Database
from vermilion.identity.tables import AuditRow
from vermilion.kit import Conflict, Invalid, NotFound
from vermilion.kit.sealed import Sealer

MASKED = "••••abcd"


def add(db: Database, sealer: Sealer, name: str = "Main", **more: Any) -> UUID:
    fields = {"key": SECRET, **more.pop("fields", {})}
    draft = CredentialDraft.model_validate({"name": name, "fields": fields, **more})
    return db.write_now(add_credential, sealer, None, "fal", draft, now=NOW).id


def change(db: Database, sealer: Sealer, credential_id: UUID, **patch: Any) -> CredentialRow:
    given = CredentialPatch.model_validate(patch)
    return db.write_now(change_credential, sealer, None, credential_id, given, now=NOW + timedelta(hours=1))


def fields(db: Database, sealer: Sealer, credential_id: UUID) -> dict[str, str]:
    opened = db.read_now(open_credential, sealer, credential_id)
    assert opened is not None
    return dict(opened.login.fields)


def row_of(db: Database, credential_id: UUID) -> CredentialRow:
    return db.read_now(lambda tx: tx.get_one(CredentialRow, credential_id))


def test_a_credential_opens_for_use_with_defaults_filled_in(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer, weight=3)
    (opened,) = db.read_now(logins, sealer, "fal")
    assert opened.id == credential_id
    assert opened.login.fields == {
        "key": SECRET, "base_url": "https://queue.fal.run", "scheme": "Key",
        "rest_url": "https://rest.fal.ai", "platform_url": "",
    }  # fmt: skip
    assert (opened.weight, opened.max_concurrent, opened.login.allow_private_hosts) == (3, 2, False)
    assert opened.login.credential_id == str(credential_id)
    assert db.read_now(logins, sealer, "acme") == []


def test_the_secret_is_nowhere_in_clear(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    change(db, sealer, credential_id, fields={"key": SECRET + "-new"})
    row = row_of(db, credential_id)
    audited = db.read_now(lambda tx: [(entry.before, entry.after) for entry in tx.scalars(select(AuditRow))])
    view = credential_view(sealer, row, 0)
    assert view.fields["key"] == "••••-new"
    for place in (row.fields_sealed, json.dumps(audited), view.model_dump_json()):
        assert "not-secret" not in place


def test_a_short_secret_shows_nothing_of_itself(db: Database, sealer: Sealer) -> None:
    assert credential_view(sealer, row_of(db, add(db, sealer, fields={"key": "abcdefgh"})), 0).fields["key"] == "••••"


def test_writing_back_the_mask_keeps_the_secret(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    change(db, sealer, credential_id, name="Other", fields={"key": MASKED, "base_url": "https://queue.fal.run/"})
    assert fields(db, sealer, credential_id)["key"] == SECRET
    assert row_of(db, credential_id).name == "Other"


def test_another_mask_is_no_secret(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    with pytest.raises(Invalid) as raised:
        change(db, sealer, credential_id, fields={"key": "••••wxyz"})
    assert (raised.value.code, raised.value.field) == ("credential.invalid_field", "fields.key")
    with pytest.raises(Invalid):
        add(db, sealer, "Second", fields={"key": "••••"})


@pytest.mark.parametrize("given", [{}, {"key": MASKED}, {"key": ""}])
@pytest.mark.parametrize("address", ["base_url", "rest_url"])
def test_a_new_address_needs_the_secret_again(
    db: Database, sealer: Sealer, given: dict[str, str], address: str
) -> None:
    credential_id = add(db, sealer)
    with pytest.raises(Invalid) as raised:
        change(db, sealer, credential_id, fields={address: "https://gateway.example", **given})
    assert raised.value.code in {"credential.secret_required", "credential.invalid_field"}
    assert raised.value.field == "fields.key"
    assert fields(db, sealer, credential_id)[address] != "https://gateway.example"
    change(db, sealer, credential_id, fields={address: "https://gateway.example", "key": "another-key-not-secret"})
    assert fields(db, sealer, credential_id)[address] == "https://gateway.example"


@pytest.mark.parametrize(
    "address",
    ["http://queue.fal.run", "ftp://queue.fal.run", "queue.fal.run", "https://", "https://user:pw@queue.fal.run",
     "https://queue.fal.run/?x=1", "https://queue.fal.run/#x", "https://127.0.0.1", "https://10.0.0.8", "https://[::1]",
     "https://169.254.169.254", "https://localhost", "https://queue.fal.run:99999", "https://[bad"],
)  # fmt: skip
def test_an_address_is_public_and_encrypted(db: Database, sealer: Sealer, address: str) -> None:
    with pytest.raises(Invalid) as raised:
        add(db, sealer, fields={"base_url": address})
    assert (raised.value.code, raised.value.field) == ("credential.invalid_field", "fields.base_url")


def test_private_addresses_are_the_operators_to_allow(db: Database, sealer: Sealer) -> None:
    address = "http://127.0.0.1:8081/fal"
    credential_id = add(db, sealer, fields={"base_url": address}, allow_private_hosts=True)
    assert fields(db, sealer, credential_id)["base_url"] == address
    with pytest.raises(Invalid):
        change(db, sealer, credential_id, allow_private_hosts=False)


@pytest.mark.parametrize("extra", [{"password": "x"}, {"key": " "}, {"base_url": "https:// "}])
def test_fields_are_those_the_provider_asks_for(db: Database, sealer: Sealer, extra: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        add(db, sealer, fields=extra)


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("X-API-Key", True), ("authorization", True), ("X_Key.v1", True), ("", True),
        ("Host", False), ("content-LENGTH", False), ("Connection", False), ("Keep-Alive", False), ("TE", False),
        ("Transfer-Encoding", False), ("Proxy-Authorization", False), ("Cookie", False), ("X API Key", False),
        ("X-Key:", False), ("密钥", False), ("x" * 81, False),
    ],
)  # fmt: skip
def test_the_header_of_a_key_is_one_that_can_be_sent(db: Database, sealer: Sealer, header: str, taken: bool) -> None:
    given = {"base_url": "https://comfy.example", "api_key": SECRET, "key_header": header}
    draft = CredentialDraft.model_validate({"name": "Main", "fields": given})
    if taken:
        row = db.write_now(add_credential, sealer, None, "comfyui", draft, now=NOW)
        assert fields(db, sealer, row.id)["key_header"] == header
        return
    with pytest.raises(Invalid) as refused:
        db.write_now(add_credential, sealer, None, "comfyui", draft, now=NOW)
    assert (refused.value.code, refused.value.field) == ("credential.invalid_field", "fields.key_header")


def test_names_are_unique_at_a_provider(db: Database, sealer: Sealer) -> None:
    first, second = add(db, sealer), add(db, sealer, "Second")
    with pytest.raises(Conflict):
        add(db, sealer)
    with pytest.raises(Conflict):
        change(db, sealer, second, name="Main")
    change(db, sealer, first, name="Main")


def test_a_sealed_text_moved_to_another_row_does_not_open_there(db: Database, sealer: Sealer) -> None:
    first, second = add(db, sealer), add(db, sealer, "Second")
    moved = row_of(db, first).fields_sealed
    db.write_now(
        lambda tx: tx.execute(update(CredentialRow).where(CredentialRow.id == second).values(fields_sealed=moved))
    )
    assert db.read_now(open_credential, sealer, second) is None
    assert [opened.id for opened in db.read_now(logins, sealer, "fal")] == [first]


def test_with_another_key_file_everything_must_be_entered_again_and_then_works(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    other = Sealer({"k2": secrets.token_bytes(32)}, "k2")
    assert db.read_now(logins, other, "fal") == []
    view = credential_view(other, row_of(db, credential_id), 0)
    assert (view.fields, view.health.state) == ({}, "down")
    with pytest.raises(Invalid):
        change(db, other, credential_id, fields={"base_url": "https://queue.fal.run"})
    change(db, other, credential_id, fields={"key": SECRET})
    assert fields(db, other, credential_id)["key"] == SECRET


def test_a_disabled_credential_takes_no_new_work_and_finishes_its_own(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    change(db, sealer, credential_id, enabled=False)
    assert db.read_now(logins, sealer, "fal") == []
    assert db.read_now(open_credential, sealer, credential_id) is not None


def test_a_deleted_credential_is_gone(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    db.write_now(delete_credential, sealer, None, credential_id, NOW)
    assert db.read_now(open_credential, sealer, credential_id) is None
    with pytest.raises(NotFound):
        db.write_now(delete_credential, sealer, None, credential_id, NOW)
    with pytest.raises(NotFound):
        change(db, sealer, credential_id, name="Ghost")


def test_health_remembers_since_when(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    later, latest = NOW + timedelta(minutes=5), NOW + timedelta(minutes=9)
    db.write_now(mark_health, credential_id, "down", "x" * 900, later, later)
    db.write_now(mark_health, credential_id, "down", "still", None, latest)
    row = row_of(db, credential_id)
    assert (row.health_state, row.health_since, row.last_error, row.cooldown_until) == ("down", later, "still", None)
    db.write_now(mark_health, credential_id, "up", None, None, latest)
    assert (row_of(db, credential_id).health_since, row_of(db, credential_id).last_error) == (latest, None)


def test_a_new_secret_starts_with_a_clean_record(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    db.write_now(mark_health, credential_id, "down", "refused", NOW, NOW)
    change(db, sealer, credential_id, weight=2)
    assert row_of(db, credential_id).health_state == "down"
    change(db, sealer, credential_id, fields={"key": "another-key-not-secret"})
    row = row_of(db, credential_id)
    assert (row.health_state, row.last_error, row.cooldown_until) == ("up", None, None)


def test_a_provider_is_as_well_as_its_healthiest_credential(db: Database, sealer: Sealer) -> None:
    def state() -> tuple[str, Any]:
        (found,) = db.read_now(provider_states, ["fal"])
        return found.state, found.since

    assert state() == ("unconfigured", None)
    first, second = add(db, sealer), add(db, sealer, "Second")
    db.write_now(mark_health, first, "down", "refused", None, NOW + timedelta(hours=1))
    assert state() == ("up", NOW)
    db.write_now(mark_health, second, "degraded", "slow", None, NOW + timedelta(hours=2))
    assert state() == ("degraded", NOW + timedelta(hours=2))
    change(db, sealer, second, enabled=False)
    assert state() == ("down", NOW + timedelta(hours=1))


def sandbox(db: Database, sealer: Sealer, port: int) -> UUID:
    root = f"http://127.0.0.1:{port}/fal"
    given = {"key": "sandbox-fal-key:not-secret", "base_url": root, "rest_url": f"{root}/rest"}
    return db.write_now(ensure_sandbox_credential, sealer, "fal", given, NOW)


def test_the_sandbox_has_one_credential_which_follows_its_address(db: Database, sealer: Sealer) -> None:
    add(db, sealer, "Sandbox")
    credential_id = sandbox(db, sealer, 8081)
    assert sandbox(db, sealer, 8082) == credential_id
    assert fields(db, sealer, credential_id)["base_url"] == "http://127.0.0.1:8082/fal"
    row = row_of(db, credential_id)
    assert (row.managed_by, row.allow_private_hosts, row.name) == ("sandbox", True, "Sandbox 2")
    assert len(db.read_now(logins, sealer, "fal")) == 2


def test_without_a_sandbox_its_credential_is_off_and_the_operators_own_is_not(db: Database, sealer: Sealer) -> None:
    own, played = add(db, sealer), sandbox(db, sealer, 8081)
    db.write_now(disable_sandbox_credentials)
    assert [opened.id for opened in db.read_now(logins, sealer, "fal")] == [own]
    assert sandbox(db, sealer, 8081) == played
    assert len(db.read_now(logins, sealer, "fal")) == 2


def test_every_change_is_audited(db: Database, sealer: Sealer) -> None:
    credential_id = add(db, sealer)
    change(db, sealer, credential_id, max_concurrent=9)
    db.write_now(delete_credential, sealer, None, credential_id, NOW)
    rows = db.read_now(lambda tx: list(tx.scalars(select(AuditRow).order_by(AuditRow.id))))
    assert [row.action for row in rows] == ["credential.add", "credential.change", "credential.delete"]
    assert {row.target for row in rows} == {f"credential:{credential_id}"}
    assert (rows[1].before["max_concurrent"], rows[1].after["max_concurrent"]) == (2, 9)  # type: ignore[index]
