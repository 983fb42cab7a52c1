"""Catalog entries as they were at the time of a request, stored once per distinct content."""

import hashlib
import json
from collections import OrderedDict

from sqlalchemy import bindparam, select

from vermilion.catalog import Entry, Snapshot
from vermilion.db import PerDialect, Tx
from vermilion.generation.tables import EntrySnapshotRow

_KEPT = 512
_snapshots: OrderedDict[str, Snapshot] = OrderedDict()
# Needs no invalidation and may be shared by databases: what a digest names never changes.


_digests: OrderedDict[int, tuple[Entry, str]] = OrderedDict()
"""By identity; each entry is held, so that no other can come to have its identity."""

_IS_KEPT = PerDialect(lambda _: select(EntrySnapshotRow.digest).where(EntrySnapshotRow.digest == bindparam("digest")))
_KEEP = PerDialect(lambda insert: insert(EntrySnapshotRow.__table__).on_conflict_do_nothing(index_elements=["digest"]))


def remember(tx: Tx, entry: Entry) -> str:
    """Store the entry unless it is there; returns the digest of its content."""
    digest = _digest(entry)
    if _IS_KEPT.run(tx, {"digest": digest}).one_or_none() is None:
        _KEEP.run(tx, {"digest": digest, "entry": Snapshot.of(entry).stored()})
    return digest


def recall(tx: Tx, digest: str) -> Snapshot:
    """What was kept of the entry with this digest."""
    snapshot = _snapshots.get(digest)
    if snapshot is None:
        snapshot = _snapshots[digest] = Snapshot.read(tx.get_one(EntrySnapshotRow, digest).entry)
        while len(_snapshots) > _KEPT:
            _snapshots.popitem(last=False)
    return snapshot


def _digest(entry: Entry) -> str:
    known = _digests.get(id(entry))
    if known is not None:
        return known[1]
    content = json.dumps(Snapshot.of(entry).stored(), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    _digests[id(entry)] = (entry, digest)
    while len(_digests) > _KEPT:
        _digests.popitem(last=False)
    return digest
