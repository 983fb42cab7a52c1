"""A generation, its attempts, and the declarations they were priced by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Float, ForeignKey, Index, Integer, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base, Instant, Json, JsonOrNull
from vermilion.generation.status import TERMINAL, Status

_TERMINAL_SQL = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
_STATUS_SQL = ", ".join(f"'{status}'" for status in Status)
CREDITS_MAX = 1_000_000_000


class EntrySnapshotRow(Base):
    """A catalog entry as it was when somebody requested a generation; stored once per distinct content."""

    __tablename__ = "entry_snapshot"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    entry: Mapped[dict[str, Any]] = mapped_column(Json)


class GenerationRow(Base):
    """One person's request and its life; holds everything needed to go on after a crash.

    `version` is what every step compares and sets. `hold_id` names the open hold; after the end it stays, as the
    name of the receipt. `line_until` bounds the wait for a turn, `deadline_at` the stage it is in. `watch_until`
    keeps a failed row driven, in case its result still arrives. `ignored_fields` were sent in another API's shape and
    say nothing to the model; NULL where there were none.
    """

    __tablename__ = "generation"
    __table_args__ = (
        CheckConstraint(f"status in ({_STATUS_SQL})", name="status_known"),
        CheckConstraint(f"(status in ({_TERMINAL_SQL})) = (finished_at is not null)", name="finished_when_terminal"),
        CheckConstraint("(status = 'succeeded') = (settled_credits is not null)", name="settled_when_succeeded"),
        CheckConstraint(f"price_credits between 1 and {CREDITS_MAX}", name="price_bounded"),
        CheckConstraint(
            "settled_credits is null or settled_credits between 0 and price_credits", name="settled_bounded"
        ),
        CheckConstraint("expected_outputs between 1 and 100", name="outputs_bounded"),
        Index("ix_generation_user_id_created_at_id", "user_id", "created_at", "id"),
        Index(
            "ix_generation_unfinished",
            "status",
            sqlite_where=text(f"status not in ({_TERMINAL_SQL})"),
            postgresql_where=text(f"status not in ({_TERMINAL_SQL})"),
        ),
        Index(
            "ix_generation_watch_until",
            "watch_until",
            sqlite_where=text("watch_until is not null"),
            postgresql_where=text("watch_until is not null"),
        ),
        Index(
            "ix_generation_parent_id",
            "parent_id",
            sqlite_where=text("parent_id is not null"),
            postgresql_where=text("parent_id is not null"),
        ),
        # With the columns durations are made of: PostgreSQL need not visit the rows for them.
        Index(
            "ix_generation_succeeded",
            "model",
            "finished_at",
            "submitted_at",
            sqlite_where=text("status = 'succeeded'"),
            postgresql_where=text("status = 'succeeded'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    request_digest: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(80))
    provider: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))
    prompt: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    inputs: Mapped[list[Any]] = mapped_column(Json)
    entry_digest: Mapped[str] = mapped_column(ForeignKey("entry_snapshot.digest"))
    parent_id: Mapped[UUID | None]
    price_credits: Mapped[int] = mapped_column(BigInteger)
    settled_credits: Mapped[int | None] = mapped_column(BigInteger)
    expected_outputs: Mapped[int] = mapped_column(SmallInteger)
    hold_id: Mapped[UUID] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    priority: Mapped[int] = mapped_column(SmallInteger, default=0)
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0)
    run_started_attempt: Mapped[int] = mapped_column(SmallInteger, default=0)
    percent: Mapped[float | None] = mapped_column(Float)
    queue_position: Mapped[int | None] = mapped_column(Integer)
    failure: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Instant)
    not_before: Mapped[datetime | None] = mapped_column(Instant)
    watch_until: Mapped[datetime | None] = mapped_column(Instant)
    line_until: Mapped[datetime] = mapped_column(Instant)
    deadline_at: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)
    ignored_fields: Mapped[list[str] | None] = mapped_column(JsonOrNull)


SUCCEEDED_ROWS = text("generation.status = 'succeeded'")
"""The condition of `ix_generation_succeeded`; with a parameter in its place the index would not be used."""


class ModelHourRow(Base):
    """How a model's generations ended within an hour (UTC), counted in the transactions that ended them.

    `failed` is what went wrong on the house's or the provider's side, `refused` what the person's own request could
    not get past. A result that came after the credits went back changes nothing here.
    """

    __tablename__ = "model_hour"
    __table_args__ = (
        CheckConstraint(
            "succeeded >= 0 and failed >= 0 and refused >= 0 and canceled >= 0 and settled_credits >= 0",
            name="counts_up",
        ),
    )

    hour: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    model: Mapped[str] = mapped_column(String(80), primary_key=True)
    succeeded: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    refused: Mapped[int] = mapped_column(Integer)
    canceled: Mapped[int] = mapped_column(Integer)
    settled_credits: Mapped[int] = mapped_column(BigInteger)


class AttemptRow(Base):
    """One try at a provider. Its row is the intention, committed before the provider is called.

    `id` is the reference the provider is given. `ticket` is the provider's receipt; `outputs` are the results it
    named, so that collecting goes on after a restart; `outcome` says how it ended.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_generation_id_n", "generation_id", "n", unique=True),
        Index("ix_attempt_provider_ticket_id", "provider", "ticket_id"),
        CheckConstraint("n >= 1", name="n_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generation_id: Mapped[UUID] = mapped_column(ForeignKey("generation.id"))
    n: Mapped[int] = mapped_column(SmallInteger)
    provider: Mapped[str] = mapped_column(String(40))
    credential_id: Mapped[UUID]
    ticket_id: Mapped[str | None] = mapped_column(String(200))
    ticket: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    outputs: Mapped[list[Any] | None] = mapped_column(JsonOrNull)
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    intended_at: Mapped[datetime] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
