"""What is told equals what is: every event applied to the old state gives exactly the refetched one."""

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from tests.pipeline.harness import Status, Studio
from tests.pipeline.simulation import Simulation
from vermilion import ledger
from vermilion.events import events_after, position
from vermilion.generation import Filter, list_generations
from vermilion.library import list_assets
from vermilion.library.queries import Wanted
from vermilion.providers import Broke


class Window:
    """A browser window: lists fetched once, and from then on only events."""

    def __init__(self, studio: Studio, user: int) -> None:
        self.studio = studio
        self.user_id = studio.users[user]
        self.state = self.fetched()
        self.cursor: int = studio.ask(position, self.user_id)

    def fetched(self) -> dict[str, Any]:
        """What a GET of everything returns now."""
        ask = self.studio.ask
        generations = ask(list_generations, self.user_id, Filter(), cursor=None, limit=200)
        assets = ask(list_assets, self.user_id, Wanted(), cursor=None, limit=200)
        balance = self.studio.ask(_balance, self.user_id)
        state = {f"generation:{view.id}": view.model_dump(mode="json") for view in generations.items}
        state |= {f"asset:{view.id}": view.model_dump(mode="json") for view in assets.items}
        return state | {"credits": balance}

    def hear(self) -> int:
        """Apply what happened since; how many events that were."""
        events = self.studio.ask(events_after, self.user_id, self.cursor)
        for event in events:
            kind, verb = event.name.split(".")
            key = f"{kind}:{event.data['id']}" if "id" in event.data else kind
            if verb == "deleted":
                self.state.pop(key, None)
            else:
                self.state[key] = event.data
            self.cursor = event.seq
        return len(events)


def _balance(tx: Any, user_id: Any) -> dict[str, int]:
    balance = ledger.balance(tx, user_id)
    return {"available": balance.available, "held": balance.held}


async def test_through_a_whole_life_and_after_it(studio: Studio) -> None:
    life = await studio.open()
    window = Window(studio, 0)
    heard: set[str] = set()

    def look() -> None:
        window.hear()
        assert window.state == window.fetched()
        heard.update(str(value["status"]) for key, value in window.state.items() if key.startswith("generation:"))

    studio.vendor.checks = deque([Broke("No.", again=False)])
    made = await life.request(pictures=2)
    look()
    for status in (Status.RUNNING, Status.FAILED):
        await studio.until_status(made, status)
        look()
    await life.retry(made)
    look()
    life = await studio.crash()
    await studio.to_the_end(within_seconds=60)
    look()
    other = await life.request()
    await life.cancel(other)
    look()
    await life.delete(made)
    look()
    assert heard >= {"queued", "running", "failed", "succeeded", "canceled"}
    assert [key for key in window.state if key.startswith("asset:")] == []


@pytest.mark.parametrize("seed", range(1000, 1008))
async def test_whatever_happens_whenever_a_window_looks(seed: int, new_studio: Callable[[], Studio]) -> None:
    studio = new_studio()
    simulation = Simulation(studio, seed)
    dice = random.Random(seed)
    windows: list[Window] = []
    rest = simulation._rest

    async def rest_and_look() -> None:
        await rest()
        if len(windows) < 5 and dice.random() < 0.1:
            windows.append(Window(studio, dice.randrange(3)))
        for window in windows:
            if dice.random() < 0.05:
                window.hear()
                assert window.state == window.fetched()

    simulation._rest = rest_and_look  # type: ignore[method-assign]
    await simulation.run()
    for window in windows:
        window.hear()
        assert window.state == window.fetched()
    assert windows
    await studio.close()
