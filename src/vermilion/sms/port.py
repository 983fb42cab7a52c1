"""What the house asks of whoever sends text messages, and the three things that may come of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["smsbao"]
"""Which vendor of messages."""

Purpose = Literal["register", "login", "bind", "change"]
"""What a code is for: signing up, signing in, a number that is added, and a change that its owner confirms."""

Reason = Literal["number", "text", "operator"]
"""Whose move a refusal is: the number is none that can be reached, the text is not let through, or the operator's
account does not work (login, balance, expiry, address)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken for sending; nobody knows yet whether it arrives."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not sent. `detail` is one English sentence for the operator."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost or makes no sense: it may have been sent, and is not sent again."""

    detail: str


Outcome = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Standing:
    """What a connection test found: `problem` is None where all is well; `remaining` counts messages."""

    problem: str | None
    remaining: int | None = None
    sent: int | None = None


class Sender(Protocol):
    """One account at one vendor of text messages."""

    async def send(self, phone: str, purpose: Purpose, variables: Mapping[str, str]) -> Outcome:
        """Send one message to `phone` (E.164). `variables` are `code` and `minutes`; never raises for the vendor."""
        ...

    async def probe(self) -> Standing:
        """Whether the account works; sends nothing and costs nothing."""
        ...
