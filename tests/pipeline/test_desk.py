"""The review desk: an uncertain job is looked up once more where that can be done, and sent again only on a word."""

from collections import deque
from uuid import UUID

import pytest

from tests.pipeline.harness import PRICE_EACH, Status, Studio
from vermilion.generation.review import ReviewView, uncertain_generations
from vermilion.kit import Invalid
from vermilion.providers import Ambiguity, Ambiguous, Unreachable

CAN_LOOK = [Ambiguity.IDEMPOTENCY_KEY, Ambiguity.FIND_BY_REFERENCE, Ambiguity.LIST_RECENT]


async def test_where_nothing_tells_an_admin_sends_it_again_on_their_word(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([Ambiguous("Lost.")])
    made = await life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    assert not _at_the_desk(studio).can_look_up
    with pytest.raises(Invalid) as refused:
        await life.resolve(made, "check_again", note=" ")
    assert (refused.value.code, refused.value.field) == ("review.note_required", "note")
    assert (studio.row(made).status, len(studio.vendor.sent)) == (Status.UNCERTAIN, 1)
    await life.resolve(made, "check_again", note="not in its list")
    outcome = studio.attempts(made)[0].outcome or {}
    assert (outcome["code"], "An admin found" in outcome["detail"]) == ("provider.answer_lost", True)
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.view(made).attempt) == (Status.SUCCEEDED, 2)


async def _given_up_looking(studio: Studio, ambiguity: Ambiguity) -> UUID:
    studio.vendor.ambiguity = ambiguity
    if ambiguity is not Ambiguity.IDEMPOTENCY_KEY:
        studio.vendor.powers.add("find")
    away = [Unreachable("Nobody home.")] * 1000
    studio.vendor.submits.extend(away)
    studio.vendor.finds = deque(away)
    made = await studio.life.request()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=700)
    studio.vendor.submits.clear()
    studio.vendor.finds.clear()
    assert _at_the_desk(studio).can_look_up
    return made


@pytest.mark.parametrize("ambiguity", CAN_LOOK)
async def test_a_job_that_an_admin_has_looked_up_again_is_found_and_not_sent_twice(
    studio: Studio, ambiguity: Ambiguity
) -> None:
    await studio.open()
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    made = await _given_up_looking(studio, ambiguity)
    await studio.life.resolve(made, "check_again", note="")
    assert studio.row(made).status == Status.SUBMITTING
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.view(made).attempt) == (Status.SUCCEEDED, 1)
    assert (len(studio.vendor.jobs), studio.balance().spent) == (1, PRICE_EACH)
    assert len({call.reference for call in studio.vendor.sent}) == 1


@pytest.mark.parametrize("ambiguity", CAN_LOOK)
async def test_a_job_that_the_provider_certainly_has_not_is_sent_again_when_an_admin_has_it_looked_up(
    studio: Studio, ambiguity: Ambiguity
) -> None:
    await studio.open()
    studio.vendor.submits = deque([Ambiguous("Lost on the way.")])
    made = await _given_up_looking(studio, ambiguity)
    await studio.life.resolve(made, "check_again", note="")
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, len(studio.vendor.jobs)) == (Status.SUCCEEDED, 1)


async def test_a_look_up_that_cannot_tell_comes_back_to_the_desk(studio: Studio) -> None:
    await studio.open()
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    made = await _given_up_looking(studio, Ambiguity.LIST_RECENT)
    sent = len(studio.vendor.sent)
    studio.vendor.finds = deque([Ambiguous("The list no longer reaches back so far.")])
    await studio.life.resolve(made, "check_again", note="")
    await studio.crash()
    await studio.until_status(made, Status.UNCERTAIN, within_seconds=5)
    studio.check()
    assert (len(studio.vendor.sent), studio.balance().held) == (sent, PRICE_EACH)


def _at_the_desk(studio: Studio) -> ReviewView:
    (waiting,) = studio.ask(lambda tx: uncertain_generations(tx, cursor=None, limit=50)).items
    return waiting
