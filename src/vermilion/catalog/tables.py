"""What admins change about models, the models they make, and the credentials to reach providers with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base


class ModelOverrideRow(Base):
    """What an admin changed about one model; null leaves what the entry says."""

    __tablename__ = "model_override"

    model_id: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool | None]
    base_credits: Mapped[int | None]
    per_output_credits: Mapped[int | None]
    visibility: Mapped[str | None]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("base_credits between 0 and 1000000", name="base_credits"),
        CheckConstraint("per_output_credits between 0 and 1000000", name="per_output_credits"),
        CheckConstraint("visibility in ('everyone', 'admins')", name="visibility"),
    )


class OwnModelRow(Base):
    """A model that an admin made: its whole entry, and the digest of it that caches go by."""

    __tablename__ = "own_model"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    entry: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("id like 'own-%' and length(id) between 5 and 64", name="id"),
        CheckConstraint("length(digest) = 64", name="digest"),
    )


class CredentialRow(Base):
    """One login at a provider. `fields_sealed` is the JSON of all its fields, bound to `credential:<id>`.

    `balance_…` is what the provider last said is left there, and when.
    """

    __tablename__ = "credential"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    name: Mapped[str]
    fields_sealed: Mapped[str]
    enabled: Mapped[bool]
    weight: Mapped[int]
    max_concurrent: Mapped[int]
    allow_private_hosts: Mapped[bool]
    managed_by: Mapped[str | None]
    health_state: Mapped[str]
    health_since: Mapped[datetime]
    last_error: Mapped[str | None]
    cooldown_until: Mapped[datetime | None]
    balance_amount: Mapped[str | None]
    balance_unit: Mapped[str | None]
    balance_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("provider", "name"),
        CheckConstraint("length(name) between 1 and 80", name="name"),
        CheckConstraint("weight between 1 and 100", name="weight"),
        CheckConstraint("max_concurrent between 1 and 10000", name="max_concurrent"),
        CheckConstraint("managed_by in ('sandbox')", name="managed_by"),
        CheckConstraint("health_state in ('up', 'degraded', 'down')", name="health_state"),
    )
