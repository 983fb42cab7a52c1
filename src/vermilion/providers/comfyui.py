"""ComfyUI: a server of one's own that runs workflows, one at a time, behind a queue without end.

We choose the prompt's id before it is sent, so that a lost answer is looked up in queue and history. In neither of
them means that the server started again: nothing is running, and a new attempt is safe. Facts: ComfyUI 0.38.1 and
0.3.64 (`server.py`, `execution.py`, `protocol.py`).
"""

import contextlib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID, uuid5

from vermilion.providers import comfyui_errors
from vermilion.providers.comfyui_check import check_options
from vermilion.providers.comfyui_door import FIELDS, Door, seconds_until
from vermilion.providers.comfyui_files import hand_over
from vermilion.providers.comfyui_progress import Progress, read_event, read_preview
from vermilion.providers.comfyui_proposal import propose_entry
from vermilion.providers.comfyui_queue import Standing, read_queue
from vermilion.providers.comfyui_render import Rendered, render
from vermilion.providers.comfyui_results import ended_how, read_entry
from vermilion.providers.comfyui_templates import TEMPLATES
from vermilion.providers.contract import Ambiguity, Call, Canceled, Done, JsonObject, Lost, Pending, Probe, Ticket
from vermilion.providers.credential import CredentialField, Login
from vermilion.providers.errors import Ambiguous, Broke, Drifted, ProviderError, Unreachable
from vermilion.providers.proposal import Finding, Proposal, Template
from vermilion.providers.wire import EFFECT_TIMEOUT_SECONDS, Answer, Wire

RECENT_LOOKED_AT = 20
"""How far back a lost job is looked for at a server that gave it an id of its own."""

_NAMES = UUID("6f0c1c0e-8c52-4b6e-9a0c-3d5f7b1f2a64")
_GIB = 2**30
_ELSEWHERE = "Something answers at this address, and it is not ComfyUI."


class Adapter:
    """One ComfyUI server."""

    name: ClassVar[str] = "comfyui"
    title: ClassVar[str] = "ComfyUI"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = FIELDS
    ambiguity: ClassVar[Ambiguity] = Ambiguity.FIND_BY_REFERENCE
    max_concurrent_default: ClassVar[int] = 1
    """A server works on one prompt at a time; more of them would only wait there, where nobody can be let ahead."""
    templates: ClassVar[tuple[Template, ...]] = TEMPLATES

    def __init__(self, login: Login, wire: Wire) -> None:
        self._door = Door(login, wire)
        self._wire = wire

    async def submit(self, call: Call) -> Ticket:
        """Upload the inputs, then queue the workflow: the only request here that has an effect worth money."""
        # Files and workflow together are one submit. Were it longer than one may be, "no such job" would be believed
        # while the workflow is still on its way.
        ends = monotonic() + EFFECT_TIMEOUT_SECONDS
        prompt_id = prompt_id_of(call.reference)
        rendered = render(call, await hand_over(self._door, call, ends), prompt_id)
        body = {
            "prompt": rendered.workflow,
            "prompt_id": prompt_id,
            "client_id": client_of(prompt_id),
            "extra_data": {"preview_method": "auto"},
        }
        try:
            answer = await self._door.ask("POST", "/prompt", body=body, effect=True, seconds=seconds_until(ends))
        except Drifted as error:
            raise Ambiguous("ComfyUI's reply to a new job was too large to read.") from error
        if not answer.ok:
            raise comfyui_errors.refused_prompt(answer, rendered)
        return await self._ticket(call, prompt_id, rendered, answer)

    async def check(self, ticket: Ticket) -> Pending | Done:
        """Ask the queue, and then history, into which a job goes from there in one step."""
        standing = await self._standing(ticket.id)
        if standing is not None:
            return standing.pending()
        entry = await self._history(ticket.id)
        if entry is None:
            raise Broke("The server no longer knows this job: it was started again, or somebody deleted the job.")
        try:
            return read_entry(entry, ticket, self._door.base_url)
        except Broke as error:
            if comfyui_errors.is_out_of_memory(error.vendor_message or ""):
                await self._make_room()
            raise

    async def find(self, lost: Lost) -> Ticket | None:
        """Look for our own id in queue and history; or, where the server gave another, for whom it tells of it."""
        prompt_id = prompt_id_of(lost.reference)
        client = client_of(prompt_id)
        known = {"client": client}
        for standing in await self._queue():
            if prompt_id == standing.prompt_id or client == standing.client_id:
                return Ticket(standing.prompt_id, known)
        if await self._history(prompt_id) is not None:
            return Ticket(prompt_id, known)
        recent = await self._door.table("/history", {"max_items": str(RECENT_LOOKED_AT)})
        for other_id, entry in recent.items():
            if _client_in(entry) == client:
                return Ticket(other_id, known)
        # Queue and history have decided; newer servers are asked once more in their own way, and older ones say 404.
        answer = await self._door.ask("GET", f"/api/jobs/{prompt_id}")
        return Ticket(prompt_id, known) if answer.ok else None

    async def cancel(self, ticket: Ticket) -> Canceled:
        """Take it out of the queue, or interrupt it; newer servers do either in one step."""
        before = await self._standing(ticket.id)
        if before is None:
            return await self._how_it_ended(ticket, Canceled.UNKNOWN)
        answer = await self._door.ask("POST", f"/api/jobs/{ticket.id}/cancel")
        if not answer.ok and answer.status not in {404, 405}:
            raise comfyui_errors.unanswered(answer)
        if not answer.ok:
            await self._tell("/queue", {"delete": [ticket.id]})
            # It may have begun in this very moment. Only what is surely ours is interrupted: the oldest servers
            # stop whatever runs.
            standing = await self._standing(ticket.id)
            if standing is not None and standing.running:
                await self._tell("/interrupt", {"prompt_id": ticket.id})
        if await self._standing(ticket.id) is not None:
            return Canceled.REQUESTED
        return await self._how_it_ended(ticket, Canceled.STOPPED)

    async def listen(self, ticket: Ticket, tell: Callable[[Pending], None]) -> None:
        """Hear progress and see previews over the server's WebSocket, as the client the job was queued by."""
        client = str(ticket.data.get("client") or client_of(ticket.id))
        query = {"clientId": client}
        async with self._wire.socket(f"{self._door.base_url}/ws", headers=self._door.headers, query=query) as socket:
            await socket.send({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
            # Only now, so that an end cannot fall between the look and the listening.
            standing = await self._standing(ticket.id)
            if standing is None:
                return
            progress = Progress(ticket.id, standing.workflow, standing.outputs)
            progress.started = standing.running
            if standing.running:
                tell(Pending(True))
            async for message in socket.messages():
                if isinstance(message, bytes):
                    preview = read_preview(message, ticket.id)
                    if preview is not None and progress.started:
                        tell(Pending(True, progress.percent, preview=preview))
                elif progress.hear(*read_event(message)) and progress.started:
                    tell(Pending(True, progress.percent))
                if progress.ended:
                    return
        raise Unreachable("The server closed the line before the job had ended.")

    async def probe(self) -> Probe:
        """Ask what machine it is: it costs nothing, and something in front of the server would want its key here."""
        try:
            stats = await self._door.table("/system_stats")
        except Drifted:
            # A page of something else says nothing that an admin could use.
            return Probe(problem=_ELSEWHERE)
        except ProviderError as error:
            said = f" ({error.vendor_message})" if error.vendor_message else ""
            return Probe(problem=f"{error.message}{said}")
        system = stats.get("system")
        if not isinstance(system, dict):
            return Probe(problem=_ELSEWHERE)
        devices = stats.get("devices")
        told = [f"ComfyUI {system.get('comfyui_version') or 'of unknown version'}"]
        told += [_device(device) for device in devices if isinstance(device, dict)] if isinstance(devices, list) else []
        return Probe(account=" · ".join(told)[:200])

    async def propose(self, document: JsonObject, settings: JsonObject) -> Proposal:
        """Read a workflow, ask this server about its nodes, and propose a model of it."""

        async def ask(kind: str) -> Any:
            # Packs name their classes as they like, with spaces and slashes.
            return await self._door.question(f"/object_info/{quote(kind, safe='')}")

        return await propose_entry(document, settings, ask)

    @staticmethod
    def check_options(options: JsonObject) -> Sequence[Finding]:
        """Whether an entry's options hold a workflow and slots that stand in it."""
        return check_options(options)

    def file_headers(self, url: str) -> dict[str, str]:
        """What lets us in, for files of this very server."""
        return dict(self._door.headers_for(url))

    async def _ticket(self, call: Call, prompt_id: str, rendered: Rendered, answer: Answer) -> Ticket:
        try:
            reply = answer.json()
        except Drifted as error:
            raise Ambiguous("ComfyUI took the job and its reply could not be read.") from error
        given = reply.get("prompt_id") if isinstance(reply, dict) else None
        if not isinstance(given, str) or not given or len(given) > 200:
            raise Ambiguous("ComfyUI's reply to a new job does not name it.", vendor_message=answer.text(200))
        data: dict[str, Any] = {"client": client_of(prompt_id), "makes": call.makes}
        if rendered.seed is not None:
            data["seed"] = rendered.seed
        ticket = Ticket(given, data)
        if isinstance(node_errors := reply.get("node_errors"), dict) and node_errors:
            # It would run without some of its outputs, which is not what was asked for.
            with contextlib.suppress(ProviderError):
                await self.cancel(ticket)
            raise comfyui_errors.incomplete(node_errors, rendered)
        return ticket

    async def _queue(self) -> list[Standing]:
        return read_queue(await self._door.question("/queue"))

    async def _standing(self, prompt_id: str) -> Standing | None:
        return next((standing for standing in await self._queue() if standing.prompt_id == prompt_id), None)

    async def _history(self, prompt_id: str) -> Any:
        """What history says of a job; None where it says nothing."""
        return (await self._door.table(f"/history/{prompt_id}")).get(prompt_id)

    async def _how_it_ended(self, ticket: Ticket, otherwise: Canceled) -> Canceled:
        """What a cancel came to, for a job that is in the queue no more."""
        entry = await self._history(ticket.id)
        if entry is None:
            return otherwise
        return Canceled.STOPPED if ended_how(entry) == "interrupted" else Canceled.TOO_LATE

    async def _tell(self, path: str, body: JsonObject) -> None:
        answer = await self._door.ask("POST", path, body=body)
        if not answer.ok:
            raise comfyui_errors.unanswered(answer)

    async def _make_room(self) -> None:
        """Let the server unload its models: the next attempt finds more of the card's memory free."""
        with contextlib.suppress(ProviderError):
            await self._door.ask("POST", "/free", body={"unload_models": True, "free_memory": True})


def prompt_id_of(reference: str) -> str:
    """The id a prompt gets: our reference, where it is a UUID as the server wants them."""
    try:
        if str(UUID(reference)) == reference:
            return reference
    except ValueError:
        pass
    return str(uuid5(_NAMES, reference))


def client_of(prompt_id: str) -> str:
    """Who listens to a prompt: a name that follows from its id, so that one can listen on after a restart."""
    return f"vermilion-{prompt_id}"


def _client_in(entry: Any) -> str | None:
    prompt = entry.get("prompt") if isinstance(entry, dict) else None
    extra = prompt[3] if isinstance(prompt, list) and len(prompt) > 3 else None
    return extra.get("client_id") if isinstance(extra, dict) else None


def _device(device: JsonObject) -> str:
    """One graphics card, in a few words."""
    name = str(device.get("name", "device")).split(" : ", maxsplit=1)[0]
    total, free = device.get("vram_total"), device.get("vram_free")
    if not isinstance(total, int) or not isinstance(free, int):
        return name
    return f"{name}, {free / _GIB:.0f} of {total / _GIB:.0f} GiB free"
