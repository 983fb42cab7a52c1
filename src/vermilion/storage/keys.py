"""Keys: a file is stored under the hash of its content, so that equal files share one place."""

import hashlib
import os
import re
from pathlib import Path

from vermilion.storage.errors import StorageFailed

_KEY = re.compile(r"sha256/(?P<first>[0-9a-f]{2})/(?P<second>[0-9a-f]{2})/(?P<hash>[0-9a-f]{64})")
_HASH = re.compile(r"[0-9a-f]{64}")


def content_key(sha256: str) -> str:
    """The key of the content with this hash (64 lower-case hex digits); raises ValueError for anything else."""
    if not _HASH.fullmatch(sha256):
        raise ValueError(f"not a SHA-256 in lower-case hex: {sha256[:80]!r}")
    return f"sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def hash_of(key: str) -> str:
    """The hash a key promises; raises ValueError unless it is exactly what `content_key` makes.

    Nothing else ever reaches a file system or a bucket, so no key can climb out of its root.
    """
    match = _KEY.fullmatch(key)
    if match is None or match["hash"][:4] != match["first"] + match["second"]:
        raise ValueError(f"not a storage key: {key[:120]!r}")
    return match["hash"]


def verified_size(spool: Path, key: str) -> int:
    """Bytes in the spool file; raises `StorageFailed` unless its content is what the key says, and `OSError`."""
    with spool.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if hashlib.file_digest(file, "sha256").hexdigest() != hash_of(key):
            raise StorageFailed(f"The file to keep is not the content of {key}.", again=False, reason="damaged")
    return size_bytes
