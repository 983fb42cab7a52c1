"""A generation remembers which fields of its request said nothing to its model."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import JsonOrNull

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generation", sa.Column("ignored_fields", JsonOrNull, nullable=True))
