"""From a described request to a generation: choose the model, receive the files, ask for it like anybody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from vermilion.catalog import require_credential
from vermilion.db import Tx
from vermilion.dialects.bodies import Body
from vermilion.dialects.choosing import Meant, meant, meant_entry, role_of
from vermilion.dialects.files import GivenFile, let_go, receive
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.routes import MAKING, Route, face
from vermilion.dialects.table import Job, Service
from vermilion.dialects.task_views import TaskView, task_view
from vermilion.dialects.tasks_api import task_for
from vermilion.dialects.telling import called
from vermilion.generation import Wanted, WantedInput, begin_generation
from vermilion.identity import Actor, CurrentActor, read_choices
from vermilion.kit import AppError, new_id

B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a described request asks for; `fields` are the ones that were sent, in the dialect's names.

    `sent_as` tells what the client called a field, or `model`, `prompt` and `parent_id`, where that is something else;
    `unused` are fields of the request that say nothing to the job, in the client's names.
    """

    job: Job
    prompt: str = ""
    model: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[GivenFile] = ()
    parent_id: UUID | None = None
    sent_as: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def names(self, own: str) -> tuple[str, ...]:
        """What the client called this field; one of ours may be two of theirs."""
        return self.sent_as.get(own, (own,))


WishOf = Callable[[B], Wish]
"""What a body of a request asks for."""


def makes(service: Service, path: str, what: str, *, takes_files: bool = False) -> Callable[[WishOf[B]], WishOf[B]]:
    """Enter a route that asks the service for something: the function puts its `body` into a wish.

    The type of the body is what the route takes; the function's docstring is the route's description.
    """
    route = Route("POST", f"/{service.name}{path}", "user", what, takes_files=takes_files)

    def enter(wish_of: WishOf[B]) -> WishOf[B]:
        async def endpoint(house: HouseHere, links: LinksHere, actor: CurrentActor, body: B) -> TaskView:
            return await make(house, links, service, actor, wish_of(body))

        endpoint.__annotations__["body"] = get_type_hints(wish_of)["body"]
        endpoint.__doc__ = wish_of.__doc__
        face(route, refusals=MAKING)(endpoint)
        return wish_of

    return enter


async def make(house: House, links: Links, service: Service, actor: Actor, wish: Wish) -> TaskView:
    """Request what is wished for; the task.

    Raises what a generation's request raises, what uploads do, and `NotFound` where it is to go on from what is no
    task of this service.
    """
    whole = {own: wish.names(own)[0] for own in ("model", "prompt", "parent_id")}
    with called(whole):
        asked = await house.db.read(_meant, house, service, actor, wish)
    prompt, left_out = wish.prompt, [name for own in asked.ignored for name in wish.names(own)]
    if asked.entry.prompt is None and prompt:
        prompt, left_out = "", [*left_out, whole["prompt"]]
    wanted = Wanted(
        id=new_id(),
        model=asked.entry.id,
        prompt=prompt,
        params=asked.params,
        parent_id=wish.parent_id,
        ignored_fields=tuple(dict.fromkeys((*left_out, *wish.unused))),
    )
    with called(_told_params(asked, wish)):
        # Said before files are received for it.
        asked.entry.accept_params(asked.params)
    # What was sent as fields is acceptable: a parameter that still is not was said by a flag in the words.
    with called(whole | _told_inputs(service, asked, wish) | {"params": whole["prompt"]}):
        return await submit(house, links, service, actor, wanted, wish.files, asked.roles)


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
) -> TaskView:
    """Request a generation with these files; those received for it are let go when it is refused."""
    # Said before files are received for what nobody would take up.
    await house.db.read(require_credential, service.provider)
    received = await receive(house, actor, files, roles)
    complete = replace(wanted, inputs=(*inputs, *received.inputs))
    try:
        view = await begin_generation(house, actor, complete)
    except AppError:
        await let_go(house, actor, received.uploads)
        raise
    return task_view(service, view, links, user_id=actor.user_id)


def _told_params(asked: Meant, wish: Wish) -> dict[str, str]:
    """By what a generation's request calls a parameter: what the client calls it."""
    told = {}
    for param, own in asked.fields.items():
        names = wish.names(own)
        told[f"params.{param}"] = param if param in names else names[0]
    return told


def _told_inputs(service: Service, asked: Meant, wish: Wish) -> dict[str, str]:
    """By what a generation's request calls a file: what the client calls it."""
    told: dict[str, str] = {}
    for own in (*service.roles, *(given.role for given in asked.entry.inputs)):
        # Also of files that should have been sent.
        if (role := role_of(service, asked.entry, own)) is not None:
            told.setdefault(f"inputs.{role}", wish.names(own)[0])
    for place, (given, role) in enumerate(zip(wish.files, asked.roles, strict=True)):
        told |= dict.fromkeys((f"inputs.{place}", f"inputs.{role}"), given.field)
    return told


def _meant(tx: Tx, house: House, service: Service, actor: Actor, wish: Wish) -> Meant:
    if wish.parent_id is not None:
        task_for(tx, service, actor, wish.parent_id)
    names = [given.name for given in wish.files]
    entry = meant_entry(tx, house.shelf, service, actor, wish.job, wish.model, names)
    return meant(entry, service, wish.fields, names, read_choices(tx).service_defaults)
