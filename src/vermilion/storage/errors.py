"""What can go wrong while keeping bytes.

StorageFailed       `again` says whether the same call may pass later (disk full, a busy volume)
└── FileMissing     nothing lies under this key
"""

from typing import Literal

Reason = Literal[
    "failed",
    "missing",
    "damaged",
    "unreachable",
    "timeout",
    "busy",
    "wrong_secret",
    "unknown_key",
    "denied",
    "no_bucket",
    "clock",
    "misconfigured",
    "sealed",
]
"""What was wrong, in a word that programs may rely on; `failed` is everything else."""


class StorageFailed(Exception):
    """The storage could not do it; `detail` is one English sentence for the operator's log."""

    def __init__(self, detail: str, *, again: bool, reason: Reason = "failed") -> None:
        super().__init__(detail)
        self.detail = detail
        self.again = again
        self.reason = reason


class FileMissing(StorageFailed):
    """Nothing lies under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Nothing is stored under {key}.", again=False, reason="missing")
        self.key = key
