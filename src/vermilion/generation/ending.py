"""Ending a generation however it can be ended, by its owner or by an admin."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from vermilion.db import Tx
from vermilion.generation.commands import cancel_generation, delete_generation
from vermilion.generation.pages import generation_for
from vermilion.generation.status import TERMINAL
from vermilion.generation.views import GenerationView
from vermilion.identity import Actor, audit


def end_generation_for(tx: Tx, viewer: Actor, generation_id: UUID, now: datetime) -> tuple[UUID, GenerationView]:
    """Cancel a generation of the viewer's that has not ended, or put one that has in the trash with what it made.

    An admin ends anybody's, which is audited. Returns its owner's id and the generation as it was left. Raises
    `NotFound`, and `Conflict` where it is too late to cancel and too early to delete.
    """
    owner, view = generation_for(tx, viewer, generation_id)
    acting = replace(viewer, user_id=owner)
    ended = view.status in TERMINAL
    if ended:
        delete_generation(tx, acting, generation_id, now)
    else:
        view = cancel_generation(tx, acting, generation_id, now)
    if owner != viewer.user_id:
        target, left = f"generation:{generation_id}", {"status": view.status}
        audit(tx, viewer, "generation.delete" if ended else "generation.cancel", target, None, left, now)
    return owner, view
