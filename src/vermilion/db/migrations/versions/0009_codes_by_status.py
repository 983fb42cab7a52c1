"""Codes and orders are listed by how they stand."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_redemption_code_status_id", "redemption_code", ["status", "id"])
    op.create_index("ix_payment_order_status_id", "payment_order", ["status", "id"])
