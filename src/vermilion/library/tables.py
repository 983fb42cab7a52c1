"""Assets: what a person made or uploaded. A row points to files by content key; several rows may share a file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Float, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base, Json

NAME_MAX_CHARS = 120
_THERE = text("deleted_at is null")
_FAVOURITE = text("deleted_at is null and favourite_at is not null")
_TRASHED = text("deleted_at is not null")
_SMALL = text("thumbnail_small_key is not null")


class AssetRow(Base):
    """One stored file of one person.

    `generation_id` is an id of the room above and therefore no foreign key. `position` is the output's place in
    its generation. `role` is filled for what only serves another file and is shown in no list. `actions` is what
    the provider offers to do with this very file. `thumbnail_small_key` is filled when somebody first asks for the
    small one.
    """

    __tablename__ = "asset"
    __table_args__ = (
        CheckConstraint("kind in ('image', 'video', 'audio')", name="kind_known"),
        CheckConstraint("source in ('made', 'uploaded')", name="source_known"),
        CheckConstraint("role in ('mask')", name="role_known"),
        CheckConstraint(
            "(source = 'made') = (generation_id is not null) and (source = 'made') = (position is not null)",
            name="made_by_a_generation",
        ),
        CheckConstraint("position is null or position >= 0", name="position_bounded"),
        CheckConstraint("size_bytes > 0", name="size_positive"),
        CheckConstraint("length(sha256) = 64", name="sha256_whole"),
        CheckConstraint(
            "(kind = 'audio') = (width is null) and (kind = 'audio') = (height is null)", name="seen_has_size"
        ),
        CheckConstraint("width > 0 and height > 0", name="size_in_pixels_positive"),
        CheckConstraint("(kind = 'audio') = (thumbnail_key is null)", name="seen_has_thumbnail"),
        CheckConstraint("(kind = 'image') = (duration_seconds is null)", name="played_has_duration"),
        CheckConstraint(f"name is null or length(name) between 1 and {NAME_MAX_CHARS}", name="name_bounded"),
        # One generation keeps one file per place, however often its end is driven.
        Index("uq_asset_generation_id_position", "generation_id", "position", unique=True),
        Index("ix_asset_user_id_id", "user_id", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index("ix_asset_user_id_source_id", "user_id", "source", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index("ix_asset_user_id_kind_id", "user_id", "kind", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index("ix_asset_favourites", "user_id", "id", sqlite_where=_FAVOURITE, postgresql_where=_FAVOURITE),
        Index("ix_asset_trashed", "deleted_at", sqlite_where=_TRASHED, postgresql_where=_TRASHED),
        Index("ix_asset_storage_key", "storage_key"),
        Index("ix_asset_thumbnail_key", "thumbnail_key"),
        Index("ix_asset_thumbnail_small_key", "thumbnail_small_key", sqlite_where=_SMALL, postgresql_where=_SMALL),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(8))
    content_type: Mapped[str] = mapped_column(String(40))
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_seconds: Mapped[float | None] = mapped_column(Float(53))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    storage_key: Mapped[str] = mapped_column(String(80))
    thumbnail_key: Mapped[str | None] = mapped_column(String(80))
    thumbnail_small_key: Mapped[str | None] = mapped_column(String(80))
    thumbhash: Mapped[bytes | None] = mapped_column(LargeBinary)
    source: Mapped[str] = mapped_column(String(8))
    generation_id: Mapped[UUID | None]
    position: Mapped[int | None] = mapped_column(SmallInteger)
    role: Mapped[str | None] = mapped_column(String(8))
    name: Mapped[str | None] = mapped_column(String(NAME_MAX_CHARS))
    favourite_at: Mapped[datetime | None]
    actions: Mapped[list[Any]] = mapped_column(Json)
    blocked: Mapped[bool]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
