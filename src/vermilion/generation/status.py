"""The status vocabulary: one set of words, and which may follow which."""

from enum import StrEnum


class Status(StrEnum):
    """Where a generation is in its life."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    RUNNING = "running"
    STORING = "storing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNCERTAIN = "uncertain"


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})

SHOWS_PREVIEW = frozenset({Status.RUNNING, Status.STORING})
"""While it runs, and until the result itself is there."""

NEXT: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.SUBMITTING, Status.FAILED, Status.CANCELED}),
    # Back to queued when the provider certainly accepted nothing; straight to storing when it answered with results.
    Status.SUBMITTING: frozenset(
        {Status.RUNNING, Status.STORING, Status.QUEUED, Status.UNCERTAIN, Status.FAILED, Status.CANCELED}
    ),
    Status.RUNNING: frozenset({Status.STORING, Status.QUEUED, Status.FAILED, Status.CANCELED}),
    # Back to running when the provider has to be asked for fresh addresses.
    Status.STORING: frozenset({Status.SUCCEEDED, Status.RUNNING, Status.QUEUED, Status.FAILED, Status.CANCELED}),
    # Back to submitting when an admin wants it looked up once more: the same attempt, and nothing is sent blindly.
    Status.UNCERTAIN: frozenset(
        {Status.RUNNING, Status.STORING, Status.SUBMITTING, Status.QUEUED, Status.FAILED, Status.CANCELED}
    ),
    # A late success is given, and not paid for; a retry by the person begins a new attempt.
    Status.FAILED: frozenset({Status.SUCCEEDED, Status.QUEUED}),
    Status.CANCELED: frozenset({Status.SUCCEEDED, Status.QUEUED}),
    Status.SUCCEEDED: frozenset(),
}
"""The legal moves; every transition is checked against them and made by compare-and-set."""
