"""Where files lie: the places beside the studio's own folder, and which file lies in which of them.

A file without a row lies in the folder, so a house that never used a cloud has no rows and asks nothing here.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base

FOLDER = UUID(int=0)
"""The studio's own folder, where a place is named by its id; it has no row."""

_RECEIVING = text("receiving")
_HERE = text("not leaving")
_LEAVING = text("leaving")


class PlaceRow(Base):
    """A place in a cloud. `address` says where (bucket, region, endpoint, root), the secrets are sealed.

    New files go to the one that is receiving; to the folder where none is.
    """

    __tablename__ = "storage_place"
    __table_args__ = (
        CheckConstraint("kind in ('cos', 'oss', 'obs', 's3')", name="kind_known"),
        Index(
            "uq_storage_place_receiving", "receiving", unique=True, sqlite_where=_RECEIVING, postgresql_where=_RECEIVING
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    address: Mapped[dict[str, Any]]
    secrets_sealed: Mapped[str]
    allow_private_hosts: Mapped[bool]
    receiving: Mapped[bool]
    created_at: Mapped[datetime]


class PlacedFileRow(Base):
    """A copy of a file in a place. At most one copy of a key is not leaving: that is the one that is read.

    A copy that is leaving is read no more and is to be deleted; the row goes when the bytes have gone, so nothing
    is forgotten by a crash. `place_id` may be the folder's, which has no row, and is therefore no foreign key: a copy
    leaves the folder when its file was moved into a cloud. `touched_at` is when the content was last put, or when its
    deletion was last begun.
    """

    __tablename__ = "placed_file"
    __table_args__ = (
        CheckConstraint("size_bytes > 0", name="size_positive"),
        Index("uq_placed_file_here", "key", unique=True, sqlite_where=_HERE, postgresql_where=_HERE),
        Index("ix_placed_file_place_id_key", "place_id", "key"),
        Index("ix_placed_file_leaving", "touched_at", sqlite_where=_LEAVING, postgresql_where=_LEAVING),
    )

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    place_id: Mapped[UUID] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    leaving: Mapped[bool]
    touched_at: Mapped[datetime]
