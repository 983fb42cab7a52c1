"""Making, changing, deleting and redeeming codes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Table, Update, delete, insert, or_, select, update

from vermilion import ledger
from vermilion.billing.codes import ending_of, hash_of, new_code
from vermilion.billing.problems import (
    bad_expiry,
    disabled_code,
    expired_code,
    received_code,
    unknown_code,
    used_code,
)
from vermilion.billing.queries import code_view, codes_as_table, seal_of
from vermilion.billing.tables import RedemptionCodeRow
from vermilion.billing.views import (
    CodePatch,
    CodesAsked,
    NewCodes,
    NewCodesView,
    NewCodeView,
    RedeemedView,
    RedemptionCodeView,
)
from vermilion.db import Tx
from vermilion.events import emit
from vermilion.identity import Actor, audit
from vermilion.kit import new_id
from vermilion.kit.sealed import Sealer

REASON: Final = "redemption"
"""What a statement says of credits that came by a code."""

ONCE_CODE: Final = f"{ledger.ONCE}code:"
"""What the key of the ledger's entry for a code begins with; its id, in hexadecimal digits, follows."""

_codes: Final = cast(Table, RedemptionCodeRow.__table__)


def make_codes(
    tx: Tx, sealer: Sealer, code_key: bytes, actor: Actor | None, wanted: NewCodes, now: datetime
) -> NewCodesView:
    """Make a batch; its codes are told here, and afterwards only by an export.

    Raises `Invalid` (`redemption.bad_expiry`).
    """
    _require_future(wanted.expires_at, now)
    batch_id = new_id()
    made = [NewCodeView(id=new_id(), code=new_code()) for _ in range(wanted.count)]
    same = {
        "batch_id": batch_id,
        "amount_credits": wanted.amount_credits,
        "purpose": wanted.purpose,
        "status": "enabled",
        "expires_at": wanted.expires_at,
        "created_at": now,
        "created_by": actor.user_id if actor else None,
        "received_by": None,
        "received_at": None,
    }
    tx.execute(
        insert(_codes),
        [
            {
                "id": each.id,
                "code_hash": hash_of(code_key, each.code),
                "code_sealed": sealer.seal(each.code, bound_to=seal_of(each.id)),
                "ending": ending_of(each.code),
                **same,
            }
            for each in made
        ],
    )
    after = wanted.model_dump(mode="json")
    audit(tx, actor, "redemption_codes.make", f"redemption_batch:{batch_id}", None, after, now)
    return NewCodesView(
        batch_id=batch_id,
        amount_credits=wanted.amount_credits,
        expires_at=wanted.expires_at,
        purpose=wanted.purpose,
        codes=made,
    )


def redeem(tx: Tx, code_key: bytes, user_id: UUID, typed: str, now: datetime) -> RedeemedView:
    """Give the person what a code is worth, once for ever.

    Raises `NotFound` (`redemption.unknown`) and `Conflict` (`redemption.already_received`, `redemption.used`,
    `redemption.expired`, `redemption.disabled`, and what granting raises).
    """
    code_hash = hash_of(code_key, typed)
    # The account first, as everywhere: two transactions about one person never wait in a circle.
    ledger.lock_accounts(tx, (user_id,))
    taken = tx.execute(
        update(_codes)
        .where(_codes.c.code_hash == code_hash, _codes.c.status == "enabled", _lives(now))
        .values(status="used", received_by=user_id, received_at=now)
        .returning(_codes.c.id, _codes.c.amount_credits)
    ).one_or_none()
    if taken is None:
        raise _why_not(tx, code_hash, user_id)
    key = once_key(taken.id)
    balance = ledger.grant(tx, user_id, taken.amount_credits, reason=REASON, actor_id=None, key=key, now=now)
    emit(tx, user_id, "credits.changed", {"available": balance.available, "held": balance.held}, now)
    return RedeemedView(amount_credits=taken.amount_credits, available=balance.available, held=balance.held)


def export_codes(tx: Tx, sealer: Sealer, actor: Actor, asked: CodesAsked, now: datetime) -> str:
    """The codes meant, whole, as CSV. Who has them has their credits: that somebody took them is audited.

    Raises `Invalid` (`redemption.too_many_to_export`).
    """
    table, count = codes_as_table(tx, sealer, asked, now)
    told = {"codes": count, **asked.model_dump(mode="json", exclude_none=True)}
    audit(tx, actor, "redemption_codes.export", "redemption_codes", None, told, now)
    return table


def change_code(tx: Tx, actor: Actor | None, code_id: UUID, patch: CodePatch, now: datetime) -> RedemptionCodeView:
    """Switch a code on or off, or give it another expiry or purpose.

    Raises `NotFound` (`redemption.unknown`), `Conflict` (`redemption.used`) and `Invalid` (`redemption.bad_expiry`).
    """
    row = _require(tx, code_id)
    changes = _changes(patch, now)
    if row.status == "used" and set(changes) - {"purpose"}:
        raise used_code()
    if changes:
        before = _audited(row, changes)
        mine = [_codes.c.id == code_id]
        if set(changes) - {"purpose"}:
            mine.append(_codes.c.status != "used")
        if not _touched(tx, update(_codes).where(*mine).values(**changes)):
            raise used_code()
        tx.refresh(row)
        audit(tx, actor, "redemption_code.change", f"redemption_code:{code_id}", before, _audited(row, changes), now)
    return code_view(tx, row, now)


def change_batch(tx: Tx, actor: Actor | None, batch_id: UUID, patch: CodePatch, now: datetime) -> int:
    """The same for every unused code of a batch; how many there were.

    Raises `NotFound` (`redemption.unknown`) for a batch without any code, `Invalid` (`redemption.bad_expiry`).
    """
    changes = _changes(patch, now)
    _require_batch(tx, batch_id)
    if not changes:
        return 0
    changed = _touched(
        tx, update(_codes).where(_codes.c.batch_id == batch_id, _codes.c.status != "used").values(**changes)
    )
    told = {"codes": changed, **patch.model_dump(mode="json", exclude_unset=True)}
    audit(tx, actor, "redemption_codes.change", f"redemption_batch:{batch_id}", None, told, now)
    return changed


def delete_code(tx: Tx, actor: Actor | None, code_id: UUID, now: datetime) -> None:
    """Delete a code nobody used. Raises `NotFound` (`redemption.unknown`), `Conflict` (`redemption.used`)."""
    row = _require(tx, code_id)
    before = {"ending": row.ending, "amount_credits": row.amount_credits, "purpose": row.purpose}
    if not _touched(tx, delete(_codes).where(_codes.c.id == code_id, _codes.c.status != "used")):
        raise used_code()
    audit(tx, actor, "redemption_code.delete", f"redemption_code:{code_id}", before, None, now)


def delete_batch(tx: Tx, actor: Actor | None, batch_id: UUID, now: datetime) -> int:
    """Delete every unused code of a batch; how many there were. Raises `NotFound` (`redemption.unknown`)."""
    _require_batch(tx, batch_id)
    gone = _touched(tx, delete(_codes).where(_codes.c.batch_id == batch_id, _codes.c.status != "used"))
    audit(tx, actor, "redemption_codes.delete", f"redemption_batch:{batch_id}", {"codes": gone}, None, now)
    return gone


def id_of_code(tx: Tx, code_key: bytes, named: str) -> UUID:
    """The id of a code that is named by its id or written whole. Raises `NotFound` (`redemption.unknown`)."""
    try:
        return UUID(named)
    except ValueError:
        code_hash = hash_of(code_key, named)
    found = tx.scalar(select(RedemptionCodeRow.id).where(RedemptionCodeRow.code_hash == code_hash))
    if found is None:
        raise unknown_code()
    return found


def once_key(code_id: UUID) -> str:
    """The key of the ledger's entry for a code."""
    return f"{ONCE_CODE}{code_id.hex}"


def _touched(tx: Tx, statement: Update | Delete) -> int:
    """How many codes a statement changed or deleted."""
    return len(tx.execute(statement.returning(_codes.c.id)).all())


def _why_not(tx: Tx, code_hash: str, user_id: UUID) -> Exception:
    row = tx.scalars(select(RedemptionCodeRow).where(RedemptionCodeRow.code_hash == code_hash)).one_or_none()
    if row is None:
        return unknown_code()
    if row.received_by == user_id and row.received_at is not None:
        return received_code(row.amount_credits, row.received_at)
    if row.status == "used":
        return used_code()
    if row.status == "disabled" or row.expires_at is None:
        return disabled_code()
    return expired_code(row.expires_at)


def _lives(now: datetime) -> ColumnElement[bool]:
    return or_(_codes.c.expires_at.is_(None), _codes.c.expires_at > now)


def _changes(patch: CodePatch, now: datetime) -> dict[str, Any]:
    changes = patch.model_dump(exclude_unset=True)
    if "expires_at" in changes:
        _require_future(patch.expires_at, now)
    if "enabled" in changes:
        changes["status"] = "enabled" if changes.pop("enabled") else "disabled"
    return changes


def _audited(row: RedemptionCodeRow, changes: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in changes}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


def _require(tx: Tx, code_id: UUID) -> RedemptionCodeRow:
    row = tx.get(RedemptionCodeRow, code_id)
    if row is None:
        raise unknown_code()
    return row


def _require_batch(tx: Tx, batch_id: UUID) -> None:
    if tx.scalar(select(_codes.c.id).where(_codes.c.batch_id == batch_id).limit(1)) is None:
        raise unknown_code()


def _require_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise bad_expiry()
