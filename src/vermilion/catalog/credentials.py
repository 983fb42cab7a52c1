"""Adding, changing and removing credentials. Secrets go in sealed and come out masked, and leave with their host."""

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, insert, select, update

from vermilion.catalog import credential_fields
from vermilion.catalog.provider_views import CredentialView, KnownBalanceView
from vermilion.catalog.queries import fields_of
from vermilion.catalog.tables import CredentialRow
from vermilion.db import Tx, announce
from vermilion.identity import Actor, audit
from vermilion.kit import Change, Conflict, Given, NotFound, new_id
from vermilion.kit.sealed import SealBroken, Sealer
from vermilion.providers import Probe, Provider, adapters

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
FieldValue = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00-\x1f\x7f]*$")]
FIELDS_MAX = 20
"""How many fields a credential may have."""
Fields = Annotated[dict[Annotated[str, Field(max_length=80)], FieldValue], Field(max_length=FIELDS_MAX)]
Weight = Annotated[int, Field(ge=1, le=100, strict=True)]
Concurrent = Annotated[int, Field(ge=1, le=10_000, strict=True)]
HealthState = Literal["up", "degraded", "down"]
CREDENTIALS_TOPIC = "credentials"
"""Announced after commit when a credential was added, changed, deleted or tested."""
_NO_BALANCE: dict[str, Any] = {"balance_amount": None, "balance_unit": None, "balance_at": None}


class CredentialDraft(Given):
    """A new credential; without `max_concurrent` it gets what the provider grants new accounts."""

    name: Name
    fields: Fields
    enabled: bool = True
    weight: Weight = 1
    max_concurrent: Concurrent | None = None
    allow_private_hosts: bool = False


class CredentialPatch(Change):
    """A change to a credential; fields left out, and secrets written back as their mask, stay as they are."""

    name: Name | None = None
    fields: Fields | None = None
    enabled: bool | None = None
    weight: Weight | None = None
    max_concurrent: Concurrent | None = None
    allow_private_hosts: bool | None = None


def add_credential(
    tx: Tx, sealer: Sealer, actor: Actor | None, provider: str, draft: CredentialDraft, *, now: datetime
) -> CredentialRow:
    """Store a new credential.

    Raises `NotFound` (`provider.unknown`), `Invalid` (`credential.invalid_field`) and `Conflict`
    (`credential.name_taken`).
    """
    adapter = _adapter(provider)
    fields = credential_fields.complete(adapter.credential_fields, draft.fields, {}, private=draft.allow_private_hosts)
    _require_free_name(tx, provider, draft.name, None)
    credential_id = new_id()
    values = draft.model_dump(exclude={"fields", "max_concurrent"})
    tx.execute(
        insert(CredentialRow).values(
            id=credential_id,
            provider=provider,
            fields_sealed=_sealed(sealer, credential_id, fields),
            max_concurrent=draft.max_concurrent or adapter.max_concurrent_default,
            managed_by=None,
            health_state="up",
            health_since=now,
            last_error=None,
            cooldown_until=None,
            created_at=now,
            **_NO_BALANCE,
            **values,
        )
    )
    row = tx.get_one(CredentialRow, credential_id)
    announce(tx, CREDENTIALS_TOPIC)
    audit(tx, actor, "credential.add", f"credential:{row.id}", None, _audited(adapter, row, fields), now)
    return row


def change_credential(
    tx: Tx, sealer: Sealer, actor: Actor | None, credential_id: UUID, patch: CredentialPatch, *, now: datetime
) -> CredentialRow:
    """Change a credential. Pointing it at another address needs every secret again.

    Raises `NotFound` (`credential.unknown`), `Invalid` (`credential.invalid_field`, `credential.secret_required`),
    `Conflict` (`credential.name_taken`).
    """
    row = _require(tx, credential_id)
    adapter = _adapter(row.provider)
    known = _known(sealer, row)
    private = row.allow_private_hosts if patch.allow_private_hosts is None else patch.allow_private_hosts
    given = patch.fields or {}
    fields = credential_fields.complete(adapter.credential_fields, given, known, private=private)
    moved = any(fields[name] != known.get(name) for name in fields if credential_fields.is_address(name))
    if moved:
        credential_fields.require_secrets(adapter.credential_fields, given, known)
    before = _audited(adapter, row, known)
    values = patch.model_dump(exclude_unset=True, exclude={"fields"})
    if "name" in values:
        _require_free_name(tx, row.provider, values["name"], row.id)
    if fields != known:
        # A new key deserves a fresh start, whatever the old one did.
        fresh = {"health_state": "up", "health_since": now, "last_error": None, "cooldown_until": None}
        values |= {"fields_sealed": _sealed(sealer, row.id, fields), **fresh, **_NO_BALANCE}
    if values:
        tx.execute(update(CredentialRow).where(CredentialRow.id == row.id).values(**values))
        tx.refresh(row)
    announce(tx, CREDENTIALS_TOPIC)
    audit(tx, actor, "credential.change", f"credential:{row.id}", before, _audited(adapter, row, fields), now)
    return row


def delete_credential(tx: Tx, sealer: Sealer, actor: Actor | None, credential_id: UUID, now: datetime) -> None:
    """Forget a credential and its secrets. Raises `NotFound` (`credential.unknown`)."""
    row = _require(tx, credential_id)
    before = _audited(_adapter(row.provider), row, _known(sealer, row))
    tx.execute(delete(CredentialRow).where(CredentialRow.id == row.id))
    announce(tx, CREDENTIALS_TOPIC)
    audit(tx, actor, "credential.delete", f"credential:{credential_id}", before, None, now)


def note_test(tx: Tx, credential_id: UUID, found: Probe, now: datetime) -> None:
    """Write down what a connection test found; one that passed lets waiting work go on at once.

    A balance stays as the last one known until another is told.
    """
    mark_health(tx, credential_id, "up" if found.problem is None else "down", found.problem, None, now)
    if found.balance is not None:
        told = {"balance_amount": found.balance.amount[:40], "balance_unit": found.balance.unit[:40]}
        tx.execute(update(CredentialRow).where(CredentialRow.id == credential_id).values(balance_at=now, **told))
    announce(tx, CREDENTIALS_TOPIC)


def mark_health(
    tx: Tx,
    credential_id: UUID,
    state: HealthState,
    error: str | None,
    cooldown_until: datetime | None,
    now: datetime,
) -> None:
    """Write down how a credential is; `health_since` moves only when the state changes."""
    own = update(CredentialRow).where(CredentialRow.id == credential_id)
    tx.execute(own.where(CredentialRow.health_state != state).values(health_since=now))
    tx.execute(own.values(health_state=state, last_error=error[:500] if error else None, cooldown_until=cooldown_until))


def ensure_sandbox_credential(
    tx: Tx, sealer: Sealer, provider: str, fields: Mapping[str, str], now: datetime, *, max_concurrent: int = 10
) -> UUID:
    """The credential that points at the house's own sandbox: made, or brought up to date and switched on."""
    complete = credential_fields.complete(_adapter(provider).credential_fields, fields, {}, private=True)
    found = tx.scalars(
        select(CredentialRow).where(CredentialRow.provider == provider, CredentialRow.managed_by == "sandbox")
    ).first()
    if found is not None:
        values: dict[str, Any] = {"enabled": True}
        if complete != _known(sealer, found):
            values |= {"fields_sealed": _sealed(sealer, found.id, complete), **_NO_BALANCE}
        tx.execute(update(CredentialRow).where(CredentialRow.id == found.id).values(**values))
        mark_health(tx, found.id, "up", None, None, now)
        return found.id
    draft = CredentialDraft(
        name=_free_name(tx, provider, "Sandbox"),
        fields=dict(fields),
        max_concurrent=max_concurrent,
        allow_private_hosts=True,
    )
    row = add_credential(tx, sealer, None, provider, draft, now=now)
    tx.execute(update(CredentialRow).where(CredentialRow.id == row.id).values(managed_by="sandbox"))
    return row.id


def disable_sandbox_credentials(tx: Tx) -> None:
    """Switch off every credential that points at the sandbox: it does not run this time."""
    tx.execute(update(CredentialRow).where(CredentialRow.managed_by == "sandbox").values(enabled=False))


def credential_view(sealer: Sealer, row: CredentialRow, in_flight: int) -> CredentialView:
    """A credential as an admin sees it."""
    error = row.last_error
    state = row.health_state
    try:
        fields = credential_fields.masked(_adapter(row.provider).credential_fields, fields_of(sealer, row))
    except SealBroken:
        fields, state, error = {}, "down", "This house's key file does not open it: enter every field again."
    return CredentialView.model_validate(
        {
            "id": row.id,
            "provider": row.provider,
            "name": row.name,
            "fields": fields,
            "enabled": row.enabled,
            "weight": row.weight,
            "max_concurrent": row.max_concurrent,
            "allow_private_hosts": row.allow_private_hosts,
            "managed_by": row.managed_by,
            "health": {
                "state": state,
                "since": row.health_since,
                "last_error": error,
                "cooldown_until": row.cooldown_until,
            },
            "balance": _balance(row),
            "in_flight": in_flight,
        }
    )


def _balance(row: CredentialRow) -> KnownBalanceView | None:
    if row.balance_amount is None or row.balance_unit is None or row.balance_at is None:
        return None
    return KnownBalanceView(amount=row.balance_amount, unit=row.balance_unit, at=row.balance_at)


def _audited(adapter: type[Provider], row: CredentialRow, fields: Mapping[str, str]) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "name": row.name,
        "enabled": row.enabled,
        "weight": row.weight,
        "max_concurrent": row.max_concurrent,
        "allow_private_hosts": row.allow_private_hosts,
        "fields": credential_fields.masked(adapter.credential_fields, fields),
    }


def _known(sealer: Sealer, row: CredentialRow) -> Mapping[str, str]:
    """The stored fields; none where the key file does not open them, so that everything must be entered again."""
    try:
        return fields_of(sealer, row)
    except SealBroken:
        return {}


def _sealed(sealer: Sealer, credential_id: UUID, fields: Mapping[str, str]) -> str:
    return sealer.seal(json.dumps(fields), bound_to=f"credential:{credential_id}")


def _adapter(provider: str) -> type[Provider]:
    found = adapters().get(provider)
    if found is None:
        raise NotFound("provider.unknown", f"There is no provider {provider[:40]!r}.")
    return found


def _require(tx: Tx, credential_id: UUID) -> CredentialRow:
    row = tx.get(CredentialRow, credential_id)
    if row is None:
        raise NotFound("credential.unknown", "There is no such credential.")
    return row


def _require_free_name(tx: Tx, provider: str, name: str, but: UUID | None) -> None:
    taken = tx.scalars(
        select(CredentialRow.id).where(CredentialRow.provider == provider, CredentialRow.name == name)
    ).first()
    if taken is not None and taken != but:
        raise Conflict("credential.name_taken", "Another credential of this provider has this name.", field="name")


def _free_name(tx: Tx, provider: str, wanted: str) -> str:
    taken = set(tx.scalars(select(CredentialRow.name).where(CredentialRow.provider == provider)))
    names = (wanted if number == 1 else f"{wanted} {number}" for number in count(1))
    return next(name for name in names if name not in taken)
