"""Files may lie in clouds: the places, which file lies where, and the work of moving them."""

import sqlalchemy as sa
from alembic import op

from vermilion.db import Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "storage_place",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("address", Json, nullable=False),
        sa.Column("secrets_sealed", sa.String(), nullable=False),
        sa.Column("allow_private_hosts", sa.Boolean(), nullable=False),
        sa.Column("receiving", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("kind in ('cos', 'oss', 'obs', 's3')", name=op.f("ck_storage_place_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_place")),
    )
    receiving = sa.text("receiving")
    op.create_index(
        "uq_storage_place_receiving",
        "storage_place",
        ["receiving"],
        unique=True,
        sqlite_where=receiving,
        postgresql_where=receiving,
    )
    op.create_table(
        "placed_file",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.Column("touched_at", Instant(), nullable=False),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_placed_file_size_positive")),
        sa.PrimaryKeyConstraint("key", "place_id", name=op.f("pk_placed_file")),
    )
    here, leaving = sa.text("not leaving"), sa.text("leaving")
    op.create_index(
        "uq_placed_file_here", "placed_file", ["key"], unique=True, sqlite_where=here, postgresql_where=here
    )
    op.create_index("ix_placed_file_place_id_key", "placed_file", ["place_id", "key"])
    op.create_index(
        "ix_placed_file_leaving", "placed_file", ["touched_at"], sqlite_where=leaving, postgresql_where=leaving
    )
    op.create_table(
        "file_move",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("total_files", sa.BigInteger(), nullable=False),
        sa.Column("done_files", sa.BigInteger(), nullable=False),
        sa.Column("failed_files", sa.BigInteger(), nullable=False),
        sa.Column("last_key", sa.String(length=80), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.CheckConstraint("state in ('running', 'stopped', 'done')", name=op.f("ck_file_move_state_known")),
        sa.CheckConstraint(
            "total_files >= 0 and done_files >= 0 and failed_files >= 0", name=op.f("ck_file_move_counts_up")
        ),
        sa.CheckConstraint(
            "(state = 'running') = (finished_at is null)", name=op.f("ck_file_move_finished_when_ended")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_move")),
    )
    running = sa.text("state = 'running'")
    op.create_index(
        "uq_file_move_running", "file_move", ["state"], unique=True, sqlite_where=running, postgresql_where=running
    )
    op.create_index("ix_file_move_started_at", "file_move", ["started_at"])
    op.create_table(
        "file_move_failure",
        sa.Column("move_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("failed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["move_id"], ["file_move.id"], name=op.f("fk_file_move_failure_move_id_file_move"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("move_id", "key", name=op.f("pk_file_move_failure")),
    )
