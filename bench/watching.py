"""Adapters that are watched: each question is noted, and each job is let go once it was seen to be done."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from vermilion.providers import Broke, Call, Done, Pending, Provider, Ticket, adapters, has_power

Kind = Literal["image", "video"]

_TOGETHER: ContextVar[bool] = ContextVar("together", default=False)
"""Set while many are asked about at once: an adapter may do that by asking about one."""


@dataclass(slots=True)
class Job:
    """One job as its adapter saw it. Times are Unix seconds."""

    provider: str
    kind: Kind
    prompt: str
    seconds: float
    questions: int = 0
    noticed_at: float | None = None
    at_once: bool = False


@dataclass(slots=True)
class Notebook:
    """Every job, by its prompt, and by the ticket it got."""

    jobs: dict[str, Job] = field(default_factory=dict)
    by_ticket: dict[tuple[str, str], Job] = field(default_factory=dict)

    def asked(self, provider: str, ticket_id: str) -> None:
        """A question about this job was sent."""
        if (job := self.by_ticket.get((provider, ticket_id))) is not None:
            job.questions += 1

    def answered(self, provider: str, ticket_id: str, answer: Any) -> Any:
        """The answer, or, where it says that the job is done, what lets go of it."""
        job = self.by_ticket.get((provider, ticket_id))
        if job is None or not isinstance(answer, Done):
            return answer
        job.noticed_at = job.noticed_at or time.time()
        return Broke("Noticed: that is all that is measured.", again=False)


@contextmanager
def watched(book: Notebook) -> Iterator[None]:
    """While inside, every adapter notes its questions in the book."""
    known = cast("dict[str, type[Provider]]", adapters())
    before = dict(known)
    known.update({name: _watched(adapter, book) for name, adapter in before.items()})
    try:
        yield
    finally:
        known.update(before)


def _watched(adapter: type[Provider], book: Notebook) -> type[Provider]:
    name = adapter.name

    async def submit(self: Provider, call: Call) -> Ticket | Done:
        answer = await adapter.submit(self, call)
        job = book.jobs.get(call.prompt)
        if job is not None and isinstance(answer, Done):
            job.at_once = True
            raise Broke("It answered at once: there is nothing to notice.", again=False)
        if job is not None and isinstance(answer, Ticket):
            book.by_ticket[name, answer.id] = job
        return answer

    async def check(self: Provider, ticket: Ticket) -> Pending | Done:
        if _TOGETHER.get():
            return await adapter.check(self, ticket)
        book.asked(name, ticket.id)
        answer = book.answered(name, ticket.id, await adapter.check(self, ticket))
        if isinstance(answer, Exception):
            raise answer
        return cast("Pending | Done", answer)

    async def check_many(self: Any, tickets: Sequence[Ticket]) -> Mapping[str, Any]:
        for ticket in tickets:
            book.asked(name, ticket.id)
        _TOGETHER.set(True)
        try:
            answers = await cast(Any, adapter).check_many(self, tickets)
        finally:
            _TOGETHER.set(False)
        return {ticket_id: book.answered(name, ticket_id, answer) for ticket_id, answer in answers.items()}

    powers: dict[str, Any] = {"check_many": check_many} if has_power(name, "check_many") else {}
    return cast("type[Provider]", type("Adapter", (adapter,), {"submit": submit, "check": check, **powers}))
