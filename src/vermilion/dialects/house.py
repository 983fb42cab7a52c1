"""What the described routes need of the house, and where on the web it is."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Protocol, cast
from uuid import UUID

from fastapi import Depends, Request

from vermilion.billing import BillingHouse
from vermilion.catalog import CatalogHouse
from vermilion.engine import Engine
from vermilion.events import EventHub
from vermilion.generation import Dispatcher
from vermilion.kit.download import Downloader
from vermilion.library import StorageHouse, signed_link

LINK_STEP: Final = timedelta(hours=12)
"""Links are the same for so long, so that a client polling a task sees one address, and work once more as long."""


class House(CatalogHouse, BillingHouse, StorageHouse, Protocol):
    """The house, as far as other people's API shapes ask about it."""

    engine: Engine
    hub: EventHub
    dispatcher: Dispatcher
    downloader: Downloader
    link_key: bytes
    max_upload_bytes: int
    sandbox: bool


async def _house(request: Request) -> House:
    return cast(House, request.app.state.house)


HouseHere = Annotated[House, Depends(_house)]


class Links:
    """Addresses of files that anybody may open for a day at most, as programs without a cookie need them."""

    def __init__(self, house: House, request: Request) -> None:
        origins = sorted(house.public_origins)
        self._origin = (origins[0] if origins else str(request.base_url)).rstrip("/")
        self._key = house.link_key
        self._clock = house.clock

    def file(self, asset_id: UUID) -> str:
        """The whole address of a file."""
        return self._origin + signed_link(self._key, asset_id, _link_end(self._clock.now()))


async def _links(house: HouseHere, request: Request) -> Links:
    return Links(house, request)


LinksHere = Annotated[Links, Depends(_links)]


def _link_end(now: datetime) -> datetime:
    step = LINK_STEP.total_seconds()
    begun = now.timestamp() // step * step
    return datetime.fromtimestamp(begun + 2 * step, now.tzinfo)
