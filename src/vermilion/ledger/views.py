"""What the outside sees of the ledger: a balance, and the lines of a statement."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

EntryKind = Literal["grant", "hold", "settle", "release", "take", "expire"]


class Balance(BaseModel):
    """One person's credits; `granted = available + held + spent + expired`."""

    model_config = ConfigDict(frozen=True)

    granted: int
    """Everything given, less what an admin took back."""
    available: int
    """What can be held for new work."""
    held: int
    """Set aside for work that has not ended."""
    spent: int
    expired: int


NOTHING = Balance(granted=0, available=0, held=0, spent=0, expired=0)
"""What somebody without an account has."""


class StatementEntry(BaseModel):
    """One line of a statement, newest lines first."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    kind: EntryKind
    amount_credits: int
    """What the kind moved, never negative: for `settle` what was spent, for `release` what came back."""
    available_delta: int
    """How the available credits changed; a settle may return the rest of its hold."""
    available_after: int
    held_after: int
    generation_id: UUID | None
    reason: str | None
    created_at: datetime
