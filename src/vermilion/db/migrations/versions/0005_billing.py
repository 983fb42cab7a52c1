"""Redemption codes, packages, orders and the gateway; and in the ledger, keys that are used once for all accounts."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ENTRY_FITS = """create trigger entry_fits before insert on entry begin
    select raise(abort, 'an entry must agree with its account') where
    not exists (
        select 1 from account
        where account.user_id = new.user_id and account.entry_count = new.number
          and account.available = new.available_after and account.held = new.held_after
    );
    select raise(abort, 'an end must give back what its hold took') where
    new.kind in ('settle', 'release') and not exists (
        select 1 from entry as taken
        where taken.hold_id = new.hold_id and taken.kind = 'hold' and taken.user_id = new.user_id
          and taken.generation_id = new.generation_id and taken.amount_credits = -new.held_delta
    );
    select raise(abort, 'UNIQUE constraint failed: an entry like this one is already there') where
    exists (select 1 from entry where id = new.id)
    or exists (select 1 from entry where user_id = new.user_id and number = new.number)
    or exists (select 1 from entry where user_id = new.user_id and key = new.key)
    or (substr(new.key, 1, 5) = 'once:' and exists (
        select 1 from entry where key = new.key and substr(key, 1, 5) = 'once:'))
    or (new.kind = 'hold' and exists (select 1 from entry where hold_id = new.hold_id and kind = 'hold'))
    or (new.kind in ('settle', 'release') and exists (
        select 1 from entry where hold_id = new.hold_id and kind in ('settle', 'release')));
end"""


def upgrade() -> None:
    op.create_table(
        "credit_package",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("amount_credits", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("managed_by", sa.String(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("currency = 'CNY'", name=op.f("ck_credit_package_currency")),
        sa.CheckConstraint("managed_by in ('sandbox')", name=op.f("ck_credit_package_managed_by")),
        sa.CheckConstraint("amount_credits between 1 and 1000000000", name=op.f("ck_credit_package_amount_credits")),
        sa.CheckConstraint(
            "length(title_en) between 1 and 80 and length(title_zh) between 1 and 80",
            name=op.f("ck_credit_package_title"),
        ),
        sa.CheckConstraint("position between 0 and 10000", name=op.f("ck_credit_package_position")),
        sa.CheckConstraint("price_minor between 1 and 1000000000", name=op.f("ck_credit_package_price_minor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_package")),
    )
    op.create_table(
        "payment_gateway",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fields_sealed", sa.String(), nullable=False),
        sa.Column("methods", Json, nullable=False),
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("allow_private_hosts", sa.Boolean(), nullable=False),
        sa.Column("managed_by", sa.String(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("flow in ('page', 'api')", name=op.f("ck_payment_gateway_flow")),
        sa.CheckConstraint("managed_by in ('sandbox')", name=op.f("ck_payment_gateway_managed_by")),
        sa.CheckConstraint("name in ('epay')", name=op.f("ck_payment_gateway_name")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_payment_gateway")),
    )
    op.create_table(
        "payment_order",
        sa.Column("id", sa.Uuid(), nullable=False),
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
        sa.CheckConstraint("currency = 'CNY'", name=op.f("ck_payment_order_currency")),
        sa.CheckConstraint("status in ('pending', 'paid', 'expired', 'refused')", name=op.f("ck_payment_order_status")),
        sa.CheckConstraint("amount_credits between 1 and 1000000000", name=op.f("ck_payment_order_amount_credits")),
        sa.CheckConstraint("price_minor between 1 and 1000000000", name=op.f("ck_payment_order_price_minor")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_payment_order_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
    )
    op.create_index(
        "ix_payment_order_ask_at",
        "payment_order",
        ["ask_at"],
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_payment_order_user_id_id", "payment_order", ["user_id", "id"])

    op.create_table(
        "redemption_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("code_sealed", sa.String(), nullable=False),
        sa.Column("ending", sa.String(), nullable=False),
        sa.Column("amount_credits", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("received_by", sa.Uuid(), nullable=True),
        sa.Column("received_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "(status = 'used') = (received_by is not null) and (status = 'used') = (received_at is not null)",
            name=op.f("ck_redemption_code_used_by_somebody"),
        ),
        sa.CheckConstraint("status in ('enabled', 'disabled', 'used')", name=op.f("ck_redemption_code_status")),
        sa.CheckConstraint("amount_credits between 1 and 1000000000", name=op.f("ck_redemption_code_amount_credits")),
        sa.CheckConstraint("length(code_hash) = 64", name=op.f("ck_redemption_code_code_hash")),
        sa.CheckConstraint("length(ending) = 4", name=op.f("ck_redemption_code_ending")),
        sa.CheckConstraint("length(purpose) <= 200", name=op.f("ck_redemption_code_purpose")),
        sa.ForeignKeyConstraint(["received_by"], ["user.id"], name=op.f("fk_redemption_code_received_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_redemption_code_code_hash")),
    )
    op.create_index("ix_redemption_code_batch_id_id", "redemption_code", ["batch_id", "id"])
    op.create_index("ix_redemption_code_ending_id", "redemption_code", ["ending", "id"])

    op.create_index(
        "uq_entry_once",
        "entry",
        ["key"],
        unique=True,
        sqlite_where=sa.text("substr(key, 1, 5) = 'once:'"),
        postgresql_where=sa.text("substr(key, 1, 5) = 'once:'"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("drop trigger entry_fits")
        # As the driver's own text: the statement has semicolons in it, and no parameters.
        op.get_bind().exec_driver_sql(_ENTRY_FITS)
