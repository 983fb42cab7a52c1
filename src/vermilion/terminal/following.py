"""Watching one generation until it ends: live events, with a look at the thing itself whenever they break off."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from vermilion.terminal.client import Client, Json, Message, Unreachable

ENDED: Final = frozenset({"succeeded", "failed", "canceled"})
RESTED: Final = ENDED | {"uncertain"}
"""Statuses after which waiting at a terminal has no point."""

AWAY_SECONDS: Final = 120.0
"""How long a server may be away before the terminal gives up watching."""

_STEPS: Final = {
    "queued": "In line",
    "submitting": "Submitting",
    "running": "Running",
    "storing": "Storing",
    "uncertain": "Uncertain",
    "succeeded": "Done",
    "failed": "Failed",
    "canceled": "Canceled",
}


class Bar:
    """One progress bar; where the provider names no percentage, an estimate that never claims to be done."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn("{task.fields[share]:>5}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("Sending", total=100.0, share="")
        self._view: Json | None = None
        self._place: Json | None = None
        self._running_since: float | None = None

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, view: Json) -> None:
        """The generation as it is now."""
        self._view = view
        if view["status"] == "running" and self._running_since is None:
            self._running_since = time.monotonic()
        self.tick()

    def show_place(self, place: Json | None) -> None:
        """Its place in line."""
        self._place = place
        self.tick()

    def tick(self) -> None:
        """Draw the estimate a little further."""
        if self._view is None:
            return
        percent, share = self._how_far(self._view)
        self._progress.update(self._task, completed=percent, description=self._words(self._view), share=share)

    def _words(self, view: Json) -> str:
        words = _STEPS[view["status"]]
        if view["cancel_requested"] and view["status"] not in ENDED:
            return f"{words}, canceling"
        if view["status"] == "queued" and self._place is not None:
            estimate = self._place.get("estimate_seconds")
            told = f", about {estimate:.0f} s" if estimate is not None else ""
            return f"{words}: place {self._place['place']}{told}"
        ahead = view["progress"]["queue_position"]
        if view["status"] == "running" and ahead:
            return f"{words}: {ahead} ahead at the provider"
        return words

    def _how_far(self, view: Json) -> tuple[float, str]:
        match view["status"]:
            case "storing" | "succeeded":
                return 100.0, ""
            case "running":
                percent = view["progress"]["percent"]
                if percent is not None:
                    return float(percent), f"{percent:.0f}%"
                since = self._running_since if self._running_since is not None else time.monotonic()
                gone = (time.monotonic() - since) / max(float(view["typical_seconds"]), 1.0)
                # Near the typical time it is mostly done; past it the bar slows down instead of lying.
                guessed = 100 * gone / (gone + 0.35)
                return guessed, f"~{guessed:.0f}%"
        return 0.0, ""


async def follow(client: Client, generation_id: str, bar: Bar, begin: Callable[[], "asyncio.Future[Json]"]) -> Json:
    """Listen, then `begin` (which answers the generation's view), then watch until it rests; returns the last view.

    Raises `Unreachable` when the server stays away too long. Listening first means that nothing is missed.
    """
    seen: int | None = None
    begun: Json | None = None
    away_since: float | None = None
    while True:
        try:
            async with aclosing(client.events(seen)) as messages:
                async for message in _ticking(messages, bar):
                    seen = message.number if message.number is not None else seen
                    if message.name == "opened":
                        away_since = None
                        begun = await begin() if begun is None else await client.get(f"/generations/{generation_id}")
                        view: Json | None = begun
                    else:
                        view = _view_in(message, generation_id, bar)
                    if view is not None:
                        bar.show(view)
                        if view["status"] in RESTED:
                            return view
        except Unreachable:
            if begun is None:
                raise
            away_since = time.monotonic() if away_since is None else away_since
            if time.monotonic() - away_since > AWAY_SECONDS:
                raise
        await asyncio.sleep(0.5)


def _view_in(message: Message, generation_id: str, bar: Bar) -> Json | None:
    if message.name == "generation.changed" and message.data["id"] == generation_id:
        return message.data
    if message.name == "line":
        places = message.data["items"]
        bar.show_place(next((place for place in places if place["generation_id"] == generation_id), None))
    return None


async def _ticking(messages: AsyncGenerator[Message, None], bar: Bar) -> AsyncIterator[Message]:
    """The messages, with the bar moved a little while none comes."""
    following = asyncio.ensure_future(anext(messages))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=0.25)
            if not done:
                bar.tick()
                continue
            try:
                message = following.result()
            except StopAsyncIteration:
                return
            yield message
            following = asyncio.ensure_future(anext(messages))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
