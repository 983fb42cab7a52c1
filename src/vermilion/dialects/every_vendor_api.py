"""The routes every vendor's service has, made once for all of them."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from vermilion import ledger
from vermilion.catalog import (
    ModelView,
    Shelf,
    ask_provider,
    model_view,
    open_credential,
    provider_states,
)
from vermilion.db import Tx
from vermilion.dialects.bodies import Body
from vermilion.dialects.choosing import entries_of
from vermilion.dialects.config import (
    ConfigBody,
    ServiceConfigView,
    UserConfigView,
    config,
    configure,
    first_credential,
    user_config,
)
from vermilion.dialects.house import House, HouseHere
from vermilion.dialects.routes import Route, face
from vermilion.dialects.stats import StatsView, stats_of, stats_of_everybody
from vermilion.dialects.table import VENDOR_SERVICES, Service
from vermilion.dialects.tasks_api import add_stream, add_tasks
from vermilion.identity import Actor, AdminActor, CurrentActor
from vermilion.kit import Conflict

STATS_DAYS_MAX: Final = 90


Days = Annotated[int, Query(ge=1, le=STATS_DAYS_MAX)]


class CreditsBody(Body):
    """Credits to give or take, and why."""

    user_id: UUID
    amount: Annotated[int, Field(ge=1, le=100_000_000, strict=True)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class ServiceTestView(BaseModel):
    """The answer of a connection test, which costs nothing; `problem` is null when the login works."""

    success: bool
    latency_ms: int | None
    account: str | None
    balance: str | None
    problem: str | None


class ServiceHealthView(BaseModel):
    """How a service is, and since when."""

    service: str
    status: Literal["up", "degraded", "down", "unconfigured"]
    since: datetime | None


class ServiceModels(BaseModel):
    """A service's models, with their parameters and prices."""

    items: list[ModelView]


class CreditsView(BaseModel):
    """What a person has; every service draws on the same balance."""

    user_id: UUID
    balance: int
    available: int
    held: int
    spent: int


def add_service(service: Service) -> None:
    """Every route a vendor's service has beside those that make something."""
    at = f"/{service.name}"
    _add_configuration(service, at)
    _add_questions(service, at)
    add_tasks(service, at)
    _add_credits(at)
    _add_stats(service, at)
    add_stream(service)


def _add_configuration(service: Service, at: str) -> None:
    @face(Route("GET", f"{at}/config", "admin", "The configuration"))
    async def get_config(house: HouseHere, actor: AdminActor) -> ServiceConfigView:
        """The login (masked), the prices of models, what is usual where a request names nothing."""
        return await house.db.read(config, house.shelf, house.sealer, service, actor)

    @face(Route("POST", f"{at}/config", "admin", "Change the configuration"), refusals=(404, 409))
    async def post_config(house: HouseHere, actor: AdminActor, body: ConfigBody) -> ServiceConfigView:
        """Change what is sent. A key written back as its mask stays; a new address needs the key again."""
        return await house.db.write(configure, house.shelf, house.sealer, service, actor, body, house.clock.now())

    @face(Route("GET", f"{at}/config/user", "user", "What may be used, at what price"))
    async def get_user_config(house: HouseHere, actor: CurrentActor) -> UserConfigView:
        """Models and prices, without secrets."""
        return await house.db.read(user_config, house.shelf, house.sealer, service, actor)

    @face(Route("GET", f"{at}/test", "admin", "Test the connection"))
    async def get_test(house: HouseHere, _actor: AdminActor) -> ServiceTestView:
        """Ask the vendor whether the login works; it costs nothing and changes nothing."""
        return await _tested(house, service)


def _add_questions(service: Service, at: str) -> None:
    @face(Route("GET", f"{at}/health", "user", "How the service is"))
    async def get_health(house: HouseHere, _actor: CurrentActor) -> ServiceHealthView:
        """As well as the healthiest of its logins."""
        (found,) = await house.db.read(provider_states, [service.provider])
        return ServiceHealthView(service=service.name, status=found.state, since=found.since)

    @face(Route("GET", f"{at}/models", "user", "The models"))
    async def get_models(house: HouseHere, actor: CurrentActor) -> ServiceModels:
        """The service's models, with the parameters each understands."""
        return ServiceModels(items=await house.db.read(_models, house.shelf, service, actor))


def _add_credits(at: str) -> None:
    @face(Route("GET", f"{at}/credits", "user", "My balance"))
    async def get_credits(house: HouseHere, actor: CurrentActor) -> CreditsView:
        """The one balance every service draws on."""
        return _credits(actor.user_id, await house.db.read(ledger.balance, actor.user_id))

    @face(Route("POST", f"{at}/credits/add", "admin", "Give credits"), refusals=(404, 409))
    async def post_add(house: HouseHere, actor: AdminActor, body: CreditsBody) -> CreditsView:
        """Give credits to a person; audited with the reason."""
        return await _give(house, actor, body, body.amount)

    @face(Route("POST", f"{at}/credits/deduct", "admin", "Take credits"), refusals=(404, 409))
    async def post_deduct(house: HouseHere, actor: AdminActor, body: CreditsBody) -> CreditsView:
        """Take credits from a person, as far as they have them; audited with the reason."""
        return await _give(house, actor, body, -body.amount)


def _add_stats(service: Service, at: str) -> None:
    @face(Route("GET", f"{at}/stats/user", "user", "What I made"))
    async def get_user_stats(house: HouseHere, actor: CurrentActor, days: Days = 30) -> StatsView:
        """My ended tasks, by day and model."""
        return await house.db.read(stats_of, service, actor, days, house.clock.now())

    @face(Route("GET", f"{at}/stats/system", "admin", "What everybody made"))
    async def get_system_stats(house: HouseHere, _actor: AdminActor, days: Days = 30) -> StatsView:
        """Everybody's ended tasks, by day and model."""
        return await house.db.read(stats_of_everybody, house.shelf, service, days, house.clock.now())


async def _tested(house: House, service: Service) -> ServiceTestView:
    def failed(problem: str) -> ServiceTestView:
        return ServiceTestView(success=False, latency_ms=None, account=None, balance=None, problem=problem)

    credential_id = await house.db.read(first_credential, house.sealer, service)
    if credential_id is None:
        return failed(f"There is no login for {service.title} yet.")
    opened = await house.db.read(open_credential, house.sealer, credential_id)
    if opened is None:
        return failed("The studio's key file does not open this login: enter it again.")
    try:
        found, latency_ms = await ask_provider(house, opened)
    except Conflict as error:
        return failed(error.detail)
    return ServiceTestView(
        success=found.problem is None,
        latency_ms=latency_ms,
        account=found.account,
        balance=f"{found.balance.amount} {found.balance.unit}" if found.balance else None,
        problem=found.problem,
    )


async def _give(house: House, actor: Actor, body: CreditsBody, amount: int) -> CreditsView:
    now = house.clock.now()
    balance = await house.db.write(ledger.give_by_admin, actor, body.user_id, amount, body.reason, now)
    return _credits(body.user_id, balance)


def _credits(user_id: UUID, balance: ledger.Balance) -> CreditsView:
    return CreditsView(
        user_id=user_id,
        balance=balance.available,
        available=balance.available,
        held=balance.held,
        spent=balance.spent,
    )


def _models(tx: Tx, shelf: Shelf, service: Service, actor: Actor) -> list[ModelView]:
    (state,) = provider_states(tx, [service.provider])
    return [
        model_view(shelf, entry, has_credential=state.state != "unconfigured")
        for entry in entries_of(tx, shelf, service, actor.role)
    ]


for each in VENDOR_SERVICES:
    add_service(each)
