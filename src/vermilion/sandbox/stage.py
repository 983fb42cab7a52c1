"""What every vendor of the sandbox shares: its jobs, bytes, faults, easel, clock and way out."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .config import SandboxConfig
from .easel import Easel
from .faults import FaultBoard
from .jobs import JobStore
from .shelf import Shelf

_SHELF_BYTES = 1024 * 1024 * 1024


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
        self.easel = Easel(plain=config.fast, plain_bytes=config.fast_picture_bytes)
        self.random = random.Random(config.seed)
        self._session: aiohttp.ClientSession | None = None
        self._errands: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        return self.jobs.clock()

    def rehearsed(self, seconds: float) -> float:
        """How long something that takes a vendor `seconds` takes here: varied, and scaled by speed."""
        if self.config.fast:
            return 0.0
        return seconds * self.random.lognormvariate(0.0, 0.18) / self.speed

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

    async def close(self) -> None:
        for task in list(self._errands):
            task.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await self.easel.close()
        self.jobs.close()
