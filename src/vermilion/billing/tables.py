"""Redemption codes, packages of credits, orders for them, and the gateway that takes the money."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base
from vermilion.ledger import AMOUNT_MAX_CREDITS

PRICE_MAX_MINOR: Final = 10**9
"""The highest price of a package, in the currency's smallest unit (fen)."""

PURPOSE_MAX_CHARS: Final = 200

_CREDITS: Final = f"amount_credits between 1 and {AMOUNT_MAX_CREDITS}"
_PRICE: Final = f"price_minor between 1 and {PRICE_MAX_MINOR}"


class RedemptionCodeRow(Base):
    """One code worth credits, once.

    The code itself is known by a keyed hash, which redeeming looks up, and sealed (bound to `redemption_code:<id>`)
    for an admin's export; lists show its last four characters.
    """

    __tablename__ = "redemption_code"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID]
    code_hash: Mapped[str] = mapped_column(unique=True)
    code_sealed: Mapped[str]
    ending: Mapped[str]
    amount_credits: Mapped[int] = mapped_column(BigInteger)
    purpose: Mapped[str]
    status: Mapped[str]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    """The admin who made it; None is the terminal."""
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    received_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("length(code_hash) = 64", name="code_hash"),
        CheckConstraint("length(ending) = 4", name="ending"),
        CheckConstraint(_CREDITS, name="amount_credits"),
        CheckConstraint(f"length(purpose) <= {PURPOSE_MAX_CHARS}", name="purpose"),
        CheckConstraint("status in ('enabled', 'disabled', 'used')", name="status"),
        CheckConstraint(
            "(status = 'used') = (received_by is not null) and (status = 'used') = (received_at is not null)",
            name="used_by_somebody",
        ),
        Index("ix_redemption_code_batch_id_id", "batch_id", "id"),
        Index("ix_redemption_code_ending_id", "ending", "id"),
        Index("ix_redemption_code_status_id", "status", "id"),
    )


class PackageRow(Base):
    """Credits at a price. `managed_by` is `sandbox` for the examples that are sold for play money alone."""

    __tablename__ = "credit_package"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title_en: Mapped[str]
    title_zh: Mapped[str]
    amount_credits: Mapped[int] = mapped_column(BigInteger)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    enabled: Mapped[bool]
    position: Mapped[int] = mapped_column(Integer)
    managed_by: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("length(title_en) between 1 and 80 and length(title_zh) between 1 and 80", name="title"),
        CheckConstraint(_CREDITS, name="amount_credits"),
        CheckConstraint(_PRICE, name="price_minor"),
        CheckConstraint("currency = 'CNY'", name="currency"),
        CheckConstraint("position between 0 and 10000", name="position"),
        CheckConstraint("managed_by in ('sandbox')", name="managed_by"),
    )


class GatewayRow(Base):
    """How a payment gateway is reached; `fields_sealed` is the JSON of its login, bound to `payment_gateway:<name>`."""

    __tablename__ = "payment_gateway"

    name: Mapped[str] = mapped_column(primary_key=True)
    fields_sealed: Mapped[str]
    methods: Mapped[list[Any]]
    flow: Mapped[str]
    enabled: Mapped[bool]
    allow_private_hosts: Mapped[bool]
    managed_by: Mapped[str | None]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("name in ('epay')", name="name"),
        CheckConstraint("flow in ('page', 'api')", name="flow"),
        CheckConstraint("managed_by in ('sandbox')", name="managed_by"),
    )


class OrderRow(Base):
    """One purchase. What was sold is written down here: packages may change or go.

    Its id is the client's, and tells a purchase sent twice from two. The number is the house's own: several studios
    can share a merchant, and what is paid under a number that somebody else could choose would be credited in each.
    """

    __tablename__ = "payment_order"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    """What the gateway knows it by."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    package_id: Mapped[UUID]
    title_en: Mapped[str]
    title_zh: Mapped[str]
    amount_credits: Mapped[int] = mapped_column(BigInteger)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    gateway: Mapped[str]
    merchant: Mapped[str]
    """Who was to be paid, as the gateway calls them: a notice must name the same."""
    method: Mapped[str]
    status: Mapped[str]
    note: Mapped[str | None]
    """What was odd about it: that it was paid late, why the gateway refused it."""
    trade_no: Mapped[str | None]
    """The gateway's own number for the payment."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    ask_at: Mapped[datetime]
    """When the gateway is to be asked about it next, while it is pending or may be paid late."""
    times_asked: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint(_CREDITS, name="amount_credits"),
        CheckConstraint(_PRICE, name="price_minor"),
        CheckConstraint("length(number) = 32", name="number"),
        CheckConstraint("currency = 'CNY'", name="currency"),
        CheckConstraint("status in ('pending', 'paid', 'expired', 'refused')", name="status"),
        CheckConstraint("(status = 'paid') = (paid_at is not null)", name="paid_at_some_time"),
        Index("ix_payment_order_user_id_id", "user_id", "id"),
        Index("ix_payment_order_status_id", "status", "id"),
        Index(
            "ix_payment_order_ask_at",
            "ask_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_payment_order_expires_at",
            "expires_at",
            sqlite_where=text("status in ('expired', 'refused')"),
            postgresql_where=text("status in ('expired', 'refused')"),
        ),
    )
