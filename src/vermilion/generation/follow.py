"""Follow: ask the provider how the job is, politely, until it is done, it ended badly, or time is up."""

from datetime import datetime

from vermilion.catalog import OpenCredential
from vermilion.generation import steps
from vermilion.generation.failure import DRIFTS_MAX, Failure, Move, failure_of, pause_seconds, rule_for
from vermilion.generation.journey import Journey, log
from vermilion.generation.listening import Hearing, listening
from vermilion.generation.pace import after_restart
from vermilion.generation.queries import recent_durations_seconds
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.providers import Canceled, Done, Drifted, Misconfigured, Pending, Provider, ProviderError, power

PROGRESS_STEP_PERCENT = 2.0
"""Progress is written when it moved by this much: people see it move, the disk does not feel it."""

TIME_IS_UP = Failure("generation.deadline_passed", "wait", "The provider did not finish in time.")
CREDENTIAL_GONE = Failure("provider.credential_gone", "admin", "The credential this was submitted with was removed.")


async def follow(journey: Journey, work: Work) -> Work | None:
    """running → storing, or the end."""
    credential = await journey.credential(work)
    if credential is None:
        return await journey.release(work, CREDENTIAL_GONE)
    adapter = journey.tools.open_adapter(work.row.provider, credential.login)
    await _load_pace(journey, work)
    if power(adapter, "listen") is None:
        # Most have no such power, and what listening keeps is a tenth of what a waiting row takes.
        return await _follow(journey, work, credential, adapter, Hearing())
    async with listening(adapter, work, journey.bell) as hearing:
        return await _follow(journey, work, credential, adapter, hearing)


async def _follow(
    journey: Journey, work: Work, credential: OpenCredential, adapter: Provider, hearing: Hearing
) -> Work | None:
    tools = journey.tools
    tries, drifts, cancel_sent, key_refused = 0, 0, False, False
    asked_seconds: float | None = None
    while True:
        now = tools.clock.now()
        if now >= work.row.deadline_at:
            return await _time_is_up(journey, work, adapter)
        if work.row.cancel_requested_at is not None and not cancel_sent:
            said = await _cancel(work, adapter)
            if said is Canceled.STOPPED:
                return await journey.take(steps.settle_nothing, work, Status.CANCELED, None, now=tools.clock.now())
            # One that was not heard is said again beside the next question.
            cancel_sent = said is not None
        wait = _wait_seconds(journey, work, now, asked_seconds, tries)
        if await journey.bell.wait(min(wait, (work.row.deadline_at - now).total_seconds())):
            fresh = await journey.read()
            if fresh is None or fresh.status is not Status.RUNNING:
                return fresh
            work = fresh
            if work.row.cancel_requested_at is not None and not cancel_sent:
                continue
            if (heard := hearing.take()) is not None:
                work = await _note_progress(journey, work, heard)
                continue
        journey.resumed = False
        if key_refused:
            # An admin may have mended the key meanwhile: what is stored now is what the next question uses.
            credential = await tools.open_credential(credential.id) or credential
            adapter = tools.open_adapter(work.row.provider, credential.login)
        try:
            answer = await tools.asker.ask(credential.id, adapter, work.ticket)
        except ProviderError as error:
            drifts = drifts + 1 if isinstance(error, Drifted) else 0
            ended = await _check_failed(journey, work, credential, error, drifts)
            if ended is not None:
                return ended
            key_refused = isinstance(error, Misconfigured)
            asked_seconds = error.retry_after_seconds
            tries += 1
            continue
        tries, drifts, key_refused = 0, 0, False
        await journey.note_health(credential, None, None)
        if isinstance(answer, Done):
            return await journey.results(work, answer)
        asked_seconds = answer.retry_after_seconds
        work = await _note_progress(journey, work, answer)


async def _check_failed(
    journey: Journey, work: Work, credential: OpenCredential, error: ProviderError, drifts: int
) -> Work | None:
    """The row after an end or a new attempt; None to ask again."""
    rule = rule_for(error, "follow")
    await journey.note_health(credential, rule, error)
    if rule.move is Move.RELEASE:
        return await journey.release(work, failure_of(error, rule))
    if rule.move is Move.NEW_ATTEMPT:
        return await journey.once_more(work, error, rule)
    if drifts >= DRIFTS_MAX:
        return await journey.release(work, failure_of(error, rule), watch=True)
    return None


def _wait_seconds(journey: Journey, work: Work, now: datetime, asked_seconds: float | None, tries: int) -> float:
    """How long until the next question: the learned pace, or a growing pause while the provider is away."""
    if tries:
        return pause_seconds(tries - 1, asked_seconds)
    since = work.attempt.submitted_at if work.attempt and work.attempt.submitted_at else now
    elapsed = max(0.0, (now - since).total_seconds())
    wait = journey.tools.pace.wait_seconds(
        work.row.model, work.entry.typical_seconds, elapsed, asked_seconds=asked_seconds
    )
    return after_restart(wait) if journey.resumed else wait


async def _load_pace(journey: Journey, work: Work) -> None:
    pace = journey.tools.pace
    model = work.row.model
    if not pace.knows(model):
        # Known from now on, if only as nothing yet: a thousand rows taken up again must not all ask the database.
        pace.load(model, ())
        for seconds in await journey.tools.db.read(recent_durations_seconds, model):
            pace.learn(model, seconds)


async def _note_progress(journey: Journey, work: Work, pending: Pending) -> Work:
    row = work.row
    moved = pending.queue_position != row.queue_position or (
        pending.percent is not None and abs(pending.percent - (row.percent or 0.0)) >= PROGRESS_STEP_PERCENT
    )
    if not moved:
        return work
    return await journey.take(
        steps.progressed, work, pending.percent, pending.queue_position, now=journey.tools.clock.now()
    )


async def _cancel(work: Work, adapter: Provider) -> Canceled | None:
    """What the provider said to a cancel; None when it could not be told."""
    cancel = power(adapter, "cancel")
    if cancel is None:
        return Canceled.TOO_LATE
    try:
        answer: Canceled = await cancel(work.ticket)
    except ProviderError as error:
        # Following goes on either way: the job's own end says whether the cancel was heard.
        log.info("generation.cancel_unheard", generation_id=str(work.row.id), reason=error.message)
        return None
    return answer


async def _time_is_up(journey: Journey, work: Work, adapter: Provider) -> Work:
    """Tell the provider to stop, give the credits back, and keep an eye open for a late result."""
    await _cancel(work, adapter)
    return await journey.release(work, TIME_IS_UP, watch=True)
