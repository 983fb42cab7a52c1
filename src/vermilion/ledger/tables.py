"""Accounts and their entries, with everything the database itself can refuse.

An account's counters are a cache of its entries; an entry is written once, in the transaction that moves the
counters. Credits are integers: SQLite, which would store a float or a text in an integer column, is told by
the `cast` in every check. What a check cannot see (the account beside the entry, the hold behind an end) is
left to the triggers of `triggers.py`.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base
from vermilion.ledger.triggers import trigger_statements

BALANCE_MAX_CREDITS: Final = 10**12
"""No counter of an account passes this, so sums over a billion accounts stay within 64 bits."""

AMOUNT_MAX_CREDITS: Final = 10**9
"""The largest amount one operation moves."""

TEXT_MAX_CHARS: Final = 200
"""The longest reason, and the longest key."""

ONCE: Final = "once:"
"""What a key begins with that is used once for all accounts together: what is bought or redeemed is one person's."""


def _counter(column: str, *, least: int = 0, most: int = BALANCE_MAX_CREDITS) -> str:
    return f"{column} between {least} and {most} and {column} = cast({column} as bigint)"


_A = "amount_credits"
_DELTAS_BY_KIND: Final = {
    # granted, available, held, spent, expired
    "grant": (f"= {_A}", f"= {_A}", "= 0", "= 0", "= 0"),
    "take": (f"= -{_A}", f"= -{_A}", "= 0", "= 0", "= 0"),
    "expire": ("= 0", f"= -{_A}", "= 0", "= 0", f"= {_A}"),
    "hold": ("= 0", f"= -{_A}", f"= {_A}", "= 0", "= 0"),
    "release": ("= 0", f"= {_A}", f"= -{_A}", "= 0", "= 0"),
    # What is left of the hold returns in the same entry; the conservation check ties the three together.
    "settle": ("= 0", ">= 0", "< 0", f"= {_A}", "= 0"),
}
_DELTAS: Final = ("granted_delta", "available_delta", "held_delta", "spent_delta", "expired_delta")

DELTAS_FIT_KIND: Final = " or ".join(
    "(kind = '{}' and {})".format(
        kind, " and ".join(f"{column} {rule}" for column, rule in zip(_DELTAS, rules, strict=True))
    )
    for kind, rules in _DELTAS_BY_KIND.items()
)
"""What each kind may move, as SQL over an entry's columns."""

DELTAS_CONSERVE: Final = "granted_delta = available_delta + held_delta + spent_delta + expired_delta"


class AccountRow(Base):
    """One person's balance; `granted = available + held + spent + expired` at every instant."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("granted = available + held + spent + expired", name="conserved"),
        *(
            CheckConstraint(_counter(column), name=f"{column}_bounded")
            for column in ("granted", "available", "held", "spent", "expired", "entry_count")
        ),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    granted: Mapped[int] = mapped_column(BigInteger)
    available: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    spent: Mapped[int] = mapped_column(BigInteger)
    expired: Mapped[int] = mapped_column(BigInteger)
    entry_count: Mapped[int] = mapped_column(BigInteger)
    """How many entries the account has; the newest one carries this number."""
    created_at: Mapped[datetime]


class EntryRow(Base):
    """One movement of an account; never changed, never deleted.

    Entries are ordered by `number`, which the account counts up under its own lock, because ids and clocks of
    several nodes may run backwards.
    """

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("user_id", "number"),
        CheckConstraint(_counter("number", least=1), name="number_bounded"),
        CheckConstraint(_counter(_A, most=AMOUNT_MAX_CREDITS), name="amount_bounded"),
        CheckConstraint(f"{_A} > 0 or kind = 'settle'", name="amount_positive"),
        CheckConstraint(DELTAS_FIT_KIND, name="deltas_fit_kind"),
        CheckConstraint(DELTAS_CONSERVE, name="deltas_conserve"),
        *(
            CheckConstraint(
                _counter(column, least=-AMOUNT_MAX_CREDITS, most=AMOUNT_MAX_CREDITS), name=f"{column}_bounded"
            )
            for column in _DELTAS
        ),
        *(CheckConstraint(_counter(column), name=f"{column}_bounded") for column in ("available_after", "held_after")),
        CheckConstraint(
            "(kind in ('hold', 'settle', 'release')) = (hold_id is not null)"
            " and (hold_id is null) = (generation_id is null)",
            name="names_its_hold",
        ),
        CheckConstraint(
            f"key is null or (kind in ('grant', 'take', 'expire') and length(key) between 1 and {TEXT_MAX_CHARS})",
            name="key_fits",
        ),
        CheckConstraint(f"reason is null or length(reason) <= {TEXT_MAX_CHARS}", name="reason_bounded"),
        Index(
            "uq_entry_hold",
            "hold_id",
            unique=True,
            sqlite_where=text("kind = 'hold'"),
            postgresql_where=text("kind = 'hold'"),
        ),
        Index(
            "uq_entry_end",
            "hold_id",
            unique=True,
            sqlite_where=text("kind in ('settle', 'release')"),
            postgresql_where=text("kind in ('settle', 'release')"),
        ),
        Index(
            "uq_entry_user_id_key",
            "user_id",
            "key",
            unique=True,
            sqlite_where=text("key is not null"),
            postgresql_where=text("key is not null"),
        ),
        Index(
            "uq_entry_once",
            "key",
            unique=True,
            sqlite_where=text(f"substr(key, 1, {len(ONCE)}) = '{ONCE}'"),
            postgresql_where=text(f"substr(key, 1, {len(ONCE)}) = '{ONCE}'"),
        ),
        Index(
            "ix_entry_settled_at",
            "created_at",
            sqlite_where=text("kind = 'settle'"),
            postgresql_where=text("kind = 'settle'"),
        ),
        Index(
            "ix_entry_generation_id",
            "generation_id",
            sqlite_where=text("generation_id is not null"),
            postgresql_where=text("generation_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("account.user_id"))
    number: Mapped[int] = mapped_column(BigInteger)
    """1, 2, 3 … within the account, without gaps."""
    kind: Mapped[str] = mapped_column(String(8))
    amount_credits: Mapped[int] = mapped_column(BigInteger)
    """What the kind moved, never negative; for `settle` what was spent, which may be nothing."""
    granted_delta: Mapped[int] = mapped_column(BigInteger)
    available_delta: Mapped[int] = mapped_column(BigInteger)
    held_delta: Mapped[int] = mapped_column(BigInteger)
    spent_delta: Mapped[int] = mapped_column(BigInteger)
    expired_delta: Mapped[int] = mapped_column(BigInteger)
    available_after: Mapped[int] = mapped_column(BigInteger)
    held_after: Mapped[int] = mapped_column(BigInteger)
    hold_id: Mapped[UUID | None]
    generation_id: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(String(TEXT_MAX_CHARS))
    actor_id: Mapped[UUID | None]
    """Who did it, where a person other than the pipeline did."""
    key: Mapped[str | None] = mapped_column(String(TEXT_MAX_CHARS))
    """The caller's name for this movement, unique per account: the same key again moves nothing.

    One that begins with `once:` is unique among all accounts.
    """
    created_at: Mapped[datetime]


for _statement in trigger_statements():
    event.listen(EntryRow.__table__, "after_create", _statement)
