"""Credits: accounts, holds, entries, statements, and the audit that proves them.

Who changes money comes in here with a transaction: `generation` holds, settles and releases, `billing` and the
admin's door grant and take, `app` mounts `router`. The ledger knows nobody above it: a generation is only an id
on an entry. Balances move by relative SQL, entries are never changed, and each hold ends once; the tables refuse
what contradicts that, `fsck` finds what got around them.
"""

from vermilion.ledger.api import router
from vermilion.ledger.commands import End, expire, grant, hold, open_account, release, settle, take
from vermilion.ledger.fsck import Finding, fsck
from vermilion.ledger.giving import give_by_admin
from vermilion.ledger.movement import lock_accounts
from vermilion.ledger.problems import InsufficientCredits, ReusedHold
from vermilion.ledger.queries import (
    OpenHold,
    balance,
    balances,
    ended_holds,
    entries_of,
    given_once,
    numbered_statement,
    open_holds,
    spent_since,
    statement,
)
from vermilion.ledger.tables import AMOUNT_MAX_CREDITS, BALANCE_MAX_CREDITS, ONCE
from vermilion.ledger.views import Balance, StatementEntry

__all__ = [
    "AMOUNT_MAX_CREDITS",
    "BALANCE_MAX_CREDITS",
    "ONCE",
    "Balance",
    "End",
    "Finding",
    "InsufficientCredits",
    "OpenHold",
    "ReusedHold",
    "StatementEntry",
    "balance",
    "balances",
    "ended_holds",
    "entries_of",
    "expire",
    "fsck",
    "give_by_admin",
    "given_once",
    "grant",
    "hold",
    "lock_accounts",
    "numbered_statement",
    "open_account",
    "open_holds",
    "release",
    "router",
    "settle",
    "spent_since",
    "statement",
    "take",
]
