"""Follow: ask the provider how the job is, politely, until it is done, it ended badly, or time is up."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from vermilion.catalog import OpenCredential
from vermilion.generation import steps
from vermilion.generation.failure import DRIFTS_MAX, Failure, Move, Rule, failure_of, pause_seconds, rule_for
from vermilion.generation.journey import Journey, log
from vermilion.generation.listening import PROGRESS_STEP_PERCENT, Hearing, listening
from vermilion.generation.pace import after_restart
from vermilion.generation.previews import PREVIEWS
from vermilion.generation.queries import recent_durations_seconds
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.providers import Canceled, Done, Drifted, Misconfigured, Pending, Provider, ProviderError, Ticket, power

LONG_SECONDS = 2.0
"""Before a sleep of this length the row is let go; for a shorter one it is not worth being read again."""

TIME_IS_UP = Failure("generation.deadline_passed", "wait", "The provider did not finish in time.")
CREDENTIAL_GONE = Failure("provider.credential_gone", "admin", "The credential this was submitted with was removed.")


class Job:
    """What following knows of a running job: all that is kept of its row while it sleeps, which is most of its life.

    A row as it was read takes several times as much; it is read again when a step is to be taken from it.
    """

    __slots__ = (
        "cancel_requested",
        "deadline_at",
        "model",
        "percent",
        "queue_position",
        "since",
        "ticket",
        "typical_seconds",
        "work",
    )

    def __init__(self, work: Work) -> None:
        self.look(work)

    def look(self, work: Work | None) -> bool:
        """Take note of the row as it is now; whether there is still a job to follow."""
        self.work = work
        if work is None or work.status is not Status.RUNNING:
            return False
        row = work.row
        self.ticket = work.ticket
        self.model = row.model
        self.typical_seconds = work.entry.typical_seconds
        self.since = work.attempt.submitted_at if work.attempt is not None else None
        self.deadline_at = row.deadline_at
        self.cancel_requested = row.cancel_requested_at is not None
        self.percent = row.percent
        self.queue_position = row.queue_position
        return True

    def has_moved(self, pending: Pending) -> bool:
        """Whether this is progress worth writing down."""
        return pending.queue_position != self.queue_position or (
            pending.percent is not None and abs(pending.percent - (self.percent or 0.0)) >= PROGRESS_STEP_PERCENT
        )


Step = Callable[[Work], Awaitable[Work | None]]


async def follow(journey: Journey, work: Work) -> Work | None:
    """running → storing, or the end."""
    credential = await journey.credential(work)
    if credential is None:
        return await journey.release(work, CREDENTIAL_GONE)
    adapter = journey.tools.open_adapter(work.row.provider, credential.login)
    await _load_pace(journey, work)
    job = Job(work)
    del work
    if power(adapter, "listen") is None:
        # Most have no such power, and what listening keeps is a tenth of what a waiting row takes.
        return await _follow(journey, job, credential, adapter, Hearing())
    clock, percent = journey.tools.clock, job.percent
    async with listening(adapter, job.ticket, job.percent, journey) as hearing:
        return await _follow(journey, job, credential, adapter, hearing)


async def _follow(
    journey: Journey, job: Job, credential: OpenCredential, adapter: Provider, hearing: Hearing
) -> Work | None:
    tools = journey.tools
    tries, drifts, cancel_sent, key_refused = 0, 0, False, False
    asked_seconds: float | None = None
    while True:
        now = tools.clock.now()
        if now >= job.deadline_at:
            await _cancel(job.ticket, adapter)
            # An eye is kept open for a late result.
            return await _taken(journey, job, lambda work: journey.release(work, TIME_IS_UP, watch=True))
        if job.cancel_requested and not cancel_sent:
            said = await _cancel(job.ticket, adapter)
            if said is Canceled.STOPPED:
                return await _taken(journey, job, _canceled(journey))
            # One that was not heard is said again beside the next question.
            cancel_sent = said is not None
        wait = min(_wait_seconds(journey, job, now, asked_seconds, tries), (job.deadline_at - now).total_seconds())
        if wait >= LONG_SECONDS:
            job.work = None
        if await journey.bell.wait(wait):
            if not job.look(await journey.read()):
                return job.work
            if job.cancel_requested and not cancel_sent:
                continue
            if (heard := hearing.take(tools.clock.monotonic())) is not None:
                if heard.new_preview:
                    PREVIEWS.announce(journey.generation_id)
                if heard.new_preview or job.has_moved(heard.pending):
                    step = _progress(journey, heard.pending)
                    if not job.look(await _taken(journey, job, step)):
                        return job.work
                continue
        journey.resumed = False
        if key_refused:
            # An admin may have mended the key meanwhile: what is stored now is what the next question uses.
            credential = await tools.open_credential(credential.id) or credential
            adapter = tools.open_adapter(credential.provider, credential.login)
        try:
            answer = await tools.asker.ask(credential.id, adapter, job.ticket)
        except ProviderError as error:
            drifts = drifts + 1 if isinstance(error, Drifted) else 0
            rule = rule_for(error, "follow")
            await journey.note_health(credential, rule, error)
            if (end := _end(journey, error, rule, drifts)) is not None:
                return await _taken(journey, job, end)
            key_refused = isinstance(error, Misconfigured)
            asked_seconds = error.retry_after_seconds
            tries += 1
            continue
        tries, drifts, key_refused = 0, 0, False
        await journey.note_health(credential, None, None)
        if isinstance(answer, Done):
            return await _taken(journey, job, _results(journey, answer))
        asked_seconds = answer.retry_after_seconds
        if job.has_moved(answer) and not job.look(await _taken(journey, job, _progress(journey, answer))):
            return job.work


async def _taken(journey: Journey, job: Job, step: Step) -> Work | None:
    """The row after the step; or as it was found, where it is no longer one to follow."""
    if job.work is None and not job.look(await journey.read()):
        return job.work
    return job.work and await step(job.work)


def _canceled(journey: Journey) -> Step:
    return lambda work: journey.take(steps.settle_nothing, work, Status.CANCELED, None, now=journey.tools.clock.now())


def _progress(journey: Journey, pending: Pending) -> Step:
    return lambda work: journey.take(
        steps.progressed, work, pending.percent, pending.queue_position, now=journey.tools.clock.now()
    )


def _results(journey: Journey, done: Done) -> Step:
    return lambda work: journey.results(work, done)


def _end(journey: Journey, error: ProviderError, rule: Rule, drifts: int) -> Step | None:
    """What ends the job or begins a new attempt; None to ask again."""
    if rule.move is Move.RELEASE:
        return lambda work: journey.release(work, failure_of(error, rule))
    if rule.move is Move.NEW_ATTEMPT:
        return lambda work: journey.once_more(work, error, rule)
    if drifts >= DRIFTS_MAX:
        return lambda work: journey.release(work, failure_of(error, rule), watch=True)
    return None


def _wait_seconds(journey: Journey, job: Job, now: datetime, asked_seconds: float | None, tries: int) -> float:
    """How long until the next question: the learned pace, or a growing pause while the provider is away."""
    if tries:
        return pause_seconds(tries - 1, asked_seconds)
    elapsed = max(0.0, (now - (job.since or now)).total_seconds())
    wait = journey.tools.pace.wait_seconds(job.model, job.typical_seconds, elapsed, asked_seconds=asked_seconds)
    return after_restart(wait) if journey.resumed else wait


async def _load_pace(journey: Journey, work: Work) -> None:
    pace = journey.tools.pace
    model = work.row.model
    if not pace.knows(model):
        # Known from now on, if only as nothing yet: a thousand rows taken up again must not all ask the database.
        pace.load(model, ())
        for seconds in await journey.tools.db.read(recent_durations_seconds, model):
            pace.learn(model, seconds)


async def _cancel(ticket: Ticket, adapter: Provider) -> Canceled | None:
    """What the provider said to a cancel; None when it could not be told."""
    cancel = power(adapter, "cancel")
    if cancel is None:
        return Canceled.TOO_LATE
    try:
        answer: Canceled = await cancel(ticket)
    except ProviderError as error:
        # Following goes on either way: the job's own end says whether the cancel was heard.
        log.info("generation.cancel_unheard", ticket=ticket.id, reason=error.message)
        return None
    return answer
