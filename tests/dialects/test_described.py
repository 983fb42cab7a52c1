"""Every described route does what it says, against the sandbox; the table of routes and that of proofs are one."""

import pytest

from tests.dialects import (
    button_proofs,
    credit_proofs,
    every_vendor_proofs,
    house_proofs,
    making_proofs,
    phone_proofs,
    storage_proofs,
    workflow_proofs,
)
from tests.dialects.scene import PROOFS, Scene
from vermilion.dialects import ROUTES, Route

PROVED_IN = (
    button_proofs,
    credit_proofs,
    house_proofs,
    making_proofs,
    phone_proofs,
    every_vendor_proofs,
    storage_proofs,
    workflow_proofs,
)


def test_every_route_is_proved() -> None:
    assert sorted(ROUTES.keys() - PROOFS.keys()) == [], "a route without a proof"


@pytest.mark.parametrize("route", ROUTES.values(), ids=lambda route: route.name)
async def test_the_route_does_what_it_says(scene: Scene, route: Route) -> None:
    await PROOFS[route.name](scene, route)
