"""What billing needs of the house; it is read from `request.app.state.house`."""

from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from vermilion.billing.payments import PaymentDesk
from vermilion.identity import House
from vermilion.kit.sealed import Sealer


class BillingHouse(House, Protocol):
    """The house, as far as billing asks about it."""

    @property
    def sealer(self) -> Sealer: ...

    @property
    def code_key(self) -> bytes:
        """The key under which redemption codes are hashed."""
        ...

    @property
    def payments(self) -> PaymentDesk: ...


async def _house(request: Request) -> BillingHouse:
    return cast(BillingHouse, request.app.state.house)


HouseHere = Annotated[BillingHouse, Depends(_house)]
