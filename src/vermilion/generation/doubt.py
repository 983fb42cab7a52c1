"""Doubt: a submit was interrupted, or its answer lost.

It is looked up where the provider allows, and never repeated blindly.
"""

from datetime import timedelta

from vermilion.generation import steps
from vermilion.generation.call import InputsGone
from vermilion.generation.failure import Failure, failure_of, pause_seconds, rule_for
from vermilion.generation.journey import Journey
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.providers import (
    CONNECT_TIMEOUT_SECONDS,
    EFFECT_TIMEOUT_SECONDS,
    Ambiguity,
    Ambiguous,
    Done,
    Lost,
    Provider,
    ProviderError,
    Rejected,
    Ticket,
    power,
)

INTERRUPTED = Failure(
    "provider.answer_lost", "wait", "The provider's answer was lost; whether it accepted the job is not known."
)

SUBMIT_MAX = timedelta(seconds=CONNECT_TIMEOUT_SECONDS + EFFECT_TIMEOUT_SECONDS)
"""How long after the intention a submit may still be under way where it can be looked up. Before that, "no such job"
may only mean "not yet", whether the call was ours and broke off or another driver's is on its way."""


async def resolve(journey: Journey, work: Work) -> Work | None:
    """submitting, found as it is: whoever was submitting stopped in the middle."""
    return await look_up(journey, work, INTERRUPTED)


async def look_up(journey: Journey, work: Work, reason: Failure) -> Work | None:
    """Find out what became of the current attempt, by the provider's own means; → uncertain where it has none."""
    tools = journey.tools
    credential = await journey.credential(work)
    if credential is None or work.attempt is None:
        return await tools.db.write(steps.doubt, work, reason, now=tools.clock.now())
    adapter = tools.open_adapter(work.row.provider, credential.login)
    tries = 0
    while adapter.ambiguity is not Ambiguity.NONE:
        asked_seconds = None
        try:
            answer = await _ask(journey, work, adapter)
        except InputsGone:
            break
        except ProviderError as error:
            rule = rule_for(error, "submit")
            await journey.note_health(credential, rule, error)
            if isinstance(error, Rejected):
                return await journey.release(work, failure_of(error, rule))
            # A look-up that says it cannot tell will not tell later either; a repeated submit is only lost again.
            cannot_tell = isinstance(error, Ambiguous) and adapter.ambiguity is not Ambiguity.IDEMPOTENCY_KEY
            if cannot_tell or tools.clock.now() >= work.row.deadline_at:
                break
            asked_seconds = error.retry_after_seconds
        else:
            if isinstance(answer, Done):
                return await journey.results(work, answer)
            if isinstance(answer, Ticket):
                return await journey.take(steps.submitted, work, answer, now=tools.clock.now())
            if tools.clock.now() >= work.attempt.intended_at + SUBMIT_MAX:
                # The provider certainly has no such job, and no call of ours is on its way: it may be submitted.
                return await journey.take(steps.requeue, work, reason, now=tools.clock.now(), not_before=None)
        if await journey.bell.wait(pause_seconds(tries, asked_seconds)):
            fresh = await journey.read()
            if fresh is None or fresh.status is not Status.SUBMITTING or not fresh.same_attempt(work):
                return fresh
            work = fresh
        tries += 1
        credential = await tools.open_credential(credential.id) or credential
        adapter = tools.open_adapter(work.row.provider, credential.login)
    # Not from wherever the row is by now: only what is still being submitted is in doubt.
    return await tools.db.write(steps.doubt, work, reason, now=tools.clock.now())


async def wait_for_word(journey: Journey, work: Work) -> Work | None:
    """uncertain: until a callback, an admin, or the end of patience."""
    remaining = (work.row.deadline_at - journey.tools.clock.now()).total_seconds()
    if await journey.bell.wait(remaining) or remaining > 0:
        return await journey.read()
    return await journey.release(
        work,
        Failure(
            "provider.answer_lost", "wait", "The provider never said whether it accepted the job; nothing was taken."
        ),
    )


async def _ask(journey: Journey, work: Work, adapter: Provider) -> Ticket | Done | None:
    if work.attempt is None:
        raise RuntimeError("nothing to look up without an attempt")
    if adapter.ambiguity is Ambiguity.IDEMPOTENCY_KEY:
        # The same reference makes it the same job: the provider answers as it did the first time.
        call = await journey.tools.calls.make(work, work.attempt.id)
        return await adapter.submit(call)
    find = power(adapter, "find")
    if find is None:
        raise TypeError(f"{adapter.name} declares {adapter.ambiguity} and has no `find`")
    lost = Lost(
        reference=str(work.attempt.id),
        endpoint=work.entry.endpoint,
        prompt=work.row.prompt,
        params=work.entry.wire_params(work.row.params),
        options=work.entry.wire_options(),
        since=work.attempt.intended_at,
    )
    found: Ticket | Done | None = await find(lost)
    return found
