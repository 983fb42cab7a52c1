"""A service's configuration, as the described system has it: one credential, the prices of models, what is usual.

It is a view on what the admin pages show whole: the service's first credential, the overrides of its models, and the
operator's defaults. Secrets come out masked, and a mask that is written back leaves the secret as it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from vermilion.catalog import (
    FIELDS_MAX,
    CredentialDraft,
    CredentialPatch,
    CredentialView,
    Entry,
    FieldValue,
    OverridePatch,
    Shelf,
    add_credential,
    all_credentials,
    change_credential,
    credential_view,
    override_model,
    visible_entry,
)
from vermilion.db import Tx
from vermilion.dialects.bodies import Body, ModelName, Text
from vermilion.dialects.choosing import entries_of, param_of
from vermilion.dialects.prices import ModelPrice
from vermilion.dialects.table import Service, TimeoutUnit
from vermilion.dialects.telling import called
from vermilion.identity import Actor, ChoicesPatch, change_choices, read_choices
from vermilion.kit import Invalid
from vermilion.kit.sealed import Sealer
from vermilion.providers import adapters

NEW_CREDENTIAL = "Described"
"""The name of a credential that the described configuration made."""

Credits = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class PriceBody(Body):
    """What a model costs: an amount for a request, and one for each result."""

    base_credits: Credits | None = None
    per_output_credits: Credits | None = None
    enabled: bool | None = None


class ConfigBody(Body):
    """What to change of a service's configuration; what is absent stays."""

    enabled: bool | None = None
    base_url: Annotated[FieldValue, Field(max_length=2000)] | None = None
    api_key: FieldValue | None = None
    fields: (
        Annotated[dict[Annotated[str, Field(max_length=80)], FieldValue], Field(max_length=FIELDS_MAX - 2)] | None
    ) = None
    """Beside the two above: together they are no more than a credential may have."""
    allow_private_hosts: bool | None = None
    default_model: ModelName | None = None
    default_mode: Annotated[Text, Field(min_length=1, max_length=80)] | None = None
    models: Annotated[dict[ModelName, PriceBody], Field(max_length=200)] | None = None
    max_concurrent_tasks: Annotated[int, Field(ge=1, le=10_000)] | None = None
    task_timeout: Annotated[int, Field(ge=1, le=86_400_000)] | None = None


class PricedModel(ModelPrice):
    """A model and what it costs; `modes` are the least a request costs in each mode the price tells apart."""

    modes: dict[str, int]


class UserConfigView(BaseModel):
    """What may be used of a service, at what price."""

    service: str
    title: str
    enabled: bool
    default_model: str | None
    default_mode: str | None
    models: list[PricedModel]
    max_concurrent_tasks: int


class ServiceConfigView(UserConfigView):
    """The same with what only admins see; secrets are masked."""

    base_url: str
    api_key: str
    fields: dict[str, str]
    credentials: int
    managed_by: Literal["sandbox"] | None
    health: Literal["up", "degraded", "down", "unconfigured"]
    task_timeout: int
    task_timeout_unit: TimeoutUnit


def user_config(tx: Tx, shelf: Shelf, sealer: Sealer, service: Service, actor: Actor) -> UserConfigView:
    """What a person may use of the service."""
    credential = _first(tx, sealer, service)
    return UserConfigView(**_usable(tx, shelf, service, actor, credential))


def config(tx: Tx, shelf: Shelf, sealer: Sealer, service: Service, actor: Actor) -> ServiceConfigView:
    """The service's configuration for an admin."""
    credential = _first(tx, sealer, service)
    fields = credential.fields if credential else {}
    return ServiceConfigView(
        **_usable(tx, shelf, service, actor, credential),
        base_url=fields.get("base_url", ""),
        api_key=fields.get(service.api_key, ""),
        fields=fields,
        credentials=len(_credentials(tx, sealer, service)),
        managed_by=credential.managed_by if credential else None,
        health=credential.health.state if credential else "unconfigured",
        task_timeout=_timeout(service, entries_of(tx, shelf, service, actor.role)),
        task_timeout_unit=service.timeout_unit,
    )


def configure(
    tx: Tx, shelf: Shelf, sealer: Sealer, service: Service, actor: Actor, body: ConfigBody, now: datetime
) -> ServiceConfigView:
    """Change the configuration; all of it or nothing.

    Raises what changing a credential, a model or a choice raises, and `Invalid` (`dialects.fixed`) for a timeout
    other than the one in force: each model has its own, in the catalog.
    """
    entries = entries_of(tx, shelf, service, actor.role)
    if body.task_timeout is not None and body.task_timeout != (fixed := _timeout(service, entries)):
        raise Invalid(
            "dialects.fixed",
            f"How long a task may take is a matter of each model, in the catalog; here at most {fixed}"
            f" {service.timeout_unit}.",
            field="task_timeout",
        )
    with called(_credential_names(service, body)):
        _change_credential(tx, sealer, service, actor, body, now)
    for model, price in (body.models or {}).items():
        with called(price_names(model)):
            entry = visible_entry(tx, shelf, model, actor.role)
            if entry.provider != service.provider:
                raise Invalid("dialects.other_service", f"{entry.id} is no model of {service.title}.", field="model")
            patch = OverridePatch.model_validate(price.model_dump(exclude_unset=True))
            override_model(tx, shelf, actor, entry.id, patch, now=now)
    _change_defaults(tx, shelf, service, actor, body, now)
    return config(tx, shelf, sealer, service, actor)


def price_names(model: str) -> dict[str, str]:
    """By what the catalog calls what changes about a model: where that stands in a body of models and prices."""
    own = f"models.{model[:80]}"
    return {"model": own, **{name: f"{own}.{name}" for name in PriceBody.model_fields}}


def _credential_names(service: Service, body: ConfigBody) -> dict[str, str]:
    names = {"max_concurrent": "max_concurrent_tasks"}
    for own, name, value in (("base_url", "base_url", body.base_url), (service.api_key, "api_key", body.api_key)):
        # Such a field may also stand among `fields`, where the one beside them wins.
        if value is not None or own not in (body.fields or {}):
            names[f"fields.{own}"] = name
    return names


def _change_credential(tx: Tx, sealer: Sealer, service: Service, actor: Actor, body: ConfigBody, now: datetime) -> None:
    fields = dict(body.fields or {})
    if body.base_url is not None:
        fields["base_url"] = body.base_url
    if body.api_key is not None:
        fields[service.api_key] = body.api_key
    every = _credentials(tx, sealer, service)
    there = _chosen(every)
    if body.enabled is False:
        # A service that is off is off with every login; switched on again, it is on with the one shown.
        for other in every:
            if other.enabled and other is not there:
                change_credential(tx, sealer, actor, other.id, CredentialPatch(enabled=False), now=now)
    changes: dict[str, Any] = {
        name: value
        for name, value in (
            ("enabled", body.enabled),
            ("max_concurrent", body.max_concurrent_tasks),
            ("allow_private_hosts", body.allow_private_hosts),
        )
        if value is not None
    }
    if there is not None and there.managed_by is not None and _brings_secrets(service, fields, there.fields):
        # The sandbox's own credential is made anew at each start: an operator's login gets one of its own.
        there = None
    if there is not None:
        if fields or changes:
            patch = CredentialPatch.model_validate(changes | ({"fields": fields} if fields else {}))
            change_credential(tx, sealer, actor, there.id, patch, now=now)
    elif fields:
        draft = CredentialDraft.model_validate({"name": NEW_CREDENTIAL, "fields": fields, **changes})
        add_credential(tx, sealer, actor, service.provider, draft, now=now)


def _change_defaults(tx: Tx, shelf: Shelf, service: Service, actor: Actor, body: ConfigBody, now: datetime) -> None:
    chosen = dict(read_choices(tx).service_defaults)
    if body.default_model is not None:
        with called({"model": "default_model"}):
            entry = visible_entry(tx, shelf, body.default_model, actor.role)
        if entry.provider != service.provider:
            raise Invalid(
                "dialects.other_service", f"{entry.id} is no model of {service.title}.", field="default_model"
            )
        chosen[f"{service.name}.model"] = entry.id
    if body.default_mode is not None:
        modes = {mode for entry in entries_of(tx, shelf, service, actor.role) for mode in _mode_prices(service, entry)}
        if body.default_mode not in modes:
            raise Invalid(
                "dialects.unknown_mode", "There is no such mode among this service's models.", field="default_mode"
            )
        chosen[f"{service.name}.mode"] = body.default_mode
    change_choices(tx, actor, ChoicesPatch(service_defaults=chosen), now)


def _credentials(tx: Tx, sealer: Sealer, service: Service) -> list[CredentialView]:
    return [credential_view(sealer, row, 0) for row in all_credentials(tx) if row.provider == service.provider]


def _first(tx: Tx, sealer: Sealer, service: Service) -> CredentialView | None:
    return _chosen(_credentials(tx, sealer, service))


def _chosen(credentials: list[CredentialView]) -> CredentialView | None:
    """The credential the configuration speaks of: an enabled one before others, an operator's before the sandbox's."""
    return min(credentials, key=lambda each: (not each.enabled, each.managed_by is not None), default=None)


def first_credential(tx: Tx, sealer: Sealer, service: Service) -> UUID | None:
    """The id of the credential the service's configuration speaks of."""
    there = _first(tx, sealer, service)
    return there.id if there else None


def _usable(tx: Tx, shelf: Shelf, service: Service, actor: Actor, credential: CredentialView | None) -> dict[str, Any]:
    shown = [entry for entry in entries_of(tx, shelf, service, actor.role) if entry.enabled or actor.is_admin]
    defaults = read_choices(tx).service_defaults
    there = {entry.id for entry in shown}
    chosen = defaults.get(f"{service.name}.model")
    usual = next((model for models in service.models.values() for model in models if model in there), None)
    return {
        "service": service.name,
        "title": service.title,
        "enabled": credential is not None and credential.enabled,
        "default_model": chosen if chosen in there else usual,
        "default_mode": defaults.get(f"{service.name}.mode"),
        "models": [PricedModel.of(entry, modes=_mode_prices(service, entry)) for entry in shown],
        "max_concurrent_tasks": credential.max_concurrent if credential else 0,
    }


def _mode_prices(service: Service, entry: Entry) -> dict[str, int]:
    """The price of a request in each mode that says nothing else."""
    mode = param_of(service, entry, "mode")
    if mode is None or mode.type != "choice":
        return {}
    return {
        choice.value: entry.quote(entry.accept_params({mode.name: choice.value})).price_credits
        for choice in mode.choices
    }


def _timeout(service: Service, entries: list[Entry]) -> int:
    seconds = max((entry.deadline_seconds for entry in entries), default=0)
    return seconds if service.timeout_unit == "s" else seconds * 1000


def _brings_secrets(service: Service, given: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Whether a secret was typed, and not only the mask of the one that is there."""
    secrets = [field.name for field in adapters()[service.provider].credential_fields if field.secret]
    return any(given.get(name, "") not in ("", known.get(name, "")) for name in secrets)
