"""The door every request comes in by, whatever shape it had outside: look at what only the files can tell, then ask."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from vermilion import library
from vermilion.catalog import Refused, Shelf, unacceptable, usable_entry
from vermilion.db import Database, Tx
from vermilion.engine import Engine
from vermilion.generation.commands import Wanted, request_generation
from vermilion.generation.views import GenerationView
from vermilion.identity import Actor
from vermilion.kit import AppError, Clock
from vermilion.library import Keeper, Unreadable
from vermilion.storage import StorageFailed

log = structlog.get_logger(__name__)

NOTHING_PAINTED = {
    "white": "has nothing painted: make white what is to change",
    "either": "has nothing painted: make white, or transparent, what is to change",
}


class RequestingHouse(Protocol):
    """What requesting needs of the house."""

    @property
    def db(self) -> Database: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def shelf(self) -> Shelf: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def keeper(self) -> Keeper: ...


@dataclass(frozen=True, slots=True)
class _Mask:
    """A mask among the inputs of a request: its place there, and what the vendor looks at in it."""

    place: int
    storage_key: str
    reads: str


async def begin_generation(house: RequestingHouse, actor: Actor, wanted: Wanted) -> GenerationView:
    """Request a generation, and begin it. Raises like `request_generation`, and for a mask with nothing painted."""
    if wanted.inputs:
        await _require_painted(house, actor, wanted)
    view, _ = await house.db.write(request_generation, house.shelf, actor, wanted, house.clock.now())
    house.engine.start(view.id)
    return view


async def _require_painted(house: RequestingHouse, actor: Actor, wanted: Wanted) -> None:
    masks = await house.db.read(_masks, house.shelf, actor, wanted)
    blank = [mask for mask in masks if await _is_blank(house, mask)]
    if blank:
        told = [(f"inputs.{mask.place}", Refused("nothing_painted", NOTHING_PAINTED[mask.reads])) for mask in blank]
        raise unacceptable(told)


async def _is_blank(house: RequestingHouse, mask: _Mask) -> bool:
    try:
        marks = await house.keeper.marks(mask.storage_key)
    except (StorageFailed, Unreadable) as error:
        # What cannot be looked at just now is not judged: the request stands or falls with what follows.
        log.warning("generation.mask_not_seen", reason=error.detail)
        return False
    return not (marks.light or (marks.clear and mask.reads == "either"))


def _masks(tx: Tx, shelf: Shelf, actor: Actor, wanted: Wanted) -> list[_Mask]:
    """The masks to look at, no more of a role than the model takes; none of a request that is refused anyway."""
    try:
        entry = usable_entry(tx, shelf, wanted.model, actor.role)
    except AppError:
        return []
    found = []
    for role in entry.inputs:
        if role.mask is None:
            continue
        places = [place for place, given in enumerate(wanted.inputs) if given.role == role.role][: role.maximum]
        assets = library.usable_inputs(tx, actor.user_id, [wanted.inputs[place].asset_id for place in places])
        for place in places:
            asset = assets.get(wanted.inputs[place].asset_id)
            if asset is not None and asset.content_type in role.content_types:
                found.append(_Mask(place, asset.storage_key, role.mask.reads))
    return found
