"""What can go wrong while keeping bytes.

StorageFailed       `again` says whether the same call may pass later (disk full, a busy volume)
└── FileMissing     nothing lies under this key
"""


class StorageFailed(Exception):
    """The storage could not do it; `detail` is one English sentence for the operator's log."""

    def __init__(self, detail: str, *, again: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.again = again


class FileMissing(StorageFailed):
    """Nothing lies under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Nothing is stored under {key}.", again=False)
        self.key = key
