"""Kling (可灵): both generations of its API, and relays that speak the first.

A job is posted and asked for by its id; there is no percentage, no place in line and no cancel. A lost submit is looked
up by our own reference. Facts: Kling's documentation of its API; the sources of public relays.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from vermilion.providers import kling_answers, kling_bodies, kling_callback, kling_errors, kling_lips, kling_search
from vermilion.providers.contract import Ambiguity, Call, Callback, Done, Lost, Pending, Probe, Ticket
from vermilion.providers.credential import CredentialField, Login
from vermilion.providers.errors import (
    Ambiguous,
    Drifted,
    NotInstalled,
    ProviderError,
)
from vermilion.providers.kling_login import FIELDS, KlingLogin
from vermilion.providers.kling_probe import probe
from vermilion.providers.wire import EFFECT_TIMEOUT_SECONDS, TOTAL_TIMEOUT_SECONDS, Answer, Wire


class Adapter:
    """Kling through one credential."""

    name: ClassVar[str] = "kling"
    title: ClassVar[str] = "Kling"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = FIELDS
    ambiguity: ClassVar[Ambiguity] = Ambiguity.FIND_BY_REFERENCE
    max_concurrent_default: ClassVar[int] = 5
    """The smallest resource pack's."""

    now = staticmethod(time.time)
    """Unix seconds; tokens and the age of callbacks depend on it."""

    def __init__(self, login: Login, wire: Wire) -> None:
        self._login = KlingLogin.read(login.fields)
        self._wire = wire

    async def submit(self, call: Call) -> Ticket:
        """Hand the job over; for lip-sync, find the face and speak the words first."""
        endpoint = self._endpoint(call.endpoint, call.params, call.options)
        if call.options.get("flow") == "lip_sync":
            endpoint, body = await kling_lips.prepare(call, self._question)
            body |= {"external_task_id": call.reference, "callback_url": call.callback_url}
            body = {name: value for name, value in body.items() if value is not None}
        else:
            body = await kling_bodies.body_of(call, endpoint)
            if call.options.get("flow") == "extend":
                body |= kling_lips.source_of(call)
        try:
            answer = await self.ask("POST", endpoint, effect=True, body=body)
        except Drifted as error:
            raise Ambiguous("Kling's answer to a new job was too large to read.") from error
        if (said := kling_errors.complaint_of(answer)) is not None:
            raise kling_errors.refused_submit(answer, said)
        return self._ticket(kling_answers.job_id(answer), endpoint, call.options)

    async def check(self, ticket: Ticket) -> Pending | Done:
        """Ask how one job is."""
        if _is_newer(ticket):
            found = (await self._tasks([ticket.id])).get(ticket.id)
            if found is None:
                raise kling_errors.forgotten()
            return kling_answers.read_job(ticket, found)
        endpoint = ticket.data.get("endpoint")
        if not isinstance(endpoint, str):
            raise Drifted("The ticket does not say what kind of job it is.")
        data = await self._data("GET", f"{endpoint}/{quote(ticket.id, safe='')}")
        return kling_answers.read_job(ticket, data)

    async def check_many(self, tickets: Sequence[Ticket]) -> Mapping[str, Pending | Done | Exception]:
        """One question for all jobs of the second generation; the first has none, so each is asked for itself."""
        newer = [ticket for ticket in tickets if _is_newer(ticket)]
        first = [ticket for ticket in tickets if not _is_newer(ticket)]
        single = asyncio.gather(*(self._answer_of(ticket) for ticket in first))
        answers: dict[str, Pending | Done | Exception] = {}
        if newer:
            answers |= await self._together(newer)
        return answers | dict(zip((ticket.id for ticket in first), await single, strict=True))

    async def find(self, lost: Lost) -> Ticket | None:
        """The job with our reference; None when both a look-up and the list of recent jobs know none.

        Raises `Ambiguous` where Kling, or a relay, cannot tell.
        """
        if not lost.options.get("reference", True):
            raise Ambiguous("Kling keeps no reference of ours for such jobs.")
        endpoint = self._endpoint(lost.endpoint, lost.params, lost.options)
        found = await kling_search.find(self, endpoint, lost.reference, lost.since.timestamp())
        if found is not None:
            return self._ticket(found, endpoint, lost.options)
        if lost.options.get("flow") == "lip_sync":
            raise Ambiguous("Kling does not say that it keeps our reference for such jobs.")
        return None

    async def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Verify the signature where there is a secret to do so, then read which job it speaks of."""
        return Callback(kling_callback.read(self._login.webhook_secret, headers, body, self.now()))

    async def probe(self) -> Probe:
        """Ask for the resource packs, or on a relay about a job that never was: neither costs anything."""
        return await probe(self, self.now())

    async def ask(self, method: str, path: str, *, effect: bool = False, **content: Any) -> Answer:
        """One exchange, signed in as the path's generation wants it."""
        newer = not path.startswith(("v1/", "account/", "kling/"))
        headers = {
            "Authorization": self._login.authorization(newer=newer, now=self.now()),
            "Accept": "application/json",
        }
        return await self._wire.request(
            method,
            f"{self._login.base}/{path}",
            effect=effect,
            headers=headers,
            total_timeout_seconds=EFFECT_TIMEOUT_SECONDS if effect else TOTAL_TIMEOUT_SECONDS,
            **content,
        )

    def _endpoint(self, endpoint: str, params: Mapping[str, Any], options: Mapping[str, Any]) -> str:
        if kling_bodies.is_newer(endpoint) and not self._login.reaches_newer:
            raise NotInstalled("This model needs an API key of Kling's own; this one reaches the first API only.")
        return kling_bodies.endpoint_for(endpoint, params, options, newer=self._login.reaches_newer)

    def _ticket(self, job_id: str, endpoint: str, options: Mapping[str, Any]) -> Ticket:
        model = {"model": options["model_name"]} if "model_name" in options else {}
        return Ticket(job_id, {"endpoint": endpoint, **model})

    async def _question(self, path: str, body: Mapping[str, Any]) -> Answer:
        return await self.ask("POST", path, body=body)

    async def _data(self, method: str, path: str, **content: Any) -> Any:
        answer = await self.ask(method, path, **content)
        if (said := kling_errors.complaint_of(answer)) is not None:
            raise kling_errors.unanswered(answer, said)
        return kling_answers.data_of(answer)

    async def _tasks(self, job_ids: Sequence[str]) -> dict[str, Any]:
        data = await self._data("GET", "tasks", query={"task_ids": ",".join(job_ids)})
        if not isinstance(data, list):
            raise Drifted("Kling's answer holds no list of jobs.", vendor_message=str(data)[:200])
        return {found: job for job in data if (found := kling_answers.id_in(job)) is not None}

    async def _together(self, tickets: Sequence[Ticket]) -> dict[str, Pending | Done | Exception]:
        try:
            jobs = await self._tasks([ticket.id for ticket in tickets])
        except ProviderError as error:
            return {ticket.id: error for ticket in tickets}
        answers: dict[str, Pending | Done | Exception] = {}
        for ticket in tickets:
            if ticket.id not in jobs:
                continue
            try:
                answers[ticket.id] = kling_answers.read_job(ticket, jobs[ticket.id])
            except ProviderError as error:
                answers[ticket.id] = error
        return answers

    async def _answer_of(self, ticket: Ticket) -> Pending | Done | Exception:
        try:
            return await self.check(ticket)
        except ProviderError as error:
            return error


def _is_newer(ticket: Ticket) -> bool:
    endpoint = ticket.data.get("endpoint")
    return bool(ticket.data.get("newer")) or (isinstance(endpoint, str) and kling_bodies.is_newer(endpoint))
