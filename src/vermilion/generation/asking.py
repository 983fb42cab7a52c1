"""Asking a provider how jobs are: one question for many jobs where it has such a question."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from vermilion.kit import Clock
from vermilion.providers import Done, Pending, Provider, Ticket, power

GATHER_SECONDS = 0.2
"""How long a question waits for others to the same credential before they are asked together."""

TOGETHER_MAX = 50


@dataclass(slots=True)
class _Round:
    adapter: Provider
    waiting: dict[str, tuple[Ticket, asyncio.Future[Pending | Done]]] = field(default_factory=dict)


class Asker:
    """Asks; one per process, so that the questions of different drivers meet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rounds: dict[UUID, _Round] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(
        self, credential_id: UUID, adapter: Provider, ticket: Ticket, *, at_once: bool = False
    ) -> Pending | Done:
        """The job's state; raises `ProviderError` like `check`.

        `at_once` waits for nobody else's question. A job that the provider leaves out of a common answer is asked
        for by itself.
        """
        if at_once or power(adapter, "check_many") is None:
            return await adapter.check(ticket)
        current = self._rounds.get(credential_id)
        if current is None or ticket.id in current.waiting or len(current.waiting) >= TOGETHER_MAX:
            current = self._rounds[credential_id] = _Round(adapter)
            task = asyncio.get_running_loop().create_task(self._ask_together(credential_id, current))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        future: asyncio.Future[Pending | Done] = asyncio.get_running_loop().create_future()
        current.waiting[ticket.id] = (ticket, future)
        return await future

    async def _ask_together(self, credential_id: UUID, asked: _Round) -> None:
        await self._clock.sleep(GATHER_SECONDS)
        if self._rounds.get(credential_id) is asked:
            del self._rounds[credential_id]
        check_many = power(asked.adapter, "check_many")
        if check_many is None:
            raise TypeError(f"{asked.adapter.name} lost its power to answer for many")
        try:
            answers = await check_many([ticket for ticket, _ in asked.waiting.values()])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to each of those who wait here
            for _, future in asked.waiting.values():
                _fail(future, error)
            return
        for ticket_id, (ticket, future) in asked.waiting.items():
            answer = answers.get(ticket_id)
            if answer is None:
                await self._ask_alone(asked.adapter, ticket, future)
            elif isinstance(answer, Exception):
                _fail(future, answer)
            elif not future.done():
                future.set_result(answer)

    async def _ask_alone(self, adapter: Provider, ticket: Ticket, future: asyncio.Future[Pending | Done]) -> None:
        try:
            answer = await adapter.check(ticket)
        except Exception as error:  # noqa: BLE001 - the same
            _fail(future, error)
        else:
            if not future.done():
                future.set_result(answer)


def _fail(future: asyncio.Future[Pending | Done], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
