"""What every vendor of the sandbox shares: its jobs, bytes, faults, easel, clock and way out."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .config import SandboxConfig
from .easel import Easel
from .faults import FaultBoard
from .jobs import NEVER, Job, JobStore
from .pictures import FINE_CANVAS_PIXELS, QUICK_CANVAS_PIXELS
from .shelf import Shelf

_SHELF_BYTES = 1024 * 1024 * 1024
_RELAY_ASKS_SECONDS = 15.0
_TICK_SECONDS = 0.25
_MOMENT_SECONDS = 0.001
_HURRIED_SPEED = 20.0


class Unreachable(Exception):
    """An address the sandbox may not or cannot read from; the text says which of them."""


class Stage:
    """One running sandbox. Made once per application; `close` ends what it started."""

    def __init__(self, config: SandboxConfig) -> None:
        folder = config.data_dir
        self.config = config
        self.speed = config.speed
        self.jobs = JobStore(
            max_jobs=config.max_jobs,
            max_concurrent=config.max_concurrent,
            path=folder / "sandbox.sqlite3" if folder else None,
        )
        self.shelf = Shelf(folder / "files" if folder else None, _SHELF_BYTES)
        self.faults = FaultBoard(config.seed)
        self.easel = Easel(canvas_pixels=self._canvas_pixels, plain=config.fast, plain_bytes=config.fast_picture_bytes)
        self.random = random.Random(config.seed)
        self._session: aiohttp.ClientSession | None = None
        self._errands: set[asyncio.Task[None]] = set()

    def _canvas_pixels(self) -> int:
        # Where clocks run this fast, painting as it is done for people would hold everything up.
        return FINE_CANVAS_PIXELS if self.speed < _HURRIED_SPEED else QUICK_CANVAS_PIXELS

    def now(self) -> float:
        return self.jobs.clock()

    def heard_at(self, job: Job, at: float | None = None) -> float:
        """When a relay last asked about a job, now or at a time: the job's own beginning where it has not yet.

        Relays ask every 15 seconds and know nothing of what happens in between. Facts: the sources of public relays.
        """
        now = self.now() if at is None else at
        period = _RELAY_ASKS_SECONDS / self.speed
        return now if self.config.fast else job.created_at + (now - job.created_at) // period * period

    def rehearsed(self, seconds: float) -> float:
        """How long something that takes a vendor `seconds` takes here: varied, and scaled by speed."""
        if self.config.fast:
            return 0.0
        return seconds * self.random.lognormvariate(0.0, 0.18) / self.speed

    def put_in_line(self, job: Job, request: str) -> None:
        """Let a job's faults change its times and its fate, and put it into its owner's line.

        `request` is equal for repeats of one request: `fail-once` fails the first of them.
        """
        for fault in job.faults:
            match fault.kind:
                case "slow":
                    job.duration_seconds = fault.number(30.0)
                case "queue":
                    job.wait_seconds = fault.number(30.0)
                case "never":
                    job.duration_seconds = NEVER
                case "fail-once" if self.faults.first_times(fault, request, 1):
                    job.notes["failed_once"] = True
        self.jobs.add(job)

    async def until(self, moment: Callable[[], float]) -> None:
        """Return at a moment. A job may be ended early, so the moment is looked at again before it is believed."""
        while (left := moment() - self.now()) > 0:  # noqa: ASYNC110 - a clock sets no event
            await asyncio.sleep(min(left, _TICK_SECONDS) + _MOMENT_SECONDS)

    def errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the answers; it is ended with the sandbox."""
        task = asyncio.ensure_future(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def may_reach(self, url: str) -> bool:
        """Whether an address is one the sandbox connects to: loopback, or named by whoever set it up."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or not host:
            return False
        if host in {"localhost", *self.config.callback_hosts}:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def read_url(self, url: str, max_bytes: int) -> bytes:
        """Fetch a picture from an address a client named."""
        if not self.may_reach(url):
            raise Unreachable("the sandbox reads only from this machine")
        timeout = aiohttp.ClientTimeout(total=20)
        try:
            async with self.session().get(url, timeout=timeout, allow_redirects=False) as response:
                if response.status != 200:
                    raise Unreachable(f"the address answered {response.status}")
                data = await response.content.read(max_bytes + 1)
                while len(data) <= max_bytes and (more := await response.content.read(max_bytes + 1 - len(data))):
                    data += more
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable("the address could not be reached") from error
        if len(data) > max_bytes:
            raise Unreachable("the file is too large")
        return data

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Call a client back; whether it took what was said."""
        if not self.may_reach(url):
            return False
        timeout = aiohttp.ClientTimeout(total=15)
        try:
            async with self.session().post(url, data=body, headers=headers, timeout=timeout) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        for task in list(self._errands):
            task.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await self.easel.close()
        self.jobs.close()
