"""A proxy's callbacks: the whole task at every change, unsigned, and sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from .jobs import NEVER, Job
from .midjourney_tasks import Addresses, task
from .midjourney_work import STEPS_PERCENT, VENDOR
from .stage import Stage

_COPIES_MAX = 50
_MOMENT_SECONDS = 0.001


class Callbacks:
    """Delivers; `base_of` gives the vendor's address."""

    def __init__(self, stage: Stage, addresses: Addresses) -> None:
        self._stage = stage
        self._addresses = addresses

    def expect(self, job: Job, base: str) -> None:
        """Deliver what is owed for a job from now on."""
        if job.webhook_url and not job.notes.get("webhook_done"):
            job.notes["base"] = base
            self._stage.errand(self._accompany(job, base))

    def resume(self) -> None:
        """After a restart: deliver what was still owed."""
        for job in list(self._stage.jobs.all()):
            if job.vendor == VENDOR and job.notes.get("base") and not job.notes["window"]:
                self.expect(job, job.notes["base"])

    async def deliver_early(self, job: Job, base: str) -> None:
        """Let the job end and its callback arrive before its submit is answered."""
        self._stage.jobs.finish(job)
        await self._tell(job, base, None)
        job.notes["webhook_done"] = "lost" if job.fault("webhook-lost") else "sent"

    async def _accompany(self, job: Job, base: str) -> None:
        steps = len(STEPS_PERCENT) + 1
        for step in range(steps):
            await self._until(job, lambda step=step: _moment(job, step / steps))  # type: ignore[misc]
            if job.state(self._stage.now()) == "finished":
                break
            await self._tell(job, base, None)
        await self._until(job, lambda: job.finished_at)
        late = job.fault("webhook-late")
        if late is not None:
            await asyncio.sleep(late.number(5.0))
        if job.fault("webhook-forged"):
            await self._post(job, {"id": "1111111111111", "status": "SUCCESS", "imageUrl": "http://127.0.0.1:9/x.png"})
        twice = job.fault("webhook-duplicate")
        for _ in range(max(1, min(_COPIES_MAX, int(twice.number(2)))) if twice else 1):
            await self._tell(job, base, None)
        if job.fault("webhook-out-of-order"):
            await self._tell(job, base, job.started_at)
        job.notes["webhook_done"] = "lost" if job.fault("webhook-lost") else "sent"
        self._stage.jobs.save(job)

    async def _until(self, job: Job, moment: Callable[[], float]) -> None:
        # A job may be ended early, so the moment is looked at again before it is believed.
        while (left := min(moment(), job.finished_at) - self._stage.now()) > 0:  # noqa: ASYNC110 - a clock sets no event
            await asyncio.sleep(min(left, 0.25) + _MOMENT_SECONDS)

    async def _tell(self, job: Job, base: str, at: float | None) -> None:
        if job.fault("webhook-lost") or job.fault("forget"):
            return
        await self._post(job, task(self._stage, self._addresses, job, base, at))

    async def _post(self, job: Job, told: dict[str, object]) -> None:
        url = job.webhook_url or ""
        if not self._stage.may_reach(url):
            return
        timeout = aiohttp.ClientTimeout(total=15)
        try:
            async with self._stage.session().post(url, json=told, timeout=timeout) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            # Nobody is told twice: a proxy only writes such failures to its log.
            return


def _moment(job: Job, share: float) -> float:
    if job.finished_at == NEVER:
        return job.started_at
    return job.started_at + (job.finished_at - job.started_at) * share
