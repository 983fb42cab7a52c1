"""A cloud to keep files in: the sandbox's bucket, reached in both ways a house can reach it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.serving import serving
from vermilion.sandbox import SandboxConfig, create_app
from vermilion.storage import Address, CloudStorage, KindName, open_cloud

BUCKET = "studio-1250000000"
ACCESS_KEY, SECRET_KEY = "sandbox-cos-id-not-secret", "sandbox-cos-key-not-secret"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running sandbox's bucket."""

    origin: str

    def address(self, kind: KindName, root: str = "vermilion") -> Address:
        """Where the bucket is, as an admin types it in."""
        return Address(kind, BUCKET, "ap-guangzhou", f"{self.origin}/cos", root)

    def fields(self, kind: KindName = "s3", root: str = "vermilion") -> dict[str, Any]:
        """What an admin types in to reach it."""
        at = self.address(kind, root)
        return {
            "bucket": at.bucket,
            "region": at.region,
            "endpoint_url": at.endpoint_url,
            "root": at.root,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }

    def open(self, kind: KindName, root: str = "vermilion") -> CloudStorage:
        return open_cloud(self.address(kind, root), ACCESS_KEY, SECRET_KEY)

    async def arm(self, kind: str, **more: Any) -> None:
        """Have something go wrong there."""
        await self._control("POST", "faults", {"vendor": "cos", "kind": kind, **more})

    async def disarm(self) -> None:
        await self._control("DELETE", "faults", None)

    async def reset(self) -> None:
        """Forget every object."""
        await self._control("POST", "reset", {})

    async def _control(self, method: str, what: str, body: dict[str, Any] | None) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.origin}/control/{what}", json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()


@asynccontextmanager
async def cloud_here() -> AsyncIterator[Cloud]:
    """A sandbox on the running loop, ended on leaving."""
    async with serving(create_app(SandboxConfig(port=0))) as origin:
        yield Cloud(origin)
