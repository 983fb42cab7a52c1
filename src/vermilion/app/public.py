"""What anybody may ask: what this house is, and whether it is well."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from vermilion import __version__
from vermilion.db import Tx
from vermilion.identity import needs_first_admin, problem_responses, read_choices, sandbox_outbox, sign_in_methods
from vermilion.wiring import House

router = APIRouter(tags=["house"])


async def house_here(request: Request) -> House:
    """The house this app was made for."""
    house: House = request.app.state.house
    return house


HouseHere = Annotated[House, Depends(house_here)]


class ConfigView(BaseModel):
    """What a client needs to know before anybody signs in."""

    name: str
    version: str
    locale_default: Literal["en", "zh"]
    sign_up_open: bool
    needs_first_admin: bool
    sandbox: bool
    sign_in_methods: list[Literal["password", "phone"]]
    max_upload_bytes: int
    sms_outbox_url: str | None
    """Where the sandbox shows the codes it took, while it is what takes them."""


class HealthView(BaseModel):
    """Alive; or, for `ready`, able to serve."""

    status: Literal["ok"]


@router.get("/config", responses=problem_responses())
async def get_config(house: HouseHere) -> ConfigView:
    """What this house is."""
    sandbox_url = house.settings.url_of_sandbox if house.sandbox else None
    return await house.db.read(_config, sandbox_url, house.max_upload_bytes)


@router.get("/health", responses=problem_responses())
async def get_health() -> HealthView:
    """Whether the process answers; asks nothing else."""
    return HealthView(status="ok")


@router.get("/health/ready", responses=problem_responses())
async def get_ready(house: HouseHere) -> HealthView:
    """Whether the database answers too."""
    await house.db.read(read_choices)
    return HealthView(status="ok")


def _config(tx: Tx, sandbox_url: str | None, max_upload_bytes: int) -> ConfigView:
    choices = read_choices(tx)
    return ConfigView(
        name=choices.studio_name,
        version=__version__,
        locale_default=choices.default_locale,
        sign_up_open=choices.sign_up_open,
        needs_first_admin=needs_first_admin(tx),
        sandbox=sandbox_url is not None,
        sign_in_methods=sign_in_methods(tx),
        max_upload_bytes=max_upload_bytes,
        sms_outbox_url=sandbox_outbox(tx, sandbox_url) if sandbox_url is not None else None,
    )
