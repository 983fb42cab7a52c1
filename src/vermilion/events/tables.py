"""What a person still has to be told: the latest state of each thing that changed, numbered per person."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from vermilion.db import Base, Instant, Json


class EventPositionRow(Base):
    """The number of the last event of a person; going up is what orders that person's changes."""

    __tablename__ = "event_position"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class EventRow(Base):
    """The newest event about one subject (`generation:<id>`, `credits`).

    An older event about the same subject is replaced: whoever resumes gets every subject's last state once,
    however long they were away, and the table never outgrows the things it speaks of.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_user_id_seq", "user_id", "seq", unique=True),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant)
