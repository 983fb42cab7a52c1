"""Models that admins make, kept as rows beside the shelf."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_model",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("entry", Json, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("id like 'own-%' and length(id) between 5 and 64", name=op.f("ck_own_model_id")),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_own_model_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_model")),
    )
