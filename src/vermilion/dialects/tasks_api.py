"""What every service has for its tasks: one, all of them by page, the stream of their changes; and their end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from vermilion.db import Tx
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.numbered import PageNumber, PageSize, place_of
from vermilion.dialects.routes import Route, face
from vermilion.dialects.table import Service
from vermilion.dialects.task_views import TaskPage, TaskView, task_view
from vermilion.events import EventStream, LastEventId, message, number_of, open_stream
from vermilion.generation import GenerationView, end_generation_for, generation_for, numbered_page
from vermilion.identity import Actor, CurrentActor
from vermilion.kit import NotFound


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
                **place_of(page, limit, listed.total),
            )


def add_stream(service: Service) -> None:
    """The route of a service's live changes."""

    @face(
        Route("GET", f"/{service.name}/stream/user", "user", "My tasks' changes, live"),
        refusals=(429,),
        response_class=EventStream,
    )
    async def get_stream(
        house: HouseHere, links: LinksHere, actor: CurrentActor, last_event_id: LastEventId = None
    ) -> EventStream:
        """`task_update` with the task whenever one changes, `task_deleted` with its id.

        After `Last-Event-ID`, if sent; else from now on.
        """

        def say(name: str, data: Mapping[str, Any], number: int) -> bytes:
            return _told(service, links, actor, name, data, number)

        return open_stream(house, actor, number_of(last_event_id), say=say)


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
    task_for(tx, service, actor, task_id)
    return end_generation_for(tx, actor, task_id, now)


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
