"""A crash at every point where the house touches the world: each commit, each call, each file.

The points are counted while running, so whatever is added to the pipeline is crashed into as well.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.pipeline.harness import PRICE_EACH, TERMINAL, Life, Status, Studio
from vermilion.generation import Wanted
from vermilion.kit import new_id
from vermilion.kit.download import DownloadFailed
from vermilion.providers import Ambiguity, Broke, Throttled
from vermilion.storage import StorageFailed

Scene = Callable[[Studio], Awaitable[None]]
RESOLVABLE = (Ambiguity.IDEMPOTENCY_KEY, Ambiguity.FIND_BY_REFERENCE)


class Fuse:
    """Ends a life at its `blows_at`-th point, once."""

    def __init__(self, blows_at: int) -> None:
        self.blows_at = blows_at
        self.points = 0
        self.blew_at: str | None = None

    async def __call__(self, life: Life, point: str) -> None:
        if self.blew_at is None and point != "read":
            self.points += 1
            if self.points == self.blows_at:
                self.blew_at = point
                life.die()


WANTED = Wanted(new_id(), "study", "a heron", {"num_images": 2})


async def _request(studio: Studio, wanted: Wanted = WANTED) -> None:
    """The client asks until it is answered, with the same id."""
    await studio.survive(lambda life: life.request_as(wanted))


async def plain(studio: Studio) -> None:
    await _request(studio)


async def bytes_in_the_answer(studio: Studio) -> None:
    studio.vendor.bytes_outputs = True
    await _request(studio)


async def broken_once(studio: Studio) -> None:
    studio.vendor.checks = deque([Broke("The worker died.")])
    await _request(studio)


async def throttled_once(studio: Studio) -> None:
    studio.vendor.submits = deque([Throttled("Slow down.", retry_after_seconds=5)])
    await _request(studio)


async def answer_lost(studio: Studio) -> None:
    studio.vendor.submits = deque([studio.vendor.lose_answer()])
    await _request(studio)


async def address_expired(studio: Studio) -> None:
    studio.downloader.failures = deque([DownloadFailed("expired", "gone", again=False)])
    await _request(studio)


async def disk_full_for_a_while(studio: Studio) -> None:
    studio.vendor.bytes_outputs = True
    studio.keeper.failures = deque([StorageFailed("The disk is full.", again=True)] * 3)
    await _request(studio)


async def side_by_side(studio: Studio) -> None:
    studio.vendor.grids = True
    await _request(studio)


async def called_back(studio: Studio) -> None:
    await _request(studio)
    await studio.until_status(WANTED.id, Status.RUNNING, Status.UNCERTAIN)
    attempt = studio.attempts(WANTED.id)[-1]
    jobs = studio.vendor.jobs_of([str(attempt.id)])
    if jobs:
        await studio.survive(lambda life: life.callback(attempt.id, jobs[0].ticket.id))


async def late(studio: Studio) -> None:
    studio.vendor.powers = studio.vendor.powers - {"cancel"}
    studio.vendor.job_seconds = lambda: 15.0
    await _request(studio, replace(WANTED, model="sketch"))


async def canceled(studio: Studio) -> None:
    await _request(studio)
    await studio.until_status(WANTED.id, Status.RUNNING, Status.UNCERTAIN)
    if studio.row(WANTED.id).status == Status.RUNNING:
        await studio.survive(lambda life: life.cancel(WANTED.id))


async def tried_again(studio: Studio) -> None:
    studio.vendor.checks = deque([Broke("No.", again=False)])
    await _request(studio)
    status = await studio.until_status(WANTED.id, Status.FAILED, Status.UNCERTAIN, Status.SUCCEEDED)
    if status is Status.FAILED:

        async def retry(life: Life) -> None:
            if studio.row(WANTED.id).status == Status.FAILED:
                await life.retry(WANTED.id)

        await studio.survive(retry)


SCENES: list[Scene] = [
    plain,
    bytes_in_the_answer,
    broken_once,
    throttled_once,
    answer_lost,
    address_expired,
    disk_full_for_a_while,
    side_by_side,
    called_back,
    late,
    canceled,
    tried_again,
]
STORIES = [
    *((scene, Ambiguity.NONE) for scene in SCENES),
    *((scene, ambiguity) for scene in (plain, answer_lost) for ambiguity in RESOLVABLE),
]


async def _crash_at(point: int, scene: Scene, ambiguity: Ambiguity, studio: Studio) -> str | None:
    """One walk with a crash at its `point`-th point; where it was, or None when the walk has fewer."""
    fuse = Fuse(point)
    studio.vendor.ambiguity = ambiguity
    if ambiguity is Ambiguity.FIND_BY_REFERENCE:
        studio.vendor.powers.add("find")
    await studio.open()
    studio.on_point = fuse
    await scene(studio)
    await studio.until(lambda: studio.row(WANTED.id).status in {*TERMINAL, Status.UNCERTAIN})
    if studio.row(WANTED.id).status == Status.UNCERTAIN:
        assert ambiguity is Ambiguity.NONE
        studio.check()
        studio.clock.jump(24 * 3600)
        await studio.crash()
    await studio.to_the_end(within_seconds=4000)
    _right_end(studio, scene, ambiguity, fuse.blew_at)
    return fuse.blew_at


def _right_end(studio: Studio, scene: Scene, ambiguity: Ambiguity, blew_at: str | None) -> None:
    row = studio.row(WANTED.id)
    references = {str(attempt.id) for attempt in studio.attempts(WANTED.id)}
    jobs = list(studio.vendor.jobs.values())
    assert {job.reference for job in jobs} <= references, "a job nobody knows of"
    assert len({job.reference for job in jobs}) == len(jobs), "two jobs for one attempt"
    given_up = row.failure is not None and row.failure["code"] == "provider.answer_lost"
    if given_up:
        assert ambiguity is Ambiguity.NONE, "given up though it could be looked up"
        assert blew_at is not None or scene is answer_lost, "given up without a crash"
    elif scene is canceled:
        assert row.status == Status.CANCELED
    else:
        assert row.status == Status.SUCCEEDED
        late_gift = scene is late
        assert studio.balance().spent == (0 if late_gift else 2 * PRICE_EACH)
    wasted = [job for job in jobs if job.reference != str(studio.attempts(WANTED.id)[-1].id)]
    assert len(wasted) <= (1 if scene in (broken_once, tried_again) else 0), "work was ordered twice"


@pytest.mark.parametrize(("scene", "ambiguity"), STORIES)
async def test_a_crash_at_every_point_loses_nothing(
    scene: Scene, ambiguity: Ambiguity, new_studio: Callable[[], Studio]
) -> None:
    blew_at: list[str] = []
    while True:
        studio = new_studio()
        try:
            point = await _crash_at(len(blew_at) + 1, scene, ambiguity, studio)
        except BaseException as error:
            error.add_note(f"crash {len(blew_at) + 1} of {scene.__name__} with {ambiguity}, after {blew_at[-3:]}")
            raise
        finally:
            await studio.close()
        if point is None:
            break
        blew_at.append(point)
    assert blew_at.count("commit begun") >= 5
    assert blew_at.count("submit answered") >= 1
