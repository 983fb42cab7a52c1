"""What every service has for its tasks: one, all of them by page, the stream of their changes; and their end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from vermilion.db import Tx
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.routes import Route, face
from vermilion.dialects.table import Service
from vermilion.dialects.task_views import TaskPage, TaskView, task_view
from vermilion.events import message, stream
from vermilion.generation import (
    TERMINAL,
    GenerationView,
    cancel_generation,
    delete_generation,
    generation_for,
    numbered_page,
)
from vermilion.identity import Actor, CurrentActor, audit, is_still_in
from vermilion.kit import AppError, NotFound

PAGE_MAX = 10_000

PageNumber = Annotated[int, Query(ge=1, le=PAGE_MAX, description="1 begins with the newest.")]
PageSize = Annotated[int, Query(ge=1, le=100)]


class EventStream(StreamingResponse):
    """Server-sent events; the media type is declared for the API's description."""

    media_type = "text/event-stream"


def add_tasks(service: Service, at: str) -> None:
    """The routes of a service's tasks."""
    one = f"{at}/task/{{task_id}}"

    @face(Route("GET", one, "owner", "One task"))
    async def get_task(house: HouseHere, links: LinksHere, actor: CurrentActor, task_id: UUID) -> TaskView:
        """One task of this service."""
        owner, view = await house.db.read(task_for, service, actor, task_id)
        return task_view(service, view, links, user_id=owner)

    @face(Route("DELETE", one, "owner", "Cancel a task, or delete it"), refusals=(409,))
    async def delete_task(house: HouseHere, links: LinksHere, actor: CurrentActor, task_id: UUID) -> TaskView:
        """Cancel the task if it still can be; one that has ended is deleted with what it made. How it then was."""
        return await end_task(house, links, service, actor, task_id)

    for path in (f"{at}/tasks", f"{at}/history"):

        @face(Route("GET", path, "user", "My tasks, by page"))
        async def get_tasks(
            house: HouseHere, links: LinksHere, actor: CurrentActor, page: PageNumber = 1, limit: PageSize = 20
        ) -> TaskPage:
            """My tasks of this service, newest first."""
            listed = await house.db.read(numbered_page, actor.user_id, [service.provider], page=page, limit=limit)
            return TaskPage(
                items=[task_view(service, view, links, user_id=actor.user_id) for view in listed.items],
                total=listed.total,
                page=page,
                limit=limit,
                has_more=page * limit < listed.total,
            )


def add_stream(service: Service) -> None:
    """The route of a service's live changes."""

    @face(
        Route("GET", f"/{service.name}/stream/user", "user", "My tasks' changes, live"),
        refusals=(429,),
        response_class=EventStream,
    )
    async def get_stream(
        house: HouseHere,
        links: LinksHere,
        actor: CurrentActor,
        last_event_id: Annotated[str | None, Header(max_length=40)] = None,
    ) -> EventStream:
        """`task_update` with the task whenever one changes, `task_deleted` with its id.

        After `Last-Event-ID`, if sent; else from now on.
        """
        if house.hub.is_full(actor.user_id):
            raise AppError("events.too_many_streams", "This person has too many streams open.", status=429)
        seen = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else None

        def still_allowed(tx: Tx) -> bool:
            return is_still_in(tx, actor, house.clock.now())

        def say(name: str, data: Mapping[str, Any], number: int) -> bytes:
            return _told(service, links, actor, name, data, number)

        messages = stream(
            house.db,
            house.hub,
            actor.user_id,
            None if seen is None else min(seen, 2**62),
            still_allowed=still_allowed,
            hint=lambda _: None,
            say=say,
        )
        return EventStream(messages, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def task_for(tx: Tx, service: Service, viewer: Actor, task_id: UUID) -> tuple[UUID, GenerationView]:
    """A task of this service, the viewer's own or to an admin anybody's, after its owner. Raises `NotFound`."""
    owner, view = generation_for(tx, viewer, task_id)
    if view.provider != service.provider:
        raise NotFound("generation.not_found", "There is no such generation.")
    return owner, view


async def end_task(house: House, links: Links, service: Service, actor: Actor, task_id: UUID) -> TaskView:
    """Cancel or delete, whichever is possible; the task as it was left."""
    owner, view = await house.db.write(_end_task, service, actor, task_id, house.clock.now())
    house.engine.wake(task_id)
    return task_view(service, view, links, user_id=owner)


def _end_task(tx: Tx, service: Service, actor: Actor, task_id: UUID, now: datetime) -> tuple[UUID, GenerationView]:
    owner, view = task_for(tx, service, actor, task_id)
    acting = replace(actor, user_id=owner)
    ended = view.status in TERMINAL
    if ended:
        delete_generation(tx, acting, task_id, now)
    else:
        view = cancel_generation(tx, acting, task_id, now)
    if owner != actor.user_id:
        audit(
            tx,
            actor,
            "generation.delete" if ended else "generation.cancel",
            f"generation:{task_id}",
            None,
            {"status": view.status},
            now,
        )
    return owner, view


def _told(service: Service, links: Links, actor: Actor, name: str, data: Mapping[str, Any], number: int) -> bytes:
    if name == "generation.changed" and data.get("provider") == service.provider:
        try:
            view = GenerationView.model_validate(data)
        except ValidationError:
            # Told before an upgrade, in a shape that is no longer read. Whoever fetches anew has it as it is now;
            # an exception would end the stream here at every reconnection.
            return message("reset", {}, number=number)
        task = task_view(service, view, links, user_id=actor.user_id)
        return message("task_update", task.model_dump(mode="json"), number=number)
    if name == "generation.deleted":
        return message("task_deleted", {"id": data["id"], "task_id": data["id"]}, number=number)
    if name == "reset":
        return message("reset", {}, number=number)
    return b""
