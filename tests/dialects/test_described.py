"""Every described route does what it says, against the sandbox; the table of routes and that of proofs are one."""

import pytest

from tests.dialects import (
    button_proofs,
    credit_proofs,
    every_vendor_proofs,
    house_proofs,
    making_proofs,
    phone_proofs,
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
    workflow_proofs,
)
OFFERED = [route for route in ROUTES.values() if route.missing is None]
MISSING = [route for route in ROUTES.values() if route.missing is not None]


def test_every_route_is_proved() -> None:
    assert sorted({route.name for route in OFFERED} - PROOFS.keys()) == [], "a route without a proof"


@pytest.mark.parametrize("route", OFFERED, ids=lambda route: route.name)
async def test_the_route_does_what_it_says(scene: Scene, route: Route) -> None:
    await PROOFS[route.name](scene, route)


@pytest.mark.parametrize("route", MISSING, ids=lambda route: route.name)
async def test_what_is_not_offered_says_what_is_missing(scene: Scene, route: Route) -> None:
    person = {"admin": scene.admin.client, "user": scene.owner.client, "anybody": scene.nobody}[route.who]
    path = route.path.replace("{code}", "AAAA-BBBB")
    answer = await person.request(route.method, path, json=None if route.method == "GET" else {})
    assert answer.status_code == 501, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["missing"]) == ("dialects.not_offered", route.missing)
    assert route.missing is not None and route.missing in problem["detail"]
