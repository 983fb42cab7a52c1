"""Catalog entries as they were at the time of a request, stored once per distinct content."""

import hashlib
import json
from collections import OrderedDict

from sqlalchemy import bindparam, select

from vermilion.catalog import Entry
from vermilion.db import PerDialect, Tx
from vermilion.generation.tables import EntrySnapshotRow

_KEPT = 512
_entries: OrderedDict[str, Entry] = OrderedDict()
# Needs no invalidation and may be shared by databases: what a digest names never changes.


_digests: OrderedDict[int, tuple[Entry, str]] = OrderedDict()
"""By identity; each entry is held, so that no other can come to have its identity."""

_IS_KEPT = PerDialect(lambda _: select(EntrySnapshotRow.digest).where(EntrySnapshotRow.digest == bindparam("digest")))
_KEEP = PerDialect(lambda insert: insert(EntrySnapshotRow.__table__).on_conflict_do_nothing(index_elements=["digest"]))


def remember(tx: Tx, entry: Entry) -> str:
    """Store the entry unless it is there; returns the digest of its content."""
    digest = _digest(entry)
    if _IS_KEPT.run(tx, {"digest": digest}).one_or_none() is None:
        _KEEP.run(tx, {"digest": digest, "entry": entry.snapshot()})
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


def _digest(entry: Entry) -> str:
    known = _digests.get(id(entry))
    if known is not None:
        return known[1]
    content = json.dumps(entry.snapshot(), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    _digests[id(entry)] = (entry, digest)
    while len(_digests) > _KEPT:
        _digests.popitem(last=False)
    return digest
