"""A button of a task: what its vendor offers to do with a result, asked for as a generation that goes on from it."""

from vermilion.dialects.bodies import ActionBody, ModalBody
from vermilion.dialects.files import GivenFile
from vermilion.dialects.house import House, Links
from vermilion.dialects.making import submit
from vermilion.dialects.table import Service
from vermilion.dialects.task_views import Offered, TaskView, offers
from vermilion.dialects.tasks_api import task_for
from vermilion.dialects.telling import called
from vermilion.generation import GenerationView, Wanted, WantedInput
from vermilion.identity import Actor
from vermilion.kit import Conflict, NotFound, new_id


async def act(
    house: House,
    links: Links,
    service: Service,
    actor: Actor,
    body: ActionBody | ModalBody,
    *,
    prompt: str | None = None,
    mask: str | None = None,
) -> TaskView:
    """Do what a button says.

    Raises `NotFound` (`dialects.no_such_button`) and `Conflict`: `dialects.button_asks` where what it asks for was
    not sent, `dialects.button_asks_nothing` where an answer is sent to a button that waits for none.
    """
    owner, view = await house.db.read(task_for, service, actor, body.task_id)
    if owner != actor.user_id:
        raise NotFound("generation.not_found", "There is no such generation.")
    given = {name for name, value in (("prompt", prompt), ("mask", mask)) if value}
    pressed = _pressed(view, body.custom_id, given)
    action = pressed.action
    needs = set(action.get("needs") or ())
    if isinstance(body, ModalBody) and not needs:
        raise Conflict(
            "dialects.button_asks_nothing",
            "This button asks for nothing more: send it to submit/action.",
            field="custom_id",
        )
    # Words that come with the button stand in for words that were not sent; pressed alone, it still asks.
    worded = {"prompt"} if action.get("prompt") and given else set()
    if lacking := sorted(needs - given - worded):
        raise Conflict(
            "dialects.button_asks",
            f"This button asks for {' and '.join(lacking)}: send it to submit/modal with them.",
            extras={"needs": lacking},
        )
    role = action.get("input_role")
    wanted = Wanted(
        id=new_id(),
        model=str(action["model"]),
        prompt=prompt if prompt and "prompt" in needs else str(action.get("prompt") or ""),
        params=dict(action.get("params") or {}),
        parent_id=view.id,
    )
    inputs = (WantedInput(str(role), pressed.asset_id),) if role and pressed.asset_id else ()
    mask_sent_as = "mask_base64" if isinstance(body, ActionBody) or body.mask_base64 else "mask"
    files = [GivenFile("mask", mask, sent_as=mask_sent_as)] if mask and "mask" in needs else []
    # What the button says was its vendor's to say; what is wrong with it is wrong with the button pressed.
    names = {"model": "custom_id", "parent_id": "task_id", "params": "prompt" if prompt else "custom_id"}
    with called(names | {f"inputs.{len(inputs)}": mask_sent_as, "inputs.mask": mask_sent_as}):
        return await submit(house, links, service, actor, wanted, files, ["mask"] * len(files), inputs=inputs)


def _pressed(view: GenerationView, custom_id: str | None, given: set[str]) -> Offered:
    buttons = offers(view)
    if custom_id is not None:
        found = [button for button in buttons if custom_id in (button.custom_id, button.action["id"])]
        # The vendor's own name means one button; a word of ours may mean one of several, and then it is the first.
        found.sort(key=lambda button: button.custom_id != custom_id)
    else:
        asking = [button for button in buttons if button.action.get("needs")]
        found = [button for button in asking if set(button.action["needs"]) <= given]
        # Of those that can be answered, the one that takes most of what was given.
        found.sort(key=lambda button: -len(button.action["needs"]))
    if not found:
        field = None if custom_id is None else "custom_id"
        raise NotFound("dialects.no_such_button", "This task has no such button.", field=field)
    return found[0]
