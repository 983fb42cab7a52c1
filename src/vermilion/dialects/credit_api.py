"""The described credit: how credits work here, my statement, what models cost, and what was spent."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from vermilion import ledger
from vermilion.billing import offers
from vermilion.catalog import OverridePatch, Shelf, effective_entries, override_model
from vermilion.db import Tx
from vermilion.dialects.bodies import Body, ModelName
from vermilion.dialects.config import Credits, PriceBody, price_names
from vermilion.dialects.house import HouseHere
from vermilion.dialects.numbered import NumberedPage, PageNumber, PageSize, place_of
from vermilion.dialects.prices import ModelPrice
from vermilion.dialects.routes import Route, face
from vermilion.dialects.stats import DayFigures, Figures, ModelFigures, figures, first_moment
from vermilion.dialects.telling import called
from vermilion.generation import daily_of_everybody
from vermilion.identity import Actor, AdminActor, CurrentActor, read_choices
from vermilion.ledger import StatementEntry


class CreditConfigView(BaseModel):
    """How credits work here: whole numbers, no fractions."""

    credit_name: str
    welcome_credits: int
    no_credit_code: str
    """The code of the problem a request is answered with when credits do not suffice (402)."""
    can_buy: bool
    can_redeem: bool


class LogEntry(BaseModel):
    """One line of the statement; `credit` is how the available credits changed, `amount` what the line is about.

    What a task cost is the `amount` of its `settle`: its `hold` took the credits before, and that line's `credit` is
    the rest that came back, or 0.
    """

    id: UUID
    user_id: UUID
    kind: str
    credit: int
    amount: int
    balance: int
    reason: str | None
    task_id: UUID | None
    created_at: datetime


class LogPage(NumberedPage):
    """A page of the statement, newest first."""

    items: list[LogEntry]


class PriceList(BaseModel):
    """What every model costs."""

    items: list[ModelPrice]


class NewPrice(PriceBody):
    """What changes about a model's price; `credits` alone is what a request costs, whatever it makes."""

    credits: Credits | None = None

    @model_validator(mode="after")
    def _says_one_price(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("say what it costs: credits, or base_credits and per_output_credits")
        if self.credits is not None and self.model_fields_set & {"base_credits", "per_output_credits"}:
            raise ValueError("give credits, or base_credits and per_output_credits, not both")
        return self

    def patch(self) -> OverridePatch:
        """It as a change to the model."""
        changes = self.model_dump(exclude_unset=True, exclude={"credits"})
        if self.credits is not None:
            changes |= {"base_credits": self.credits, "per_output_credits": 0}
        return OverridePatch(**changes)


class PricesBody(Body):
    """Models by id or alias, with what changes about their price.

    Also a list of `{model, …}`, and a number in place of an object, which is what a request costs; either may be the
    whole body, without `models` around it.
    """

    models: Annotated[dict[ModelName, NewPrice], Field(min_length=1, max_length=200)]

    @model_validator(mode="before")
    @classmethod
    def _one_shape(cls, given: Any) -> Any:
        models = given["models"] if isinstance(given, dict) and set(given) == {"models"} else given
        if isinstance(models, list):
            return {"models": _by_name(models)}
        if not isinstance(models, dict):
            raise ValueError(f"prices are {_SHAPES}")
        return {"models": {model: _price_object(model, price) for model, price in models.items()}}


class StatisticsBody(Body):
    """How many days to look back, today included."""

    days: Annotated[int, Field(ge=1, le=90)] = 30


class StatisticsView(Figures):
    """What everybody made and spent."""

    days: int
    since: datetime
    by_day: list[DayFigures]
    by_model: list[ModelFigures]


_SHAPES: Final = "a list of {model, credits}, or an object of models and their credits"


def _by_name(listed: list[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for each in listed:
        model = each.get("model") if isinstance(each, dict) else None
        if not isinstance(model, str):
            raise ValueError("every price in the list is an object that names its model")
        if model in named:
            raise ValueError(f"{model[:80]} is in the list twice")
        named[model] = {key: value for key, value in each.items() if key != "model"}
    return named


def _price_object(model: str, price: Any) -> Any:
    if isinstance(price, int) and not isinstance(price, bool):
        return {"credits": price}
    if not isinstance(price, dict):
        raise ValueError(f"the price of {model[:80]} is a whole number of credits, or an object; prices are {_SHAPES}")
    return price


@face(Route("GET", "/credit/config", "user", "How credits work here"))
async def get_config(house: HouseHere, _actor: CurrentActor) -> CreditConfigView:
    """What a new person is given, and by what ways credits can be had."""
    choices = await house.db.read(read_choices)
    offered = await house.db.read(offers, house.sealer)
    return CreditConfigView(
        credit_name="credits",
        welcome_credits=choices.welcome_credits,
        no_credit_code="credits.insufficient",
        can_buy=bool(offered.packages),
        can_redeem=True,
    )


@face(Route("GET", "/credit/logs", "user", "My statement"))
async def get_logs(house: HouseHere, actor: CurrentActor, page: PageNumber = 1, limit: PageSize = 20) -> LogPage:
    """Every movement of my credits, the latest first."""
    entries, total = await house.db.read(ledger.numbered_statement, actor.user_id, page=page, limit=limit)
    return LogPage(
        items=[_log(actor.user_id, entry) for entry in entries],
        **place_of(page, limit, total),
    )


@face(Route("GET", "/credit/models/price", "user", "What models cost"))
async def get_prices(house: HouseHere, actor: CurrentActor) -> PriceList:
    """Every model's price, as it is now."""
    return PriceList(items=await house.db.read(_prices, house.shelf, actor))


@face(Route("PUT", "/credit/models/price", "admin", "Price models"), refusals=(404,))
async def put_prices(house: HouseHere, actor: AdminActor, body: PricesBody) -> PriceList:
    """Change the prices named, all or none; effective at once, and audited."""
    return PriceList(items=await house.db.write(_price, house.shelf, actor, body, house.clock.now()))


@face(Route("POST", "/credit/statistics", "admin", "What was spent"))
async def post_statistics(house: HouseHere, _actor: AdminActor, body: StatisticsBody) -> StatisticsView:
    """Everybody's ended tasks and settled credits, by day and model."""
    return await house.db.read(_statistics, house.shelf, body.days, house.clock.now())


def _log(user_id: UUID, entry: StatementEntry) -> LogEntry:
    return LogEntry(
        id=entry.id,
        user_id=user_id,
        kind=entry.kind,
        credit=entry.available_delta,
        amount=entry.amount_credits,
        balance=entry.available_after,
        reason=entry.reason,
        task_id=entry.generation_id,
        created_at=entry.created_at,
    )


def _prices(tx: Tx, shelf: Shelf, actor: Actor) -> list[ModelPrice]:
    return [ModelPrice.of(entry) for entry in effective_entries(tx, shelf, actor.role)]


def _price(tx: Tx, shelf: Shelf, actor: Actor, body: PricesBody, now: datetime) -> list[ModelPrice]:
    for model, price in body.models.items():
        names = price_names(model)
        if price.credits is not None:
            # A number may have stood there alone.
            names |= dict.fromkeys(("base_credits", "per_output_credits"), names["model"])
        with called(names):
            override_model(tx, shelf, actor, model, price.patch(), now=now)
    return _prices(tx, shelf, actor)


def _statistics(tx: Tx, shelf: Shelf, days: int, now: datetime) -> StatisticsView:
    since = first_moment(days, now)
    rows = daily_of_everybody(tx, [entry.id for entry in effective_entries(tx, shelf, "admin")], since)
    days_seen, models = sorted({row.day for row in rows}), sorted({row.model for row in rows})
    return StatisticsView.model_validate(
        {
            **figures(rows),
            "days": days,
            "since": since,
            "by_day": [{"day": day, **figures(row for row in rows if row.day == day)} for day in days_seen],
            "by_model": [{"model": name, **figures(row for row in rows if row.model == name)} for name in models],
        }
    )
