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

from .callbacks import copies_of, persist, settle, until_due
from .jobs import Job
from .kling_work import VENDOR, first_view, newer_view
from .stage import Stage

_TRIES = 3
_STALE_SECONDS = 600


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
        settle(self._stage, job, "sent")

    async def _accompany(self, job: Job) -> None:
        await self._stage.until(lambda: job.started_at)
        await self._tell(job, job.started_at)
        await until_due(self._stage, job)
        await self._tell(job, None)
        if job.fault("webhook-out-of-order"):
            await self._tell(job, job.started_at)
        settle(self._stage, job, "sent")

    async def _tell(self, job: Job, at: float | None) -> None:
        """Post the job as it was at a time, or as it is."""
        if job.fault("webhook-lost"):
            return
        view = newer_view if job.notes["newer"] else first_view
        body = json.dumps(view(self._stage, job, at)).encode()
        url = job.webhook_url or ""
        if job.fault("webhook-forged"):
            await self._stage.post(url, body, self._signed(job, body, forged=True))
        headers = self._signed(job, body)

        async def send() -> bool:
            return await self._stage.post(url, body, headers)

        await asyncio.gather(*(persist(self._stage, send, tries=_TRIES) for _ in range(copies_of(job))))

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
