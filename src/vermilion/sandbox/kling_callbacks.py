"""Kling's callbacks: one at every change of a job's status.

Those of the second generation are signed as Standard Webhooks are. Whether those of the first are is not documented;
here they are not. How often Kling tries again is not documented either; here it is three times. Facts: Kling's page on
callbacks.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable

import aiohttp

from .jobs import Job
from .kling_work import VENDOR, first_view, newer_view
from .stage import Stage

_TRIES = 3
_STALE_SECONDS = 600
_COPIES_MAX = 50
_MOMENT_SECONDS = 0.001


class Callbacks:
    """Delivers, signed with the webhook secret of the account."""

    def __init__(self, stage: Stage, secrets: dict[str, str]) -> None:
        self._stage = stage
        self._secrets = secrets

    def expect(self, job: Job) -> None:
        """Deliver what is owed for a job, from its current state on."""
        if job.webhook_url and not job.notes.get("webhook_done"):
            self._stage.errand(self._accompany(job))

    def resume(self) -> None:
        """After a restart: deliver what was still owed."""
        for job in list(self._stage.jobs.all()):
            if job.vendor == VENDOR:
                self.expect(job)

    async def deliver_early(self, job: Job) -> None:
        """Let the job end and its callback arrive before its submit is answered."""
        self._stage.jobs.finish(job)
        await self._tell(job, None)
        job.notes["webhook_done"] = "lost" if job.fault("webhook-lost") else "sent"

    async def _accompany(self, job: Job) -> None:
        await self._until(lambda: job.started_at)
        await self._tell(job, job.started_at)
        await self._until(lambda: job.finished_at)
        late = job.fault("webhook-late")
        if late is not None:
            await asyncio.sleep(late.number(5.0))
        await self._tell(job, None)
        if job.fault("webhook-out-of-order"):
            await self._tell(job, job.started_at)
        job.notes["webhook_done"] = "lost" if job.fault("webhook-lost") else "sent"
        self._stage.jobs.save(job)

    async def _until(self, moment: Callable[[], float]) -> None:
        # A job may be ended early, so the moment is looked at again before it is believed.
        while (left := moment() - self._stage.now()) > 0:  # noqa: ASYNC110 - a clock sets no event
            await asyncio.sleep(min(left, 0.25) + _MOMENT_SECONDS)

    async def _tell(self, job: Job, at: float | None) -> None:
        """Post the job as it was at a time, or as it is."""
        if job.fault("webhook-lost"):
            return
        view = newer_view if job.notes["newer"] else first_view
        body = json.dumps(view(self._stage, job, at)).encode()
        if job.fault("webhook-forged"):
            await self._post(job, body, self._signed(job, body, forged=True))
        twice = job.fault("webhook-duplicate")
        copies = max(1, min(_COPIES_MAX, int(twice.number(2)))) if twice else 1
        headers = self._signed(job, body)
        await asyncio.gather(*(self._persist(job, body, headers) for _ in range(copies)))

    async def _persist(self, job: Job, body: bytes, headers: dict[str, str]) -> None:
        for attempt in range(_TRIES):
            if await self._post(job, body, headers):
                return
            await asyncio.sleep(self._stage.config.webhook_retry_seconds / self._stage.speed * 2**attempt)

    async def _post(self, job: Job, body: bytes, headers: dict[str, str]) -> bool:
        url = job.webhook_url or ""
        if not self._stage.may_reach(url):
            return False
        timeout = aiohttp.ClientTimeout(total=15)
        try:
            async with self._stage.session().post(url, data=body, headers=headers, timeout=timeout) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _signed(self, job: Job, body: bytes, *, forged: bool = False) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "vermilion-sandbox-kling-callback"}
        if not job.notes["newer"] and not forged:
            return headers
        at = int(self._stage.now()) - (_STALE_SECONDS if job.fault("webhook-stale") else 0)
        delivery = str(uuid.uuid4())
        key = b"not the secret" if forged else _key(self._secrets[job.notes["account"]])
        signature = hmac.new(key, f"{delivery}.{at}.".encode() + body, hashlib.sha256).digest()
        return {
            **headers,
            "webhook-id": delivery,
            "webhook-timestamp": str(at),
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }


def _key(secret: str) -> bytes:
    """The key in a secret; one that somebody chose and that is no base64 is taken as it is."""
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
