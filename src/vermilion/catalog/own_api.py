"""Models an admin makes, over HTTP: propose one of a document, look at it, put it up, take it away."""

import asyncio
from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Path, Request

from vermilion.catalog.api import ModelName, admin_view, house_of
from vermilion.catalog.drawing import preview_view
from vermilion.catalog.entry import Entry
from vermilion.catalog.own_models import add_model, delete_model, replace_model, require_sound
from vermilion.catalog.own_views import (
    EntryBody,
    ProposalBody,
    ProposalView,
    TemplateList,
    template_view,
)
from vermilion.catalog.proposing import proposed
from vermilion.catalog.queries import open_credential, providers_with_credentials, visible_entry
from vermilion.catalog.shelf import OWN_PREFIX, Shelf
from vermilion.catalog.views import AdminModelView, ModelView
from vermilion.db import Tx
from vermilion.identity import Actor, AdminActor, problem_responses, write_responses
from vermilion.kit import Conflict, NotFound
from vermilion.providers import CanPropose, Template, adapters, has_power, power, templates_of

PROPOSAL_TIMEOUT_SECONDS = 30.0

own_models_router = APIRouter(prefix="/admin/models", tags=["admin"])

OwnModel = Annotated[str, Path(max_length=64, description="The id of a model this house made.")]


@own_models_router.get("/templates", responses=problem_responses(401, 403), summary="Ready-made beginnings")
async def get_model_templates(_actor: AdminActor) -> TemplateList:
    """The documents to begin with, and the providers that read documents at all."""
    readers = {name: adapter for name, adapter in adapters().items() if has_power(name, "propose")}
    return TemplateList(
        providers=list(readers),
        items=[
            template_view(name, adapter.title, template)
            for name, adapter in readers.items()
            for template in templates_of(adapter)
        ],
    )


@own_models_router.post("/proposals", responses=write_responses(401, 404, 409), summary="Propose a model")
async def propose_model(body: ProposalBody, _actor: AdminActor, request: Request) -> ProposalView:
    """Read a document of a provider's, check it at that provider with this credential, and propose an entry.

    Nothing is stored and nothing is run. What is wrong with the document is told in `findings`.
    """
    house = house_of(request)
    opened = await house.db.read(open_credential, house.sealer, body.credential_id)
    if opened is None:
        raise NotFound(
            "credential.unknown",
            "There is no such credential, or the key file does not open it.",
            field="credential_id",
        )
    adapter = house.adapter(opened.provider, opened.login)
    if power(adapter, "propose") is None:
        raise Conflict("catalog.no_proposals", f"{adapter.title} reads no documents: its models are known already.")
    template = None if body.template is None else _template(opened.provider, body.template)
    document = template.document if template else body.document or {}
    try:
        async with asyncio.timeout(PROPOSAL_TIMEOUT_SECONDS):
            proposal = await cast(CanPropose, adapter).propose(document, body.settings)
    except TimeoutError:
        raise Conflict(
            "catalog.proposal_timeout",
            f"{opened.name} did not answer within {PROPOSAL_TIMEOUT_SECONDS:.0f} seconds. See whether it is up.",
        ) from None
    return proposed(opened.provider, proposal, template)


@own_models_router.post("/previews", responses=write_responses(401), summary="Preview a model")
async def preview_model(body: EntryBody, _actor: AdminActor, request: Request) -> ModelView:
    """What people would see of this entry; nothing is stored. 422 names what does not hold together."""
    house = house_of(request)
    reachable = await house.db.read(providers_with_credentials)
    require_sound(body)
    return preview_view(body, has_credential=body.provider in reachable)


@own_models_router.post("", status_code=201, responses=write_responses(401, 404, 409), summary="Add a model")
async def add_own_model(body: EntryBody, actor: AdminActor, request: Request) -> AdminModelView:
    """Put up a model of the house's own; its id begins with `own-`. Effective at once on every node."""
    house = house_of(request)
    entry = await house.db.write(add_model, actor, body, now=house.clock.now())
    return await admin_view(house, entry.id)


@own_models_router.get("/{model:path}/entry", responses=problem_responses(401, 403, 404), summary="Export a model")
async def get_model_entry(model: ModelName, actor: AdminActor, request: Request) -> Entry:
    """The whole entry as it is in force, to be kept, edited, or added to another house."""
    house = house_of(request)
    return await house.db.read(visible_entry, house.shelf, model, actor.role)


@own_models_router.put("/{model}", responses=write_responses(401, 404, 409), summary="Replace a model")
async def replace_own_model(model: OwnModel, body: EntryBody, actor: AdminActor, request: Request) -> AdminModelView:
    """Replace a model of the house's own; what already runs, and what was made, keeps the entry it began with."""
    house = house_of(request)
    await house.db.write(_replace, house.shelf, actor, model, body, now=house.clock.now())
    return await admin_view(house, model)


@own_models_router.delete(
    "/{model}", status_code=204, responses=write_responses(401, 404, 409), summary="Delete a model"
)
async def delete_own_model(model: OwnModel, actor: AdminActor, request: Request) -> None:
    """Take a model of the house's own away; what was made with it stays."""
    house = house_of(request)
    await house.db.write(_delete, house.shelf, actor, model, now=house.clock.now())


def _replace(tx: Tx, shelf: Shelf, actor: Actor, model: str, entry: Entry, *, now: datetime) -> None:
    replace_model(tx, actor, _own_id(tx, shelf, model, actor), entry, now=now)


def _delete(tx: Tx, shelf: Shelf, actor: Actor, model: str, *, now: datetime) -> None:
    delete_model(tx, actor, _own_id(tx, shelf, model, actor), now=now)


def _own_id(tx: Tx, shelf: Shelf, model: str, actor: Actor) -> str:
    """The id of a model. One of the house's own is not read: it must be possible to end what no longer reads."""
    return model if model.startswith(OWN_PREFIX) else visible_entry(tx, shelf, model, actor.role).id


def _template(provider: str, template_id: str) -> Template:
    found = next((each for each in templates_of(adapters()[provider]) if each.id == template_id), None)
    if found is None:
        raise NotFound("catalog.unknown_template", f"There is no template {template_id!r}.", field="template")
    return found
