"""Assets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from vermilion.db import Instant

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def create() -> None:
    """Make them in the database of the running migration."""
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("content_type", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration_seconds", sa.Float(precision=53), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("storage_key", sa.String(length=80), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=80), nullable=True),
        sa.Column("thumbnail_small_key", sa.String(length=80), nullable=True),
        sa.Column("thumbhash", sa.LargeBinary(), nullable=True),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("favourite_at", Instant(), nullable=True),
        sa.Column("actions", JSON, nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.CheckConstraint("(kind = 'audio') = (thumbnail_key is null)", name=op.f("ck_asset_seen_has_thumbnail")),
        sa.CheckConstraint(
            "(kind = 'audio') = (width is null) and (kind = 'audio') = (height is null)",
            name=op.f("ck_asset_seen_has_size"),
        ),
        sa.CheckConstraint("(kind = 'image') = (duration_seconds is null)", name=op.f("ck_asset_played_has_duration")),
        sa.CheckConstraint(
            "(source = 'made') = (generation_id is not null) and (source = 'made') = (position is not null)",
            name=op.f("ck_asset_made_by_a_generation"),
        ),
        sa.CheckConstraint("kind in ('image', 'video', 'audio')", name=op.f("ck_asset_kind_known")),
        sa.CheckConstraint("source in ('made', 'uploaded')", name=op.f("ck_asset_source_known")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_asset_sha256_whole")),
        sa.CheckConstraint("name is null or length(name) between 1 and 120", name=op.f("ck_asset_name_bounded")),
        sa.CheckConstraint("position is null or position >= 0", name=op.f("ck_asset_position_bounded")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_asset_size_positive")),
        sa.CheckConstraint("width > 0 and height > 0", name=op.f("ck_asset_size_in_pixels_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
    )
    op.create_index(
        "ix_asset_favourites",
        "asset",
        ["user_id", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at is null and favourite_at is not null"),
        postgresql_where=sa.text("deleted_at is null and favourite_at is not null"),
    )
    op.create_index("ix_asset_storage_key", "asset", ["storage_key"], unique=False)
    op.create_index("ix_asset_thumbnail_key", "asset", ["thumbnail_key"], unique=False)
    op.create_index(
        "ix_asset_thumbnail_small_key",
        "asset",
        ["thumbnail_small_key"],
        unique=False,
        sqlite_where=sa.text("thumbnail_small_key is not null"),
        postgresql_where=sa.text("thumbnail_small_key is not null"),
    )
    op.create_index(
        "ix_asset_trashed",
        "asset",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at is not null"),
        postgresql_where=sa.text("deleted_at is not null"),
    )
    op.create_index(
        "ix_asset_user_id_id",
        "asset",
        ["user_id", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at is null"),
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_index(
        "ix_asset_user_id_kind_id",
        "asset",
        ["user_id", "kind", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at is null"),
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_index(
        "ix_asset_user_id_source_id",
        "asset",
        ["user_id", "source", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at is null"),
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_index("uq_asset_generation_id_position", "asset", ["generation_id", "position"], unique=True)
