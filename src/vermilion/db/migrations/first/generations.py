"""Generations, their attempts, and the entries they were priced by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from vermilion.db import Instant

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def create() -> None:
    """Make them in the database of the running migration."""
    op.create_table(
        "entry_snapshot",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("entry", JSON, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_entry_snapshot")),
    )
    op.create_table(
        "generation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("params", JSON, nullable=False),
        sa.Column("inputs", JSON, nullable=False),
        sa.Column("entry_digest", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("price_credits", sa.BigInteger(), nullable=False),
        sa.Column("settled_credits", sa.BigInteger(), nullable=True),
        sa.Column("expected_outputs", sa.SmallInteger(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("run_started_attempt", sa.SmallInteger(), nullable=False),
        sa.Column("percent", sa.Float(), nullable=True),
        sa.Column("queue_position", sa.Integer(), nullable=True),
        sa.Column("failure", JSON, nullable=True),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("cancel_requested_at", Instant(), nullable=True),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("watch_until", Instant(), nullable=True),
        sa.Column("line_until", Instant(), nullable=False),
        sa.Column("deadline_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("submitted_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "(status = 'succeeded') = (settled_credits is not null)", name=op.f("ck_generation_settled_when_succeeded")
        ),
        sa.CheckConstraint(
            "(status in ('canceled', 'failed', 'succeeded')) = (finished_at is not null)",
            name=op.f("ck_generation_finished_when_terminal"),
        ),
        sa.CheckConstraint(
            "status in ('queued', 'submitting', 'running', 'storing', 'succeeded', 'failed', 'canceled', 'uncertain')",
            name=op.f("ck_generation_status_known"),
        ),
        sa.CheckConstraint("expected_outputs between 1 and 100", name=op.f("ck_generation_outputs_bounded")),
        sa.CheckConstraint("price_credits between 1 and 1000000000", name=op.f("ck_generation_price_bounded")),
        sa.CheckConstraint(
            "settled_credits is null or settled_credits between 0 and price_credits",
            name=op.f("ck_generation_settled_bounded"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_digest"], ["entry_snapshot.digest"], name=op.f("fk_generation_entry_digest_entry_snapshot")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_generation_hold_id")),
    )
    op.create_index("ix_generation_model_finished_at", "generation", ["model", "finished_at"], unique=False)
    op.create_index(
        "ix_generation_unfinished",
        "generation",
        ["status"],
        unique=False,
        sqlite_where=sa.text("status not in ('canceled', 'failed', 'succeeded')"),
        postgresql_where=sa.text("status not in ('canceled', 'failed', 'succeeded')"),
    )
    op.create_index("ix_generation_user_id_created_at_id", "generation", ["user_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_generation_watch_until",
        "generation",
        ["watch_until"],
        unique=False,
        sqlite_where=sa.text("watch_until is not null"),
        postgresql_where=sa.text("watch_until is not null"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.String(length=200), nullable=True),
        sa.Column("ticket", JSON, nullable=True),
        sa.Column("outputs", JSON, nullable=True),
        sa.Column("outcome", JSON, nullable=True),
        sa.Column("intended_at", Instant(), nullable=False),
        sa.Column("submitted_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.CheckConstraint("n >= 1", name=op.f("ck_attempt_n_positive")),
        sa.ForeignKeyConstraint(["generation_id"], ["generation.id"], name=op.f("fk_attempt_generation_id_generation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_generation_id_n", "attempt", ["generation_id", "n"], unique=True)
    op.create_index("ix_attempt_provider_ticket_id", "attempt", ["provider", "ticket_id"], unique=False)
