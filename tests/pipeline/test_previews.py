"""Hearing of a job while it runs: progress that never falls, previews that are told in measure and left nowhere."""

import asyncio
from collections import deque
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.pipeline.harness import Status, Studio
from tests.pipeline.test_told import Window
from vermilion.generation.listening import PREVIEW_STEP_SECONDS
from vermilion.generation.previews import PREVIEWS, Previews
from vermilion.providers import Pending, Preview, Ticket, Unreachable

JPEG = b"\xff\xd8\xff\xe0 a picture"
Tell = Callable[[Pending], None]


def pictured(number: int) -> Preview:
    return Preview(JPEG + str(number).encode(), "image/jpeg")


def hearing(studio: Studio, *told: tuple[float, Pending | Exception | None], job_seconds: float = 60.0) -> None:
    """Let the vendor announce these after so many seconds each; None ends the job's announcements."""
    left = list(told)

    async def listen(_ticket: Ticket, tell: Tell) -> None:
        while left:
            pause, pending = left.pop(0)
            await studio.clock.sleep(pause)
            if pending is None:
                return
            if isinstance(pending, Exception):
                raise pending
            tell(pending)
        await asyncio.get_running_loop().create_future()

    studio.vendor.powers.add("listen")
    studio.vendor.listener = listen
    studio.vendor.job_seconds = lambda: job_seconds


async def test_what_is_heard_is_told_without_being_asked_for(studio: Studio) -> None:
    life = await studio.open()
    hearing(studio, (0.1, Pending(True, percent=10.0)), (0.2, Pending(True, percent=40.0)))
    made = await life.request()
    await studio.pass_time(0.5)
    assert studio.view(made).progress.percent == 40.0
    assert [call for call, _ in studio.vendor.calls if call == "check"] == []
    await studio.to_the_end()


async def test_progress_does_not_fall_when_it_is_heard_anew(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Pending(True)] * 20)
    hearing(
        studio,
        (0.1, Pending(True, percent=50.0)),
        (0.1, Unreachable("The line broke.")),
        (0.1, Pending(True, percent=20.0)),
        (0.1, Pending(True, percent=60.0)),
    )
    made = await life.request()
    seen = []
    for _ in range(50):
        await studio.pass_time(0.1)
        seen.append(studio.view(made).progress.percent or 0.0)
    assert seen == sorted(seen)
    assert seen[-1] == 60.0
    assert [call for call, _ in studio.vendor.calls if call == "listen"] == ["listen", "listen"], "the line is mended"
    await studio.to_the_end()


async def test_a_mistake_in_listening_ends_nothing(studio: Studio) -> None:
    life = await studio.open()
    hearing(studio, (0.1, Pending(True, percent=10.0)), (0.1, KeyError("nodes")), job_seconds=5.0)
    made = await life.request()
    await studio.to_the_end()
    assert studio.view(made).status is Status.SUCCEEDED


async def test_an_end_that_is_heard_is_a_reason_to_ask_at_once(studio: Studio) -> None:
    life = await studio.open()
    hearing(studio, (0.5, None), job_seconds=0.4)
    made = await life.request()
    await studio.pass_time(0.6)
    assert studio.view(made).status is Status.SUCCEEDED


async def test_previews_are_told_in_measure_and_what_is_told_is_what_is(studio: Studio) -> None:
    life = await studio.open()
    window = Window(studio, 0)
    hearing(studio, *((0.05, Pending(True, percent=1.0, preview=pictured(n))) for n in range(100)))
    made = await life.request()
    versions: list[int] = []
    events = 0
    for _ in range(100):
        await studio.pass_time(0.05)
        events += window.hear()
        assert window.state == window.fetched(), "an event carries what a GET returns"
        version = studio.view(made).preview_version
        if version is not None and version not in versions:
            versions.append(version)
    assert versions == sorted(versions)
    assert len(versions) == pytest.approx(5.0 / PREVIEW_STEP_SECONDS, abs=1)
    assert events < 15
    shown = PREVIEWS.newest(made)
    assert shown is not None and shown.content_type == "image/jpeg" and shown.data.startswith(JPEG)
    await studio.to_the_end()
    window.hear()
    assert window.state == window.fetched()


async def test_a_preview_that_comes_right_after_its_progress_is_told_at_once(studio: Studio) -> None:
    """As a server tells a slow step: how far it is, and a moment later what it looks like. The next is far away."""
    life = await studio.open()
    steps = [(percent, pictured(int(percent))) for percent in (20.0, 40.0, 60.0)]
    told: list[tuple[float, Pending | Exception | None]] = []
    for percent, preview in steps:
        told += [(7.0, Pending(True, percent=percent)), (0.03, Pending(True, percent=percent, preview=preview))]
    hearing(studio, *told)
    made = await life.request()
    await studio.pass_time(0.2)
    versions = []
    for percent, _ in steps:
        await studio.pass_time(7.03)
        assert studio.view(made).progress.percent == percent
        versions.append(studio.view(made).preview_version)
    assert None not in versions
    assert len(set(versions)) == len(steps), "each is told with its own step, none with the one after"
    await studio.to_the_end()


async def test_nothing_of_it_is_held_after_the_end(studio: Studio) -> None:
    life = await studio.open()
    hearing(studio, (0.1, Pending(True, preview=pictured(1))), job_seconds=5.0)
    made = await life.request()
    await studio.pass_time(1.0)
    assert studio.view(made).preview_version is not None
    await studio.to_the_end()
    assert studio.view(made).preview_version is None
    assert PREVIEWS.newest(made) is None


async def test_a_new_attempt_does_not_show_the_last_ones_preview(studio: Studio) -> None:
    life = await studio.open()
    hearing(studio, (0.1, Pending(True, preview=pictured(1))), (0.5, None))
    made = await life.request()
    await studio.pass_time(0.3)
    assert studio.view(made).preview_version is not None
    for job in studio.vendor.jobs.values():
        job.forgotten = True
    await studio.until_status(made, Status.QUEUED)
    assert studio.view(made).preview_version is None
    await studio.until_status(made, Status.RUNNING)
    assert studio.view(made).preview_version is None
    await studio.to_the_end()


def test_previews_are_bounded_and_judged_by_their_content() -> None:
    previews = Previews(max_bytes=100, max_kept=2)
    first, second, third = uuid4(), uuid4(), uuid4()
    for one in (first, second, third):
        assert previews.put(one, pictured(1))
    assert previews.newest(first) is None, "the oldest made room"
    assert previews.newest(third) is not None
    for wrong in (b"<svg onload=alert(1)>", b"", JPEG + b"x" * 100, b"GIF89a"):
        assert not previews.put(third, Preview(wrong, "image/jpeg"))
    shown = previews.newest(third)
    assert shown is not None and shown.data == pictured(1).data
    assert previews.put(third, Preview(b"RIFF0000WEBP", "text/html"))
    shown = previews.newest(third)
    assert shown is not None and shown.content_type == "image/webp", "by its content, not by what it is called"


async def test_a_job_that_is_told_of_is_hardly_asked_about(studio: Studio) -> None:
    life = await studio.open()
    hearing(studio, (0.1, Pending(True, percent=10.0)), job_seconds=60.0)
    await life.request()
    await studio.pass_time(58.0)
    told = [call for call, _ in studio.vendor.calls if call == "check"]
    assert 1 <= len(told) <= 16
    await studio.to_the_end()


async def test_a_job_whose_connection_broke_is_asked_about_as_any_other(studio: Studio) -> None:
    life = await studio.open()
    broken = (0.2, Unreachable("Gone."))
    hearing(studio, (0.1, Pending(True, percent=10.0)), *[broken] * 200, job_seconds=60.0)
    await life.request()
    await studio.pass_time(58.0)
    told = [call for call, _ in studio.vendor.calls if call == "check"]
    assert len(told) > 30
    await studio.to_the_end()
