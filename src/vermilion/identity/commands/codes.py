"""Codes: made, guessed, used; and what their sending costs is bounded here, in the database.

A code belongs to a number and a purpose, and to whoever asked for it. It is known by its keyed hash. A guess counts
before it is judged, by one conditional update, so guesses at the same moment share five tries, and a new code has no
new ones.
"""

import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar, cast

from sqlalchemy import Delete, Update, delete, func, insert, select, update

from vermilion.db import Tx, insert_into
from vermilion.identity.commands.sms_settings import lock_sms_choice
from vermilion.identity.phone_views import SmsChoice, SmsTroubleView, TroubledOutcome
from vermilion.identity.tables import SmsCodeRow, SmsMessageRow
from vermilion.kit import AppError, Forbidden, Invalid
from vermilion.sms import Accepted, Outcome, Purpose, Refused, Unknown

CODE_LIFE: Final = timedelta(minutes=5)
CODE_DIGITS: Final = 6
TRIES_MAX: Final = 5
TRIES_KEPT: Final = timedelta(hours=1)
"""For so long tries are counted on, whatever codes are sent meanwhile."""

RESEND_AFTER: Final = timedelta(seconds=60)
A_DAY: Final = timedelta(days=1)
PER_NUMBER: Final = ((1, RESEND_AFTER), (5, timedelta(hours=1)), (10, A_DAY))
MESSAGES_KEPT: Final = timedelta(days=2)
_DETAIL_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """Which code is meant: a number's for a purpose, and who asks."""

    phone: str
    purpose: Purpose
    requester: str

    def hash(self, key: bytes, code: str) -> str:
        """What is stored of a code; without the key a million tries would find it."""
        told = "\n".join((self.phone, self.purpose, self.requester, code))
        return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Issued:
    """A code that is to be sent now, and the message's number."""

    code: str
    code_hash: str
    message_id: int


def issue_code(tx: Tx, asked: Asked, key: bytes, now: datetime) -> tuple[SmsChoice, Issued]:
    """Make a code in place of any earlier one, and write down that a message goes out.

    Raises 403 `auth.phone_not_offered` and `auth.country_refused`, 429 `rate.limited` for a number that had its share
    or whose tries are used up, 503 `auth.codes_used_up` when the day's total is reached.
    """
    choice = lock_sms_choice(tx)
    if not choice.is_ready:
        raise not_offered()
    if not choice.reaches(asked.phone):
        raise Forbidden(
            "auth.country_refused", "This studio sends codes only to numbers of mainland China.", field="phone"
        )
    _require_share(tx, asked.phone, now)
    _require_total(tx, choice, now)
    tries, since = _tries(tx, asked, now)
    if tries >= TRIES_MAX:
        raise _too_often(since + TRIES_KEPT - now)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    code_hash = asked.hash(key, code)
    newer = {
        "requester": asked.requester,
        "code_hash": code_hash,
        "tries": tries,
        "tries_since": since,
        "expires_at": now + CODE_LIFE,
    }
    tx.execute(
        insert_into(tx, SmsCodeRow)
        .values(phone=asked.phone, purpose=asked.purpose, **newer)
        .on_conflict_do_update(index_elements=["phone", "purpose"], set_=newer)
    )
    message_id = tx.execute(
        insert(SmsMessageRow).values(phone=asked.phone, purpose=asked.purpose, sent_at=now).returning(SmsMessageRow.id)
    ).scalar_one()
    return choice, Issued(code, code_hash, message_id)


def note_outcome(tx: Tx, asked: Asked, issued: Issued, outcome: Outcome, now: datetime) -> None:
    """Write down what became of a message; a code that was certainly not sent is worth nothing from now on."""
    word, detail = _told(outcome)
    tx.execute(
        update(SmsMessageRow)
        .where(SmsMessageRow.id == issued.message_id)
        .values(outcome=word, detail=detail[:_DETAIL_CHARS] if detail else None)
    )
    if isinstance(outcome, Refused):
        tx.execute(_own(update(SmsCodeRow), asked, issued.code_hash).values(expires_at=now))


def guess_code(tx: Tx, asked: Asked, code: str, key: bytes, now: datetime) -> str | None:
    """Count one try; the code's hash, for `use_code`, where it is the right one.

    To be committed whatever the answer: a try that is rolled back would be none.
    """
    counted = tx.execute(
        update(SmsCodeRow)
        .where(
            SmsCodeRow.phone == asked.phone,
            SmsCodeRow.purpose == asked.purpose,
            SmsCodeRow.requester == asked.requester,
            SmsCodeRow.expires_at > now,
            SmsCodeRow.tries < TRIES_MAX,
        )
        .values(tries=SmsCodeRow.tries + 1)
        .returning(SmsCodeRow.code_hash)
    ).one_or_none()
    guessed = asked.hash(key, code)
    if counted is None or not hmac.compare_digest(counted.code_hash, guessed):
        return None
    return guessed


def use_code(tx: Tx, asked: Asked, code_hash: str, now: datetime) -> None:
    """Use up a code that was guessed right, in the transaction of what it allows; of two at once, one wins."""
    used = tx.execute(
        _own(delete(SmsCodeRow), asked, code_hash).where(SmsCodeRow.expires_at > now).returning(SmsCodeRow.phone)
    ).one_or_none()
    if used is None:
        raise wrong_code()


def forget_codes(tx: Tx, now: datetime) -> None:
    """Delete codes and messages that no limit counts any more: housekeeping."""
    tx.execute(delete(SmsCodeRow).where(SmsCodeRow.expires_at < now - TRIES_KEPT))
    tx.execute(delete(SmsMessageRow).where(SmsMessageRow.sent_at < now - MESSAGES_KEPT))


def messages_since(tx: Tx, since: datetime) -> int:
    """How many messages were about to be sent since then."""
    counted = select(func.count()).select_from(SmsMessageRow).where(SmsMessageRow.sent_at > since)
    return tx.scalar(counted) or 0


def last_trouble(tx: Tx, since: datetime) -> SmsTroubleView | None:
    """The last message since then that was refused, or that nobody knows the end of."""
    row = tx.execute(
        select(SmsMessageRow.sent_at, SmsMessageRow.outcome, SmsMessageRow.detail)
        .where(SmsMessageRow.sent_at > since, SmsMessageRow.outcome.in_(("refused", "unknown")))
        .order_by(SmsMessageRow.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return SmsTroubleView(at=row.sent_at, outcome=cast(TroubledOutcome, row.outcome), detail=row.detail or "")


def wrong_code() -> Invalid:
    """The one answer to a wrong code, an old one, one of somebody else's, and none at all."""
    return Invalid(
        "auth.wrong_code",
        "This code is not right, has expired, or was tried too often. Ask for a new one.",
        field="code",
    )


def not_offered() -> Forbidden:
    """The answer where the operator sends no codes."""
    return Forbidden("auth.phone_not_offered", "This studio sends no codes to phones. Sign in with an e-mail address.")


def _require_share(tx: Tx, phone: str, now: datetime) -> None:
    most = max(messages for messages, _ in PER_NUMBER)
    lately = select(SmsMessageRow.sent_at).where(SmsMessageRow.phone == phone, SmsMessageRow.sent_at > now - A_DAY)
    sent = list(tx.scalars(lately.order_by(SmsMessageRow.sent_at.desc()).limit(most)))
    # A window is full until the oldest of its messages has left it.
    waits = [sent[messages - 1] + window - now for messages, window in PER_NUMBER if len(sent) >= messages]
    if waits and max(waits) > timedelta(0):
        raise _too_often(max(waits))


def _require_total(tx: Tx, choice: SmsChoice, now: datetime) -> None:
    if messages_since(tx, now - A_DAY) >= choice.daily_total:
        raise AppError(
            "auth.codes_used_up",
            "This studio has sent as many codes as it may in a day. Sign in with an e-mail address, or try tomorrow.",
            status=503,
        )


def _tries(tx: Tx, asked: Asked, now: datetime) -> tuple[int, datetime]:
    """How many tries this number has used for this purpose, and since when they are counted."""
    row = tx.execute(
        select(SmsCodeRow.tries, SmsCodeRow.tries_since)
        .where(SmsCodeRow.phone == asked.phone, SmsCodeRow.purpose == asked.purpose)
        # A guess that is being counted at this moment is waited for, or the new row would forget it.
        .with_for_update()
    ).one_or_none()
    if row is None or row.tries_since <= now - TRIES_KEPT:
        return 0, now
    return row.tries, row.tries_since


_S = TypeVar("_S", Update, Delete)


def _own(statement: _S, asked: Asked, code_hash: str) -> _S:
    return statement.where(
        SmsCodeRow.phone == asked.phone, SmsCodeRow.purpose == asked.purpose, SmsCodeRow.code_hash == code_hash
    )


def _told(outcome: Outcome) -> tuple[str, str | None]:
    match outcome:
        case Accepted():
            return "accepted", None
        case Refused(_, detail):
            return "refused", detail
        case Unknown(detail):
            return "unknown", detail


def _too_often(wait: timedelta) -> AppError:
    seconds = max(1, math.ceil(wait.total_seconds()))
    return AppError(
        "rate.limited",
        f"Too many codes were sent to this number, or tried. Try again in {seconds} s.",
        status=429,
        extras={"retry_after_seconds": seconds},
        headers={"Retry-After": str(seconds)},
    )
