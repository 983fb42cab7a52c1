"""The pipeline: takes a generation from wherever its row stands to its end.

    submit         queued → submitting → running    wait for a turn, write the intention down, call the provider
    follow         running → storing                ask the provider, politely, until it is done or time is up
    store          storing → succeeded              bring the results home, keep them, settle
    resolve        submitting → …                   somebody stopped in the middle of a submit: look it up
    wait_for_word  uncertain → …                    nothing tells; a callback, an admin, or the end of patience
    watch          failed → succeeded               its result came late: given, and not charged

The row is the workflow: every step is a compare-and-set (`steps`), so a driver that was overtaken reads the row
again and does whatever is next now. Nothing here knows a provider by name.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from vermilion.engine import Bell
from vermilion.generation.doubt import resolve, wait_for_word
from vermilion.generation.follow import follow
from vermilion.generation.journey import Journey, Tools
from vermilion.generation.status import Status
from vermilion.generation.steps import Overtaken
from vermilion.generation.storing import store, watch
from vermilion.generation.submit import submit
from vermilion.generation.work import Work

STAGES: dict[Status, Callable[[Journey, Work], Awaitable[Work | None]]] = {
    Status.QUEUED: submit,
    Status.SUBMITTING: resolve,
    Status.RUNNING: follow,
    Status.STORING: store,
    Status.UNCERTAIN: wait_for_word,
    Status.FAILED: watch,
}

HOLDS_A_SLOT = frozenset({Status.SUBMITTING, Status.RUNNING})


class Pipeline:
    """Drives rows; holds nothing about any of them that is not in the row."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def drive(self, generation_id: UUID, bell: Bell) -> None:
        """Take the row to its end; returning means that nothing is left to do for it."""
        journey = Journey(self._tools, generation_id, bell)
        try:
            work = await journey.read()
            while work is not None and (stage := STAGES.get(work.status)) is not None:
                if work.status not in HOLDS_A_SLOT:
                    journey.free_slot()
                try:
                    work = await stage(journey, work)
                except Overtaken:
                    work = await journey.read()
        finally:
            journey.free_slot()
