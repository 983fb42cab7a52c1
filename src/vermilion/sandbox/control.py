"""The sandbox's own controls: arm failures, look at jobs, change the pace. Not part of any vendor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from .faults import UnknownFault
from .jobs import Job
from .reading import table_in
from .stage import Stage
from .vendor import BaseVendor

_MAX_LISTED = 5_000


class Controls:
    """Handlers of `/control/...` for one sandbox."""

    def __init__(self, stage: Stage, vendors: Mapping[str, BaseVendor]) -> None:
        self._stage = stage
        self._vendors = vendors

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/control/faults", self.arm)
        app.router.add_get("/control/faults", self.armed)
        app.router.add_delete("/control/faults", self.disarm)
        app.router.add_get("/control/jobs", self.jobs)
        app.router.add_post("/control/jobs/{id}/finish", self.finish)
        app.router.add_post("/control/reset", self.reset)
        app.router.add_post("/control/speed", self.speed)
        app.router.add_get("/control/health", self.health)
        app.router.add_get("/control/logins", self.logins)

    async def arm(self, request: web.Request) -> web.Response:
        """Body: vendor, kind, and optionally at, argument, count or probability."""
        body = await table_in(request) or {}
        vendor = self._vendors.get(str(body.get("vendor", "")))
        if vendor is None:
            return _refused(f"vendor must be one of {', '.join(self._vendors)}")
        count, probability = body.get("count"), body.get("probability")
        if count is not None and (not isinstance(count, int) or count < 1):
            return _refused("count must be a positive integer")
        if probability is not None and not (isinstance(probability, int | float) and 0 < probability <= 1):
            return _refused("probability must be above 0 and at most 1")
        try:
            fault = vendor.fault(
                str(body.get("kind", "")), str(body.get("at") or ""), str(body.get("argument") or "")[:80]
            )
            armed = self._stage.faults.arm(vendor.name, fault, count=count, probability=probability)
        except UnknownFault as unknown:
            return _refused(str(unknown))
        return web.json_response(armed.view(), status=201)

    async def armed(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [armed.view() for armed in self._stage.faults.armed()]})

    async def disarm(self, request: web.Request) -> web.Response:
        self._stage.faults.disarm()
        return web.Response(status=204)

    async def jobs(self, request: web.Request) -> web.Response:
        """Query: vendor, limit. Newest last, with what each client sent."""
        vendor = request.query.get("vendor")
        asked = request.query.get("limit", "")
        limit = min(_MAX_LISTED, int(asked)) if asked.isdigit() else _MAX_LISTED
        found = [job for job in self._stage.jobs.all() if vendor in {None, job.vendor}]
        now = self._stage.now()
        items = [_view(job, now) for job in found[max(0, len(found) - limit) :]]
        return web.json_response({"items": items, "total": len(found)})

    async def finish(self, request: web.Request) -> web.Response:
        """Let one job end now."""
        job = self._stage.jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"error": "no such job"}, status=404)
        self._stage.jobs.finish(job)
        return web.json_response(_view(job, self._stage.now()))

    async def reset(self, request: web.Request) -> web.Response:
        self._stage.jobs.clear()
        self._stage.shelf.clear()
        self._stage.faults.disarm()
        self._stage.speed = self._stage.config.speed
        for vendor in self._vendors.values():
            vendor.clear()
        return web.Response(status=204)

    async def speed(self, request: web.Request) -> web.Response:
        """Body: speed. Concerns jobs that come from now on."""
        speed = (await table_in(request) or {}).get("speed")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0.001 <= speed <= 10_000:
            return _refused("speed must be between 0.001 and 10000")
        self._stage.speed = float(speed)
        return web.json_response({"speed": self._stage.speed})

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "jobs": len(self._stage.jobs), "vendors": list(self._vendors)})

    async def logins(self, request: web.Request) -> web.Response:
        """What to enter at a client of each vendor to reach it here."""
        origin = self._stage.config.public_url or str(request.url.origin())
        items = [
            {"provider": name, "fields": vendor.login(origin.rstrip("/"))} for name, vendor in self._vendors.items()
        ]
        return web.json_response({"items": items})


def _view(job: Job, now: float) -> dict[str, Any]:
    return {
        "id": job.id,
        "vendor": job.vendor,
        "owner": job.owner,
        "model": job.model,
        "state": job.state(now),
        "canceled": job.canceled,
        "forgotten": job.notes.get("forgotten", False),
        "created_at": job.created_at,
        "started_at": _finite(job.started_at),
        "finished_at": _finite(job.finished_at),
        "body": job.body,
        "webhook_url": job.webhook_url,
        "webhook_attempts": job.notes.get("webhook_attempts", 0),
        "webhook": job.notes.get("webhook_done"),
        "faults": [asdict(fault) for fault in job.faults],
        "seed": job.notes.get("seed"),
    }


def _finite(at: float) -> float | None:
    return at if math.isfinite(at) else None


def _refused(why: str) -> web.Response:
    return web.json_response({"error": why}, status=422)
