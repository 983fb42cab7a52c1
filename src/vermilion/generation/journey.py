"""What the stages of the pipeline share: the tools, and one driver's way with one row."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import structlog

from vermilion.catalog import OpenCredential, mark_health
from vermilion.db import Database, Tx
from vermilion.engine import Bell
from vermilion.generation import settling, steps
from vermilion.generation.asking import Asker
from vermilion.generation.call import CallMaker
from vermilion.generation.collect import Collector
from vermilion.generation.dispatch import Dispatcher, Health
from vermilion.generation.failure import (
    ATTEMPTS_MAX,
    Failure,
    Move,
    Rule,
    bounded_seconds,
    failure_of,
    pause_seconds,
)
from vermilion.generation.line import Slot
from vermilion.generation.moving import Overtaken
from vermilion.generation.pace import Pace
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.kit import Clock
from vermilion.providers import Done, Login, Provider, ProviderError

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

WATCH_MAX = timedelta(hours=1)
"""How long after a deadline a result is still looked for."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the pipeline works with; all of it lives as long as the house."""

    db: Database
    clock: Clock
    dispatcher: Dispatcher
    collector: Collector
    pace: Pace
    asker: Asker
    calls: CallMaker
    open_adapter: Callable[[str, Login], Provider]
    open_credential: Callable[[UUID], Awaitable[OpenCredential | None]]
    """Any credential by its id, enabled or not: what was submitted with it is followed with it."""


class Journey:
    """One driver's way with one row. It may be dropped anywhere: what counts is in the row."""

    __slots__ = ("_load", "asked_for_fresh_addresses", "bell", "generation_id", "resumed", "slot", "tools")

    def __init__(
        self, tools: Tools, load: Callable[[UUID], Awaitable[Work | None]], generation_id: UUID, bell: Bell
    ) -> None:
        self.tools = tools
        self._load = load
        self.generation_id = generation_id
        self.bell = bell
        self.slot: Slot | None = None
        self.resumed = True
        """Whether the row was found as it is, rather than brought here by this driver."""
        self.asked_for_fresh_addresses = False

    def free_slot(self) -> None:
        """Let the next in line go."""
        if self.slot is not None:
            self.slot.free()
            self.slot = None

    async def read(self) -> Work | None:
        """The row as it is now."""
        return await self._load(self.generation_id)

    async def take(
        self, step: Callable[Concatenate[Tx, Work, P], Work], work: Work, /, *args: P.args, **kwargs: P.kwargs
    ) -> Work:
        """Take a step whose cause cannot be undone (the provider answered, a file was stored).

        When the row changed meanwhile in a way that leaves the step right (the person asked to cancel), it is
        taken from there; otherwise `Overtaken` is raised.
        """
        while True:
            try:
                return await self.tools.db.write(step, work, *args, **kwargs)
            except Overtaken:
                fresh = await self.read()
                if fresh is None or not _same_stage(fresh, work):
                    raise
                work = fresh

    async def credential(self, work: Work) -> OpenCredential | None:
        """The credential the current attempt was made with; its slot is counted from now on."""
        if work.attempt is None:
            return None
        if self.slot is not None:
            if self.slot.credential.id == work.attempt.credential_id:
                return self.slot.credential
            # Another driver was quicker and went with another credential: only that one knows the job.
            self.free_slot()
        credential = await self.tools.open_credential(work.attempt.credential_id)
        if credential is not None and work.status in (Status.SUBMITTING, Status.RUNNING):
            self.slot = self.tools.dispatcher.occupy(work.row.provider, credential, work.row.user_id)
        return credential

    async def results(self, work: Work, done: Done) -> Work:
        """The provider is done: note where the results are, so that collecting can begin, and begin again."""
        if work.attempt is None:
            raise RuntimeError(f"generation {self.generation_id} has results without an attempt")
        tries = 0
        while True:
            try:
                noted = await self.tools.collector.note(work.attempt.id, done.outputs)
                break
            except OSError as error:
                # These bytes may be the only copy there is: they are held on to while the disk is mended.
                if self.tools.clock.now() >= work.row.deadline_at:
                    reason = Failure("storage.failed", "admin", f"The result could not be stored: {error.strerror}")
                    return await self.release(work, reason)
                log.warning("generation.noting_again", generation_id=str(work.row.id), reason=str(error))
                await self.bell.wait(pause_seconds(tries))
                tries += 1
        work = await self.take(steps.results_named, work, noted, done, now=self.tools.clock.now())
        self._learn(work)
        return work

    async def release(self, work: Work, reason: Failure, *, watch: bool = False) -> Work:
        """It ended without a result; `watch` goes on looking for one that may come late."""
        now = self.tools.clock.now()
        until = now + min(WATCH_MAX, timedelta(seconds=work.entry.deadline_seconds)) if watch else None
        return await self.take(settling.give_up, work, reason, now=now, watch_until=until)

    async def once_more(self, work: Work, error: ProviderError, rule: Rule) -> Work:
        """Back into the line, unless the person canceled or enough was tried."""
        now = self.tools.clock.now()
        reason = failure_of(error, rule)
        tries = work.row.attempt - work.row.run_started_attempt
        spent = tries >= ATTEMPTS_MAX and (rule.move is Move.NEW_ATTEMPT or rule.credential_down)
        if spent or now >= work.row.line_until:
            return await self.release(work, reason)
        pause = timedelta(seconds=pause_seconds(tries - 1, error.retry_after_seconds))
        return await self.take(steps.requeue, work, reason, now=now, not_before=now + pause)

    async def note_health(self, credential: OpenCredential, rule: Rule | None, error: ProviderError | None) -> None:
        """Keep the credential's health as the last answer shows it; written only when it changes."""
        tools = self.tools
        now = tools.clock.now()
        if rule is None or error is None:
            if tools.dispatcher.is_news(credential.id, "up"):
                await tools.db.write(mark_health, credential.id, "up", None, None, now)
            return
        if rule.credential_cooldown_seconds > 0:
            seconds = max(rule.credential_cooldown_seconds, bounded_seconds(error.retry_after_seconds))
            tools.dispatcher.cool_down(credential.provider, credential.id, seconds)
        state: Health = "down" if rule.credential_down else "degraded"
        if rule.whose != "user" and tools.dispatcher.is_news(credential.id, state):
            await tools.db.write(mark_health, credential.id, state, error.message, None, now)

    def _learn(self, work: Work) -> None:
        if work.attempt is not None and work.attempt.submitted_at is not None:
            seconds = (self.tools.clock.now() - work.attempt.submitted_at).total_seconds()
            if seconds > 0:
                self.tools.pace.learn(work.row.model, seconds)
                self.tools.dispatcher.learned(work.row.provider, seconds)


def _same_stage(fresh: Work, work: Work) -> bool:
    # A receipt replaced by a fuller one makes it another job: what was heard of the old is not all there is.
    same_job = _job(fresh) == _job(work)
    # Another driver may have found a submit that was still under way, and called it uncertain: who has the
    # provider's answer knows better.
    doubted = work.status is Status.SUBMITTING and fresh.status is Status.UNCERTAIN
    return same_job and (fresh.status is work.status or doubted)


def _job(work: Work) -> tuple[UUID, str | None] | None:
    return None if work.attempt is None else (work.attempt.id, work.attempt.ticket_id)
