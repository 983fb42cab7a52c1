"""A model an admin made, from the request to its end: priced, made with, replaced and deleted under people's feet."""

from typing import Any

from tests.api.studio import Person, Studio, wanted
from tests.catalog.own import own_model

SIZE: dict[str, Any] = {
    "type": "size",
    "name": "size",
    "wire": "image_size",
    "label": {"en": "Size", "zh": "尺寸"},
    "minimum": 256,
    "maximum": 1024,
    "default": {"width": 512, "height": 256},
}
LANTERN = {"en": "Lantern", "zh": "灯笼"}
OWN = own_model("own-lantern", name=LANTERN, params=[SIZE], price={"base_credits": 7})


async def test_people_make_pictures_with_it_at_its_price(guinea_house: Studio) -> None:
    admin, person = await guinea_house.admin(), await guinea_house.person()
    made = {**OWN, "id": "own-lantern-priced"}
    assert (await admin.client.post("/admin/models", json=made)).status_code == 201
    assert (await person.post("/quotes", {"model": made["id"]}))["price_credits"] == 7
    view = await _made(person, made["id"])
    assert (view["status"], view["settled_credits"], view["aspect"]) == ("succeeded", 7, 2.0)
    assert (view["assets"][0]["width"], view["assets"][0]["height"]) == (512, 256)
    await guinea_house.is_sound()


async def test_what_was_made_with_it_stays_understood_when_it_is_replaced_and_deleted(guinea_house: Studio) -> None:
    admin, person = await guinea_house.admin(), await guinea_house.person()
    assert (await admin.client.post("/admin/models", json=OWN)).status_code == 201
    before = await _made(person, OWN["id"])
    replaced = {**OWN, "name": {"en": "Torch", "zh": "火把"}, "price": {"base_credits": 9}}
    assert (await admin.client.put(f"/admin/models/{OWN['id']}", json=replaced)).status_code == 200
    assert await person.get(f"/generations/{before['id']}") == before
    after = await _made(person, OWN["id"])
    assert (after["model_name"]["en"], after["settled_credits"]) == ("Torch", 9)
    assert (await admin.client.delete(f"/admin/models/{OWN['id']}")).status_code == 204
    assert await person.get(f"/generations/{before['id']}") == before
    refused = await person.client.post("/generations", json=wanted("a fox", OWN["id"]))
    assert (refused.status_code, refused.json()["code"]) == (404, "catalog.unknown_model")
    await guinea_house.is_sound()


async def test_what_is_under_way_ends_as_it_was_asked_for(guinea_house: Studio) -> None:
    admin, person = await guinea_house.admin(), await guinea_house.person()
    slow = {**OWN, "id": "own-lantern-slow"}
    assert (await admin.client.post("/admin/models", json=slow)).status_code == 201
    begun = await person.post("/generations", wanted("a lantern [[slow:20]]", slow["id"]), status=202)
    assert (await admin.client.delete(f"/admin/models/{slow['id']}")).status_code == 204
    ended = await person.ended(begun["id"])
    assert (ended["status"], ended["settled_credits"], ended["model_name"]["en"]) == ("succeeded", 7, "Lantern")
    await guinea_house.is_sound()


async def _made(person: Person, model: str) -> dict[str, Any]:
    begun = await person.post("/generations", wanted("a lantern", model), status=202)
    view: dict[str, Any] = await person.ended(begun["id"])
    assert view["status"] == "succeeded", view["failure"]
    return view
