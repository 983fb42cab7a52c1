"""Generations: a person's request and its life, from the hold to the receipt.

`dialects`, `wiring` and `app` come in. `commands` are what people do, `steps` what a driver does, `pipeline` the
order of it; `dispatch` decides who goes next, `failure` what follows when something goes wrong.
"""

from vermilion.generation.api import PlacesView, places_view, router
from vermilion.generation.asking import Asker
from vermilion.generation.call import CallbackAddress, CallMaker
from vermilion.generation.callbacks import BODY_MAX_BYTES, CallbackDesk
from vermilion.generation.collect import Collector
from vermilion.generation.commands import (
    Wanted,
    WantedInput,
    cancel_generation,
    delete_generation,
    request_generation,
    retry_generation,
)
from vermilion.generation.daily import DayOfModel, daily_of, daily_of_everybody
from vermilion.generation.dispatch import Dispatcher
from vermilion.generation.ending import end_generation_for
from vermilion.generation.fsck import fsck, missing_files
from vermilion.generation.journey import Tools
from vermilion.generation.pace import Pace
from vermilion.generation.pages import generation_for, numbered_page
from vermilion.generation.pipeline import Pipeline
from vermilion.generation.queries import (
    Filter,
    count_by_status,
    count_finished_since,
    generation_of,
    list_generations,
)
from vermilion.generation.requesting import begin_generation
from vermilion.generation.status import TERMINAL, Status
from vermilion.generation.steps import unfinished
from vermilion.generation.tally import TALLIES_KEPT, forget_tallies
from vermilion.generation.views import GenerationView

__all__ = [
    "BODY_MAX_BYTES",
    "TALLIES_KEPT",
    "TERMINAL",
    "Asker",
    "CallMaker",
    "CallbackAddress",
    "CallbackDesk",
    "Collector",
    "DayOfModel",
    "Dispatcher",
    "Filter",
    "GenerationView",
    "Pace",
    "Pipeline",
    "PlacesView",
    "Status",
    "Tools",
    "Wanted",
    "WantedInput",
    "begin_generation",
    "cancel_generation",
    "count_by_status",
    "count_finished_since",
    "daily_of",
    "daily_of_everybody",
    "delete_generation",
    "end_generation_for",
    "forget_tallies",
    "fsck",
    "generation_for",
    "generation_of",
    "list_generations",
    "missing_files",
    "numbered_page",
    "places_view",
    "request_generation",
    "retry_generation",
    "router",
    "unfinished",
]
