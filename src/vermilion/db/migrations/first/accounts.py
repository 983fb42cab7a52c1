"""Accounts and their entries, and the triggers that guard them."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant

TRIGGERS = {
    "sqlite": (
        """create trigger entry_never_updated before update on entry begin select raise(abort,
    'entries of the ledger never change'); end""",
        """create trigger entry_never_deleted before delete on entry begin select raise(abort,
    'entries of the ledger never change'); end""",
        """create trigger entry_fits before insert on entry begin
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
    or (new.kind = 'hold' and exists (select 1 from entry where hold_id = new.hold_id and kind = 'hold'))
    or (new.kind in ('settle', 'release') and exists (
        select 1 from entry where hold_id = new.hold_id and kind in ('settle', 'release')));
end""",
    ),
    "postgresql": (
        """create or replace function entry_never_changes() returns trigger language plpgsql as $$
begin
    raise exception 'entries of the ledger never change' using errcode = 'integrity_constraint_violation';
end $$""",
        """create trigger entry_never_changed before update or delete on entry for each row execute function
    entry_never_changes()""",
        """create trigger entry_never_truncated before truncate on entry for each statement execute function
    entry_never_changes()""",
        """create or replace function entry_fits() returns trigger language plpgsql as $$
begin
    if
    not exists (
        select 1 from account
        where account.user_id = new.user_id and account.entry_count = new.number
          and account.available = new.available_after and account.held = new.held_after
    ) then
        raise exception 'an entry must agree with its account' using errcode = 'integrity_constraint_violation';
    end if;
    if
    new.kind in ('settle', 'release') and not exists (
        select 1 from entry as taken
        where taken.hold_id = new.hold_id and taken.kind = 'hold' and taken.user_id = new.user_id
          and taken.generation_id = new.generation_id and taken.amount_credits = -new.held_delta
    ) then
        raise exception 'an end must give back what its hold took' using errcode =
            'integrity_constraint_violation';
    end if;
    return new;
end $$""",
        "create trigger entry_fits before insert on entry for each row execute function entry_fits()",
    ),
}


def create() -> None:
    """Make them in the database of the running migration."""
    op.create_table(
        "account",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "available between 0 and 1000000000000 and available = cast(available as bigint)",
            name=op.f("ck_account_available_bounded"),
        ),
        sa.CheckConstraint(
            "entry_count between 0 and 1000000000000 and entry_count = cast(entry_count as bigint)",
            name=op.f("ck_account_entry_count_bounded"),
        ),
        sa.CheckConstraint(
            "expired between 0 and 1000000000000 and expired = cast(expired as bigint)",
            name=op.f("ck_account_expired_bounded"),
        ),
        sa.CheckConstraint("granted = available + held + spent + expired", name=op.f("ck_account_conserved")),
        sa.CheckConstraint(
            "granted between 0 and 1000000000000 and granted = cast(granted as bigint)",
            name=op.f("ck_account_granted_bounded"),
        ),
        sa.CheckConstraint(
            "held between 0 and 1000000000000 and held = cast(held as bigint)", name=op.f("ck_account_held_bounded")
        ),
        sa.CheckConstraint(
            "spent between 0 and 1000000000000 and spent = cast(spent as bigint)", name=op.f("ck_account_spent_bounded")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_account")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("amount_credits", sa.BigInteger(), nullable=False),
        sa.Column("granted_delta", sa.BigInteger(), nullable=False),
        sa.Column("available_delta", sa.BigInteger(), nullable=False),
        sa.Column("held_delta", sa.BigInteger(), nullable=False),
        sa.Column("spent_delta", sa.BigInteger(), nullable=False),
        sa.Column("expired_delta", sa.BigInteger(), nullable=False),
        sa.Column("available_after", sa.BigInteger(), nullable=False),
        sa.Column("held_after", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'grant' and granted_delta = amount_credits and available_delta = amount_credits and "
            "held_delta = 0 and spent_delta = 0 and expired_delta = 0) or (kind = 'take' and granted_delta = "
            "-amount_credits and available_delta = -amount_credits and held_delta = 0 and spent_delta = 0 and "
            "expired_delta = 0) or (kind = 'expire' and granted_delta = 0 and available_delta = -amount_credits "
            "and held_delta = 0 and spent_delta = 0 and expired_delta = amount_credits) or (kind = 'hold' and "
            "granted_delta = 0 and available_delta = -amount_credits and held_delta = amount_credits and "
            "spent_delta = 0 and expired_delta = 0) or (kind = 'release' and granted_delta = 0 and "
            "available_delta = amount_credits and held_delta = -amount_credits and spent_delta = 0 and "
            "expired_delta = 0) or (kind = 'settle' and granted_delta = 0 and available_delta >= 0 and held_delta"
            " < 0 and spent_delta = amount_credits and expired_delta = 0)",
            name=op.f("ck_entry_deltas_fit_kind"),
        ),
        sa.CheckConstraint(
            "(kind in ('hold', 'settle', 'release')) = (hold_id is not null) and (hold_id is null) = "
            "(generation_id is null)",
            name=op.f("ck_entry_names_its_hold"),
        ),
        sa.CheckConstraint("amount_credits > 0 or kind = 'settle'", name=op.f("ck_entry_amount_positive")),
        sa.CheckConstraint(
            "key is null or (kind in ('grant', 'take', 'expire') and length(key) between 1 and 200)",
            name=op.f("ck_entry_key_fits"),
        ),
        sa.CheckConstraint(
            "amount_credits between 0 and 1000000000 and amount_credits = cast(amount_credits as bigint)",
            name=op.f("ck_entry_amount_bounded"),
        ),
        sa.CheckConstraint(
            "available_after between 0 and 1000000000000 and available_after = cast(available_after as bigint)",
            name=op.f("ck_entry_available_after_bounded"),
        ),
        sa.CheckConstraint(
            "available_delta between -1000000000 and 1000000000 and available_delta = cast(available_delta as bigint)",
            name=op.f("ck_entry_available_delta_bounded"),
        ),
        sa.CheckConstraint(
            "expired_delta between -1000000000 and 1000000000 and expired_delta = cast(expired_delta as bigint)",
            name=op.f("ck_entry_expired_delta_bounded"),
        ),
        sa.CheckConstraint(
            "granted_delta = available_delta + held_delta + spent_delta + expired_delta",
            name=op.f("ck_entry_deltas_conserve"),
        ),
        sa.CheckConstraint(
            "granted_delta between -1000000000 and 1000000000 and granted_delta = cast(granted_delta as bigint)",
            name=op.f("ck_entry_granted_delta_bounded"),
        ),
        sa.CheckConstraint(
            "held_after between 0 and 1000000000000 and held_after = cast(held_after as bigint)",
            name=op.f("ck_entry_held_after_bounded"),
        ),
        sa.CheckConstraint(
            "held_delta between -1000000000 and 1000000000 and held_delta = cast(held_delta as bigint)",
            name=op.f("ck_entry_held_delta_bounded"),
        ),
        sa.CheckConstraint(
            "number between 1 and 1000000000000 and number = cast(number as bigint)",
            name=op.f("ck_entry_number_bounded"),
        ),
        sa.CheckConstraint("reason is null or length(reason) <= 200", name=op.f("ck_entry_reason_bounded")),
        sa.CheckConstraint(
            "spent_delta between -1000000000 and 1000000000 and spent_delta = cast(spent_delta as bigint)",
            name=op.f("ck_entry_spent_delta_bounded"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["account.user_id"], name=op.f("fk_entry_user_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("user_id", "number", name=op.f("uq_entry_user_id_number")),
    )
    op.create_index(
        "ix_entry_generation_id",
        "entry",
        ["generation_id"],
        unique=False,
        sqlite_where=sa.text("generation_id is not null"),
        postgresql_where=sa.text("generation_id is not null"),
    )
    op.create_index(
        "ix_entry_settled_at",
        "entry",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'settle'"),
        postgresql_where=sa.text("kind = 'settle'"),
    )
    op.create_index(
        "uq_entry_end",
        "entry",
        ["hold_id"],
        unique=True,
        sqlite_where=sa.text("kind in ('settle', 'release')"),
        postgresql_where=sa.text("kind in ('settle', 'release')"),
    )
    op.create_index(
        "uq_entry_hold",
        "entry",
        ["hold_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'hold'"),
        postgresql_where=sa.text("kind = 'hold'"),
    )
    op.create_index(
        "uq_entry_user_id_key",
        "entry",
        ["user_id", "key"],
        unique=True,
        sqlite_where=sa.text("key is not null"),
        postgresql_where=sa.text("key is not null"),
    )
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
