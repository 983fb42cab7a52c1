"""Questions about codes: the admin's list, and the table of an export."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select

from vermilion.billing.problems import too_many_to_export
from vermilion.billing.tables import RedemptionCodeRow
from vermilion.billing.views import CodesAsked, CodeState, RedemptionCodeView
from vermilion.db import Tx
from vermilion.identity import emails_of
from vermilion.kit import Invalid, Page, decode_cursor, encode_cursor
from vermilion.kit.sealed import SealBroken, Sealer

EXPORT_MAX: Final = 20_000

_COLUMNS: Final = (
    "code",
    "amount_credits",
    "state",
    "purpose",
    "expires_at",
    "created_at",
    "received_at",
    "received_by",
    "batch_id",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK: Final = "\ufeff"


def list_codes(
    tx: Tx, asked: CodesAsked, now: datetime, *, ending: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[RedemptionCodeView]:
    """Codes, the newest first; `ending` are the last four characters of one somebody asks about."""
    question = _meant(asked, now).order_by(RedemptionCodeRow.id.desc()).limit(limit + 1)
    if ending is not None:
        question = question.where(RedemptionCodeRow.ending == ending)
    if cursor is not None:
        question = question.where(RedemptionCodeRow.id < uuid_of(cursor))
    rows = list(tx.scalars(question))
    following = encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
    emails = _emails(tx, rows[:limit])
    return Page(items=[_view(row, now, emails) for row in rows[:limit]], next=following)


def numbered_codes(
    tx: Tx, asked: CodesAsked, now: datetime, *, page: int, limit: int
) -> tuple[list[RedemptionCodeView], bool]:
    """The page of that number, newest first, and whether there is another."""
    question = _meant(asked, now).order_by(RedemptionCodeRow.id.desc())
    rows = list(tx.scalars(question.offset((page - 1) * limit).limit(limit + 1)))
    emails = _emails(tx, rows[:limit])
    return [_view(row, now, emails) for row in rows[:limit]], len(rows) > limit


def code_view(tx: Tx, row: RedemptionCodeRow, now: datetime) -> RedemptionCodeView:
    """One code as admins see it."""
    return _view(row, now, _emails(tx, (row,)))


def codes_as_table(tx: Tx, sealer: Sealer, asked: CodesAsked, now: datetime) -> tuple[str, int]:
    """The codes meant, whole, as CSV in the order they were made, and how many they are.

    A code this house's key file does not open has an empty cell. Raises `Invalid` (`redemption.too_many_to_export`).
    """
    rows = list(tx.scalars(_meant(asked, now).order_by(RedemptionCodeRow.id).limit(EXPORT_MAX + 1)))
    if len(rows) > EXPORT_MAX:
        raise too_many_to_export(EXPORT_MAX)
    emails = _emails(tx, rows)
    text = io.StringIO()
    # Spreadsheets take UTF-8 for what it is only with this mark in front.
    text.write(_BYTE_ORDER_MARK)
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for row in rows:
        told = _view(row, now, emails)
        cells = (
            _opened(sealer, row),
            str(told.amount_credits),
            told.state,
            told.purpose,
            *(at.isoformat() if at else "" for at in (told.expires_at, told.created_at, told.received_at)),
            told.received_by_email or "",
            str(told.batch_id),
        )
        table.writerow(_harmless(cell) for cell in cells)
    return text.getvalue(), len(rows)


def seal_of(code_id: UUID) -> str:
    """What a sealed code is bound to."""
    return f"redemption_code:{code_id}"


def uuid_of(cursor: str) -> UUID:
    """The id inside a cursor; raises `Invalid` for one that is not ours."""
    try:
        return UUID(decode_cursor(cursor, str)[0])
    except ValueError as error:
        raise Invalid("paging.bad_cursor", "This cursor was not issued by this list.", field="cursor") from error


def _meant(asked: CodesAsked, now: datetime) -> Select[RedemptionCodeRow]:
    question = select(RedemptionCodeRow)
    if asked.batch_id is not None:
        question = question.where(RedemptionCodeRow.batch_id == asked.batch_id)
    if asked.state is not None:
        question = question.where(_is(asked.state, now))
    return question


def _is(state: CodeState, now: datetime) -> ColumnElement[bool]:
    row = RedemptionCodeRow
    lives = or_(row.expires_at.is_(None), row.expires_at > now)
    if state == "expired":
        return (row.status != "used") & ~lives
    if state == "used":
        return row.status == "used"
    return (row.status == state) & lives


def _state(row: RedemptionCodeRow, now: datetime) -> CodeState:
    if row.status == "used":
        return "used"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "enabled" if row.status == "enabled" else "disabled"


def _view(row: RedemptionCodeRow, now: datetime, emails: Mapping[UUID, str]) -> RedemptionCodeView:
    return RedemptionCodeView(
        id=row.id,
        batch_id=row.batch_id,
        ending=row.ending,
        amount_credits=row.amount_credits,
        purpose=row.purpose,
        state=_state(row, now),
        expires_at=row.expires_at,
        created_at=row.created_at,
        received_by=row.received_by,
        received_by_email=emails.get(row.received_by) if row.received_by else None,
        received_at=row.received_at,
    )


def _emails(tx: Tx, rows: Iterable[RedemptionCodeRow]) -> dict[UUID, str]:
    return emails_of(tx, {row.received_by for row in rows if row.received_by})


def _opened(sealer: Sealer, row: RedemptionCodeRow) -> str:
    try:
        return sealer.open(row.code_sealed, bound_to=seal_of(row.id))
    except SealBroken:
        return ""


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
