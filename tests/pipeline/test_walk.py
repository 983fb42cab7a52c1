"""A request's way through the house, to each of its ends."""

from tests.pipeline.harness import PRICE_EACH, Status, Studio


async def test_a_picture_arrives_and_is_paid_for_once(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request(pictures=2)
    assert (studio.balance().available, studio.balance().held) == (980, 20)
    await studio.until_status(made, Status.SUCCEEDED, within_seconds=60)
    view = studio.view(made)
    assert (view.settled_credits, len(view.assets), view.facts) == (2 * PRICE_EACH, 2, {"seed": 7})
    assert (studio.balance().available, studio.balance().held, studio.balance().spent) == (980, 0, 20)
    assert studio.jobs_of(made) == 1
    await studio.to_the_end()
