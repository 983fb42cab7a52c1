"""What people do: request, cancel, retry, delete. Each is one transaction: row, money and event together."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from vermilion import events, ledger, library
from vermilion.catalog import (
    Accepted,
    Entry,
    GivenInput,
    Quote,
    Refused,
    Shelf,
    require_credential,
    unacceptable,
    usable_entry,
)
from vermilion.db import PerDialect, RowByKey, Tx, as_read
from vermilion.generation.moving import move
from vermilion.generation.publish import publish, view_of
from vermilion.generation.settling import settle_nothing
from vermilion.generation.snapshots import remember
from vermilion.generation.status import TERMINAL, Status
from vermilion.generation.tables import GenerationRow
from vermilion.generation.views import GenerationView
from vermilion.generation.work import Work
from vermilion.identity import Actor
from vermilion.kit import AppError, Conflict, Invalid, NotFound, new_id

LINE_WAIT_MAX = timedelta(hours=6)
"""How long a generation may wait for its turn before it is given up and its credits returned."""

UUID_VERSION = 7


@dataclass(frozen=True, slots=True)
class WantedInput:
    """A picture of the person's own, in a role the model knows."""

    role: str
    asset_id: UUID
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request as it came in; `id` was made by the client, so that asking twice is asking once.

    `ignored_fields` are remembered beside it: what else was sent, in another API's shape, and says nothing here.
    """

    id: UUID
    model: str
    prompt: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[WantedInput, ...] = ()
    parent_id: UUID | None = None
    priority: int = 0
    ignored_fields: tuple[str, ...] = ()

    def digest(self) -> str:
        """What must be equal for two requests with one id to be the same request."""
        body = {
            "model": self.model,
            "prompt": self.prompt,
            "params": self.params,
            "inputs": [[given.role, str(given.asset_id), given.weight] for given in self.inputs],
            "parent_id": str(self.parent_id) if self.parent_id else None,
        }
        return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


_KNOWN = RowByKey(GenerationRow, "id")
_REQUEST = PerDialect(lambda insert: insert(GenerationRow.__table__).on_conflict_do_nothing(index_elements=["id"]))


def request_generation(
    tx: Tx, shelf: Shelf, actor: Actor, wanted: Wanted, now: datetime
) -> tuple[GenerationView, bool]:
    """Accept a request: hold its price, write its row, tell the person. Returns the view and whether it is new.

    The same id with the same body answers as the first time. Raises `Conflict` for another body and where no
    credential reaches the provider, `Invalid` naming the fields, `NotFound` or `Forbidden` for the model, 402 when
    the credits do not suffice.
    """
    if wanted.id.version != UUID_VERSION:
        raise Invalid("generation.invalid_id", "The id must be a UUID of version 7.", field="id")
    try:
        entry, accepted, quote = _checked(tx, shelf, actor, wanted)
    except AppError:
        # What was accepted stays so, whatever became of the model since: asking again must get the first answer.
        if (known := _KNOWN.get(tx, id=wanted.id)) is None:
            raise
        return _same_again(tx, known, actor, wanted), False
    hold_id = new_id()
    values = {
        "id": wanted.id,
        "user_id": actor.user_id,
        "request_digest": wanted.digest(),
        "model": entry.id,
        "provider": entry.provider,
        "kind": entry.makes,
        "prompt": accepted.prompt,
        "params": dict(accepted.params),
        "inputs": [
            {"role": given.role, "asset_id": str(given.asset_id), "weight": given.weight} for given in wanted.inputs
        ],
        "entry_digest": remember(tx, entry),
        "parent_id": wanted.parent_id,
        "price_credits": quote.price_credits,
        "expected_outputs": quote.expected_outputs,
        "hold_id": hold_id,
        "status": str(Status.QUEUED),
        "version": 1,
        "priority": wanted.priority,
        "attempt": 0,
        "run_started_attempt": 0,
        "line_until": now + LINE_WAIT_MAX,
        "deadline_at": now + LINE_WAIT_MAX,
        "created_at": now,
        "ignored_fields": list(wanted.ignored_fields) or None,
    }
    if _REQUEST.run(tx, values).rowcount == 0:
        return _same_again(tx, tx.get_one(GenerationRow, wanted.id), actor, wanted), False
    balance = ledger.hold(tx, actor.user_id, quote.price_credits, hold_id=hold_id, generation_id=wanted.id, now=now)
    row = as_read(GenerationRow, **values)
    return publish(tx, row, now, assets=(), balance=balance), True


def _checked(tx: Tx, shelf: Shelf, actor: Actor, wanted: Wanted) -> tuple[Entry, Accepted, Quote]:
    """What is wanted, in the model's own terms, and its price; raises as `request_generation` does."""
    entry = usable_entry(tx, shelf, wanted.model, actor.role)
    require_credential(tx, entry.provider)
    accepted = entry.accept(wanted.prompt, wanted.params, given_inputs(tx, actor.user_id, wanted.inputs))
    goes_on = False
    if wanted.parent_id is not None:
        parent = _require_own(tx, actor.user_id, wanted.parent_id, field="parent_id")
        goes_on = parent.provider == entry.provider
    if not goes_on and not entry.stands_alone({given.role for given in wanted.inputs}):
        instead = ", or be replaced by a file" if entry.continues == "maybe" else ""
        raise unacceptable([("parent_id", Refused("required", f"must name what this goes on from{instead}"))])
    return entry, accepted, entry.quote(accepted.params)


def cancel_generation(tx: Tx, actor: Actor, generation_id: UUID, now: datetime) -> GenerationView:
    """Cancel at once while it waits in line; later, note the wish for the driver to carry out at the provider.

    Asking again changes nothing. Raises `Conflict` once it is too late.
    """
    row = _lock_own(tx, actor.user_id, generation_id)
    status = Status(row.status)
    if status is Status.QUEUED:
        return settle_nothing(tx, Work.of(tx, row), Status.CANCELED, None, now=now).view
    if status is Status.CANCELED or (row.cancel_requested_at is not None and status not in TERMINAL):
        return view_of(tx, row)
    view = view_of(tx, row)
    if not view.can_cancel:
        raise Conflict(
            "generation.not_cancelable",
            f"A generation that is {status} cannot be canceled any more.",
            extras={"status": status},
        )
    work = move(tx, Work.of(tx, row), status, now, cancel_requested_at=now)
    return work.view


def retry_generation(tx: Tx, shelf: Shelf, actor: Actor, generation_id: UUID, now: datetime) -> GenerationView:
    """Begin a new attempt of a failed or canceled generation, at the price it was quoted, on a new hold.

    Raises `Conflict` when it is in another state or no credential reaches the provider, 402 when the credits do not
    suffice.
    """
    row = _lock_own(tx, actor.user_id, generation_id)
    if Status(row.status) not in (Status.FAILED, Status.CANCELED):
        raise Conflict(
            "generation.not_retryable",
            f"Only a failed or canceled generation can be retried; this one is {row.status}.",
            extras={"status": row.status},
        )
    usable_entry(tx, shelf, row.model, actor.role)
    require_credential(tx, row.provider)
    asset_ids = [UUID(given["asset_id"]) for given in row.inputs]
    if set(library.usable_inputs(tx, actor.user_id, asset_ids)) != set(asset_ids):
        raise Conflict("generation.inputs_gone", "A picture this generation was made from has been deleted.")
    hold_id = new_id()
    work = move(
        tx,
        Work.of(tx, row),
        Status.QUEUED,
        now,
        quiet=True,
        hold_id=hold_id,
        run_started_attempt=row.attempt,
        failure=None,
        finished_at=None,
        cancel_requested_at=None,
        not_before=None,
        watch_until=None,
        percent=None,
        queue_position=None,
        submitted_at=None,
        line_until=now + LINE_WAIT_MAX,
        deadline_at=now + LINE_WAIT_MAX,
    )
    balance = ledger.hold(tx, actor.user_id, row.price_credits, hold_id=hold_id, generation_id=row.id, now=now)
    return publish(tx, work.row, now, assets=(), balance=balance)


def delete_generation(tx: Tx, actor: Actor, generation_id: UUID, now: datetime) -> None:
    """Put a finished generation and its assets in the trash. Raises `Conflict` while it is unfinished."""
    row = _lock_own(tx, actor.user_id, generation_id)
    if Status(row.status) not in TERMINAL:
        raise Conflict("generation.unfinished", "Cancel it first: an unfinished generation cannot be deleted.")
    tx.execute(
        update(GenerationRow)
        .where(GenerationRow.id == row.id, GenerationRow.deleted_at.is_(None))
        .values(deleted_at=now, watch_until=None)
    )
    library.trash_assets_of_generation(tx, row.id, now)
    events.emit(tx, row.user_id, "generation.deleted", {"id": str(row.id)}, now)


def given_inputs(tx: Tx, user_id: UUID, inputs: Sequence[WantedInput]) -> list[GivenInput]:
    """The inputs with what the library knows of them, for the entry's limits.

    Raises `Invalid`: another person's asset is as absent as a deleted one.
    """
    found = library.usable_inputs(tx, user_id, [wanted.asset_id for wanted in inputs])
    given = []
    for place, wanted in enumerate(inputs):
        asset = found.get(wanted.asset_id)
        if asset is None:
            raise Invalid(
                "generation.unknown_input", "There is no such file among yours.", field=f"inputs.{place}.asset_id"
            )
        given.append(
            GivenInput(
                role=wanted.role,
                content_type=asset.content_type,
                size_bytes=asset.size_bytes,
                weight=wanted.weight,
                pixels=None if asset.width is None or asset.height is None else (asset.width, asset.height),
            )
        )
    return given


def _same_again(tx: Tx, known: GenerationRow, actor: Actor, wanted: Wanted) -> GenerationView:
    if known.user_id != actor.user_id or known.request_digest != wanted.digest() or known.deleted_at is not None:
        raise Conflict("generation.id_reused", "This id was used for another request; make a new one.", field="id")
    return view_of(tx, known)


def _lock_own(tx: Tx, user_id: UUID, generation_id: UUID) -> GenerationRow:
    """The person's row, locked: a driver that takes a step meanwhile comes after this command, not into it.

    SQLite has one writer at a time and needs no lock.
    """
    _require_own(tx, user_id, generation_id)
    return tx.scalars(
        select(GenerationRow)
        .where(GenerationRow.id == generation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _require_own(tx: Tx, user_id: UUID, generation_id: UUID, *, field: str | None = None) -> GenerationRow:
    row = tx.scalars(
        select(GenerationRow).where(
            GenerationRow.id == generation_id,
            GenerationRow.user_id == user_id,
            GenerationRow.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound("generation.not_found", "There is no such generation.", field=field)
    return row
