"""A vendor of messages for the small house, and how people get the codes it sends."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import pytest

from tests.identity.conftest import SmallHouse
from tests.serving import serving
from vermilion.identity import SmsDraft, ensure_sandbox_sms
from vermilion.identity.commands.sms_settings import change_sms_choice
from vermilion.sandbox import SandboxConfig, create_app
from vermilion.sms import SmsWire

PHONE = "13800138000"
E164 = f"+86{PHONE}"


@dataclass
class Vendor:
    """The sandbox behind the small house."""

    origin: str

    async def messages(self, phone: str | None = None) -> list[dict[str, Any]]:
        """What phones show, the newest first."""
        query = {} if phone is None else {"phone": phone}
        async with aiohttp.ClientSession() as session:
            answer = await session.get(f"{self.origin}/smsbao/outbox.json", params=query)
            return list((await answer.json())["items"])

    async def code(self, phone: str = PHONE) -> str:
        """The code this phone shows last."""
        messages = await self.messages(phone)
        assert messages, f"nothing was sent to {phone}"
        return str(messages[0]["code"])

    async def arm(self, kind: str, **more: Any) -> None:
        """Let the next message fail."""
        body = {"vendor": "smsbao", "kind": kind, **more}
        async with aiohttp.ClientSession() as session:
            assert (await session.post(f"{self.origin}/control/faults", json=body)).status == 201


@pytest.fixture
async def vendor(house: SmallHouse) -> AsyncIterator[Vendor]:
    """A sandbox, and a house that sends its codes there."""
    async with serving(create_app(SandboxConfig(port=0))) as origin:
        house.sms_wire = SmsWire.open(timeout_seconds=1.0)
        await house.db.write(ensure_sandbox_sms, house.sealer, fields(origin), house.clock.now())
        yield Vendor(origin)
        await house.sms_wire.close()


def fields(origin: str) -> dict[str, str]:
    """What the sandbox tells of its login."""
    return {
        "account": "sandbox-account",
        "secret": "sandbox-sms-password-not-secret",
        "signature": "朱砂画室",
        "base_url": f"{origin}/smsbao",
    }


async def choose(house: SmallHouse, vendor: Vendor, **changes: Any) -> None:
    """What an operator who chose the sandbox would have, with changes."""
    draft: dict[str, Any] = {
        **fields(vendor.origin),
        "enabled": True,
        "login_by": "password",
        "allow_private_hosts": True,
        "countries": "all",
        "daily_total": 1000,
        **changes,
    }
    await house.db.write(change_sms_choice, house.sealer, None, SmsDraft.model_validate(draft), house.clock.now())


async def ask(client: httpx.AsyncClient, purpose: str, phone: str = PHONE, *, status: int = 202) -> Any:
    """Ask for a code; the JSON."""
    answer = await client.post("/auth/codes", json={"phone": phone, "purpose": purpose})
    assert answer.status_code == status, answer.text
    return answer.json()


async def sign_up_by_phone(
    client: httpx.AsyncClient, vendor: Vendor, phone: str = PHONE, **more: Any
) -> dict[str, Any]:
    """Sign up in this browser; the answer is the person."""
    await ask(client, "register", phone)
    body = {"phone": phone, "code": await vendor.code(phone), "name": "Ada", **more}
    answer = await client.post("/auth/sign-up/phone", json=body)
    assert answer.status_code == 201, answer.text
    user: dict[str, Any] = answer.json()["user"]
    return user


def other_than(code: str, step: int = 1) -> str:
    """A code that is not this one."""
    return f"{(int(code) + step) % 1_000_000:06d}"
