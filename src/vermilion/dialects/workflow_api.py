"""The described `generation` routes: pictures by the workflows an admin made models of."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel

from vermilion.dialects.bodies import CreateBody
from vermilion.dialects.choosing import unknown_model_is_bad_request
from vermilion.dialects.files import GivenFile
from vermilion.dialects.house import HouseHere, Links, LinksHere
from vermilion.dialects.making import Wish, make
from vermilion.dialects.numbered import NumberedPage, PageNumber, PageSize, place_of
from vermilion.dialects.routes import MAKING, Route, face
from vermilion.dialects.table import GENERATION
from vermilion.dialects.task_views import TaskStatus, TaskView, task_view
from vermilion.dialects.tasks_api import end_task, task_for
from vermilion.generation import GenerationView, Status, numbered_page
from vermilion.identity import CurrentActor
from vermilion.kit import Invalid, NotFound


class GenerationTask(BaseModel):
    """A task in the words of these routes; `result_id` is the first picture's."""

    id: UUID
    user_id: UUID | None
    prompt: str
    model_name: str
    status: TaskStatus
    state: Status
    progress: int
    result_id: UUID | None
    error_message: str | None
    created_at: datetime
    completed_at: datetime | None
    ignored_fields: list[str]
    """What was sent and this model does not understand; told by the answer to a create alone."""


class ResultView(GenerationTask):
    """A task with what it made."""

    image_url: str | None
    image_urls: list[str]
    video_url: str | None


class GenerationHistory(NumberedPage):
    """A page of tasks, newest first; `total` counts up to 10,000."""

    items: list[GenerationTask]


@face(
    Route("POST", "/generation/create", "user", "A picture by a workflow", takes_files=True),
    refusals=MAKING,
)
async def create(house: HouseHere, links: LinksHere, actor: CurrentActor, body: CreateBody) -> GenerationTask:
    """`model_name` is a workflow's model; an unknown one is 400. A workflow of one's own is refused."""
    if body.workflow is not None:
        raise Invalid(
            "dialects.workflow_refused",
            "Workflows are chosen by the operator: name one of the studio's as model_name.",
            field="workflow",
        )
    sent: dict[str, Any] = body.model_dump(exclude_none=True, include={"negative_prompt", "steps", "cfg", "seed"})
    sides = body.model_dump(exclude_none=True, include={"width", "height"})
    if len(sides) == 2:
        sent["width_height"] = sides
    files = [GivenFile("image", body.image)] if body.image else []
    wish = Wish(
        "create",
        body.prompt,
        body.model_name,
        sent,
        files,
        sent_as={"model": ("model_name",), "width_height": ("width", "height")},
        # One side alone says no size.
        unused=tuple(sides) if len(sides) == 1 else (),
    )
    try:
        task = await make(house, links, GENERATION, actor, wish)
    except NotFound as error:
        raise unknown_model_is_bad_request(error) from error
    return _of_task(task)


@face(Route("GET", "/generation/status/{task_id}", "owner", "How a task is"))
async def status(house: HouseHere, links: LinksHere, actor: CurrentActor, task_id: UUID) -> GenerationTask:
    """One task."""
    owner, view = await house.db.read(task_for, GENERATION, actor, task_id)
    return _of_task(task_view(GENERATION, view, links, user_id=owner))


@face(Route("GET", "/generation/result/{task_id}", "owner", "What a task made"))
async def result(house: HouseHere, links: LinksHere, actor: CurrentActor, task_id: UUID) -> ResultView:
    """One task with its pictures; none before it is completed."""
    owner, view = await house.db.read(task_for, GENERATION, actor, task_id)
    return _result(view, links, owner)


@face(Route("GET", "/generation/history", "user", "My tasks, by page"))
async def history(
    house: HouseHere, links: LinksHere, actor: CurrentActor, page: PageNumber = 1, limit: PageSize = 20
) -> GenerationHistory:
    """My tasks of these routes, newest first."""
    listed = await house.db.read(numbered_page, actor.user_id, [GENERATION.provider], page=page, limit=limit)
    return GenerationHistory(
        items=[_of_task(task_view(GENERATION, view, links, user_id=actor.user_id)) for view in listed.items],
        **place_of(page, limit, listed.total),
    )


@face(Route("DELETE", "/generation/{task_id}", "owner", "Cancel a task, or delete it"), refusals=(409,))
async def delete(house: HouseHere, links: LinksHere, actor: CurrentActor, task_id: UUID) -> GenerationTask:
    """Cancel the task if it still can be; one that has ended is deleted with what it made. How it then was."""
    return _of_task(await end_task(house, links, GENERATION, actor, task_id))


def _of_task(task: TaskView) -> GenerationTask:
    return GenerationTask(
        id=task.id,
        user_id=task.user_id,
        prompt=task.prompt,
        model_name=task.model,
        status=task.status,
        state=task.state,
        progress=cast(int, task.progress),
        result_id=task.asset_ids[0] if task.asset_ids else None,
        error_message=task.fail_reason,
        created_at=task.created_at,
        completed_at=task.completed_at,
        ignored_fields=task.ignored_fields,
    )


def _result(view: GenerationView, links: Links, owner: UUID) -> ResultView:
    task = task_view(GENERATION, view, links, user_id=owner)
    return ResultView(
        **_of_task(task).model_dump(),
        image_url=task.image_url,
        image_urls=task.image_urls,
        video_url=task.video_url,
    )
