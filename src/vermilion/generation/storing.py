"""Storing: bring the results home and settle; and the watch for results that come after the credits went back."""

from vermilion.generation import settling, steps
from vermilion.generation.collect import Collected, unkept
from vermilion.generation.failure import Failure, pause_seconds
from vermilion.generation.journey import Journey, log
from vermilion.generation.settling import Kept
from vermilion.generation.status import Status
from vermilion.generation.work import Work
from vermilion.providers import Broke, Done, ProviderError, Rejected, file_headers

NOTHING_NAMED = Failure("provider.empty", "wait", "The provider finished without a result.")
WATCH_INTERVAL_SECONDS = 30.0


async def store(journey: Journey, work: Work) -> Work | None:
    """storing → succeeded with what could be kept, or the end without a result."""
    tools = journey.tools
    outputs = list((work.attempt.outputs if work.attempt else None) or [])
    kept: dict[int, Kept] = {}
    tries = 0
    while True:
        collected = await _collect(journey, work, unkept(outputs, kept))
        kept.update({each.position: each for each in collected.kept})
        if collected.stale:
            journey.asked_for_fresh_addresses = True
            return await journey.take(steps.ask_again, work, now=tools.clock.now())
        now = tools.clock.now()
        if collected.again is None or now >= work.row.deadline_at:
            break
        log.warning("generation.storing_again", generation_id=str(work.row.id), reason=collected.again.detail)
        await journey.bell.wait(pause_seconds(tries))
        tries += 1
    if kept or work.texts:
        in_order = [kept[place] for place in sorted(kept)]
        ended = await journey.take(settling.settle, work, in_order, now=tools.clock.now())
    else:
        reasons = [*collected.lost, *([collected.again] if collected.again else [])]
        ended = await journey.release(work, reasons[0] if reasons else NOTHING_NAMED)
    await tools.collector.let_go(outputs)
    return ended


async def watch(journey: Journey, work: Work) -> Work | None:
    """failed, and its result may still come: given when it does, and not charged."""
    tools = journey.tools
    if work.row.watch_until is None:
        return None
    credential = await journey.credential(work)
    while work.row.watch_until is not None:
        now = tools.clock.now()
        if credential is None:
            break
        # The end of the watch is looked at too: after a long sleep it is the only look there is.
        if work.attempt is not None and work.attempt.ticket_id is not None:
            adapter = tools.open_adapter(work.row.provider, credential.login)
            try:
                answer = await adapter.check(work.ticket)
            except (Rejected, Broke):
                break
            except ProviderError as error:
                log.info("generation.watch_unanswered", generation_id=str(work.row.id), reason=error.message)
            else:
                if isinstance(answer, Done):
                    ended, later = await _late(journey, work, answer)
                    if ended is not None or not later:
                        return ended
        if now >= work.row.watch_until:
            break
        remaining = (work.row.watch_until - now).total_seconds()
        await journey.bell.wait(min(WATCH_INTERVAL_SECONDS, remaining))
        fresh = await journey.read()
        if fresh is None or fresh.status is not Status.FAILED or not fresh.same_attempt(work):
            return fresh
        work = fresh
    if work.row.watch_until is not None:
        await tools.db.write(steps.stop_watching, work)
    return None


async def _late(journey: Journey, work: Work, done: Done) -> tuple[Work | None, bool]:
    """The row once a late result was given; else whether it is worth another try later."""
    collector = journey.tools.collector
    if work.attempt is None:
        return None, False
    try:
        noted = await collector.note(work.attempt.id, done.outputs)
    except OSError as error:
        log.warning("generation.noting_again", generation_id=str(work.row.id), reason=str(error))
        return None, True
    collected = await _collect(journey, work, noted)
    if not collected.kept and collected.again is not None:
        return None, True
    ended = None
    if collected.kept:
        log.info("generation.late_success", generation_id=str(work.row.id))
        ended = await journey.take(settling.settle, work, collected.kept, now=journey.tools.clock.now())
    else:
        await journey.tools.db.write(steps.stop_watching, work)
    await collector.let_go(noted)
    return ended, False


async def _collect(journey: Journey, work: Work, outputs: list[dict[str, object]]) -> Collected:
    credential = await journey.credential(work)
    adapter = None if credential is None else journey.tools.open_adapter(work.row.provider, credential.login)
    return await journey.tools.collector.collect(
        outputs,
        allow_private_hosts=credential is not None and credential.login.allow_private_hosts,
        headers_for=lambda url: {} if adapter is None else file_headers(adapter, url),
        fresh=journey.asked_for_fresh_addresses or work.status is Status.FAILED or not work.has_ticket,
    )
