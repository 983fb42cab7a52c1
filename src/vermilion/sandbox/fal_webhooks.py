"""fal's webhooks: who signs them, when they go out, and how often they are tried.

Signed are request id, user id, timestamp and the hex SHA-256 of the raw body, joined by newlines,
with Ed25519; the public key is published as a JWKS. Facts: fal's webhook page.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .callbacks import copies_of, persist, settle, until_due
from .fal_addresses import Bases
from .fal_work import failure_of, result_of
from .jobs import Job
from .stage import Stage

_USER_ID = "sandbox-user"
_TRIES = 1 + 10
_STALE_SECONDS = 600


class Webhooks:
    """Signs and delivers. The key is kept with the jobs, so that a restart does not change it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._key = Ed25519PrivateKey.from_private_bytes(stage.jobs.secret("fal webhook key"))

    def jwks(self) -> dict[str, Any]:
        """The published key set."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "x": x}]}

    def expect(self, job: Job) -> None:
        """Deliver when the job ends, if it asked for that and was not delivered before."""
        if job.webhook_url and not job.notes.get("webhook_done"):
            self._stage.errand(self._deliver_at_end(job))

    def resume(self) -> None:
        """After a restart: deliver what was still owed."""
        for job in self._stage.jobs.all():
            if job.vendor == "fal":
                self.expect(job)

    async def deliver_early(self, job: Job) -> None:
        """Let the job end and its webhook arrive before its submit call is answered."""
        self._stage.jobs.finish(job)
        await self._deliver(job)

    async def _deliver_at_end(self, job: Job) -> None:
        await until_due(self._stage, job)
        await self._deliver(job)

    async def _deliver(self, job: Job) -> None:
        if job.fault("webhook-lost"):
            settle(self._stage, job, "lost")
            return
        body = json.dumps(await self._payload(job)).encode()
        if job.fault("webhook-forged"):
            await self._post(job, body, self._headers(job, body, forged=True))

        async def send() -> bool:
            return await self._post(job, body, self._headers(job, body))

        copies = (persist(self._stage, send, tries=_TRIES) for _ in range(copies_of(job)))
        settle(self._stage, job, "delivered" if any(await asyncio.gather(*copies)) else "given up")

    async def _post(self, job: Job, body: bytes, headers: dict[str, str]) -> bool:
        job.notes["webhook_attempts"] = int(job.notes.get("webhook_attempts", 0)) + 1
        return await self._stage.post(job.webhook_url or "", body, headers)

    async def _payload(self, job: Job) -> dict[str, Any]:
        ids = {"request_id": job.id, "gateway_request_id": job.id}
        failed = await failure_of(self._stage, job, "webhook")
        if failed is not None:
            error = f"Invalid status code: {failed.status}"
            return {**ids, "status": "ERROR", "error": error, "payload": failed.body}
        root = str(job.notes["base"])
        bases = Bases(root, root, root, str(job.notes.get("cdn") or f"{root}/cdn"))
        return {**ids, "status": "OK", "payload": await result_of(self._stage, job, bases)}

    def _headers(self, job: Job, body: bytes, *, forged: bool = False) -> dict[str, str]:
        at = int(self._stage.now()) - (_STALE_SECONDS if job.fault("webhook-stale") else 0)
        message = "\n".join((job.id, _USER_ID, str(at), hashlib.sha256(body).hexdigest())).encode()
        key = Ed25519PrivateKey.generate() if forged else self._key
        return {
            "Content-Type": "application/json",
            "User-Agent": "vermilion-sandbox-fal-webhook",
            "X-Fal-Webhook-Request-Id": job.id,
            "X-Fal-Webhook-User-Id": _USER_ID,
            "X-Fal-Webhook-Timestamp": str(at),
            "X-Fal-Webhook-Signature": key.sign(message).hex(),
        }
