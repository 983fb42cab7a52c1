"""How models do, counted by the hour; what is left at a provider; an index the figures are read from."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_HOUR = {
    "sqlite": "substr(finished_at, 1, 13) || ':00:00.000000+00:00'",
    "postgresql": "date_trunc('hour', finished_at at time zone 'UTC') at time zone 'UTC'",
}
_WHOSE = {"sqlite": "json_extract(failure, '$.whose')", "postgresql": "failure ->> 'whose'"}
_SINCE = {
    "sqlite": "strftime('%Y-%m-%dT%H:00:00.000000+00:00', 'now', '-31 days')",
    "postgresql": "now() - interval '31 days'",
}


def upgrade() -> None:
    op.create_table(
        "model_hour",
        sa.Column("hour", Instant(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("canceled", sa.Integer(), nullable=False),
        sa.Column("settled_credits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "succeeded >= 0 and failed >= 0 and refused >= 0 and canceled >= 0 and settled_credits >= 0",
            name=op.f("ck_model_hour_counts_up"),
        ),
        sa.PrimaryKeyConstraint("hour", "model", name=op.f("pk_model_hour")),
    )
    _count_the_last_month()
    op.create_index(
        "ix_generation_succeeded",
        "generation",
        ["model", "finished_at", "submitted_at"],
        unique=False,
        sqlite_where=sa.text("status = 'succeeded'"),
        postgresql_where=sa.text("status = 'succeeded'"),
    )
    op.drop_index("ix_generation_model_finished_at", table_name="generation")
    op.add_column("credential", sa.Column("balance_amount", sa.String(), nullable=True))
    op.add_column("credential", sa.Column("balance_unit", sa.String(), nullable=True))
    op.add_column("credential", sa.Column("balance_at", Instant(), nullable=True))


def _count_the_last_month() -> None:
    """What ended before anybody counted: the figures begin complete."""
    dialect = op.get_bind().dialect.name
    refused = f"(status = 'failed' and {_WHOSE[dialect]} = 'user')"
    op.execute(
        sa.text(f"""
            insert into model_hour (hour, model, succeeded, failed, refused, canceled, settled_credits)
            select {_HOUR[dialect]}, model,
                sum(case when status = 'succeeded' then 1 else 0 end),
                sum(case when status = 'failed' and not coalesce({refused}, false) then 1 else 0 end),
                sum(case when {refused} then 1 else 0 end),
                sum(case when status = 'canceled' then 1 else 0 end),
                sum(coalesce(settled_credits, 0))
            from generation where finished_at >= {_SINCE[dialect]} group by 1, 2
        """)  # noqa: S608 - built of the constants above alone
    )
