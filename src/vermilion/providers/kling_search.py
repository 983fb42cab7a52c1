"""Looking a lost submit up by our own reference.

How Kling answers for a reference it does not know is not documented, so "no" is believed only when the list of recent
jobs says it too. A relay keeps its own list of jobs and never knows our reference: it cannot tell.
"""

from typing import Any, Protocol
from urllib.parse import quote

from vermilion.providers.errors import Ambiguous, Drifted
from vermilion.providers.kling_answers import data_of, external_id, id_in
from vermilion.providers.kling_bodies import is_newer
from vermilion.providers.kling_errors import NO_SUCH_JOB, complaint_of, unanswered
from vermilion.providers.wire import Answer

PAGE_JOBS = 500
PAGES_MAX = 10
CLOCK_SKEW_SECONDS = 600.0


class Asks(Protocol):
    """What speaks to Kling."""

    async def ask(self, method: str, path: str, *, effect: bool = False, **content: Any) -> Answer: ...


async def find(kling: Asks, endpoint: str, reference: str, since: float) -> str | None:
    """The job's id, or None when there is none since then (Unix seconds). Raises `Ambiguous` when that stays open."""
    job = await (_ask_newer(kling, reference) if is_newer(endpoint) else _ask_first(kling, endpoint, reference))
    if job is not None:
        return id_in(job)
    pages = _newer_pages(kling, since) if is_newer(endpoint) else _first_pages(kling, endpoint, since)
    async for page in pages:
        for each in page:
            if external_id(each) == reference:
                return id_in(each)
    return None


async def _ask_first(kling: Asks, endpoint: str, reference: str) -> Any:
    answer = await kling.ask("GET", f"{endpoint}/{quote(reference, safe='')}")
    said = complaint_of(answer)
    if said is None:
        job = data_of(answer)
        if id_in(job) is None:
            raise Drifted("Kling's answer holds no job.", vendor_message=answer.text(200))
        return job
    if isinstance(said.code, str):
        raise Ambiguous("A relay does not know our reference, whether or not it has the job.")
    if said.code in NO_SUCH_JOB:
        return None
    raise unanswered(answer, said)


async def _ask_newer(kling: Asks, reference: str) -> Any:
    answer = await kling.ask("GET", "tasks", query={"external_task_ids": reference})
    said = complaint_of(answer)
    if said is not None:
        if said.code in NO_SUCH_JOB:
            return None
        raise unanswered(answer, said)
    return next((job for job in _listed(answer, data_of(answer)) if external_id(job) == reference), None)


async def _first_pages(kling: Asks, endpoint: str, since: float) -> Any:
    for number in range(1, PAGES_MAX + 1):
        answer = await kling.ask("GET", endpoint, query={"pageNum": str(number), "pageSize": str(PAGE_JOBS)})
        said = complaint_of(answer)
        if said is not None and (answer.status in {404, 405} or isinstance(said.code, str)):
            raise Ambiguous("This address keeps no list of jobs.")
        if said is not None:
            raise unanswered(answer, said)
        page = _listed(answer, data_of(answer))
        yield page
        times = [job.get("created_at") for job in page if isinstance(job, dict)]
        if len(page) < PAGE_JOBS:
            return
        # Only where the newest visibly come first, an old one is the end.
        known = [at for at in times if isinstance(at, int)]
        if known == sorted(known, reverse=True) and known and known[-1] < (since - CLOCK_SKEW_SECONDS) * 1000:
            return
    raise Ambiguous("The list of jobs is too long to tell.")


async def _newer_pages(kling: Asks, since: float) -> Any:
    cursor: Any = ""
    for _ in range(PAGES_MAX):
        body = {
            "start_time": str(int((since - CLOCK_SKEW_SECONDS) * 1000)),
            "end_time": str(int((since + 24 * 3600) * 1000)),
            "cursor": cursor,
            "limit": PAGE_JOBS,
        }
        answer = await kling.ask("POST", "tasks", body=body)
        said = complaint_of(answer)
        if said is not None:
            raise unanswered(answer, said)
        data = data_of(answer)
        if not isinstance(data, dict):
            raise Drifted("Kling's answer holds no list of jobs.", vendor_message=answer.text(200))
        yield _listed(answer, data.get("result"))
        cursor = data.get("next_cursor")
        if not data.get("has_more") or not isinstance(cursor, str) or not cursor:
            return
    raise Ambiguous("The list of jobs is too long to tell.")


def _listed(answer: Answer, told: Any) -> list[Any]:
    if not isinstance(told, list):
        raise Drifted("Kling's answer holds no list of jobs.", vendor_message=answer.text(200))
    return told
