"""A running server from outside: the requests the terminal makes, and its live events."""

import json
import mimetypes
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from vermilion.terminal.problem import Problem

Json = dict[str, Any]

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 60
SILENCE_SECONDS: Final = 45
"""A stream says something every 15 seconds; three times that without a word means that the line is dead."""

_LINE_MAX_BYTES: Final = 8 * 2**20


class Refused(Problem):
    """The server's own answer to a request: a problem with a code."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.problem = problem
        super().__init__(_sentence(status, problem))


class Unreachable(Problem):
    """Nobody answers at the address; trying again may help."""


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event; `number` is None for those outside the log."""

    name: str
    data: Json
    number: int | None


class Client:
    """Speaks with one server as one person."""

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str | None) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {"Origin": url}

    async def sign_in(self, email: str, password: str) -> None:
        """Come in with a password; the cookie stays with this client."""
        await self.post("/auth/sign-in", {"email": email, "password": password})

    async def sign_out(self) -> None:
        """End the session again."""
        await self.post("/auth/sign-out")

    async def get(self, path: str, **query: str) -> Json:
        """GET under `/api/v1`; raises `Refused` or `Unreachable`."""
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: Json | None = None) -> Json:
        """POST JSON under `/api/v1`; raises `Refused` or `Unreachable`."""
        return await self._ask("POST", path, json={} if body is None else body)

    async def upload(self, file: Path) -> Json:
        """Upload a file; the answer is the asset."""
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        with file.open("rb") as opened:
            form = aiohttp.FormData()
            form.add_field("file", opened, filename=file.name, content_type=kind)
            return await self._ask("POST", "/assets", data=form)

    async def save(self, address: str, target: Path) -> None:
        """Write what is at the address to the file, which appears only when it is whole."""
        spool = target.with_name(f".{target.name}.part")
        try:
            async with self._session.get(self._url + address, headers=self._headers) as answer:
                await _refuse(answer)
                with spool.open("wb") as out:
                    async for piece in answer.content.iter_chunked(2**18):
                        out.write(piece)
            spool.rename(target)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise self._unreachable(error) from error
        finally:
            spool.unlink(missing_ok=True)

    async def events(self, after: int | None) -> AsyncGenerator[Message, None]:
        """The person's events from `after` on, until the connection ends; raises `Refused` or `Unreachable`.

        The first message is `opened`: what happens from then on will be heard.
        """
        headers = {**self._headers, "Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            async with self._session.get(
                f"{self._url}/api/v1/events", headers=headers, timeout=timeout, read_bufsize=_LINE_MAX_BYTES
            ) as answer:
                await _refuse(answer)
                yield Message("opened", {}, None)
                fields: dict[str, str] = {}
                async for raw in answer.content:
                    line = raw.decode().rstrip("\r\n")
                    if line:
                        name, _, value = line.partition(":")
                        fields[name] = value.removeprefix(" ")
                    elif "data" in fields:
                        number = fields.get("id")
                        yield Message(
                            fields.get("event", ""), json.loads(fields["data"]), int(number) if number else None
                        )
                        fields = {}
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _ask(self, method: str, path: str, **arguments: Any) -> Json:
        try:
            async with self._session.request(
                method, f"{self._url}/api/v1{path}", headers=self._headers, **arguments
            ) as answer:
                await _refuse(answer)
                if answer.status == 204:
                    return {}
                told: Json = await answer.json()
                return told
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise self._unreachable(error) from error
        except (aiohttp.ContentTypeError, ValueError) as error:
            raise Problem(f"What answers at {self._url} is not Vermilion.") from error

    def _unreachable(self, error: Exception) -> Unreachable:
        why = "it took too long" if isinstance(error, TimeoutError) else "connection refused or lost"
        return Unreachable(f"Cannot reach a server at {self._url} ({why}). Is `vermilion serve` running?")


@asynccontextmanager
async def connected(url: str, *, api_key: str | None, email: str | None, password: str | None) -> AsyncIterator[Client]:
    """A client that may ask: by API key, or signed in for as long as this lasts."""
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise Problem(f"{url!r} is not an address. It begins with http:// or https://.")
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
    jar = aiohttp.CookieJar(unsafe=True)  # unsafe: cookies of servers that have an address and no name
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as session:
        client = Client(session, url, api_key)
        if api_key is not None:
            yield client
            return
        if email is None or password is None:
            raise Problem("Who are you? Give VERMILION_API_KEY or --api-key, or --email and --password.")
        await client.sign_in(email, password)
        try:
            yield client
        finally:
            await client.sign_out()


async def _refuse(answer: aiohttp.ClientResponse) -> None:
    if answer.status < 400:
        return
    try:
        problem = json.loads(await answer.read())
    except ValueError:
        problem = {}
    raise Refused(answer.status, problem if isinstance(problem, dict) else {})


def _sentence(status: int, problem: Mapping[str, Any]) -> str:
    match problem.get("code"):
        case "auth.required":
            return "The server does not know this API key (VERMILION_API_KEY or --api-key)."
        case "generation.invalid_params":
            errors = problem.get("errors") or []
            told = "; ".join(f"{each.get('field')}: {each.get('message')}" for each in errors)
            return told or str(problem.get("detail"))
        case None:
            return f"The server answered with status {status}."
    return str(problem.get("detail") or problem.get("title"))
