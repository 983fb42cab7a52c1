"""What followed from a generation is found by its parent."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    there = sa.text("parent_id is not null")
    op.create_index("ix_generation_parent_id", "generation", ["parent_id"], sqlite_where=there, postgresql_where=there)
