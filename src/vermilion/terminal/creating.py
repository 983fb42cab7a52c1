"""The commands `vermilion create` and `vermilion models`: the studio without a browser."""

import asyncio
import mimetypes
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vermilion.kit import new_id
from vermilion.terminal.client import Client, Json, Unreachable, connected
from vermilion.terminal.following import Bar, follow
from vermilion.terminal.problem import EXIT_INTERRUPTED, Problem
from vermilion.terminal.wishes import choose_model, read_params, upload_inputs

SUBMIT_TRIES: Final = 4
_WHOSE_MOVE: Final = {
    "user": "Change the prompt or the parameters.",
    "wait": "Try again later.",
    "admin": "An admin has to look at it.",
    "maintainer": "The maintainers have to look at it.",
}


@dataclass(frozen=True, slots=True)
class Door:
    """Which server, and who asks."""

    url: str
    api_key: str | None
    email: str | None
    password: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What to make: as typed."""

    prompt: str
    model: str | None
    settings: Sequence[str]
    inputs: Sequence[str]


def create(door: Door, wish: Wish, *, out: Path, wait: bool, quiet: bool) -> None:
    """Request it, wait with a progress bar, write the files, print the receipt; raises `Problem` when none came."""
    if wait:
        out.mkdir(parents=True, exist_ok=True)
    asyncio.run(_create(door, wish, out, wait=wait, quiet=quiet))


def list_models(door: Door) -> None:
    """A table of what can be made, with prices."""
    asyncio.run(_list_models(door))


async def _create(door: Door, wish: Wish, out: Path, *, wait: bool, quiet: bool) -> None:
    console = Console(stderr=True, highlight=False, quiet=quiet)
    async with _entered(door) as client:
        model = choose_model((await client.get("/models"))["items"], wish.model)
        body = {
            "id": str(new_id()),
            "model": model["id"],
            "prompt": wish.prompt,
            "params": read_params(model, wish.settings),
            "inputs": await upload_inputs(client, model, wish.inputs),
        }
        if not wait:
            view = await _submit(client, body)
            sys.stdout.write(f"{view['id']}\n")
            return
        view = await _watch(client, body, console)
        if view["status"] != "succeeded":
            raise Problem(_why_not(view))
        for path in await _save(client, view, out):
            sys.stdout.write(f"{path}\n")
        for words in (view["facts"] or {}).get("texts", ()):
            sys.stdout.write(f"{words}\n")
        await _print_receipt(client, view, model, console)


async def _submit(client: Client, body: Json) -> Json:
    """The id is ours, so the same request may be sent again when its answer is lost."""
    for attempt in range(1, SUBMIT_TRIES + 1):
        try:
            return await client.post("/generations", body)
        except Unreachable:
            if attempt == SUBMIT_TRIES:
                raise
            await asyncio.sleep(0.5 * attempt)
    raise AssertionError("unreachable: the last try returns or raises")


async def _watch(client: Client, body: Json, console: Console) -> Json:
    """Follow to the end; Ctrl-C asks whether to cancel, and is obeyed the second time."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    submitted: list[Json] = []

    async def begin() -> Json:
        submitted.append(await _submit(client, body))
        return submitted[-1]

    try:
        with Bar(console) as bar:
            watching = asyncio.ensure_future(
                follow(client, str(body["id"]), bar, lambda: asyncio.ensure_future(begin()))
            )
            stopping = asyncio.ensure_future(interrupted.wait())
            await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not watching.done():
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        if not watching.cancelled():
            return watching.result()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    if not submitted:
        raise Problem("Interrupted before anything was requested.", exit_code=EXIT_INTERRUPTED)
    return await _cancel_if_wanted(client, str(body["id"]), console)


async def _cancel_if_wanted(client: Client, generation_id: str, console: Console) -> Json:
    wanted = sys.stdin.isatty() and console.input("Cancel it? (y/N) ").strip().lower() in ("y", "yes")
    if not wanted:
        raise Problem(f"Left it running: generation {generation_id}.", exit_code=EXIT_INTERRUPTED)
    view = await client.post(f"/generations/{generation_id}/cancel")
    with Bar(console) as bar:
        bar.show(view)

        async def now() -> Json:
            return await client.get(f"/generations/{generation_id}")

        return await follow(client, generation_id, bar, lambda: asyncio.ensure_future(now()))


async def _save(client: Client, view: Json, out: Path) -> list[Path]:
    stem = f"{view['model'].rsplit('/', 1)[-1]}-{view['id'][-8:]}"
    saved = []
    for number, asset in enumerate(view["assets"], start=1):
        extension = mimetypes.guess_extension(asset["content_type"]) or ".bin"
        path = out / f"{stem}-{number}{extension}"
        await client.save(asset["urls"]["full"], path)
        saved.append(path)
    return saved


async def _print_receipt(client: Client, view: Json, model: Json, console: Console) -> None:
    receipt = await client.get(f"/generations/{view['id']}/receipt")
    balance = await client.get("/credits")
    moved = dict.fromkeys(("hold", "settle", "release"), 0)
    for entry in receipt["entries"]:
        moved[entry["kind"]] += entry["amount_credits"]
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("model", escape(model["name"]["en"]))
    table.add_row("quoted", str(view["price_credits"]))
    table.add_row("held", str(moved["hold"]))
    table.add_row("settled", str(moved["settle"]))
    table.add_row("returned", str(moved["hold"] - moved["settle"]))
    table.add_row("balance", str(balance["available"]))
    console.print(table)


def _why_not(view: Json) -> str:
    if view["status"] == "uncertain":
        return (
            f"The provider's answer was lost. {view['price_credits']} credits stay held while it is looked for:"
            f" generation {view['id']}."
        )
    if view["status"] == "canceled":
        return f"Canceled. {view['price_credits']} credits came back."
    failure = view["failure"]
    said = f" ({failure['vendor_message']})" if failure["vendor_message"] else ""
    return (
        f"{failure['detail'].rstrip('.')}{said}. {_WHOSE_MOVE[failure['whose']]}"
        f" {failure['returned_credits']} credits came back."
    )


async def _list_models(door: Door) -> None:
    async with _entered(door) as client:
        models = (await client.get("/models"))["items"]
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "makes", "name", "from", "typical", ""):
        table.add_column(heading, justify="right" if heading in ("from", "typical") else "left")
    for model in models:
        why = "" if model["available"] else {"no_credential": "no credential"}.get(model["unavailable_reason"], "off")
        price, typical = str(model["price"]["from_credits"]), f"{model['typical_seconds']} s"
        table.add_row(model["id"], model["makes"], escape(model["name"]["en"]), price, typical, why)
    Console(highlight=False).print(table)


def _entered(door: Door) -> AbstractAsyncContextManager[Client]:
    return connected(door.url, api_key=door.api_key, email=door.email, password=door.password)
