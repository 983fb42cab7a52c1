"""The schema of a database: which migrations it has, whether it is what they make of it, snapshots and repairs.

Plain blocking functions for the terminal, the server's start and the tests; imported by name
(`vermilion.db.schema`), because they pull in Alembic.
"""

from vermilion.db.schema.doctor import Examination, examine
from vermilion.db.schema.drift import Drift, drift_of_database, drift_of_migrations
from vermilion.db.schema.problems import SchemaProblem
from vermilion.db.schema.restoring import restore
from vermilion.db.schema.revisions import (
    NEWEST,
    SchemaStatus,
    Upgraded,
    draft_migration,
    load_tables,
    status,
    upgrade,
)
from vermilion.db.schema.snapshots import Snapshot, take_snapshot

__all__ = [
    "NEWEST",
    "Drift",
    "Examination",
    "SchemaProblem",
    "SchemaStatus",
    "Snapshot",
    "Upgraded",
    "draft_migration",
    "drift_of_database",
    "drift_of_migrations",
    "examine",
    "load_tables",
    "restore",
    "status",
    "take_snapshot",
    "upgrade",
]
