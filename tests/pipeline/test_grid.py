"""A picture that is several results side by side: each becomes an asset of its own, once, whatever happens."""

from collections import deque

from tests.pipeline.harness import PRICE_EACH, Status, Studio
from vermilion.library import Unreadable
from vermilion.providers import Done, Output
from vermilion.storage import StorageFailed


async def test_each_cell_is_an_asset_with_what_is_offered_for_it_and_for_all(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.grids = True
    made = await life.request(pictures=4)
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert [[action["id"] for action in asset.actions] for asset in view.assets] == [
        ["again", f"upscale_{cell}"] for cell in range(4)
    ]
    assert len({asset.id for asset in view.assets}) == 4
    assert view.settled_credits == 4 * PRICE_EACH


async def test_a_disk_that_fills_up_in_the_middle_of_a_grid_loses_none_and_doubles_none(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.grids = True
    studio.keeper.failures = deque([None, None, StorageFailed("The disk is full.", again=True)])
    made = await life.request(pictures=4)
    await studio.to_the_end(within_seconds=120)
    view = studio.view(made)
    assert (view.status, len(view.assets), view.settled_credits) == (Status.SUCCEEDED, 4, 4 * PRICE_EACH)
    assert studio.downloader.fetched == {}


async def test_a_grid_beside_a_picture_has_places_of_its_own(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.files["https://files.example/whole"] = b"four in one"
    grid = Output("image", url="https://files.example/whole", grid=(2, 2))
    studio.vendor.submits = deque([lambda _vendor, _call: Done((grid, Output("image", data=b"one more")))])
    made = await life.request(pictures=5)
    await studio.to_the_end(within_seconds=60)
    assert len(studio.view(made).assets) == 5
    assert list(studio.folder.glob("*.held")) == []


async def test_a_crash_in_the_middle_of_cutting_is_taken_up_from_what_was_noted(studio: Studio) -> None:
    life = await studio.open()
    grid = Output("image", data=b"four in one", grid=(2, 2))
    studio.vendor.submits = deque([lambda _vendor, _call: Done((grid,))])
    studio.keeper.failures = deque([None, StorageFailed("The disk is full.", again=True)] * 2)
    made = await life.request(pictures=4)
    await studio.until_status(made, Status.STORING)
    await studio.crash()
    await studio.to_the_end(within_seconds=300)
    view = studio.view(made)
    assert (view.status, len(view.assets), len(studio.vendor.sent)) == (Status.SUCCEEDED, 4, 1)
    assert list(studio.folder.glob("*.held")) == []


async def test_a_grid_that_cannot_be_read_is_not_paid(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.grids = True
    studio.keeper.failures = deque([Unreadable("asset.unreadable", "It is damaged.")])
    made = await life.request(pictures=4)
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code) == (Status.FAILED, "output.unreadable")
    assert studio.balance().available == 1000
