"""The gateway knows an order by a number of the house's own; orders that were placed before keep theirs, their id."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBER = "length(number) = 32"
_PENDING = sa.text("status = 'pending'")
_KEPT = (
    "id, user_id, package_id, title_en, title_zh, amount_credits, price_minor, currency, gateway, merchant, method, "
    "status, note, trade_no, created_at, expires_at, paid_at, ask_at, times_asked"
)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        _rebuild_orders()
    else:
        _alter_orders()


def _alter_orders() -> None:
    op.add_column("payment_order", sa.Column("number", sa.String(), nullable=True))
    op.execute(sa.text("update payment_order set number = replace(cast(id as varchar), '-', '')"))
    op.alter_column("payment_order", "number", nullable=False)
    op.create_unique_constraint(op.f("uq_payment_order_number"), "payment_order", ["number"])
    op.create_check_constraint(op.f("ck_payment_order_number"), "payment_order", _NUMBER)


def _rebuild_orders() -> None:
    """SQLite adds no column that must be filled: the table is written anew under another name, and renamed."""
    op.create_table(
        "payment_order_with_number",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("amount_credits", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("merchant", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("trade_no", sa.String(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("paid_at", Instant(), nullable=True),
        sa.Column("ask_at", Instant(), nullable=False),
        sa.Column("times_asked", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_at is not null)", name=op.f("ck_payment_order_paid_at_some_time")
        ),
        sa.CheckConstraint(_NUMBER, name=op.f("ck_payment_order_number")),
        sa.CheckConstraint("currency = 'CNY'", name=op.f("ck_payment_order_currency")),
        sa.CheckConstraint("status in ('pending', 'paid', 'expired', 'refused')", name=op.f("ck_payment_order_status")),
        sa.CheckConstraint("amount_credits between 1 and 1000000000", name=op.f("ck_payment_order_amount_credits")),
        sa.CheckConstraint("price_minor between 1 and 1000000000", name=op.f("ck_payment_order_price_minor")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_payment_order_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
        sa.UniqueConstraint("number", name=op.f("uq_payment_order_number")),
    )
    op.execute(
        sa.text(
            f"insert into payment_order_with_number (number, {_KEPT}) "  # noqa: S608 - constants
            f"select replace(id, '-', ''), {_KEPT} from payment_order"
        )
    )
    op.drop_table("payment_order")
    op.rename_table("payment_order_with_number", "payment_order")
    op.create_index("ix_payment_order_ask_at", "payment_order", ["ask_at"], sqlite_where=_PENDING)
    op.create_index("ix_payment_order_status_id", "payment_order", ["status", "id"])
    op.create_index("ix_payment_order_user_id_id", "payment_order", ["user_id", "id"])
