"""Midjourney, through a proxy that owns its accounts: the original midjourney-proxy, its successor, and gateways.

A task is posted and asked for by its id. Some buttons open a window first (code 21), which is answered in a second
step; until then nothing runs and nothing is spent. A lost submit is looked for in the proxy's list by `state`, which
it only echoes; gateways have no such list. Facts: the proxies' sources.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import quote

from vermilion.providers import midjourney_answers, midjourney_bodies, midjourney_errors
from vermilion.providers.contract import (
    Ambiguity,
    Call,
    Callback,
    Canceled,
    Done,
    InputFile,
    Lost,
    Pending,
    Probe,
    Ticket,
)
from vermilion.providers.credential import CredentialField, Login
from vermilion.providers.errors import (
    Ambiguous,
    Broke,
    Drifted,
    Misconfigured,
    NotInstalled,
    ProviderError,
    Rejected,
    Unreachable,
)
from vermilion.providers.midjourney_errors import ACCEPTED, QUEUED, WINDOW
from vermilion.providers.midjourney_login import FIELDS, ProxyLogin
from vermilion.providers.midjourney_probe import probe
from vermilion.providers.wire import EFFECT_TIMEOUT_SECONDS, TOTAL_TIMEOUT_SECONDS, Answer, Wire

SEED_TIMEOUT_SECONDS = 75.0
"""The proxy asks Midjourney in a private message, and waits up to a minute for the reply."""

LISTED_MAX = 100
"""How many tasks the successor lists; the original lists all it has."""
CLOCK_SKEW = timedelta(minutes=5)

_EVERYWHERE = frozenset({"imagine", "blend", "describe"})
"""What every dialect can do."""


class Adapter:
    """Midjourney through one credential."""

    name: ClassVar[str] = "midjourney"
    title: ClassVar[str] = "Midjourney"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = FIELDS
    ambiguity: ClassVar[Ambiguity] = Ambiguity.FIND_BY_REFERENCE
    max_concurrent_default: ClassVar[int] = 3
    """The proxies' own, per account."""

    def __init__(self, login: Login, wire: Wire) -> None:
        self._login = ProxyLogin.read(login.fields)
        self._wire = wire

    async def submit(self, call: Call) -> Ticket | Done:
        """Hand the job over, answering the window where a button opens one."""
        if call.endpoint == "image-seed":
            return await self._seed(call)
        # Pictures first, then the job, then its window: all of it together is one submit, and as long as one may be.
        ends = monotonic() + EFFECT_TIMEOUT_SECONDS
        sent, answer = await self._posted(call, ends)
        told = midjourney_errors.table_of(answer)
        said = (told or {}).get("code")
        if not answer.ok or told is None or said not in {ACCEPTED, QUEUED, WINDOW}:
            raise midjourney_errors.refused_submit(answer, told, follows=call.parent is not None)
        task_id = _task_in(told, answer)
        # A gateway says "accepted" where the proxy behind it said "window".
        hidden = self._login.dialect == "relay" and "enableRemix" in sent
        opened = said == WINDOW or hidden or bool(call.options.get("window"))
        if opened:
            await self._answer_window(call, task_id, told, ends)
        return _ticket(task_id, call.endpoint, confirmed=opened)

    async def check(self, ticket: Ticket) -> Pending | Done:
        """Ask how the job is."""
        task_ids = ticket.id.split(",")
        if len(task_ids) > 1:
            return midjourney_answers.read(ticket, list((await self._tasks(task_ids)).values()))
        answer = await self.ask("GET", f"mj/task/{quote(ticket.id, safe='')}/fetch")
        if not answer.ok:
            raise midjourney_errors.refused_question(answer)
        # One proxy says nothing at all of a task it does not know, another says null.
        if answer.body.strip() in {b"", b"null"}:
            raise midjourney_errors.forgotten()
        return midjourney_answers.read(ticket, [answer.json()])

    async def check_many(self, tickets: Sequence[Ticket]) -> Mapping[str, Pending | Done | Exception]:
        """One question for all of them; what the proxy does not know is left out."""
        tasks = await self._tasks([task_id for ticket in tickets for task_id in ticket.id.split(",")])
        answers: dict[str, Pending | Done | Exception] = {}
        for ticket in tickets:
            found = [tasks[task_id] for task_id in ticket.id.split(",") if task_id in tasks]
            if not found:
                continue
            try:
                answers[ticket.id] = midjourney_answers.read(ticket, found)
            except ProviderError as error:
                answers[ticket.id] = error
        return answers

    async def find(self, lost: Lost) -> Ticket | None:
        """The task with our reference as its `state`; None when the proxy's list certainly holds none.

        A task whose window was not answered yet is none: it never runs. Raises `Ambiguous` where there is no list, or
        one that does not reach back far enough.
        """
        answer = await self.ask("GET", "mj/task/list")
        if answer.status in {404, 405}:
            raise Ambiguous("This proxy lists no tasks, so a lost one cannot be looked for.")
        if not answer.ok:
            raise midjourney_errors.refused_question(answer)
        tasks = answer.json()
        if not isinstance(tasks, list):
            raise Ambiguous("This proxy lists no tasks, so a lost one cannot be looked for.")
        known = [task for task in tasks if isinstance(task, dict)]
        ours = [task for task in known if task.get("state") == lost.reference and task.get("status") != "MODAL"]
        if ours:
            found = ",".join(sorted(str(task.get("id")) for task in ours))
            return _ticket(found, lost.endpoint, confirmed=True)
        since = (lost.since - CLOCK_SKEW).timestamp() * 1000
        times = [task["submitTime"] for task in known if isinstance(task.get("submitTime"), int | float)]
        if len(known) >= LISTED_MAX and min(times, default=since + 1) > since:
            raise Ambiguous("The proxy's list no longer reaches back to the lost task.")
        return None

    async def cancel(self, ticket: Ticket) -> Canceled:
        """Stop a task where the proxy can; one dialect can, for its administrators."""
        if "," in ticket.id:
            return Canceled.TOO_LATE
        answer = await self.ask("POST", f"mj/task/{quote(ticket.id, safe='')}/cancel")
        if answer.status in {400, 403, 404, 405}:
            return Canceled.TOO_LATE
        if not answer.ok:
            raise midjourney_errors.refused_question(answer)
        # It says yes to everything, so the task itself must be asked.
        try:
            now = await self.check(ticket)
        except Broke as end:
            return Canceled.UNKNOWN if end.message == midjourney_errors.forgotten().message else Canceled.STOPPED
        except Rejected:
            return Canceled.TOO_LATE
        return Canceled.TOO_LATE if isinstance(now, Done) else Canceled.REQUESTED

    def begins_several(self, endpoint: str, options: Mapping[str, Any]) -> bool:
        """One button begins a task for each of several descriptions, and none of them tells of its siblings."""
        return endpoint == "action" and options.get("follow") == "pick-all"

    async def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Read which task it speaks of: nothing is signed, and the address with our token is all there is to verify."""
        try:
            task = json.loads(body)
        except ValueError as error:
            raise Rejected("The callback is not JSON.") from error
        task_id = task.get("id") if isinstance(task, dict) else None
        if not isinstance(task_id, str) or not task_id or task.get("status") == "MODAL":
            raise Rejected("The callback speaks of no task that runs.")
        return Callback(Ticket(task_id))

    async def probe(self) -> Probe:
        """Ask for no tasks at all, in three ways that only some dialects know: it costs nothing."""
        return await probe(self, self._login.dialect)

    async def ask(self, method: str, path: str, *, effect: bool = False, **content: Any) -> Answer:
        """One exchange."""
        seconds = content.pop("seconds", EFFECT_TIMEOUT_SECONDS if effect else TOTAL_TIMEOUT_SECONDS)
        return await self._wire.request(
            method,
            f"{self._login.base}/{path}",
            effect=effect,
            headers={**self._login.headers, "Accept": "application/json"},
            total_timeout_seconds=seconds,
            **content,
        )

    async def _posted(self, call: Call, ends: float) -> tuple[dict[str, Any], Answer]:
        """What was submitted, by the door of its speed, and the answer. A proxy may have no such doors.

        The words say the speed too, unless it is certain that the door is understood: gateways may keep it to
        themselves.
        """
        dialect = self._login.dialect
        body = await midjourney_bodies.body_of(call, partial(self._upload, ends), speed_in_words=dialect != "extended")
        speed = str(call.params.get("speed") or "")
        door = f"mj/submit/{'change' if call.endpoint == 'action' and 'customId' not in body else call.endpoint}"
        doors = [f"mj-{speed}/{door}"] if speed in midjourney_bodies.SPEEDS and dialect != "original" else [door]
        if dialect == "auto" and doors != [door]:
            doors.append(door)
        for path in doors:
            try:
                answer = await self.ask("POST", path, effect=True, body=body, seconds=_left(ends))
            except Drifted as error:
                raise Ambiguous("The proxy's answer to a new job was too large to read.") from error
            if not _no_such_door(answer):
                break
        if _no_such_door(answer) and call.endpoint not in _EVERYWHERE:
            raise NotInstalled("This Midjourney proxy cannot do that.")
        return body, answer

    async def _answer_window(self, call: Call, task_id: str, opened: Mapping[str, Any], ends: float) -> None:
        properties = opened.get("properties")
        final = properties.get("finalPrompt") if isinstance(properties, dict) else None
        words = final if isinstance(final, str) else str((call.parent or {}).get("prompt") or "")
        transparent = self._login.mask_is_transparent
        body = await midjourney_bodies.window_of(call, task_id, words, mask_is_transparent=transparent)
        answer = await self.ask("POST", "mj/submit/modal", effect=True, body=body, seconds=_left(ends))
        told = midjourney_errors.table_of(answer)
        if not answer.ok or told is None or told.get("code") not in {ACCEPTED, QUEUED}:
            raise midjourney_errors.refused_submit(answer, told, follows=True)

    async def _upload(self, ends: float, files: Sequence[InputFile]) -> list[str]:
        """Addresses at which Midjourney reads these pictures: uploaded through the proxy, or else our own."""
        pictures = await midjourney_bodies.pictures_for_upload(files)
        body = {"base64Array": pictures}
        answer = await self.ask("POST", "mj/submit/upload-discord-images", body=body, seconds=_left(ends))
        if answer.status in {401, 403, 429} or answer.status >= 500:
            raise midjourney_errors.refused_question(answer)
        told = midjourney_errors.table_of(answer)
        urls = (told or {}).get("result")
        if isinstance(urls, list) and len(urls) == len(files) and all(isinstance(url, str) for url in urls):
            return [str(url) for url in urls]
        own = [file.url for file in files if file.url is not None]
        if len(own) != len(files):
            raise NotInstalled("This proxy takes such pictures only by an address, and this house has no public one.")
        return own

    async def _seed(self, call: Call) -> Done:
        task_id = midjourney_bodies.parent_task(call)
        path = f"mj/task/{quote(task_id, safe='')}/image-seed"
        answer = await self.ask("GET", path, seconds=SEED_TIMEOUT_SECONDS)
        told = midjourney_errors.table_of(answer)
        if told is None or told.get("code") != ACCEPTED:
            problem = midjourney_errors.refused_question(answer) if not answer.ok else None
            if problem is None or isinstance(problem, Broke | Misconfigured):
                raise Rejected("Midjourney tells no seed of this.", vendor_message=answer.text(200) or None)
            raise problem
        seed = str(told.get("result") or "").strip()
        if not seed.isdecimal():
            raise Rejected("Midjourney tells no seed of this.", vendor_message=seed[:200] or None)
        return Done((), {"texts": [seed], "seed": int(seed)})

    async def _tasks(self, task_ids: Sequence[str]) -> dict[str, Any]:
        answer = await self.ask("POST", "mj/task/list-by-condition", body={"ids": list(task_ids)})
        if not answer.ok:
            raise midjourney_errors.refused_question(answer)
        tasks = answer.json()
        if not isinstance(tasks, list):
            raise Drifted("The proxy's answer holds no list of tasks.", vendor_message=str(tasks)[:200])
        return {str(task.get("id")): task for task in tasks if isinstance(task, dict)}


def _ticket(task_ids: str, endpoint: str, *, confirmed: bool) -> Ticket:
    """The receipt of one task, or of several parted by commas."""
    several = task_ids.split(",") if "," in task_ids else []
    data: dict[str, Any] = {"endpoint": endpoint, "confirmed": confirmed}
    return Ticket(task_ids, data | ({"ids": several} if several else {}))


def _left(ends: float) -> float:
    """Seconds left of a submit; raises `Unreachable` when there are none, before anything more is sent."""
    seconds = ends - monotonic()
    if seconds <= 0:
        raise Unreachable("The proxy was too slow to hand the job over.")
    return seconds


def _task_in(body: Mapping[str, Any], answer: Answer) -> str:
    """The id, or several of them parted by commas; raises `Ambiguous` when an accepted job has none."""
    result = body.get("result")
    if isinstance(result, int) and not isinstance(result, bool):
        result = str(result)
    if not isinstance(result, str) or not result.strip(", "):
        raise Ambiguous("The proxy accepted the job and did not say which it is.", vendor_message=answer.text(200))
    return ",".join(part.strip() for part in result.split(",") if part.strip())


def _no_such_door(answer: Answer) -> bool:
    """Whether nobody lives at this path: no task was made, and it may be asked elsewhere."""
    body = midjourney_errors.table_of(answer)
    return answer.status in {404, 405} and (body is None or "code" not in body)
