"""What follows when something goes wrong: the one table that decides it, for every provider.

A `ProviderError` says whose move it is; the phase it happened in says what may already have been done. Together
they choose between trying again, a new attempt, looking the lost answer up, and giving the credits back.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from vermilion.providers import (
    Ambiguous,
    Blocked,
    Broke,
    Drifted,
    Misconfigured,
    NotInstalled,
    ProviderError,
    Rejected,
    Throttled,
    Unreachable,
)

Whose = Literal["user", "wait", "admin", "maintainer"]
"""Whose move a failure is: change the request, try later, the operator's, or ours."""

ATTEMPTS_MAX = 3
"""Attempts per hold: a provider that broke three times in a row will break a fourth."""

DRIFTS_MAX = 5
"""Unreadable answers in a row while following, before the job is given up."""

PAUSE_FIRST_SECONDS = 1.0
PAUSE_MAX_SECONDS = 60.0
ASKED_MAX_SECONDS = 3600.0
"""The longest pause a provider may ask for; more, or no number at all, is a mistake of its own."""


class Move(StrEnum):
    """What to do next."""

    AGAIN = "again"
    """The same step later: nothing was accepted, or the question was harmless."""
    ELSEWHERE = "elsewhere"
    """Back into the line: another credential, or this one after it was mended."""
    NEW_ATTEMPT = "new_attempt"
    """The provider had it and failed; try once more on the same hold."""
    LOOK_UP = "look_up"
    """It may have been accepted: resolve the ambiguity, never resubmit blindly."""
    RELEASE = "release"
    """It is over: the credits go back."""


Phase = Literal["submit", "follow"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    move: Move
    code: str
    whose: Whose
    credential_cooldown_seconds: float = 0.0
    credential_down: bool = False
    credential_lacks: bool = False
    """It works, and cannot serve this model."""


_TABLE: dict[tuple[type[ProviderError], Phase], Rule] = {
    (Rejected, "submit"): Rule(Move.RELEASE, "provider.rejected", "user"),
    (Blocked, "submit"): Rule(Move.RELEASE, "provider.blocked", "user"),
    (Misconfigured, "submit"): Rule(Move.ELSEWHERE, "provider.misconfigured", "admin", 60.0, credential_down=True),
    # The login works for everything else.
    (NotInstalled, "submit"): Rule(Move.ELSEWHERE, "provider.not_installed", "admin", credential_lacks=True),
    (Throttled, "submit"): Rule(Move.ELSEWHERE, "provider.throttled", "wait", 2.0),
    (Unreachable, "submit"): Rule(Move.ELSEWHERE, "provider.unreachable", "wait", 2.0),
    (Broke, "submit"): Rule(Move.NEW_ATTEMPT, "provider.broke", "wait"),
    (Ambiguous, "submit"): Rule(Move.LOOK_UP, "provider.answer_lost", "wait"),
    # An unreadable answer to a submit may well have been "accepted".
    (Drifted, "submit"): Rule(Move.LOOK_UP, "provider.drifted", "maintainer"),
    (Rejected, "follow"): Rule(Move.RELEASE, "provider.rejected", "user"),
    (Blocked, "follow"): Rule(Move.RELEASE, "provider.blocked", "user"),
    # The job is there and only the key stopped working: keep asking until the deadline, an admin may mend it.
    (Misconfigured, "follow"): Rule(Move.AGAIN, "provider.misconfigured", "admin", 0.0, credential_down=True),
    (Throttled, "follow"): Rule(Move.AGAIN, "provider.throttled", "wait"),
    (Unreachable, "follow"): Rule(Move.AGAIN, "provider.unreachable", "wait"),
    (Broke, "follow"): Rule(Move.NEW_ATTEMPT, "provider.broke", "wait"),
    (Ambiguous, "follow"): Rule(Move.AGAIN, "provider.unreachable", "wait"),
    (Drifted, "follow"): Rule(Move.AGAIN, "provider.drifted", "maintainer"),
}


def rule_for(error: ProviderError, phase: Phase) -> Rule:
    """The row for this error in this phase; a `Broke` that says no new attempt can pass is released at once."""
    for kind in type(error).__mro__:
        rule = _TABLE.get((kind, phase))
        if rule is not None:
            if isinstance(error, Broke) and not error.again:
                return Rule(Move.RELEASE, rule.code, rule.whose)
            return rule
    raise TypeError(f"{type(error).__name__} has no row in the failure table")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a generation ended without success, as it is stored and shown.

    `vendor_message` is untrusted text in the provider's own words.
    """

    code: str
    whose: Whose
    detail: str
    vendor_message: str | None = None


def failure_of(error: ProviderError, rule: Rule) -> Failure:
    """The failure a person is told when `rule` ends the generation."""
    return Failure(rule.code, rule.whose, error.message, error.vendor_message)


def pause_seconds(tries: int, asked_seconds: float | None = None) -> float:
    """How long to wait before the next try: doubling, bounded, and never less than the provider asked for."""
    doubled = min(PAUSE_FIRST_SECONDS * 2.0 ** min(tries, 16), PAUSE_MAX_SECONDS)
    return max(doubled, bounded_seconds(asked_seconds))


def bounded_seconds(asked_seconds: float | None) -> float:
    """A pause the provider asked for, as something one can wait; 0 when it asked for none."""
    # Written so that NaN, which is above nothing, asks for none.
    return min(asked_seconds, ASKED_MAX_SECONDS) if asked_seconds is not None and asked_seconds > 0 else 0.0
