"""Questions about models and credentials, answered in the caller's transaction, so that an admin's change counts at

once on every node.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, select

from vermilion.catalog.entry import Entry
from vermilion.catalog.own_models import own_entries, own_entry
from vermilion.catalog.shelf import Shelf, unknown_model
from vermilion.catalog.tables import CredentialRow, ModelOverrideRow
from vermilion.db import PerDialect, RowByKey, Tx
from vermilion.kit import Conflict, Forbidden
from vermilion.kit.sealed import SealBroken, Sealer
from vermilion.providers import Login, adapters

Role = Literal["user", "admin"]
ProviderHealth = Literal["up", "degraded", "down", "unconfigured"]


@dataclass(frozen=True, slots=True)
class OpenCredential:
    """A credential with its fields in clear, for as long as a call takes; never stored, logged or shown."""

    id: UUID
    provider: str
    name: str
    login: Login
    weight: int
    max_concurrent: int
    cooldown_until: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider can be reached, and since when; `since` is null where nothing is configured."""

    provider: str
    state: ProviderHealth
    since: datetime | None


_OVERRIDE = RowByKey(ModelOverrideRow, "model_id")
_ENABLED_ONE = PerDialect(
    lambda _: (
        select(CredentialRow.id).where(CredentialRow.provider == bindparam("provider"), CredentialRow.enabled).limit(1)
    )
)


def effective(tx: Tx, entry: Entry) -> Entry:
    """The entry as an admin's override changes it."""
    return _applied(entry, _OVERRIDE.get(tx, model_id=entry.id))


def declared_entry(tx: Tx, shelf: Shelf, model: str) -> Entry:
    """The entry of that id or alias as it was declared, on the shelf or by an admin.

    Raises `NotFound` (`catalog.unknown_model`).
    """
    entry = shelf.get(model) or own_entry(tx, model)
    if entry is None:
        raise unknown_model(model)
    return entry


def declared_entries(tx: Tx, shelf: Shelf) -> list[Entry]:
    """Every entry as it was declared: the shelf's, then those that admins made, by id."""
    return [*shelf.entries(), *own_entries(tx)]


def effective_entries(tx: Tx, shelf: Shelf, role: Role) -> list[Entry]:
    """Every entry this role may know of, with overrides applied; disabled ones are among them."""
    overrides = {row.model_id: row for row in tx.scalars(select(ModelOverrideRow))}
    entries = [_applied(entry, overrides.get(entry.id)) for entry in declared_entries(tx, shelf)]
    return [entry for entry in entries if _may_know(entry, role)]


def visible_entry(tx: Tx, shelf: Shelf, model: str, role: Role) -> Entry:
    """The entry of that id or alias, with its override. Raises `NotFound` (`catalog.unknown_model`)."""
    entry = effective(tx, declared_entry(tx, shelf, model))
    if not _may_know(entry, role):
        raise unknown_model(model)
    return entry


def usable_entry(tx: Tx, shelf: Shelf, model: str, role: Role) -> Entry:
    """The entry somebody of this role may make something with.

    Raises `NotFound` (`catalog.unknown_model`), also for models kept for admins, and `Forbidden`
    (`catalog.model_disabled`).
    """
    entry = visible_entry(tx, shelf, model, role)
    if not entry.enabled:
        raise Forbidden("catalog.model_disabled", f"{entry.name.en} is switched off.", field="model")
    return entry


def require_credential(tx: Tx, provider: str) -> None:
    """Raise `Conflict` (`catalog.no_credential`) where no enabled credential reaches this provider.

    Whoever asked would wait for an operator, for hours and with credits held. A credential that only rests is one.
    """
    if _ENABLED_ONE.run(tx, {"provider": provider}).one_or_none() is None:
        adapter = adapters().get(provider)
        title = adapter.title if adapter else provider
        raise Conflict(
            "catalog.no_credential",
            f"{title} is not set up: an admin has to add a credential for it, or switch one on.",
            field="model",
            extras={"provider": provider},
        )


def providers_with_credentials(tx: Tx) -> set[str]:
    """The providers that have at least one enabled credential."""
    return set(tx.scalars(select(CredentialRow.provider).where(CredentialRow.enabled).distinct()))


def provider_states(tx: Tx, providers: Iterable[str]) -> list[ProviderState]:
    """How each provider is: as well as the healthiest of its enabled credentials."""
    rows = tx.scalars(select(CredentialRow).where(CredentialRow.enabled)).all()
    order: tuple[ProviderHealth, ...] = ("up", "degraded", "down")
    states = []
    for provider in providers:
        own = [row for row in rows if row.provider == provider]
        found = [state for state in order if any(row.health_state == state for row in own)]
        state = found[0] if found else "unconfigured"
        since = [row.health_since for row in own if row.health_state == state]
        states.append(ProviderState(provider, state, min(since, default=None)))
    return states


def all_credentials(tx: Tx) -> list[CredentialRow]:
    """Every credential, the oldest first."""
    return list(tx.scalars(select(CredentialRow).order_by(CredentialRow.created_at, CredentialRow.id)))


def logins(tx: Tx, sealer: Sealer, provider: str) -> list[OpenCredential]:
    """The enabled credentials of a provider, opened; one that the key file does not open is left out."""
    rows = tx.scalars(
        select(CredentialRow)
        .where(CredentialRow.provider == provider, CredentialRow.enabled)
        .order_by(CredentialRow.created_at, CredentialRow.id)
    )
    return [opened for row in rows if (opened := _open(sealer, row)) is not None]


def open_credential(tx: Tx, sealer: Sealer, credential_id: UUID) -> OpenCredential | None:
    """One credential, opened, also when it is disabled: what it started still has to be followed.

    None when it is gone, or the key file does not open it.
    """
    row = tx.get(CredentialRow, credential_id)
    return None if row is None else _open(sealer, row)


def is_enabled(tx: Tx, credential_id: UUID) -> bool:
    """Whether new jobs may go with this credential; False when it is gone."""
    return bool(tx.scalar(select(CredentialRow.enabled).where(CredentialRow.id == credential_id)))


def fields_of(sealer: Sealer, row: CredentialRow) -> Mapping[str, str]:
    """A credential's fields in clear; raises `SealBroken`."""
    fields: dict[str, str] = json.loads(sealer.open(row.fields_sealed, bound_to=f"credential:{row.id}"))
    return fields


def _open(sealer: Sealer, row: CredentialRow) -> OpenCredential | None:
    try:
        fields = fields_of(sealer, row)
    except SealBroken:
        return None
    login = Login(str(row.id), fields, row.allow_private_hosts)
    return OpenCredential(row.id, row.provider, row.name, login, row.weight, row.max_concurrent, row.cooldown_until)


def _applied(entry: Entry, row: ModelOverrideRow | None) -> Entry:
    if row is None:
        return entry
    price = {
        name: value
        for name, value in (("base_credits", row.base_credits), ("per_output_credits", row.per_output_credits))
        if value is not None
    }
    return entry.model_copy(
        update={
            "enabled": entry.enabled if row.enabled is None else row.enabled,
            "visibility": entry.visibility if row.visibility is None else row.visibility,
            "price": entry.price.model_copy(update=price),
        }
    )


def _may_know(entry: Entry, role: Role) -> bool:
    return role == "admin" or entry.visibility == "everyone"
