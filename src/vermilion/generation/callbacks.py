"""Callbacks: what a provider posts to us is verified, and then only wakes the pipeline, which asks for itself.

One thing more it can do: bring the ticket of a submit whose own answer was lost, where it speaks of all of that
submit. The submit's own answer, if it comes after all, outweighs what was brought.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update

from vermilion.catalog import OpenCredential, Snapshot
from vermilion.db import Database, Tx
from vermilion.engine import Engine
from vermilion.generation import steps
from vermilion.generation.call import CallbackAddress
from vermilion.generation.journey import WATCH_MAX
from vermilion.generation.moving import Overtaken
from vermilion.generation.snapshots import recall
from vermilion.generation.status import Status
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.generation.work import Work
from vermilion.kit import AppError, Clock, Forbidden, NotFound
from vermilion.providers import (
    Callback,
    Login,
    Misconfigured,
    Provider,
    ProviderError,
    Rejected,
    Ticket,
    begins_several,
    power,
)

BODY_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CallbackDesk:
    """Receives callbacks for the whole house."""

    db: Database
    clock: Clock
    engine: Engine
    addresses: CallbackAddress
    open_adapter: Callable[[str, Login], Provider]
    open_credential: Callable[[UUID], Awaitable[OpenCredential | None]]

    async def receive(self, provider: str, token: str, headers: Mapping[str, str], body: bytes) -> None:
        """Verify a callback and wake its generation. `headers` are lower-case.

        Raises `NotFound` for an address that is not ours, `Forbidden` for a forged or stale callback. A repeated one
        changes nothing.
        """
        attempt_id = self.addresses.attempt_id(token)
        attempt, entry = await self.db.read(_addressed, attempt_id, provider)
        credential = await self.open_credential(attempt.credential_id)
        if credential is None:
            raise NotFound("callback.unknown", "No callback is expected here.")
        adapter = self.open_adapter(provider, credential.login)
        read = power(adapter, "read_callback")
        if read is None:
            raise NotFound("callback.unknown", "This provider does not call back.")
        try:
            callback: Callback = await read(headers, body)
        except (Rejected, Misconfigured) as error:
            raise Forbidden("callback.refused", error.message) from error
        except ProviderError as error:
            # The provider's keys could not be fetched to verify it: it will call again.
            raise AppError("callback.unverified", error.message, status=503) from error
        ticket = Ticket(callback.ticket.id, {"endpoint": entry.endpoint, **callback.ticket.data})
        one_of_several = begins_several(adapter, entry.endpoint, entry.wire_options())
        generation_id = await self._adopt(attempt_id, ticket, one_of_several=one_of_several)
        if generation_id is not None:
            self.engine.wake(generation_id)

    async def _adopt(self, attempt_id: UUID, ticket: Ticket, *, one_of_several: bool) -> UUID | None:
        while True:
            try:
                return await self.db.write(
                    adopt, attempt_id, ticket, one_of_several=one_of_several, now=self.clock.now()
                )
            except Overtaken:
                continue


def adopt(tx: Tx, attempt_id: UUID, ticket: Ticket, *, one_of_several: bool, now: datetime) -> UUID | None:
    """Take over the ticket where the submit's answer was lost; the generation to wake, or None to ignore it.

    A ticket that may be `one_of_several` is never taken over: following it would lose its siblings.
    """
    attempt = tx.get_one(AttemptRow, attempt_id)
    row = tx.get_one(GenerationRow, attempt.generation_id)
    if attempt.ticket_id is not None and ticket.id not in {attempt.ticket_id, *(attempt.ticket or {}).get("ids", ())}:
        return None
    if row.deleted_at is not None or row.attempt != attempt.n:
        return None
    if attempt.ticket_id is None and one_of_several:
        return row.id
    status = Status(row.status)
    if status is Status.UNCERTAIN:
        steps.submitted(tx, Work.of(tx, row), ticket, now=now)
    elif status is Status.FAILED and row.settled_credits is None:
        # It was given up, and here is word of it: look for a late result for a while.
        steps.keep_ticket(tx, attempt_id, ticket)
        until = now + min(WATCH_MAX, timedelta(seconds=recall(tx, row.entry_digest).deadline_seconds))
        tx.execute(update(GenerationRow).where(GenerationRow.id == row.id).values(watch_until=until))
    elif attempt.ticket_id is None and status is Status.SUBMITTING:
        # Our submit may still be waiting for its answer, which is then overtaken and replaces this ticket.
        steps.submitted(tx, Work.of(tx, row), ticket, now=now)
    return row.id


def _addressed(tx: Tx, attempt_id: UUID, provider: str) -> tuple[AttemptRow, Snapshot]:
    attempt = tx.get(AttemptRow, attempt_id)
    if attempt is None or attempt.provider != provider:
        raise NotFound("callback.unknown", "No callback is expected here.")
    row = tx.get_one(GenerationRow, attempt.generation_id)
    return attempt, recall(tx, row.entry_digest)
