"""Catalog entries as they were at the time of a request, stored once per distinct content."""

import hashlib
import json
from collections import OrderedDict

from vermilion.catalog import Entry
from vermilion.db import PerDialect, Tx
from vermilion.generation.tables import EntrySnapshotRow

_KEPT = 512
_entries: OrderedDict[str, Entry] = OrderedDict()
# Needs no invalidation and may be shared by databases: what a digest names never changes.


_KEEP = PerDialect(lambda insert: insert(EntrySnapshotRow.__table__).on_conflict_do_nothing(index_elements=["digest"]))


def remember(tx: Tx, entry: Entry) -> str:
    """Store the entry unless it is there; returns the digest of its content."""
    snapshot = entry.snapshot()
    digest = hashlib.sha256(json.dumps(snapshot, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    _KEEP.run(tx, {"digest": digest, "entry": snapshot})
    return digest


def recall(tx: Tx, digest: str) -> Entry:
    """The entry with this digest."""
    entry = _entries.get(digest)
    if entry is None:
        entry = Entry.from_snapshot(tx.get_one(EntrySnapshotRow, digest).entry)
        _entries[digest] = entry
        while len(_entries) > _KEPT:
            _entries.popitem(last=False)
    return entry
