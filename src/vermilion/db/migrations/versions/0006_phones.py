"""People with a phone number instead of an e-mail address or beside it; codes sent to phones."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PHONE = "phone like '+%' and length(phone) between 8 and 16"
_REACHABLE = "email is not null or phone is not null"
_EMAIL_NEEDS_A_HASH = "email is null or password_hash is not null"
_ADMINS = sa.text("role = 'admin'")
_KEPT = "id, email, name, password_hash, role, locale, theme, disabled_at, created_at, last_seen_at"


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        _rebuild_users()
    else:
        _alter_users()
    op.add_column("session", sa.Column("confirmed_at", Instant(), nullable=True))
    op.create_table(
        "sms_code",
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tries_since", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.CheckConstraint("purpose in ('register', 'login', 'bind', 'change')", name=op.f("ck_sms_code_purpose")),
        sa.CheckConstraint("tries between 0 and 5", name=op.f("ck_sms_code_tries")),
        sa.CheckConstraint("length(code_hash) = 64", name=op.f("ck_sms_code_code_hash")),
        sa.PrimaryKeyConstraint("phone", "purpose", name=op.f("pk_sms_code")),
    )
    op.create_index("ix_sms_code_expires_at", "sms_code", ["expires_at"])
    op.create_table(
        "sms_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.CheckConstraint("outcome in ('accepted', 'refused', 'unknown')", name=op.f("ck_sms_message_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_message")),
    )
    op.create_index("ix_sms_message_phone_sent_at", "sms_message", ["phone", "sent_at"])
    op.create_index("ix_sms_message_sent_at", "sms_message", ["sent_at"])


def _alter_users() -> None:
    op.add_column("user", sa.Column("phone", sa.String(), nullable=True))
    op.alter_column("user", "email", nullable=True)
    op.alter_column("user", "password_hash", nullable=True)
    op.create_unique_constraint(op.f("uq_user_phone"), "user", ["phone"])
    op.create_check_constraint(op.f("ck_user_phone"), "user", _PHONE)
    op.create_check_constraint(op.f("ck_user_reachable"), "user", _REACHABLE)
    op.create_check_constraint(op.f("ck_user_email_with_password"), "user", _EMAIL_NEEDS_A_HASH)


def _rebuild_users() -> None:
    """SQLite cannot make a column nullable in place: the table is written anew under another name, and renamed."""
    op.create_table(
        "user_with_phone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("theme", sa.String(), nullable=True),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=True),
        sa.CheckConstraint("locale in ('en', 'zh')", name=op.f("ck_user_locale")),
        sa.CheckConstraint("role in ('user', 'admin')", name=op.f("ck_user_role")),
        sa.CheckConstraint("theme in ('paper', 'ink')", name=op.f("ck_user_theme")),
        sa.CheckConstraint("email = lower(email) and length(email) between 3 and 254", name=op.f("ck_user_email")),
        sa.CheckConstraint("length(name) between 1 and 80", name=op.f("ck_user_name")),
        sa.CheckConstraint(_PHONE, name=op.f("ck_user_phone")),
        sa.CheckConstraint(_REACHABLE, name=op.f("ck_user_reachable")),
        sa.CheckConstraint(_EMAIL_NEEDS_A_HASH, name=op.f("ck_user_email_with_password")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_user_phone")),
    )
    op.execute(sa.text(f'insert into user_with_phone ({_KEPT}) select {_KEPT} from "user"'))  # noqa: S608 - constants
    op.drop_table("user")
    op.rename_table("user_with_phone", "user")
    op.create_index("ix_user_admins", "user", ["id"], sqlite_where=_ADMINS)
