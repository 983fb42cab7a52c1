"""The connection test: questions that cost nothing and need the key."""

from typing import Any

from vermilion.providers.contract import Balance, Probe
from vermilion.providers.errors import Broke, Drifted, Misconfigured, ProviderError, Throttled
from vermilion.providers.kling_answers import data_of
from vermilion.providers.kling_errors import NO_SUCH_JOB, complaint_of, unanswered
from vermilion.providers.kling_search import Asks
from vermilion.providers.wire import Answer

_NO_JOB = "v1/videos/text2video/000000000000000000"
_YEAR_SECONDS = 365 * 24 * 3600


async def probe(kling: Asks, now: float) -> Probe:
    """Ask for the account's resource packs (at Unix time `now`), or else about a job that never was."""
    try:
        answer = await _packs(kling, int(now))
        if _spoken(answer):
            problem = _problem(answer)
            if problem is None:
                return _account(answer)
            if isinstance(problem, Misconfigured):
                return _told(problem)
        answer = await kling.ask("GET", _NO_JOB)
        if _spoken(answer):
            problem = _problem(answer)
            # Not to know the job is the right answer, and one only a good key gets.
            works = problem is None or isinstance(problem, Broke | Throttled)
            return Probe() if works else _told(problem)
        if _spoken(await kling.ask("GET", f"kling/{_NO_JOB}")):
            return Probe(problem="This is a relay whose Kling begins one level deeper: add /kling to the address.")
        return Probe(problem=f"The address answered {answer.status}, and not in Kling's words.")
    except ProviderError as error:
        return _told(error)


async def _packs(kling: Asks, now: int) -> Answer:
    span = {"start_time": str((now - _YEAR_SECONDS) * 1000), "end_time": str(now * 1000)}
    return await kling.ask("GET", "account/costs", query=span)


def _spoken(answer: Answer) -> bool:
    """Whether Kling, or a relay in its words, answered, and not a web server in front of nothing."""
    try:
        body = answer.json()
    except Drifted:
        return False
    if not isinstance(body, dict):
        return False
    return "code" in body or (answer.status in {401, 403} and "error" in body)


def _problem(answer: Answer) -> ProviderError | None:
    said = complaint_of(answer)
    if said is None:
        return None
    if said.code in NO_SUCH_JOB:
        return Broke("No such job.")
    return unanswered(answer, said)


def _account(answer: Answer) -> Probe:
    """What is left in the packs that are in use, each by name and together; Kling counts it up to 12 hours late."""
    data = data_of(answer)
    packs = data.get("resource_pack_subscribe_infos") if isinstance(data, dict) else None
    told, left_units = [], 0.0
    for pack in packs if isinstance(packs, list) else []:
        if isinstance(pack, dict) and pack.get("status") == "online":
            name, left, total = (
                pack.get(key) for key in ("resource_pack_name", "remaining_quantity", "total_quantity")
            )
            told.append(f"{str(name)[:60]}: {_number(left)} / {_number(total)}")
            left_units += left if isinstance(left, int | float) and not isinstance(left, bool) else 0.0
    # An account without packs pays from its cash, of which this endpoint says nothing.
    return Probe("; ".join(told[:5]) or None, balance=Balance(f"{left_units:.12g}", "units") if told else None)


def _number(told: Any) -> str:
    return f"{told:g}" if isinstance(told, int | float) and not isinstance(told, bool) else str(told)[:20]


def _told(problem: ProviderError | None) -> Probe:
    if problem is None:
        return Probe()
    said = f" ({problem.vendor_message})" if problem.vendor_message else ""
    return Probe(problem=f"{problem.message}{said}")
