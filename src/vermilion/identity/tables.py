"""Who there is and how they come in: users, sessions, API keys, codes; what admins did and chose."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DDL, CheckConstraint, ExecutableDDLElement, ForeignKey, Index, Table, event, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base, Json, RowNumber


class UserRow(Base):
    """A person who signs in. Rows are never deleted: work and money refer to them."""

    __tablename__ = "user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    phone: Mapped[str | None] = mapped_column(unique=True)
    """E.164, `+8613800138000`."""
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    locale: Mapped[str | None]
    theme: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role in ('user', 'admin')", name="role"),
        CheckConstraint("locale in ('en', 'zh')", name="locale"),
        CheckConstraint("theme in ('paper', 'ink')", name="theme"),
        CheckConstraint("email = lower(email) and length(email) between 3 and 254", name="email"),
        CheckConstraint("phone like '+%' and length(phone) between 8 and 16", name="phone"),
        # Whatever is taken away, by whomever and at the same moment: one way to sign in always remains.
        CheckConstraint("email is not null or phone is not null", name="reachable"),
        CheckConstraint("email is null or password_hash is not null", name="email_with_password"),
        CheckConstraint("length(name) between 1 and 80", name="name"),
        Index(
            "ix_user_admins",
            "id",
            sqlite_where=text("role = 'admin'"),
            postgresql_where=text("role = 'admin'"),
        ),
    )


class SessionRow(Base):
    """One browser that is signed in; the token itself is only in its cookie."""

    __tablename__ = "session"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The absolute limit; the idle limit is counted from `last_used_at`."""
    confirmed_at: Mapped[datetime | None]
    """When its person last proved again who they are; opening it was a proof too."""
    user_agent: Mapped[str | None]
    ip: Mapped[str | None]


class ApiKeyRow(Base):
    """One program's way in; the secret was shown once and is known here by its hash."""

    __tablename__ = "api_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditRow(Base):
    """What an admin changed; rows are added and nothing else, the database sees to it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    """Nobody's, when the terminal did it."""
    api_key_id: Mapped[UUID | None]
    action: Mapped[str]
    target: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
    ip: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it from the class


class ChoiceRow(Base):
    """One choice of the operator, by the name it has in `Choices`."""

    __tablename__ = "choice"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    updated_at: Mapped[datetime]


class FirstAdminTokenRow(Base):
    """The one-time link of the first start; there is at most one."""

    __tablename__ = "first_admin_token"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token_hash: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class SmsCodeRow(Base):
    """The one code that a number has for a purpose; deleted when it is used."""

    __tablename__ = "sms_code"

    phone: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    requester: Mapped[str]
    """Who asked for it, and alone may use it: a person, or an address."""
    code_hash: Mapped[str]
    tries: Mapped[int]
    tries_since: Mapped[datetime]
    """Since when they are counted: a new code is no new set of tries."""
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("purpose in ('register', 'login', 'bind', 'change')", name="purpose"),
        CheckConstraint("tries between 0 and 5", name="tries"),
        CheckConstraint("length(code_hash) = 64", name="code_hash"),
        Index("ix_sms_code_expires_at", "expires_at"),
    )


class SmsMessageRow(Base):
    """A message that was about to be sent: what the limits count. Written before it is sent."""

    __tablename__ = "sms_message"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    phone: Mapped[str]
    purpose: Mapped[str]
    sent_at: Mapped[datetime]
    outcome: Mapped[str | None]
    """Null while it is being sent, and when nobody came back to say."""
    detail: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("outcome in ('accepted', 'refused', 'unknown')", name="outcome"),
        Index("ix_sms_message_phone_sent_at", "phone", "sent_at"),
        Index("ix_sms_message_sent_at", "sent_at"),
    )


def _append_only(table: Table) -> None:
    """Refuse update, delete and truncate in the database itself, whoever asks."""
    name = table.name
    refusal = f"{name} is append-only"
    sqlite = [
        f"create trigger {name}_no_{verb} before {verb} on {name} begin select raise(abort, '{refusal}'); end"
        for verb in ("update", "delete")
    ]
    postgresql = [
        f"create function {name}_append_only() returns trigger language plpgsql as "
        f"$$ begin raise exception '{refusal}'; end $$",
        f"create trigger {name}_append_only before update or delete or truncate on {name} "
        f"for each statement execute function {name}_append_only()",
    ]
    for dialect, statements in (("sqlite", sqlite), ("postgresql", postgresql)):
        for statement in statements:
            ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call] # SQLAlchemy left it bare
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


_append_only(AuditRow.metadata.tables["audit"])
