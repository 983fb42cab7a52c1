"""Follow: ask the provider how the job is, politely, until it is done, it ended badly, or time is up."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from vermilion.catalog import OpenCredential
from vermilion.generation import settling, steps
from vermilion.generation.failure import DRIFTS_MAX, Failure, Move, failure_of, pause_seconds, rule_for
from vermilion.generation.journey import Journey, log
from vermilion.generation.listening import PROGRESS_STEP_PERCENT, Hearing, listening
from vermilion.generation.moving import Overtaken
from vermilion.generation.pace import after_restart
from vermilion.generation.previews import PREVIEWS
from vermilion.generation.queries import recent_durations_seconds
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.providers import Canceled, Done, Drifted, Misconfigured, Pending, Provider, ProviderError, power

LONG_SECONDS = 1.0
"""Before a sleep of this length the row is let go; for a shorter one it is not worth being read again."""

TOLD_SECONDS = 4.0
"""The least pause between two questions while a connection tells of the job: what it does not tell is found by them."""

TIME_IS_UP = Failure("generation.deadline_passed", "wait", "The provider did not finish in time.")
CREDENTIAL_GONE = Failure("provider.credential_gone", "admin", "The credential this was submitted with was removed.")


Step = Callable[[Work], Awaitable[Work | None]]


async def follow(journey: Journey, work: Work) -> Work | None:
    """running → storing, or the end."""
    credential = await journey.credential(work)
    if credential is None:
        return await journey.release(work, CREDENTIAL_GONE)
    adapter = journey.tools.open_adapter(work.row.provider, credential.login)
    await _load_pace(journey, work)
    job = Job(journey, credential, work)
    del work
    if power(adapter, "listen") is None:
        # Most have no such power, and what listening keeps is a tenth of what a waiting row takes.
        del adapter
        return await job.follow(None)
    async with listening(adapter, job.ticket, job.percent, journey) as hearing:
        return await job.follow(hearing)


class Job:
    """A running job that is followed, and all that is kept of its row while it sleeps, which is most of its life.

    A row as it was read takes several times as much; it is read again when a step is to be taken from it. Another
    driver may have begun a new attempt by then: what was heard of this job says nothing about that one, which is
    followed anew, with the credential it was submitted with.
    """

    __slots__ = (
        "_asked_seconds",
        "_attempt_id",
        "_cancel_requested",
        "_cancel_sent",
        "_credential",
        "_deadline_at",
        "_drifts",
        "_journey",
        "_key_refused",
        "_model",
        "_queue_position",
        "_since",
        "_tries",
        "_typical_seconds",
        "_work",
        "percent",
        "ticket",
    )

    def __init__(self, journey: Journey, credential: OpenCredential, work: Work) -> None:
        self._journey = journey
        self._credential = credential
        self._tries = self._drifts = 0
        self._cancel_sent = self._key_refused = False
        self._asked_seconds: float | None = None
        self._attempt_id = work.attempt and work.attempt.id
        self.ticket = work.ticket
        self._look(work)

    async def follow(self, hearing: Hearing | None) -> Work | None:
        """Ask until there is something else to do for the row, which is returned."""
        bell = self._journey.bell
        while True:
            now = self._journey.tools.clock.now()
            if self._ends_here(now) and not self._look(await self._journey.read()):
                return self._work
            if (end := await self._ended_here(now)) is not None:
                return await self._take(end)
            rung = await bell.wait(self._lie_down(now, is_told=hearing is not None and hearing.is_live))
            if rung:
                if not self._look(await self._journey.read()):
                    return self._work
                if self._cancel_requested and not self._cancel_sent:
                    continue
                if hearing is not None and (heard := hearing.take(self._journey.tools.clock.monotonic())) is not None:
                    if heard.new_preview:
                        PREVIEWS.announce(self._journey.generation_id)
                    if not await self._progress(heard.pending, new_preview=heard.new_preview):
                        return self._work
                    continue
            answer = await self._ask(at_once=rung)
            if isinstance(answer, Pending):
                if not await self._progress(answer):
                    return self._work
            elif answer is not None:
                return await self._take(answer)
            del answer

    def _look(self, work: Work | None) -> bool:
        """Take note of the row as it is now; whether there is still a job to follow."""
        self._work = work
        if work is None or not self._is_this_job(work):
            return False
        row = work.row
        self._model = row.model
        self._typical_seconds = work.entry.typical_seconds
        self._since = work.attempt.submitted_at if work.attempt is not None else None
        self._deadline_at = row.deadline_at
        self._cancel_requested = row.cancel_requested_at is not None
        self.percent = row.percent
        self._queue_position = row.queue_position
        return True

    def _is_this_job(self, work: Work) -> bool:
        attempt = work.attempt
        if work.status is not Status.RUNNING or attempt is None:
            return False
        return (attempt.id, attempt.ticket_id) == (self._attempt_id, self.ticket.id)

    async def _take(self, step: Step) -> Work | None:
        """The row after the step, None where it is gone; raises `Overtaken` where it is about another job by now."""
        if self._work is None and not self._look(await self._journey.read()):
            if self._work is None:
                return None
            raise Overtaken
        return self._work and await step(self._work)

    def _ends_here(self, now: datetime) -> bool:
        """Whether, by what is remembered, an end of ours is due; the row may have been given more time since."""
        return now >= self._deadline_at or (self._cancel_requested and not self._cancel_sent)

    async def _ended_here(self, now: datetime) -> Step | None:
        """The end that is ours to make: time is up, or the person's cancel was heard."""
        journey = self._journey
        if now >= self._deadline_at:
            # The provider is told to stop, and an eye is kept open for a late result.
            await self._cancel()
            return lambda work: journey.release(work, TIME_IS_UP, watch=True)
        if not self._cancel_requested or self._cancel_sent:
            return None
        said = await self._cancel()
        # One that was not heard is said again beside the next question.
        self._cancel_sent = said is not None
        if said is not Canceled.STOPPED:
            return None
        return lambda work: journey.take(
            settling.settle_nothing, work, Status.CANCELED, None, now=journey.tools.clock.now()
        )

    def _lie_down(self, now: datetime, *, is_told: bool) -> float:
        """How long to sleep until the next question: the learned pace, or a growing pause while it is not answered.

        `is_told` where the end will be announced, and asking only keeps from waiting for ever.
        """
        if self._tries:
            wait = pause_seconds(self._tries - 1, self._asked_seconds)
        else:
            wait = self._journey.tools.pace.wait_seconds(
                self._model,
                self._typical_seconds,
                max(0.0, (now - (self._since or now)).total_seconds()),
                asked_seconds=self._asked_seconds,
            )
            if is_told:
                wait = max(wait, TOLD_SECONDS)
            if self._journey.resumed:
                wait = after_restart(wait)
        if wait >= LONG_SECONDS:
            self._work = None
        return min(wait, (self._deadline_at - now).total_seconds())

    async def _ask(self, *, at_once: bool) -> Pending | Step | None:
        """What the provider says of the job, or what follows from it; None to ask again.

        `at_once` when there is word of it already, and nothing to be gained by waiting for others to ask with.
        """
        journey, tools = self._journey, self._journey.tools
        journey.resumed = False
        if self._key_refused:
            # An admin may have mended the key meanwhile: what is stored now is what the next question uses.
            self._credential = await tools.open_credential(self._credential.id) or self._credential
        try:
            answer = await tools.asker.ask(self._credential.id, self._adapter(), self.ticket, at_once=at_once)
        except ProviderError as error:
            return await self._unanswered(error)
        self._tries, self._drifts, self._key_refused = 0, 0, False
        await journey.note_health(self._credential, None, None)
        if isinstance(answer, Done):
            done = answer
            return lambda work: journey.results(work, done)
        self._asked_seconds = answer.retry_after_seconds
        return answer

    async def _unanswered(self, error: ProviderError) -> Step | None:
        """What ends the job or begins a new attempt; None to ask again."""
        journey, rule = self._journey, rule_for(error, "follow")
        self._drifts = self._drifts + 1 if isinstance(error, Drifted) else 0
        await journey.note_health(self._credential, rule, error)
        if rule.move is Move.RELEASE:
            return lambda work: journey.release(work, failure_of(error, rule))
        if rule.move is Move.NEW_ATTEMPT:
            return lambda work: journey.once_more(work, error, rule)
        if self._drifts >= DRIFTS_MAX:
            return lambda work: journey.release(work, failure_of(error, rule), watch=True)
        self._key_refused = isinstance(error, Misconfigured)
        self._asked_seconds = error.retry_after_seconds
        self._tries += 1
        return None

    async def _progress(self, pending: Pending, *, new_preview: bool = False) -> bool:
        """Write down how far it is, if there is anything new to tell; whether there is still a job to follow."""
        moved = pending.queue_position != self._queue_position or (
            pending.percent is not None and abs(pending.percent - (self.percent or 0.0)) >= PROGRESS_STEP_PERCENT
        )
        if not moved and not new_preview:
            return True
        journey = self._journey
        return self._look(
            await self._take(
                lambda work: journey.take(
                    steps.progressed, work, pending.percent, pending.queue_position, now=journey.tools.clock.now()
                )
            )
        )

    def _adapter(self) -> Provider:
        # Made anew for each question: it keeps no state, and each of those who wait would keep one.
        return self._journey.tools.open_adapter(self._credential.provider, self._credential.login)

    async def _cancel(self) -> Canceled | None:
        """What the provider said to a cancel; None when it could not be told."""
        cancel = power(self._adapter(), "cancel")
        if cancel is None:
            return Canceled.TOO_LATE
        try:
            answer: Canceled = await cancel(self.ticket)
        except ProviderError as error:
            # Following goes on either way: the job's own end says whether the cancel was heard.
            generation_id = str(self._journey.generation_id)
            log.info("generation.cancel_unheard", generation_id=generation_id, reason=error.message)
            return None
        return answer


async def _load_pace(journey: Journey, work: Work) -> None:
    pace = journey.tools.pace
    model = work.row.model
    if not pace.knows(model):
        # Known from now on, if only as nothing yet: a thousand rows taken up again must not all ask the database.
        pace.load(model, ())
        for seconds in await journey.tools.db.read(recent_durations_seconds, model):
            pace.learn(model, seconds)
