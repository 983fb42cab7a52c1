"""Submit: wait for a turn, write the intention down, call the provider, keep the receipt."""

from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError

from vermilion.catalog import OpenCredential
from vermilion.generation import steps
from vermilion.generation.call import InputsGone, made_with
from vermilion.generation.doubt import look_up
from vermilion.generation.failure import Failure, Move, failure_of, pause_seconds, rule_for
from vermilion.generation.journey import Journey, log
from vermilion.generation.moving import Overtaken
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.kit import new_id
from vermilion.providers import Done, ProviderError, Ticket

INPUTS_GONE = Failure(
    "generation.inputs_gone", "user", "A picture it was to be made from was deleted before its turn came."
)

ACCOUNT_GONE = Failure(
    "provider.credential_gone", "admin", "The account that made what this goes on from is switched off, or removed."
)

LOOK_AGAIN_SECONDS = 60.0
"""How often who can go with one credential only looks whether that is still there."""


async def submit(journey: Journey, work: Work) -> Work | None:
    """queued → submitting → running, or wherever the provider's answer leads."""
    tools = journey.tools
    journey.resumed = False
    bound_to = await _bound_to(journey, work)
    if bound_to is not None and not bound_to[1]:
        return await journey.release(work, ACCOUNT_GONE)
    if not await _turn(journey, work, bound_to[0] if bound_to else None):
        return await _still_queued(journey)
    if journey.slot is None:
        raise RuntimeError("a turn came without a slot")
    credential = journey.slot.credential
    adapter = tools.open_adapter(work.row.provider, credential.login)
    attempt_id = new_id()
    try:
        call = await tools.calls.make(work, attempt_id)
    except InputsGone:
        return await journey.release(work, INPUTS_GONE)
    work = await tools.db.write(
        steps.intend, work, attempt_id=attempt_id, credential_id=credential.id, now=tools.clock.now()
    )
    try:
        answer = await adapter.submit(call)
    except ProviderError as error:
        rule = rule_for(error, "submit")
        await journey.note_health(credential, rule, error)
        if rule.move is Move.LOOK_UP:
            return await look_up(journey, work, failure_of(error, rule))
        if rule.move is Move.RELEASE or (rule.credential_lacks and not _may_go_elsewhere(journey, work, credential)):
            return await journey.release(work, failure_of(error, rule))
        return await journey.once_more(work, error, rule)
    # The receipt before anything else: until it is written down, a crash loses it.
    work = await _accepted(journey, work, attempt_id, answer)
    await journey.note_health(credential, None, None)
    return work


async def _accepted(journey: Journey, work: Work, attempt_id: UUID, answer: Ticket | Done) -> Work:
    tries = 0
    while True:
        try:
            return await _written_down(journey, work, attempt_id, answer)
        except (OperationalError, InterfaceError) as error:
            # This receipt may be the only word of the job there is: it is held on to while the database is mended.
            if journey.tools.clock.now() >= work.row.deadline_at:
                raise
            ticket = answer.id if isinstance(answer, Ticket) else None
            log.warning(
                "generation.receipt_again", generation_id=str(work.row.id), ticket=ticket, reason=str(error.orig)
            )
            await journey.bell.wait(pause_seconds(tries))
            tries += 1


async def _written_down(journey: Journey, work: Work, attempt_id: UUID, answer: Ticket | Done) -> Work:
    if isinstance(answer, Done):
        return await journey.results(work, answer)
    try:
        return await journey.take(steps.submitted, work, answer, now=journey.tools.clock.now())
    except Overtaken:
        await journey.tools.db.write(steps.keep_answer, attempt_id, answer)
        log.warning("generation.ticket_overtaken", generation_id=str(journey.generation_id), ticket=answer.id)
        raise


async def _bound_to(journey: Journey, work: Work) -> tuple[UUID, bool] | None:
    """The one credential it can go with, where it goes on from what was made with that, and whether it is enabled."""
    row = work.row
    if row.parent_id is None or work.entry.continues == "nothing":
        return None
    return await journey.tools.db.read(made_with, row.parent_id, row.provider)


async def _turn(journey: Journey, work: Work, only: UUID | None) -> bool:
    """Wait until this row may go; False when it should be looked at again first (canceled, time up)."""
    tools, row = journey.tools, work.row
    if row.not_before is not None:
        until = min(row.not_before, row.line_until)
        await journey.bell.wait((until - tools.clock.now()).total_seconds())
        if tools.clock.now() < row.not_before:
            return False
    waiting = tools.dispatcher.join(
        row.provider,
        row.id,
        row.user_id,
        model=row.model,
        priority=row.priority,
        created_at=row.created_at,
        on_turn=journey.bell.ring,
        only=only,
    )
    seconds = (row.line_until - tools.clock.now()).total_seconds()
    try:
        await journey.bell.wait(seconds if only is None else min(seconds, LOOK_AGAIN_SECONDS))
        journey.slot = waiting.take()
    finally:
        tools.dispatcher.leave(row.provider, waiting)
    return journey.slot is not None


def _may_go_elsewhere(journey: Journey, work: Work, lacking: OpenCredential) -> bool:
    row = work.row
    others = journey.tools.dispatcher.lacks(row.provider, lacking.id, row.model)
    return others and (row.parent_id is None or work.entry.continues == "nothing")


async def _still_queued(journey: Journey) -> Work | None:
    work = await journey.read()
    if work is None or work.status is not Status.QUEUED or journey.tools.clock.now() < work.row.line_until:
        return work
    return await journey.release(work, _why_still_queued(work))


def _why_still_queued(work: Work) -> Failure:
    """What stopped the last try on this hold, where there was one: the line itself is then not to blame."""
    tried = work.row.attempt > work.row.run_started_attempt and work.attempt is not None
    if tried and work.attempt is not None and work.attempt.outcome is not None:
        return Failure(**work.attempt.outcome)
    return Failure("generation.line_too_long", "wait", "Its turn did not come in time.")
