"""A mask that was painted over a picture is a file, and none of a person's pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    known = sa.CheckConstraint("role in ('mask')", name=op.f("ck_asset_role_known"))
    op.add_column("asset", sa.Column("role", sa.String(length=8), known, nullable=True))
