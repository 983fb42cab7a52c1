"""The work of moving files from one place to another, written down so that it goes on where it was stopped."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base

DETAIL_MAX_CHARS = 300
_RUNNING = text("state = 'running'")


class FileMoveRow(Base):
    """One move of every file to one place (`storage.FOLDER` is the studio's own folder). At most one runs.

    Files are taken in the order of their keys; `last_key` is the last one that needs no further look.
    """

    __tablename__ = "file_move"
    __table_args__ = (
        CheckConstraint("state in ('running', 'stopped', 'done')", name="state_known"),
        CheckConstraint("total_files >= 0 and done_files >= 0 and failed_files >= 0", name="counts_up"),
        CheckConstraint("(state = 'running') = (finished_at is null)", name="finished_when_ended"),
        Index("uq_file_move_running", "state", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index("ix_file_move_started_at", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    target_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(8))
    total_files: Mapped[int] = mapped_column(BigInteger)
    done_files: Mapped[int] = mapped_column(BigInteger)
    failed_files: Mapped[int] = mapped_column(BigInteger)
    last_key: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class FileMoveFailureRow(Base):
    """A file that could not be moved; it lies and is read where it was."""

    __tablename__ = "file_move_failure"

    move_id: Mapped[UUID] = mapped_column(ForeignKey("file_move.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(DETAIL_MAX_CHARS))
    failed_at: Mapped[datetime]
