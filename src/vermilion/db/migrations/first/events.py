"""What a person still has to be told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from vermilion.db import Instant

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def create() -> None:
    """Make them in the database of the running migration."""
    op.create_table(
        "event",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "subject", name=op.f("pk_event")),
    )
    op.create_index("ix_event_user_id_seq", "event", ["user_id", "seq"], unique=True)
    op.create_table(
        "event_position",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_event_position")),
    )
