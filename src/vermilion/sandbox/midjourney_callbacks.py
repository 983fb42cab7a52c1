"""A proxy's callbacks: the whole task at every change, unsigned, and sent once."""

from __future__ import annotations

import json

from .callbacks import copies_of, settle, until_due
from .jobs import NEVER, Job
from .midjourney_tasks import Addresses, task
from .midjourney_work import STEPS_PERCENT, VENDOR
from .stage import Stage

_HEADERS = {"Content-Type": "application/json"}


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
        settle(self._stage, job, "sent")

    async def _accompany(self, job: Job, base: str) -> None:
        steps = len(STEPS_PERCENT) + 1
        for step in range(steps):
            await self._stage.until(lambda step=step: min(_moment(job, step / steps), job.finished_at))  # type: ignore[misc]
            if job.state(self._stage.now()) == "finished":
                break
            await self._tell(job, base, None)
        await until_due(self._stage, job)
        if job.fault("webhook-forged"):
            await self._post(job, {"id": "1111111111111", "status": "SUCCESS", "imageUrl": "http://127.0.0.1:9/x.png"})
        for _ in range(copies_of(job)):
            await self._tell(job, base, None)
        if job.fault("webhook-out-of-order"):
            await self._tell(job, base, job.started_at)
        settle(self._stage, job, "sent")

    async def _tell(self, job: Job, base: str, at: float | None) -> None:
        if job.fault("webhook-lost") or job.fault("forget"):
            return
        await self._post(job, task(self._stage, self._addresses, job, base, at))

    async def _post(self, job: Job, told: dict[str, object]) -> None:
        # Nobody is told twice: a proxy only writes failures to its log.
        await self._stage.post(job.webhook_url or "", json.dumps(told).encode(), _HEADERS)


def _moment(job: Job, share: float) -> float:
    if job.finished_at == NEVER:
        return job.started_at
    return job.started_at + (job.finished_at - job.started_at) * share
