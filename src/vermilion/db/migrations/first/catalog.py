"""What admins change about models, and the credentials to reach providers with."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant


def create() -> None:
    """Make them in the database of the running migration."""
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fields_sealed", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("max_concurrent", sa.Integer(), nullable=False),
        sa.Column("allow_private_hosts", sa.Boolean(), nullable=False),
        sa.Column("managed_by", sa.String(), nullable=True),
        sa.Column("health_state", sa.String(), nullable=False),
        sa.Column("health_since", Instant(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("cooldown_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("health_state in ('up', 'degraded', 'down')", name=op.f("ck_credential_health_state")),
        sa.CheckConstraint("managed_by in ('sandbox')", name=op.f("ck_credential_managed_by")),
        sa.CheckConstraint("length(name) between 1 and 80", name=op.f("ck_credential_name")),
        sa.CheckConstraint("max_concurrent between 1 and 10000", name=op.f("ck_credential_max_concurrent")),
        sa.CheckConstraint("weight between 1 and 100", name=op.f("ck_credential_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("provider", "name", name=op.f("uq_credential_provider_name")),
    )
    op.create_table(
        "model_override",
        sa.Column("model_id", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=True),
        sa.Column("base_credits", sa.Integer(), nullable=True),
        sa.Column("per_output_credits", sa.Integer(), nullable=True),
        sa.Column("visibility", sa.String(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("visibility in ('everyone', 'admins')", name=op.f("ck_model_override_visibility")),
        sa.CheckConstraint("base_credits between 0 and 1000000", name=op.f("ck_model_override_base_credits")),
        sa.CheckConstraint(
            "per_output_credits between 0 and 1000000", name=op.f("ck_model_override_per_output_credits")
        ),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_model_override")),
    )
