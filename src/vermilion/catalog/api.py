"""The catalog over HTTP: what can be made, and for admins what it costs and which credentials reach it."""

import asyncio
from typing import Annotated, Protocol, cast
from uuid import UUID

from fastapi import APIRouter, Path, Request

from vermilion.catalog.credentials import (
    CredentialDraft,
    CredentialPatch,
    add_credential,
    change_credential,
    credential_view,
    delete_credential,
    note_test,
)
from vermilion.catalog.drawing import admin_model_view, model_view
from vermilion.catalog.entry import Entry
from vermilion.catalog.overrides import override_model
from vermilion.catalog.own_models import broken_models
from vermilion.catalog.provider_views import (
    BalanceView,
    CredentialView,
    ProviderList,
    ProviderView,
    TestView,
    field_view,
)
from vermilion.catalog.queries import (
    OpenCredential,
    all_credentials,
    declared_entries,
    declared_entry,
    effective,
    effective_entries,
    open_credential,
    providers_with_credentials,
    visible_entry,
)
from vermilion.catalog.shelf import Shelf
from vermilion.catalog.tables import CredentialRow
from vermilion.catalog.views import (
    AdminModelList,
    AdminModelView,
    BrokenModelView,
    ModelList,
    ModelView,
    OverridePatch,
)
from vermilion.db import Tx
from vermilion.identity import Actor, AdminActor, CurrentActor, House, problem_responses, write_responses
from vermilion.kit import Conflict, NotFound
from vermilion.kit.sealed import Sealer
from vermilion.providers import Login, Probe, Provider, ProviderError, adapters, power

TEST_TIMEOUT_SECONDS = 20.0

router = APIRouter(tags=["catalog"])
admin_router = APIRouter(prefix="/admin", tags=["admin"])

ModelName = Annotated[str, Path(max_length=200, description="A model's id, or one of its aliases.")]


class CatalogHouse(House, Protocol):
    """What the catalog needs of the house; it is read from `request.app.state.house`."""

    @property
    def shelf(self) -> Shelf: ...

    @property
    def sealer(self) -> Sealer: ...

    def adapter(self, provider: str, login: Login) -> Provider:
        """A provider's adapter for one credential."""
        ...

    def in_flight(self, credential_id: UUID) -> int:
        """How many jobs run on a credential at this node."""
        ...


def house_of(request: Request) -> CatalogHouse:
    """The house this request came to."""
    return cast(CatalogHouse, request.app.state.house)


@router.get("/models", responses=problem_responses(401, 403), summary="The models")
async def get_models(actor: CurrentActor, request: Request) -> ModelList:
    """Every model you may know of, with its parameters, inputs and price."""
    house = house_of(request)
    entries, reachable = await house.db.read(_entries, house.shelf, actor)
    return ModelList(
        items=[model_view(house.shelf, entry, has_credential=entry.provider in reachable) for entry in entries]
    )


@router.get("/models/{model:path}", responses=problem_responses(401, 403, 404), summary="One model")
async def get_model(model: ModelName, actor: CurrentActor, request: Request) -> ModelView:
    """One model, by its id or by an alias such as the provider's own name for it."""
    house = house_of(request)
    entry, reachable = await house.db.read(_entry, house.shelf, model, actor)
    return model_view(house.shelf, entry, has_credential=entry.provider in reachable)


@admin_router.get("/models", responses=problem_responses(401, 403), summary="The models, for admins")
async def get_admin_models(actor: AdminActor, request: Request) -> AdminModelList:
    """Every model with what was changed about it, and those of the house's own that cannot be read."""
    house = house_of(request)
    entries, reachable = await house.db.read(_entries, house.shelf, actor)
    declared = {entry.id: entry for entry in await house.db.read(declared_entries, house.shelf)}
    broken = await house.db.read(broken_models)
    return AdminModelList(
        items=[_admin_view(house, entry, declared[entry.id], reachable) for entry in entries if entry.id in declared],
        broken=[BrokenModelView(id=each.id, reason=each.reason) for each in broken],
    )


@admin_router.patch("/models/{model:path}", responses=write_responses(401, 404), summary="Change a model")
async def patch_admin_model(
    model: ModelName, body: OverridePatch, actor: AdminActor, request: Request
) -> AdminModelView:
    """Switch a model on or off, show it to admins only, or change its price; effective at once on every node."""
    house = house_of(request)
    await house.db.write(override_model, house.shelf, actor, model, body, now=house.clock.now())
    return await admin_view(house, model)


@admin_router.get("/providers", responses=problem_responses(401, 403), summary="The providers")
async def get_providers(_actor: AdminActor, request: Request) -> ProviderList:
    """Every provider this house has an adapter for, with its credentials."""
    house = house_of(request)
    rows = await house.db.read(all_credentials)
    return ProviderList(
        items=[
            ProviderView(
                provider=name,
                title=adapter.title,
                max_concurrent_default=adapter.max_concurrent_default,
                credential_fields=[field_view(field) for field in adapter.credential_fields],
                credentials=[_credential(house, row) for row in rows if row.provider == name],
            )
            for name, adapter in adapters().items()
        ]
    )


@admin_router.post(
    "/providers/{provider}/credentials",
    status_code=201,
    responses=write_responses(401, 404, 409),
    summary="Add a credential",
)
async def post_credential(
    provider: Annotated[str, Path(max_length=40)], body: CredentialDraft, actor: AdminActor, request: Request
) -> CredentialView:
    """Add a login at a provider; its secrets are sealed and never shown again."""
    house = house_of(request)
    now = house.clock.now()
    return _credential(house, await house.db.write(add_credential, house.sealer, actor, provider, body, now=now))


@admin_router.patch(
    "/credentials/{credential_id}", responses=write_responses(401, 404, 409), summary="Change a credential"
)
async def patch_credential(
    credential_id: UUID, body: CredentialPatch, actor: AdminActor, request: Request
) -> CredentialView:
    """Change a credential; a secret written back as its mask stays, a new address needs every secret again."""
    house = house_of(request)
    now = house.clock.now()
    return _credential(
        house, await house.db.write(change_credential, house.sealer, actor, credential_id, body, now=now)
    )


@admin_router.delete(
    "/credentials/{credential_id}", status_code=204, responses=write_responses(401, 404), summary="Delete a credential"
)
async def remove_credential(credential_id: UUID, actor: AdminActor, request: Request) -> None:
    """Forget a credential and its secrets."""
    house = house_of(request)
    await house.db.write(delete_credential, house.sealer, actor, credential_id, house.clock.now())


@admin_router.post(
    "/credentials/{credential_id}/test", responses=write_responses(401, 404, 409), summary="Test a credential"
)
async def test_credential(credential_id: UUID, _actor: AdminActor, request: Request) -> TestView:
    """Ask the provider whether this credential works. It costs nothing, and the health shown follows the answer."""
    house = house_of(request)
    opened = await house.db.read(open_credential, house.sealer, credential_id)
    if opened is None:
        raise NotFound("credential.unknown", "There is no such credential, or the key file does not open it.")
    found, latency_ms = await ask_provider(house, opened)
    await house.db.write(note_test, credential_id, found, house.clock.now())
    return TestView(
        ok=found.problem is None,
        latency_ms=latency_ms,
        account=found.account,
        problem=found.problem,
        balance=BalanceView(amount=found.balance.amount, unit=found.balance.unit) if found.balance else None,
    )


async def ask_provider(house: CatalogHouse, opened: OpenCredential) -> tuple[Probe, int]:
    """What the provider says to a credential, and how many milliseconds it took; nothing is noted of it.

    Raises `Conflict` (`credential.no_test`) where the provider has no test that costs nothing.
    """
    probe = power(house.adapter(opened.provider, opened.login), "probe")
    if probe is None:
        raise Conflict("credential.no_test", "This provider offers no test that costs nothing.")
    begun = house.clock.monotonic()
    try:
        async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
            found: Probe = await probe()
    except ProviderError as error:
        found = Probe(problem=error.message)
    except TimeoutError:
        found = Probe(problem=f"No answer within {TEST_TIMEOUT_SECONDS:.0f} seconds.")
    return found, round((house.clock.monotonic() - begun) * 1000)


def _entries(tx: Tx, shelf: Shelf, actor: Actor) -> tuple[list[Entry], set[str]]:
    return effective_entries(tx, shelf, actor.role), providers_with_credentials(tx)


def _entry(tx: Tx, shelf: Shelf, model: str, actor: Actor) -> tuple[Entry, set[str]]:
    return visible_entry(tx, shelf, model, actor.role), providers_with_credentials(tx)


def _credential(house: CatalogHouse, row: CredentialRow) -> CredentialView:
    return credential_view(house.sealer, row, house.in_flight(row.id))


def _admin_view(house: CatalogHouse, entry: Entry, declared: Entry, reachable: set[str]) -> AdminModelView:
    return admin_model_view(house.shelf, entry, declared, has_credential=entry.provider in reachable)


async def admin_view(house: CatalogHouse, model: str) -> AdminModelView:
    """A model as it is now, for an admin."""
    declared = await house.db.read(declared_entry, house.shelf, model)
    entry = await house.db.read(effective, declared)
    return _admin_view(house, entry, declared, await house.db.read(providers_with_credentials))
