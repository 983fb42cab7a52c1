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

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from vermilion.engine import Bell
from vermilion.generation.doubt import resolve, wait_for_word
from vermilion.generation.follow import follow
from vermilion.generation.journey import Journey, Tools
from vermilion.generation.moving import Overtaken
from vermilion.generation.previews import PREVIEWS
from vermilion.generation.status import SHOWS_PREVIEW, Status
from vermilion.generation.storing import store, watch
from vermilion.generation.submit import submit
from vermilion.generation.work import Work, load_works
from vermilion.kit import Gathered

STAGES: dict[Status, Callable[[Journey, Work], Awaitable[Work | None]]] = {
    Status.QUEUED: submit,
    Status.SUBMITTING: resolve,
    Status.RUNNING: follow,
    Status.STORING: store,
    Status.UNCERTAIN: wait_for_word,
    Status.FAILED: watch,
}

TOGETHER_MAX = 100
"""How many rows are read in one question: after a restart all of them are asked for at once."""

HOLDS_A_SLOT = frozenset({Status.SUBMITTING, Status.RUNNING})


class Pipeline:
    """Drives rows; holds nothing about any of them that is not in the row."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._load = Gathered(self._load_together, TOGETHER_MAX)

    async def drive(self, generation_id: UUID, bell: Bell) -> None:
        """Take the row to its end; returning means that nothing is left to do for it."""
        journey = Journey(self._tools, self._load, generation_id, bell)
        try:
            work = await journey.read()
            while work is not None and (stage := STAGES.get(work.status)) is not None:
                if work.status not in HOLDS_A_SLOT:
                    journey.free_slot()
                if work.status not in SHOWS_PREVIEW:
                    PREVIEWS.drop(generation_id)
                going = stage(journey, work)
                # A stage that waits for long lets go of the row, and here nothing holds on to it either.
                work = None
                try:
                    work = await going
                except Overtaken:
                    work = await journey.read()
        finally:
            journey.free_slot()
            PREVIEWS.drop(generation_id)

    async def _load_together(self, generation_ids: Sequence[UUID]) -> Mapping[UUID, Work | Exception]:
        return await self._tools.db.read(load_works, generation_ids)
