"""Orders that ended are asked about for some time yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ENDED = sa.text("status in ('expired', 'refused')")


def upgrade() -> None:
    op.create_index(
        "ix_payment_order_expires_at",
        "payment_order",
        ["expires_at"],
        sqlite_where=_ENDED,
        postgresql_where=_ENDED,
    )
