"""What every vendor's callbacks share: when they are due, how often they come, and what is written down about them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .jobs import Job
from .stage import Stage

_COPIES_MAX = 200


async def until_due(stage: Stage, job: Job) -> None:
    """Return when a job is over and its last callback is to be sent."""
    await stage.until(lambda: job.finished_at)
    late = job.fault("webhook-late")
    if late is not None:
        await asyncio.sleep(late.number(5.0))


def copies_of(job: Job) -> int:
    """How many times each callback of a job is sent."""
    twice = job.fault("webhook-duplicate")
    return max(1, min(_COPIES_MAX, int(twice.number(2)))) if twice else 1


async def persist(stage: Stage, send: Callable[[], Awaitable[bool]], *, tries: int) -> bool:
    """Send until it is taken, with pauses that double; whether it was."""
    pause = stage.config.webhook_retry_seconds / stage.speed
    for attempt in range(tries):
        if await send():
            return True
        if attempt + 1 < tries:
            await asyncio.sleep(pause * 2**attempt)
    return False


def settle(stage: Stage, job: Job, outcome: str) -> None:
    """Write down that nothing is owed any more: `sent`, `given up`, or `lost` where the job says so."""
    job.notes["webhook_done"] = "lost" if job.fault("webhook-lost") else outcome
    stage.jobs.save(job)
