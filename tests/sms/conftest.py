"""A sandbox that plays the vendor, and a wire to it."""

from collections.abc import AsyncIterator

import pytest

from tests.serving import serving
from vermilion.sandbox import SandboxConfig, create_app
from vermilion.sms import SmsWire


@pytest.fixture
async def vendor() -> AsyncIterator[str]:
    """The origin of a sandbox."""
    async with serving(create_app(SandboxConfig())) as origin:
        yield origin


@pytest.fixture
async def wire() -> AsyncIterator[SmsWire]:
    """A wire that loses patience soon."""
    opened = SmsWire.open(timeout_seconds=1.0)
    yield opened
    await opened.close()
