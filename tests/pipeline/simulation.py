"""A whole house under a seed's dice: people, admins, a vendor and the weather all act at once, and it crashes.

Everything runs on one thread and one fake clock, and every choice is the seed's: a seed that fails, fails again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tests.pipeline.harness import TERMINAL, Life, Status, Studio, tell_balance
from vermilion import ledger
from vermilion.db import Tx
from vermilion.generation import Wanted
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.kit import AppError, new_id
from vermilion.kit.download import DownloadFailed
from vermilion.library import Unreadable
from vermilion.providers import (
    Ambiguity,
    Ambiguous,
    Blocked,
    Broke,
    Call,
    Canceled,
    Done,
    Drifted,
    Misconfigured,
    Output,
    Pending,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
)
from vermilion.providers.contract import PowerName
from vermilion.storage import StorageFailed

STEPS = 90
USERS = 3


class Dice:
    """Looks like a script that never ends: each entry is thrown when asked for, None while the weather is fine."""

    def __init__(self, throw: Callable[[], Any]) -> None:
        self._throw = throw

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Any:
        return self._throw()


@dataclass
class Simulation:
    """One seed's story."""

    studio: Studio
    seed: int
    dice: random.Random = field(init=False)
    stormy: bool = True
    parked: list[asyncio.Future[None]] = field(default_factory=list)
    acting: set[asyncio.Task[Any]] = field(default_factory=set)
    asked: list[tuple[int, Wanted]] = field(default_factory=list)
    answered: set[UUID] = field(default_factory=set)
    retried: set[tuple[UUID, int]] = field(default_factory=set)
    crashes: int = 0
    starting: bool = False
    """The house is being opened: by the story's own hand, which nobody could wake if it were parked."""
    story: list[str] = field(default_factory=list)
    broken: AssertionError | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        dice, vendor = self.dice, self.studio.vendor
        vendor.ambiguity = dice.choice(list(Ambiguity))
        possible: tuple[PowerName, ...] = ("cancel", "read_callback", "check_many")
        vendor.powers = {power for power in possible if dice.random() < 0.7}
        if vendor.ambiguity in (Ambiguity.FIND_BY_REFERENCE, Ambiguity.LIST_RECENT):
            vendor.powers.add("find")
        vendor.bytes_outputs = dice.random() < 0.3
        vendor.job_seconds = lambda: dice.choice([0.1, 2.0, 6.0, 20.0, 90.0, 700.0])
        vendor.submits = Dice(self._submit)  # type: ignore[assignment]
        vendor.checks = Dice(self._check)  # type: ignore[assignment]
        vendor.cancels = Dice(self._cancel)  # type: ignore[assignment]
        vendor.finds = Dice(lambda: self._sometimes(0.2, [Unreachable("Nobody home."), Drifted("What?")]))  # type: ignore[assignment]
        self.studio.downloader.failures = Dice(self._download)  # type: ignore[assignment]
        self.studio.keeper.failures = Dice(self._keep)  # type: ignore[assignment]
        self.studio.on_point = self._point

    async def run(self) -> None:
        """Tell the story, then let the weather clear, and see that everything has come to its right end."""
        studio = self.studio
        studio.lane.on_commit = self._glance  # type: ignore[attr-defined]
        self.starting = True
        await studio.open(credentials=self.dice.randint(1, 2), users=USERS, credits_each=self.dice.choice([60, 300]))
        self.starting = False
        for step in range(STEPS):
            await self._step()
            if step % 30 == 29:
                studio.check()
        self.stormy = False
        await self._clear_up()
        studio.check()
        self._judge()

    async def _step(self) -> None:
        await self._rest()
        move = self.dice.random()
        if self.parked and move < 0.5:
            self._wake(self.dice.randrange(len(self.parked)))
        elif move < 0.75:
            self._tick()
        else:
            action = self.dice.choice(self._actions())
            self.story.append(action.__name__)
            task = asyncio.ensure_future(self._act(action))
            self.acting.add(task)

    def _glance(self, tx: Tx) -> None:
        try:
            self.studio.watchman.glance(tx)
        except AssertionError as error:
            # Kept for the test: a driver would take it for its own failure and try again.
            self.broken = self.broken or error

    async def _rest(self) -> None:
        await self.studio.idle()
        if self.broken is not None:
            raise self.broken
        if self.studio.life.dead:
            await self._restart()
        for task in [task for task in self.acting if task.done()]:
            self.acting.discard(task)
            if not task.cancelled():
                task.result()

    async def _restart(self) -> None:
        self.crashes += 1
        self.story.append("crash")
        await self.studio.life.end()
        self.parked.clear()
        for task in self.acting:
            task.cancel()
        await asyncio.gather(*self.acting, return_exceptions=True)
        self.acting.clear()
        self.starting = True
        await self.studio.start()
        self.starting = False
        await self.studio.idle()

    async def _clear_up(self) -> None:
        studio = self.studio
        studio.change_credentials(enabled=True)
        end = studio.clock.monotonic() + 12 * 3600
        seen: tuple[int, int] | None = None
        statuses: set[str] = set()
        while True:
            await self._rest()
            while self.parked:
                self._wake(0)
                await self._rest()
            if seen != (studio.lives, studio.life.commits):
                seen = (studio.lives, studio.life.commits)
                statuses = studio.ask(_open_statuses)
            if not statuses and not self.acting:
                return
            if statuses == {"uncertain"} and not self.acting:
                studio.clock.jump(24 * 3600)
                studio.life.die()
                continue
            if studio.clock.monotonic() > end:
                raise AssertionError(f"these never ended: {statuses}")
            self._tick()

    def _tick(self) -> None:
        at = self.studio.clock.next_at()
        if at is not None:
            self.studio.clock.advance_to(at)

    def _wake(self, place: int) -> None:
        parked = self.parked.pop(place)
        if not parked.done():
            parked.set_result(None)

    async def _point(self, life: Life, _point: str) -> None:
        if not self.stormy or self.starting:
            return
        throw = self.dice.random()
        if throw < 0.004:
            life.die()
        elif throw < 0.2:
            parked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.parked.append(parked)
            await parked

    # What people, admins, the vendor and the weather do.

    def _actions(self) -> list[Callable[[Life], Awaitable[None]]]:
        return [
            *[self.request] * 6,
            self.request_again,
            *[self.cancel] * 2,
            *[self.retry] * 2,
            self.delete,
            *[self.call_back] * 2,
            self.review,
            self.grant_or_take,
            self.switch_credentials,
            self.jump,
            self.forget_a_job,
        ]

    async def _act(self, action: Callable[[Life], Awaitable[None]]) -> None:
        try:
            await action(self.studio.life)
        except AppError:
            # Refused, as it may be: what must not happen is asked of the data.
            return

    async def request(self, life: Life) -> None:
        wanted = Wanted(
            new_id(),
            self.dice.choice(["study", "study", "sketch"]),
            "a heron",
            {"num_images": self.dice.randint(1, 3)},
            priority=self.dice.randint(0, 1),
        )
        user = self.dice.randrange(USERS)
        self.asked.append((user, wanted))
        self.answered.add(await life.request_as(wanted, user=user))

    async def request_again(self, life: Life) -> None:
        if self.asked:
            user, wanted = self.dice.choice(self.asked)
            self.answered.add(await life.request_as(wanted, user=user))

    async def cancel(self, life: Life) -> None:
        if self.asked:
            user, wanted = self.dice.choice(self.asked)
            await life.cancel(wanted.id, user=user)

    async def retry(self, life: Life) -> None:
        if self.asked:
            user, wanted = self.dice.choice(self.asked)
            before = self.studio.ask(lambda tx: tx.get(GenerationRow, wanted.id))
            if before is not None and before.status in (Status.FAILED, Status.CANCELED):
                self.retried.add((wanted.id, before.attempt))
                await life.retry(wanted.id, user=user)

    async def delete(self, life: Life) -> None:
        if self.asked and self.dice.random() < 0.5:
            user, wanted = self.dice.choice(self.asked)
            await life.delete(wanted.id, user=user)

    async def call_back(self, life: Life) -> None:
        jobs = list(self.studio.vendor.jobs.values())
        if jobs and "read_callback" in self.studio.vendor.powers:
            job = self.dice.choice(jobs)
            named = self.dice.choice([job, job, job, self.dice.choice(jobs)])
            for _ in range(self.dice.choice([1, 1, 3])):
                await life.callback(UUID(job.reference), named.ticket.id, forged=self.dice.random() < 0.1)

    async def review(self, life: Life) -> None:
        rows = self.studio.ask(
            lambda tx: tx.scalars(select(GenerationRow).where(GenerationRow.status == Status.UNCERTAIN)).all()
        )
        if rows:
            row = self.dice.choice(list(rows))
            # The admin looked at the provider's own page first.
            there = self.studio.vendor.jobs_of([str(self.studio.attempts(row.id)[-1].id)])
            may_go_again = not there or self.studio.vendor.ambiguity is not Ambiguity.NONE
            await life.resolve(row.id, self.dice.choice(["failed", "check_again"]) if may_go_again else "failed")

    async def grant_or_take(self, life: Life) -> None:
        user_id = self.dice.choice(self.studio.users)
        verb = self.dice.choice([ledger.grant, ledger.take])
        amount = self.dice.randint(1, 80)
        now = self.studio.clock.now()

        def change(tx: Tx) -> None:
            balance = verb(tx, user_id, amount, reason="by hand", actor_id=None, key=None, now=now)
            tell_balance(tx, user_id, balance, now)

        await life.db.write(change)

    async def switch_credentials(self, life: Life) -> None:
        del life
        self.studio.change_credentials(enabled=self.dice.random() < 0.7, max_concurrent=self.dice.randint(1, 4))

    async def jump(self, life: Life) -> None:
        del life
        self.studio.clock.jump(self.dice.choice([-3600.0, -30.0, -0.5, 20.0, 900.0]))

    async def forget_a_job(self, life: Life) -> None:
        del life
        jobs = [job for job in self.studio.vendor.jobs.values() if self.dice.random() < 0.2]
        for job in jobs:
            job.forgotten = True

    def _sometimes(self, chance: float, what: list[Any]) -> Any:
        return self.dice.choice(what) if self.stormy and self.dice.random() < chance else None

    def _submit(self) -> Any:
        def arrives_twice_late(vendor: Any, call: Call) -> Ticket:
            ticket: Ticket = vendor.accept(call)
            raise Drifted(f"What is this? {ticket.id}")

        def at_once(_vendor: Any, call: Call) -> Done:
            content = [f"at once {call.reference} {n}".encode() for n in range(int(call.params["num_images"]))]
            return Done(tuple(Output("image", data=each) for each in content))

        return self._sometimes(
            0.45,
            [
                self.studio.vendor.lose_answer(),
                self.studio.vendor.lose_answer(),
                arrives_twice_late,
                at_once,
                Ambiguous("Lost on the way."),
                Rejected("No."),
                Blocked("No."),
                Throttled("Slow down.", retry_after_seconds=self.dice.choice([None, 3.0, 30.0])),
                Unreachable("Nobody home."),
                Broke("It fell over."),
                Misconfigured("The key is wrong."),
            ],
        )

    def _check(self) -> Any:
        return self._sometimes(
            0.25,
            [
                Unreachable("Nobody home."),
                Throttled("Slow down."),
                Drifted("What is this?"),
                Pending(started=False, queue_position=self.dice.randint(0, 9)),
                Pending(started=True, percent=self.dice.random() * 100),
                Misconfigured("The key is wrong."),
            ],
        )

    def _cancel(self) -> Any:
        return self._sometimes(0.5, [Canceled.REQUESTED, Canceled.TOO_LATE, Canceled.UNKNOWN, Unreachable("No.")])

    def _download(self) -> Any:
        return self._sometimes(
            0.3,
            [
                DownloadFailed("expired", "gone", again=False, status=403),
                DownloadFailed("unreachable", "away", again=True),
                DownloadFailed("too_large", "too large", again=False),
            ],
        )

    def _keep(self) -> Any:
        return self._sometimes(
            0.2, [StorageFailed("The disk is full.", again=True), Unreadable("asset.unreadable", "An HTML page.")]
        )

    def _judge(self) -> None:
        """What only the whole story tells."""
        studio = self.studio
        rows = {row.id: row for row in studio.ask(lambda tx: tx.scalars(select(GenerationRow)).all())}
        assert self.answered <= rows.keys(), "a request that was accepted is lost"
        assert all(Status(row.status) in TERMINAL for row in rows.values())
        assert studio.life.slots_in_use() == 0, "a slot leaked"
        assert studio.life.dispatcher.waiting == 0
        attempts = studio.ask(lambda tx: tx.scalars(select(AttemptRow)).all())
        known = {str(attempt.id): attempt for attempt in attempts}
        references = [job.reference for job in studio.vendor.jobs.values()]
        assert set(references) <= known.keys(), "the vendor works for nobody"
        assert len(references) == len(set(references)), "one attempt, two jobs"
        for reference in references:
            attempt = known[reference]
            went_on = attempt.n < rows[attempt.generation_id].attempt
            lost = (attempt.outcome or {}).get("code") == "provider.answer_lost"
            if went_on and lost:
                assert (attempt.generation_id, attempt.n) in self.retried, "submitted again though it had arrived"


def _open_statuses(tx: Tx) -> set[str]:
    rows = tx.execute(
        select(GenerationRow.status, GenerationRow.watch_until).where(
            GenerationRow.deleted_at.is_(None),
            GenerationRow.status.not_in(sorted(TERMINAL)) | GenerationRow.watch_until.is_not(None),
        )
    )
    return {row.status for row in rows}
