"""From a described request to a generation: choose the model, receive the files, ask for it like anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from vermilion.catalog import provider_states
from vermilion.db import Tx
from vermilion.dialects.choosing import Meant, meant, meant_entry
from vermilion.dialects.files import GivenFile, let_go, receive
from vermilion.dialects.house import House, Links
from vermilion.dialects.table import Job, Service
from vermilion.dialects.task_views import TaskView, task_view
from vermilion.generation import Wanted, WantedInput, request_generation
from vermilion.identity import Actor, read_choices
from vermilion.kit import AppError, Forbidden, new_id


@dataclass(frozen=True, slots=True)
class Wish:
    """What a described request asks for; `fields` are the ones that were sent, in the dialect's names."""

    job: Job
    prompt: str = ""
    model: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[GivenFile] = ()
    parent_id: UUID | None = None


async def make(house: House, links: Links, service: Service, actor: Actor, wish: Wish) -> TaskView:
    """Request what is wished for; the task. Raises what a generation's request raises, and what uploads do."""
    asked = await house.db.read(_meant, house, service, actor, wish)
    # Said before files are received for it.
    asked.entry.accept_params(asked.params)
    prompt, ignored = wish.prompt, asked.ignored
    if asked.entry.prompt is None and prompt:
        prompt, ignored = "", (*ignored, "prompt")
    wanted = Wanted(id=new_id(), model=asked.entry.id, prompt=prompt, params=asked.params, parent_id=wish.parent_id)
    return await submit(house, links, service, actor, wanted, wish.files, asked.roles, ignored=ignored)


async def submit(
    house: House,
    links: Links,
    service: Service,
    actor: Actor,
    wanted: Wanted,
    files: Sequence[GivenFile] = (),
    roles: Sequence[str] = (),
    *,
    inputs: tuple[WantedInput, ...] = (),
    ignored: tuple[str, ...] = (),
) -> TaskView:
    """Request a generation with these files; those received for it are let go when it is refused."""
    await house.db.read(_require_on, service)
    received = await receive(house, actor, files, roles)
    complete = Wanted(
        id=wanted.id,
        model=wanted.model,
        prompt=wanted.prompt,
        params=wanted.params,
        inputs=(*inputs, *received.inputs),
        parent_id=wanted.parent_id,
    )
    try:
        view, _ = await house.db.write(request_generation, house.shelf, actor, complete, house.clock.now())
    except AppError:
        await let_go(house, actor, received.uploads)
        raise
    house.engine.start(view.id)
    return task_view(service, view, links, user_id=actor.user_id, ignored=ignored)


def _require_on(tx: Tx, service: Service) -> None:
    """Refuse what nobody would take up: all of the service's logins are switched off."""
    (state,) = provider_states(tx, [service.provider])
    if state.state == "unconfigured":
        raise Forbidden("catalog.model_disabled", f"{service.title} is switched off.", field="model")


def _meant(tx: Tx, house: House, service: Service, actor: Actor, wish: Wish) -> Meant:
    names = [given.name for given in wish.files]
    entry = meant_entry(tx, house.shelf, service, actor, wish.job, wish.model, names)
    return meant(entry, service, wish.fields, names, read_choices(tx).service_defaults)
